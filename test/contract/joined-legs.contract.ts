import type { PcmFrame } from '../../src/audio/pcm';
import { RelayQueue } from '../../src/call/relay-queue';
import type { MediaLeg } from '../../src/media/media-leg';
import { snrDb } from '../support/spectrum';
import type { LegUnderTest } from './media-leg.contract';

/** Two legs of one call, neither of which has answered or offered, and the phones at their other ends. */
export interface LegsUnderTest {
  caller: LegUnderTest;
  callee: LegUnderTest;
  close(): Promise<void> | void;
}

/**
 * What two legs of one call do when they are joined, by whatever stands between them or by whoever has both. `settleMs`:
 * what the change may take; `isJoinedByMedia`: whether these can be joined without us; both legs have the default media
 * timeout of 15 s.
 */
export function describeJoinedLegs(
  name: string,
  open: () => Promise<LegsUnderTest>,
  { isJoinedByMedia, settleMs = 100 }: { isJoinedByMedia: boolean; settleMs?: number },
): void {
  describe(name, () => {
    let test: LegsUnderTest;
    let caller: Party;
    let callee: Party;

    beforeEach(async () => {
      test = await open();
      caller = new Party(test.caller.leg, ourHz.caller);
      callee = new Party(test.callee.leg, ourHz.callee);
    });

    afterEach(async () => {
      test.caller.leg.close();
      test.callee.leg.close();
      await test.close();
    });

    async function bothStarted(formats?: string): Promise<void> {
      await test.caller.leg.answer(test.caller.sdp());
      test.caller.leg.start(caller, caller);
      await test.callee.leg.offer();
      await test.callee.leg.acceptAnswer(test.callee.sdp(formats === undefined ? {} : { formats }));
      test.callee.leg.start(callee, callee);
      await test.caller.elapse(300);
    }

    /** Time passes until it is settled. */
    async function meanwhile<T>(change: Promise<T>): Promise<T> {
      const open = new Set([change]);
      const settled = change.finally(() => open.clear());
      await Promise.resolve();
      while (open.size > 0) await test.caller.elapse(20);
      return settled;
    }

    async function joined(formats?: string): Promise<void> {
      await bothStarted(formats);
      expect(await meanwhile(test.caller.leg.join(test.callee.leg))).toBe(isJoinedByMedia);
      if (!isJoinedByMedia) relay(caller, callee);
      await test.caller.elapse(settleMs);
    }

    /** What each phone has heard lately, and we of the caller, while both speak. */
    async function whileBothSpeak(): Promise<{ atCaller: Int16Array; atCallee: Int16Array; atUs: Int16Array }> {
      test.caller.say(tone(phoneHz.caller, test.caller.leg.rateHz, 1_500));
      test.callee.say(tone(phoneHz.callee, test.callee.leg.rateHz, 1_500));
      await test.caller.elapse(1_500);
      const middle = (heard: Int16Array): Int16Array => heard.subarray(-9_000, -3_000);
      return {
        atCaller: middle(test.caller.heard()),
        atCallee: middle(test.callee.heard()),
        atUs: middle(Int16Array.from(caller.frames.flatMap((frame) => [...frame]))),
      };
    }

    it('hear each other and not us once they are joined', async () => {
      await joined();
      const { atCaller, atCallee } = await whileBothSpeak();
      expect(snrDb(atCaller, 8_000, phoneHz.callee)).toBeGreaterThan(25);
      expect(snrDb(atCallee, 8_000, phoneHz.caller)).toBeGreaterThan(25);
    });

    it('talk to us again once they are parted', async () => {
      await joined();
      await meanwhile(test.callee.leg.part());
      caller.hear(undefined);
      callee.hear(undefined);
      await test.caller.elapse(settleMs);
      const { atCaller, atCallee, atUs } = await whileBothSpeak();
      expect(snrDb(atCaller, 8_000, ourHz.caller)).toBeGreaterThan(25);
      expect(snrDb(atCallee, 8_000, ourHz.callee)).toBeGreaterThan(25);
      expect(snrDb(atUs, 8_000, phoneHz.caller)).toBeGreaterThan(25);
    });

    it('when one closes the other talks to us again, and neither has failed', async () => {
      await joined();
      test.callee.leg.close();
      caller.hear(undefined);
      await test.caller.elapse(settleMs);
      const { atCaller } = await whileBothSpeak();
      expect(snrDb(atCaller, 8_000, ourHz.caller)).toBeGreaterThan(25);
      expect([caller.failures, callee.failures]).toEqual([[], []]);
    });

    it('keys go over, each once', async () => {
      await joined();
      test.caller.press('5');
      await test.caller.elapse(400);
      test.caller.press('#');
      await test.caller.elapse(800);
      expect(test.callee.keysHeard()).toBe('5#');
      expect(test.caller.leg.stats.digits).toBe(2);
    });

    it('a key that the other side cannot take is told', async () => {
      await joined('0');
      test.caller.press('7');
      await test.caller.elapse(800);
      expect(caller.digits).toBe('7');
      expect(test.callee.leg.sendDigit('7', 100)).toBe(false);
    });

    it('we may press a key for either', async () => {
      await joined();
      expect(test.callee.leg.sendDigit('9', 160)).toBe(true);
      await test.caller.elapse(800);
      expect(test.callee.keysHeard()).toBe('9');
      expect(test.caller.keysHeard()).toBe('');
    });

    it('can be joined and parted again and again', async () => {
      await joined();
      for (let n = 0; n < 3; n += 1) {
        await meanwhile(test.caller.leg.part());
        expect(await meanwhile(test.callee.leg.join(test.caller.leg))).toBe(isJoinedByMedia);
      }
      await test.caller.elapse(settleMs);
      const { atCaller, atCallee } = await whileBothSpeak();
      expect(snrDb(atCaller, 8_000, phoneHz.callee)).toBeGreaterThan(25);
      expect(snrDb(atCallee, 8_000, phoneHz.caller)).toBeGreaterThan(25);
    });

    it('keeps two who are on mute and send RTCP', async () => {
      await joined();
      for (const phone of [test.caller, test.callee]) phone.mute();
      for (let passedMs = 0; passedMs < 35_000; passedMs += 5_000) {
        await test.caller.elapse(5_000);
        for (const phone of [test.caller, test.callee]) phone.report();
      }
      expect([caller.failures, callee.failures]).toEqual([[], []]);
    }, 60_000);

    it('on hold the one hears nothing strange, and both hear each other after it', async () => {
      await joined();
      await test.callee.leg.modify(test.callee.sdp({ direction: 'inactive' }));
      await test.caller.elapse(settleMs);
      test.caller.say(tone(phoneHz.caller, 8_000, 500));
      await test.caller.elapse(500);
      await test.callee.leg.modify(test.callee.sdp());
      await test.caller.elapse(settleMs);
      const { atCaller, atCallee } = await whileBothSpeak();
      expect(snrDb(atCaller, 8_000, phoneHz.callee)).toBeGreaterThan(25);
      expect(snrDb(atCallee, 8_000, phoneHz.caller)).toBeGreaterThan(25);
    });
  });
}

// Four tones that are no harmonics of each other: what the phones say, and what we say to them.
const phoneHz = { caller: 600, callee: 1_004 };
const ourHz = { caller: 440, callee: 730 };
const amplitude = 8_000;

/** Our side of one of the legs: it says a tone, or what it was told to hear. */
class Party {
  readonly frames: PcmFrame[] = [];
  readonly failures: unknown[] = [];
  digits = '';
  onFrame: ((frame: PcmFrame) => void) | undefined;
  onKey: ((digit: string) => void) | undefined;
  #source: RelayQueue | undefined;
  #at = 0;

  constructor(
    readonly leg: MediaLeg,
    readonly hz: number,
  ) {}

  hear(source: RelayQueue | undefined): void {
    this.#source = source;
  }

  onAudio(frame: PcmFrame): void {
    this.frames.push(Int16Array.from(frame));
    this.onFrame?.(frame);
  }

  onDigit(digit: string): void {
    this.digits += digit;
    this.onKey?.(digit);
  }

  onFailure(failure: unknown): void {
    this.failures.push(failure);
  }

  pull(frame: PcmFrame): void {
    if (this.#source !== undefined) {
      this.#source.pull(frame);
      return;
    }
    for (let i = 0; i < frame.length; i += 1) frame[i] = sine(this.#at + i, this.hz, this.leg.rateHz);
    this.#at += frame.length;
  }
}

/** What a call does with legs that nobody else joins. */
function relay(caller: Party, callee: Party): void {
  const rates = { fromHz: 8_000, toHz: 8_000 } as const;
  for (const [from, to] of [
    [caller, callee],
    [callee, caller],
  ] as const) {
    const queue = new RelayQueue(rates);
    from.onFrame = (frame) => queue.push(frame);
    from.onKey = (digit) => to.leg.sendDigit(digit as '0', 100);
    to.hear(queue);
  }
}

function tone(hz: number, rateHz: number, durationMs: number): Int16Array {
  return Int16Array.from({ length: (rateHz * durationMs) / 1_000 }, (_, i) => sine(i, hz, rateHz));
}

function sine(index: number, hz: number, rateHz: number): number {
  return Math.round(amplitude * Math.sin((2 * Math.PI * hz * index) / rateHz));
}
