import { FreeswitchPool } from '../../src/media/freeswitch-pool';
import { silentLogger } from '../../src/runtime/logger';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { FakeFreeswitch, FakeMrf } from './fake-mrf';
import { offer } from './offers';

const request = { callId: 'call', callerOffer: offer(), ourOffer: offer({ port: 10_000 }) };
const owner = 'ringbridge-test';

/** Two servers, the first with three times the weight of the second. */
class PoolUnderTest {
  readonly clock = new VirtualClock();
  readonly first = new FakeFreeswitch('first');
  readonly second = new FakeFreeswitch('second');
  readonly mrf = new FakeMrf(
    new Map([
      [8_021, this.first],
      [8_022, this.second],
    ]),
  );
  readonly pool: FreeswitchPool;

  constructor({ servers = 2 } = {}) {
    const addresses = [
      { host: '10.0.0.1', port: 8_021, weight: 3 },
      { host: '10.0.0.2', port: 8_022, weight: 1 },
    ];
    this.pool = new FreeswitchPool(
      {
        clock: this.clock,
        logger: silentLogger,
        mrf: this.mrf,
        probe: this.mrf.probe,
        secret: 's3cret',
        listen: { host: '127.0.0.1', port: 0 },
        owner,
      },
      addresses.slice(0, servers),
    );
  }

  static async started(options?: { servers?: number }): Promise<PoolUnderTest> {
    const test = new PoolUnderTest(options);
    const started = test.pool.start({ deadlineMs: 10_000 });
    await test.clock.advanceAsync(1);
    await started;
    return test;
  }

  /** The result of something that needs time to pass. */
  async during<T>(work: Promise<T>, ms: number): Promise<T> {
    work.catch(() => undefined);
    await this.clock.advanceAsync(ms);
    return work;
  }

  async close(): Promise<void> {
    await this.during(this.pool.close(), 10_000);
    expect(this.clock.pendingTimers).toBe(0);
    expect(this.first.connections.size + this.second.connections.size).toBe(0);
  }
}

test('each call goes where the fewest channels are for the weight', async () => {
  const test = await PoolUnderTest.started();
  for (let call = 0; call < 8; call += 1) await test.pool.openPair(request);
  expect([test.first.channels.size, test.second.channels.size]).toEqual([12, 4]);
  await test.close();
  expect([test.first.channels.size, test.second.channels.size]).toEqual([0, 0]);
});

test('both channels of a call carry our name and the call, and are bridged', async () => {
  const test = await PoolUnderTest.started({ servers: 1 });
  const { caller, ours } = await test.pool.openPair(request);
  const options = [...test.first.channels.values()].map(({ channel }) => channel?.options);
  expect(options.map((one) => one?.headers.From)).toEqual(Array(2).fill(`"call" <sip:${owner}@localhost>`));
  expect(options.map((one) => one?.headers['X-Ringbridge-Timer'])).toEqual(['none', 'none']);
  expect(test.first.sent('uuid_bridge')).toEqual([`uuid_bridge ${caller.uuid} ${ours.uuid}`]);
  await test.close();
});

test('a server that was paused gets no new calls, its calls go on, and it is used again when it was resumed', async () => {
  const test = await PoolUnderTest.started();
  const { caller } = await test.pool.openPair(request);
  test.first.ready = false;
  await test.clock.advanceAsync(2_000);
  for (let call = 0; call < 3; call += 1) await test.pool.openPair(request);
  expect([test.first.channels.size, test.second.channels.size]).toEqual([2, 6]);
  expect(caller.isGone).toBe(false);
  test.first.ready = true;
  await test.clock.advanceAsync(2_000);
  await test.pool.openPair(request);
  expect(test.first.channels.size).toBe(4);
  await test.close();
});

test('with every server paused no call finds a place', async () => {
  const test = await PoolUnderTest.started();
  test.first.ready = test.second.ready = false;
  await test.clock.advanceAsync(2_000);
  expect(test.pool.taking).toBe(false);
  await expect(test.pool.openPair(request)).rejects.toMatchObject({ name: 'MediaUnavailable' });
  await test.close();
});

test.each([
  [3, 1],
  [4, 1],
  [5, 2],
])('a server that says %d sessions takes one less, which are %d calls', async (sessionsMax, calls) => {
  const test = await PoolUnderTest.started({ servers: 1 });
  test.first.sessionsMax = sessionsMax;
  await test.clock.advanceAsync(2_000);
  for (let n = 0; n < calls; n += 1) await test.pool.openPair(request);
  expect(test.pool.taking).toBe(false);
  const why = `FreeSWITCH 10.0.0.1:8021: is full (${sessionsMax} sessions)`;
  await expect(test.pool.openPair(request)).rejects.toThrow(why);
  await test.close();
});

test('a call that one server fails is made on another', async () => {
  const test = await PoolUnderTest.started();
  test.first.refusal = 503;
  const { caller } = await test.pool.openPair(request);
  expect(caller.uuid).toMatch(/^second-/);
  test.first.refusal = new Error('Connection timeout');
  expect((await test.pool.openPair(request)).caller.uuid).toMatch(/^second-/);
  await test.close();
});

test('an offer without a codec is refused and not tried again', async () => {
  const test = await PoolUnderTest.started();
  test.first.refusal = 488;
  test.second.refusal = 488;
  // Our own offer fails the same way here; the caller's fault comes first.
  await expect(test.pool.openPair(request)).rejects.toMatchObject({ name: 'OfferRefused', status: 488 });
  expect(test.second.made).toBe(0);
  await test.close();
});

test('channels that come too late are hung up, and the call goes on elsewhere', async () => {
  const test = await PoolUnderTest.started();
  test.first.hold();
  const { caller } = await test.during(test.pool.openPair(request), 3_000);
  expect(caller.uuid).toMatch(/^second-/);
  test.first.release();
  await test.clock.advanceAsync(1);
  expect([test.first.made, test.first.channels.size]).toEqual([2, 0]);
  expect(test.pool.servers[0]?.stats).toMatchObject({ endpointsFailed: 2, endpointsLate: 2 });
  await test.close();
});

test('a start without any server tells what is wrong with each', async () => {
  const test = new PoolUnderTest();
  test.first.problem = 'FreeSWITCH refused the secret';
  test.second.problem = 'no SIP profile drachtio_mrf runs';
  await expect(test.during(test.pool.start({ deadlineMs: 10_000 }), 10_000)).rejects.toThrow(
    'FreeSWITCH 10.0.0.1:8021: FreeSWITCH refused the secret; FreeSWITCH 10.0.0.2:8022: no SIP profile drachtio_mrf runs',
  );
  await test.close();
});

test('one server is enough for a start, and the other is used when it comes', async () => {
  const test = new PoolUnderTest();
  test.first.problem = 'connect ECONNREFUSED';
  await test.during(test.pool.start({ deadlineMs: 10_000 }), 1);
  expect((await test.pool.openPair(request)).caller.uuid).toMatch(/^second-/);
  test.first.problem = undefined;
  await test.clock.advanceAsync(500);
  expect((await test.pool.openPair(request)).caller.uuid).toMatch(/^first-/);
  await test.close();
});
