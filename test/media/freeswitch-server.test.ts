import { FreeswitchServer, leaseSeconds } from '../../src/media/freeswitch-server';
import { silentLogger } from '../../src/runtime/logger';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { FakeFreeswitch, FakeMrf } from './fake-mrf';
import { offer } from './offers';

const owner = 'ringbridge-test';
const request = { callId: 'call', offer: offer() };

class ServerUnderTest {
  readonly clock = new VirtualClock();
  readonly freeswitch = new FakeFreeswitch('fs');
  readonly mrf = new FakeMrf(new Map([[8_021, this.freeswitch]]));
  readonly server = new FreeswitchServer(
    {
      clock: this.clock,
      logger: silentLogger,
      mrf: this.mrf,
      probe: this.mrf.probe,
      secret: 's3cret',
      listen: { host: '127.0.0.1', port: 0 },
      advertise: '192.0.2.7',
      owner,
    },
    { host: '10.0.0.1', port: 8_021, weight: 1 },
  );

  async start(): Promise<void> {
    this.server.start(() => undefined);
    await this.clock.advanceAsync(1);
  }

  async close(): Promise<void> {
    const closing = this.server.close();
    await this.clock.advanceAsync(10_000);
    await closing;
    expect(this.clock.pendingTimers).toBe(0);
    expect(this.freeswitch.connections.size).toBe(0);
  }
}

let test_: ServerUnderTest;

beforeEach(() => {
  test_ = new ServerUnderTest();
});

test('it connects as the settings say, and asks how it is every two seconds', async () => {
  await test_.start();
  expect(test_.server.state).toBe('up');
  expect(test_.mrf.connects).toEqual([
    {
      address: '10.0.0.1',
      port: 8_021,
      secret: 's3cret',
      profile: 'drachtio_mrf',
      listenAddress: '127.0.0.1',
      listenPort: 0,
      advertisedAddress: '192.0.2.7',
    },
  ]);
  await test_.clock.advanceAsync(10_000);
  expect(test_.freeswitch.sent('status')).toHaveLength(6);
  await test_.close();
});

test('channels of an earlier life are hung up at the start, those of others are not', async () => {
  test_.freeswitch.channels.set('old', { owner, channel: undefined });
  test_.freeswitch.channels.set('other', { owner: 'ringbridge-other', channel: undefined });
  await test_.start();
  expect([...test_.freeswitch.channels.keys()]).toEqual(['other']);
  expect(test_.server.stats.leftoversReaped).toBe(1);
  await test_.close();
});

test('the agent hears no music of FreeSWITCH while the caller holds', async () => {
  await test_.start();
  const { uuid } = await test_.server.createEndpoint(request);
  expect(test_.freeswitch.sent('uuid_setvar')).toEqual([`uuid_setvar ${uuid} hold_music silence`]);
  await test_.close();
});

test('every channel hangs itself up unless its lease is renewed', async () => {
  await test_.start();
  const { uuid } = await test_.server.createEndpoint(request);
  const lease = `sched_hangup +${leaseSeconds} ${uuid} allotted_timeout`;
  expect(test_.freeswitch.sent('sched')).toEqual([`sched_del ${uuid}`, lease]);
  await test_.clock.advanceAsync(60_000);
  expect(test_.freeswitch.sent('sched_hangup')).toEqual([lease, lease, lease, lease]);
  await test_.close();
});

test('a closed channel is killed once and gets no more leases', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const told: string[] = [];
  endpoint.onGone((reason) => told.push(reason));
  endpoint.close();
  endpoint.close();
  await test_.clock.advanceAsync(60_000);
  expect(test_.freeswitch.sent('uuid_kill')).toEqual([`uuid_kill ${endpoint.uuid}`]);
  expect(test_.freeswitch.sent('sched_hangup')).toHaveLength(1);
  expect([told, test_.server.channels]).toEqual([[], 0]);
  await test_.close();
});

test('a channel whose BYE does not come gets ours', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const channel = test_.freeswitch.channels.get(endpoint.uuid)?.channel;
  test_.freeswitch.channels.set(endpoint.uuid, { owner, channel: undefined });
  endpoint.close();
  await test_.clock.advanceAsync(2_999);
  expect(channel?.byes).toBe(0);
  await test_.clock.advanceAsync(1);
  expect(channel?.byes).toBe(1);
  await test_.close();
});

test('a channel that FreeSWITCH ends is told once', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const told: string[] = [];
  endpoint.onGone((reason) => told.push(reason));
  test_.freeswitch.channels.get(endpoint.uuid)?.channel?.hangUp('ALLOTTED_TIMEOUT');
  expect([told, test_.server.channels]).toEqual([['ALLOTTED_TIMEOUT'], 0]);
  await test_.close();
});

test('the death of FreeSWITCH ends its channels at once, and it is used again when it is back', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const told: string[] = [];
  endpoint.onGone((reason) => told.push(reason));
  test_.freeswitch.die();
  expect(told).toEqual(['the connection to the channel broke']);
  endpoint.close();
  await test_.clock.advanceAsync(60_000);
  expect(test_.server.state).toBe('connecting');
  await expect(test_.server.createEndpoint(request)).rejects.toMatchObject({ name: 'MediaUnavailable' });
  test_.freeswitch.problem = undefined;
  await test_.clock.advanceAsync(500);
  expect(test_.server.state).toBe('up');
  await test_.server.createEndpoint(request);
  expect(test_.server.stats).toMatchObject({ connects: 2, losses: 1 });
  await test_.close();
});

test('a frozen FreeSWITCH is noticed by its heartbeat; its calls end when it does not come back soon', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const told: string[] = [];
  endpoint.onGone((reason) => told.push(reason));
  test_.freeswitch.frozen = true;
  await test_.clock.advanceAsync(4_000);
  expect([test_.server.state, told]).toEqual(['connecting', []]);
  await test_.clock.advanceAsync(5_000);
  expect(told).toEqual(['FreeSWITCH 10.0.0.1:8021 is gone: FreeSWITCH 10.0.0.1:8021 did not answer status']);
  await test_.close();
});

test('calls survive when only the event socket was away for a moment', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const told: string[] = [];
  endpoint.onGone((reason) => told.push(reason));
  for (const connection of [...test_.freeswitch.connections]) connection.break();
  expect(test_.server.state).toBe('connecting');
  await test_.clock.advanceAsync(10_000);
  expect([test_.server.state, told]).toEqual(['up', []]);
  expect(test_.freeswitch.sent('uuid_kill')).toEqual([]);
  endpoint.close();
  expect(test_.freeswitch.sent('uuid_kill')).toHaveLength(1);
  await test_.close();
});

test('a channel that was closed while the event socket was away gets a BYE, and is reaped if that is lost', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const channel = test_.freeswitch.channels.get(endpoint.uuid)?.channel;
  for (const connection of [...test_.freeswitch.connections]) connection.break();
  endpoint.close();
  await test_.clock.advanceAsync(1_000);
  expect(channel?.byes).toBe(1);
  expect(test_.freeswitch.channels.size).toBe(0);
  await test_.close();
});

test('a re-INVITE gives the answer, a refusal, or up', async () => {
  await test_.start();
  const endpoint = await test_.server.createEndpoint(request);
  const channel = test_.freeswitch.channels.get(endpoint.uuid)?.channel;
  expect(await endpoint.reinvite(offer())).toContain('-again');
  channel!.reinviteStatus = 488;
  await expect(endpoint.reinvite(offer())).rejects.toMatchObject({ name: 'OfferRefused', status: 488 });
  channel!.reinviteStatus = undefined;
  const hanging = endpoint.reinvite(offer());
  hanging.catch(() => undefined);
  await test_.clock.advanceAsync(3_000);
  await expect(hanging).rejects.toMatchObject({ name: 'MediaUnavailable' });
  await test_.close();
});
