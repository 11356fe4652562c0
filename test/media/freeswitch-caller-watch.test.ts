import { CallerWatch } from '../../src/media/freeswitch-caller-watch';
import type { Clock } from '../../src/runtime/clock';
import { VirtualClock } from '../../src/runtime/virtual-clock';

const onTime = (): number => 0;
type Sent = 'speech' | 'comfort noise' | 'RTCP' | 'nothing';

/** A call through FreeSWITCH, seen by its watch alone. `timersOffMs`: how early (below 0) or late each timer fires. */
class Call {
  readonly clock = new VirtualClock();
  /** What the watch was told last, in ms. */
  silentMs: number | undefined;
  ourPackets = 0;
  callerPackets = 0;
  /** RTCP has come that FreeSWITCH has not told of: it does when RTP comes, or when it is asked. */
  reported = false;
  rousedAtMs: number[] = [];
  onHold = false;
  asked = 0;
  answers: 'at once' | 'never' | 'with a refusal' = 'at once';
  readonly watch: CallerWatch;

  constructor({ limitMs = 4_000, firstLimitMs = 30_000, timersOffMs = onTime } = {}) {
    const clock: Clock = {
      now: () => this.clock.now(),
      wallTimeMs: () => this.clock.wallTimeMs(),
      setTimer: (delayMs, fire) => this.clock.setTimer(delayMs + timersOffMs(), fire),
    };
    this.watch = new CallerWatch({
      ...{ clock, limitMs, firstLimitMs },
      ourPackets: () => this.ourPackets,
      callerPackets: () => this.#answer(),
      rouse: () => this.#rouse(),
      expectsMedia: () => !this.onHold,
      onSilent: (silentMs) => (this.silentMs = silentMs),
    });
  }

  /**
   * Seconds pass; comfort noise is a packet each 200 ms that FreeSWITCH counts and keeps, speech 50 a second that it passes
   * on, and RTCP one each 5 s.
   */
  async pass(seconds: number, what: Sent): Promise<void> {
    for (let part = 0; part < seconds * 5; part += 1) {
      if (what === 'speech') this.ourPackets += 10;
      if (what === 'speech' || what === 'comfort noise') this.callerPackets += what === 'speech' ? 10 : 1;
      if (what === 'RTCP' && part % 25 === 0) this.reported = true;
      await this.clock.advanceAsync(200);
    }
  }

  #rouse(): void {
    this.rousedAtMs.push(this.clock.now());
    this.clock.setTimer(50, () => {
      if (this.reported) this.watch.heardReport();
      this.reported = false;
    });
  }

  #answer(): Promise<number> {
    this.asked += 1;
    if (this.answers === 'never') return new Promise(() => undefined);
    if (this.answers === 'with a refusal') return Promise.reject(new Error('the event socket is closed'));
    return Promise.resolve(this.callerPackets);
  }
}

/** Node's timers fire up to a millisecond early by the clock that `now` reads, and late under load. */
const timersOff: readonly [string, () => number][] = [
  ['on time', onTime],
  ['a little early', () => -0.6],
  ['a little late', () => 0.7],
  ['early and late in turn', inTurn(-0.9, -0.9, 3, 3, 3)],
];

function inTurn(...offMs: number[]): () => number {
  let turn = 0;
  return () => offMs[turn++ % offMs.length]!;
}

describe.each(timersOff)('with timers that fire %s', (_when, timersOffMs) => {
  test.each([1_000, 1_500, 2_000, 4_000, 15_000])(
    'comfort noise keeps a call of %i ms up for minutes',
    async (limitMs) => {
      const call = new Call({ limitMs, timersOffMs });
      for (let word = 0; word < 10; word += 1) {
        await call.pass(3.2, 'speech');
        await call.pass(20, 'comfort noise');
      }
      expect(call.silentMs).toBeUndefined();
      call.watch.end();
      expect(call.clock.pendingTimers).toBe(0);
    },
  );

  test.each([1_000, 4_000, 15_000])('a caller who is gone is noticed at the limit of %i ms', async (limitMs) => {
    const call = new Call({ limitMs, timersOffMs });
    await call.pass(3, 'speech');
    await call.pass(5, 'comfort noise');
    await call.pass(30, 'nothing');
    expect(call.silentMs).toBeGreaterThanOrEqual(limitMs);
    // A look later than the limit RTCP is asked for, and a look later than that its caller is given up.
    expect(call.silentMs).toBeLessThan(limitMs + 2_010);
    expect(call.rousedAtMs).toHaveLength(1);
  });

  test.each([8_000, 15_000])('RTCP alone keeps a call of %i ms up for minutes', async (limitMs) => {
    const call = new Call({ limitMs, timersOffMs });
    await call.pass(3, 'speech');
    await call.pass(300, 'RTCP');
    expect(call.silentMs).toBeUndefined();
    // FreeSWITCH must find time for its own look between two questions.
    expect(call.rousedAtMs.length).toBeLessThanOrEqual(300_000 / limitMs);
    await call.pass(2 * (limitMs / 1_000) + 4, 'nothing');
    expect(call.silentMs).toBeGreaterThanOrEqual(limitMs);
    call.watch.end();
  });
});

test('a caller of whom nothing was ever heard has the first limit', async () => {
  const call = new Call({ firstLimitMs: 10_000 });
  await call.pass(9, 'nothing');
  expect(call.silentMs).toBeUndefined();
  await call.pass(3, 'nothing');
  expect(call.silentMs).toBe(11_000);
});

test('a caller who begins with comfort noise has been heard', async () => {
  const call = new Call({ firstLimitMs: 10_000 });
  await call.pass(60, 'comfort noise');
  expect(call.silentMs).toBeUndefined();
  await call.pass(6, 'nothing');
  expect(call.silentMs).toBe(5_000);
});

test('nobody is given up on hold, and silence counts anew afterwards', async () => {
  const call = new Call();
  await call.pass(3, 'speech');
  call.onHold = true;
  await call.pass(60, 'nothing');
  expect(call.silentMs).toBeUndefined();
  call.onHold = false;
  await call.pass(3, 'nothing');
  expect(call.silentMs).toBeUndefined();
  await call.pass(3, 'nothing');
  expect(call.silentMs).toBe(5_000);
});

test.each(['never', 'with a refusal'] as const)(
  'a FreeSWITCH that answers %s keeps no call for long',
  async (answers) => {
    const call = new Call();
    await call.pass(3, 'speech');
    call.answers = answers;
    await call.pass(5, 'nothing');
    expect(call.silentMs).toBeUndefined();
    await call.pass(3, 'nothing');
    expect(call.silentMs).toBe(6_000);
  },
);

test('FreeSWITCH is not asked about a caller who speaks', async () => {
  const call = new Call();
  await call.pass(60, 'speech');
  expect(call.asked).toBe(0);
  expect(call.rousedAtMs).toEqual([]);
});
