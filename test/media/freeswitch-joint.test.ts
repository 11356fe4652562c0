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
  readonly joint: Joint;
  isOver = false;
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
      } as unknown as FreeswitchEndpoint;
    };
    const caller = endpoint(`${name}-far`);
    const pair: BridgedPair = { server: server as FreeswitchServer, caller, ours: endpoint(`${name}-ours`) };
    this.joint = new Joint({
      clock,
      pair: () => (this.isOver ? undefined : pair),
      canTakeKeys: () => true,
      onDigit: () => undefined,
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
