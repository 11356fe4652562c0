import type { FreeswitchEndpoint } from '../../src/media/freeswitch-endpoint';
import { Joint } from '../../src/media/freeswitch-joint';
import type { BridgedPair } from '../../src/media/freeswitch-pool';
import type { FreeswitchServer } from '../../src/media/freeswitch-server';
import { MediaUnavailable } from '../../src/media/media-leg';
import { VirtualClock } from '../../src/runtime/virtual-clock';

/** A leg's channels, which note whom they were bridged with. */
class FakeLeg {
  readonly bridges: string[] = [];
  readonly failures: string[] = [];
  /** How long its far side was waited for, each time in vain. */
  readonly neverHeard: number[] = [];
  /** How often FreeSWITCH was asked for its packets. */
  looks = 0;
  readonly joint: Joint;
  isOver = false;
  /** Packets that FreeSWITCH counted at its far side. */
  packets = 1;
  /** The bridge that it was made with is there. */
  isPair = true;
  /** What the next bridges are refused with. */
  refusal: Error | undefined;

  constructor(
    readonly name: string,
    clock: VirtualClock,
    server: object,
  ) {
    const endpoint = (uuid: string): FreeswitchEndpoint => {
      return {
        uuid,
        rebridge: (other: { uuid: string }) => this.#rebridge(other.uuid),
        isBridgedWith: () => Promise.resolve(this.isPair),
        packetsReceived: () => {
          this.looks += 1;
          return Promise.resolve(this.packets);
        },
      } as unknown as FreeswitchEndpoint;
    };
    const caller = endpoint(`${name}-far`);
    const pair: BridgedPair = { server: server as FreeswitchServer, caller, ours: endpoint(`${name}-ours`) };
    this.joint = new Joint({
      clock,
      pair: () => (this.isOver ? undefined : pair),
      canTakeKeys: () => true,
      onDigit: () => undefined,
      onNeverHeard: (waitedMs) => this.neverHeard.push(waitedMs),
      onFailure: (reason) => this.failures.push(reason),
    });
  }

  #rebridge(other: string): Promise<void> {
    this.bridges.push(other);
    return this.refusal === undefined ? Promise.resolve() : Promise.reject(this.refusal);
  }
}

function twoLegs({ onOneServer = true } = {}): { clock: VirtualClock; one: FakeLeg; two: FakeLeg } {
  const clock = new VirtualClock();
  const server = {};
  return { clock, one: new FakeLeg('one', clock, server), two: new FakeLeg('two', clock, onOneServer ? server : {}) };
}

test('legs on two servers are not joined', async () => {
  const { one, two } = twoLegs({ onOneServer: false });
  expect(await one.joint.join(two.joint)).toBe(false);
  expect(one.bridges).toEqual([]);
});

test('a bridge that fails is told, and both are brought back to us', async () => {
  const { clock, one, two } = twoLegs();
  one.refusal = new MediaUnavailable('no such channel');
  const joining = one.joint.join(two.joint);
  const told = expect(joining).rejects.toThrow('no such channel');
  await clock.advanceAsync(1);
  one.refusal = undefined;
  await clock.advanceAsync(1_000);
  await told;
  expect([one.bridges, two.bridges]).toEqual([['two-far', 'one-ours'], ['two-ours']]);
  expect([one.failures, two.failures, one.joint.isJoined, two.joint.isJoined]).toEqual([[], [], false, false]);
});

test('a leg that cannot be brought back has failed', async () => {
  const { clock, one, two } = twoLegs();
  await one.joint.join(two.joint);
  one.refusal = new MediaUnavailable('no such channel');
  void one.joint.part();
  await clock.advanceAsync(1_000);
  expect([one.failures, two.failures]).toEqual([['no such channel'], []]);
});

test('a leg that closes sends the other one back to us', async () => {
  const { clock, one, two } = twoLegs();
  await one.joint.join(two.joint);
  two.isOver = true;
  two.joint.close();
  await clock.advanceAsync(1_000);
  expect([one.bridges, two.bridges]).toEqual([['two-far', 'one-ours'], []]);
});

test('when both close, nothing is brought back', async () => {
  const { clock, one, two } = twoLegs();
  await one.joint.join(two.joint);
  for (const leg of [one, two]) leg.isOver = true;
  for (const leg of [one, two]) leg.joint.close();
  await clock.advanceAsync(1_000);
  expect([one.bridges, two.bridges]).toEqual([['two-far'], []]);
});

test('changes come one after the other, and the last one counts', async () => {
  const { clock, one, two } = twoLegs();
  void one.joint.join(two.joint);
  void one.joint.part();
  const last = two.joint.join(one.joint);
  await clock.advanceAsync(2_000);
  expect(await last).toBe(true);
  expect(two.bridges.at(-1)).toBe('one-far');
  expect(one.joint.isJoined).toBe(true);
});

test.each(['one', 'two'] as const)(
  'while the far side of %s has sent nothing, audio goes on through us',
  async (name) => {
    const legs = twoLegs();
    const { clock, one, two } = legs;
    legs[name].packets = 0;
    const joining = one.joint.join(two.joint);
    await clock.advanceAsync(5_000);
    expect([one.bridges, one.joint.isJoined, two.joint.isJoined]).toEqual([[], false, false]);
    legs[name].packets = 1;
    await clock.advanceAsync(500);
    expect(await joining).toBe(true);
    expect(one.bridges).toEqual(['two-far']);
  },
);

test('no order overtakes the bridge that a pair of channels was made with', async () => {
  const { clock, one, two } = twoLegs();
  two.isPair = false;
  const joining = one.joint.join(two.joint);
  await clock.advanceAsync(1_000);
  expect(one.bridges).toEqual([]);
  two.isPair = true;
  await clock.advanceAsync(200);
  expect(await joining).toBe(true);
});

test('whoever is never heard is not joined, and that is told once, of that side', async () => {
  const { clock, one, two } = twoLegs();
  two.packets = 0;
  const joining = one.joint.join(two.joint);
  await clock.advanceAsync(31_000);
  expect(await joining).toBe(false);
  expect(one.bridges).toEqual([]);
  expect([one.neverHeard, two.neverHeard]).toEqual([[], [30_000]]);
});

test('the longer a far side is waited for, the more seldom FreeSWITCH is asked, and a join is at most a tenth later', async () => {
  const { clock, one, two } = twoLegs();
  two.packets = 0;
  const joining = one.joint.join(two.joint);
  await clock.advanceAsync(1_000);
  expect(two.looks).toBe(11);
  await clock.advanceAsync(28_000);
  expect(two.looks).toBeLessThan(60);
  two.packets = 1;
  await clock.advanceAsync(1_000);
  expect(await joining).toBe(true);
});

test.each(['part', 'close'] as const)('%s of either ends the wait for a far side', async (verb) => {
  for (const name of ['one', 'two'] as const) {
    const legs = twoLegs();
    const { clock, one, two } = legs;
    two.packets = 0;
    const joining = one.joint.join(two.joint);
    await clock.advanceAsync(500);
    void legs[name].joint[verb]();
    two.packets = 1;
    await clock.advanceAsync(500);
    expect(await joining).toBe(false);
    expect([one.bridges, two.bridges]).toEqual([[], []]);
    expect([one.neverHeard, two.neverHeard]).toEqual([[], []]);
  }
});

test('a second wait takes the place of the first', async () => {
  const { clock, one, two } = twoLegs();
  two.packets = 0;
  const first = one.joint.join(two.joint);
  await clock.advanceAsync(500);
  void one.joint.part();
  const second = one.joint.join(two.joint);
  two.packets = 1;
  await clock.advanceAsync(500);
  expect([await first, await second]).toEqual([false, true]);
  expect(one.bridges).toEqual(['two-far']);
});
