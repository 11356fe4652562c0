import { g711Silence } from '../../src/audio/g711';
import { createFreeswitchLegFactory, neverMs } from '../../src/media/freeswitch-leg';
import { FreeswitchPool } from '../../src/media/freeswitch-pool';
import { FrameClock } from '../../src/media/frame-clock';
import type { MediaLeg, MediaLegFactory } from '../../src/media/media-leg';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import { PortPool } from '../../src/rtp/port-pool';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { MemoryNetwork } from '../rtp/memory-network';
import { LoggerSpy } from '../support/logger-spy';
import { FakeMrf } from './fake-mrf';
import { Listener, NumberedSource, PacketPhone } from './leg-on-network';
import { offer } from './offers';
import { relayAddress, RelayFreeswitch } from './relay-freeswitch';

class LegUnderTest {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly freeswitch = new RelayFreeswitch(this.network);
  readonly listener = new Listener(this.clock);
  readonly logger = new LoggerSpy();
  readonly factory: MediaLegFactory;
  readonly pool: FreeswitchPool;

  constructor() {
    const mrf = new FakeMrf(new Map([[8_021, this.freeswitch]]));
    const common = { clock: this.clock, logger: this.logger };
    this.pool = new FreeswitchPool(
      {
        ...common,
        mrf,
        probe: mrf.probe,
        secret: 'x',
        listen: { host: '127.0.0.1', port: 0 },
        owner: 'ringbridge-test',
      },
      [{ host: '10.0.0.1', port: 8_021, weight: 1 }],
    );
    const ours = createRtpLegFactory({
      ...common,
      random: seededRandom(1),
      frameClock: new FrameClock(common),
      ports: new PortPool({ ...common, random: seededRandom(2), first: 10_000, last: 10_099 }),
      localAddress: '203.0.113.5',
      facesOwnServer: true,
      openPair: this.network.openPair,
      mediaTimeoutMs: neverMs,
      firstMediaTimeoutMs: neverMs,
    });
    this.factory = createFreeswitchLegFactory({ ...common, pool: this.pool, ours });
  }

  async leg(): Promise<MediaLeg> {
    void this.pool.start({ deadlineMs: 1_000 });
    await this.clock.advanceAsync(1);
    return this.nextLeg();
  }

  nextLeg(): Promise<MediaLeg> {
    return this.factory.create({ callId: 'call', signallingAddress: '198.51.100.7' });
  }
}

let test_: LegUnderTest;

beforeEach(() => {
  test_ = new LegUnderTest();
});

test('the death of FreeSWITCH fails the leg once', async () => {
  const leg = await test_.leg();
  await leg.answer(offer());
  leg.start(test_.listener, new NumberedSource());
  test_.freeswitch.die();
  expect(test_.listener.failures).toEqual([
    { failure: { kind: 'media-error', message: 'the connection to the channel broke' }, atMs: expect.any(Number) },
  ]);
  leg.close();
});

test('a failure before anybody listens is told at the start', async () => {
  const leg = await test_.leg();
  await leg.answer(offer());
  test_.freeswitch.die();
  leg.start(test_.listener, new NumberedSource());
  expect(test_.listener.failures).toHaveLength(1);
  leg.close();
});

test('a call that ends while its channels are made leaves none', async () => {
  const leg = await test_.leg();
  test_.freeswitch.hold();
  const answering = leg.answer(offer());
  answering.catch(() => undefined);
  await test_.clock.advanceAsync(20);
  leg.close();
  test_.freeswitch.release();
  await test_.clock.advanceAsync(20);
  await expect(answering).rejects.toMatchObject({ name: 'MediaUnavailable' });
  expect(test_.freeswitch.made).toBe(2);
  expect(test_.freeswitch.channels.size).toBe(0);
  expect(test_.network.boundPorts).toBe(0);
});

test('a re-INVITE goes to FreeSWITCH, and its answer to the caller', async () => {
  const leg = await test_.leg();
  const first = await leg.answer(offer());
  const again = await leg.modify(offer({ direction: 'sendonly' }));
  expect([first, again].map((sdp) => /a=(\w+)\r\n$/.exec(sdp)?.[1])).toEqual(['sendrecv', 'recvonly']);
  leg.close();
});

test('keys go only to a caller that offered telephone-event, whatever FreeSWITCH answers', async () => {
  const leg = await test_.leg();
  test_.freeswitch.liberalDtmf = true;
  expect(await leg.answer(offer({ formats: '0' }))).toContain('telephone-event');
  expect(leg.sendDigit('1', 100)).toBe(false);
  await leg.modify(offer());
  expect(leg.sendDigit('1', 100)).toBe(true);
  leg.close();
});

test('the agent is silent from the hold on, and not from the answer of FreeSWITCH on', async () => {
  const leg = await test_.leg();
  await leg.answer(offer());
  const agent = new NumberedSource();
  leg.start(test_.listener, agent);
  await test_.clock.advanceAsync(200);
  test_.freeswitch.answersReinvites = false;
  const holding = leg.modify(offer({ direction: 'sendonly' }));
  const { pulls } = agent;
  holding.catch(() => undefined);
  await test_.clock.advanceAsync(1_000);
  expect(agent.pulls).toBe(pulls);
  expect(leg.onHold).toBe(false);
  await test_.clock.advanceAsync(2_000);
  await expect(holding).rejects.toMatchObject({ name: 'MediaUnavailable' });
  await test_.clock.advanceAsync(200);
  expect(agent.pulls).toBe(pulls + 10);
  leg.close();
});

test('FreeSWITCH gets silence first, for it throws away what comes while it begins to bridge', async () => {
  const leg = await test_.leg();
  const phone = new PacketPhone(test_.network, test_.clock, { address: relayAddress, port: 20_000 });
  await leg.answer(offer());
  let pulls = 0;
  const pull = (frame: Int16Array): void => {
    pulls += 1;
    frame.fill(1_000);
  };
  leg.start(test_.listener, { pull });
  await test_.clock.advanceAsync(200);
  const spoken = phone.received.map(({ packet }) => packet.payload.some((octet) => octet !== g711Silence('pcmu')));
  expect(spoken).toEqual([false, false, false, ...Array<boolean>(pulls).fill(true)]);
  expect(phone.received.some(({ packet }) => packet.marker)).toBe(false);
  leg.close();
});

test('a join that is given up because a phone sends nothing is logged and counted', async () => {
  const [caller, callee] = [await test_.leg(), await test_.nextLeg()];
  for (const leg of [caller, callee]) await leg.answer(offer());
  const joining = caller.join(callee);
  await test_.clock.advanceAsync(31_000);
  expect(await joining).toBe(false);
  expect(test_.pool.servers.map(({ stats }) => stats.joinsGivenUp)).toEqual([1]);
  const told = test_.logger.lines.findIndex((line) => line.startsWith('warn '));
  expect(test_.logger.lines[told]).toMatch('no join inside FreeSWITCH');
  expect(test_.logger.fields[told]).toEqual({ channel: expect.any(String), waitedMs: 30_000 });
  for (const leg of [caller, callee]) leg.close();
});

test('without a FreeSWITCH there is no leg, and no port is taken', async () => {
  test_.freeswitch.problem = 'connect ECONNREFUSED';
  test_.pool.start({ deadlineMs: 1_000 }).catch(() => undefined);
  await test_.clock.advanceAsync(1);
  const options = { callId: 'call', signallingAddress: '198.51.100.7' };
  await expect(test_.factory.create(options)).rejects.toMatchObject({ name: 'MediaUnavailable' });
  expect(test_.network.boundPorts).toBe(0);
});

describe('a caller of whom nothing comes', () => {
  /** A leg after its start; `counted`: what FreeSWITCH has counted, for each time it is asked. */
  async function started(counted: (asked: number) => number): Promise<MediaLeg> {
    const leg = await test_.leg();
    await leg.answer(offer());
    let asked = 0;
    const run = test_.freeswitch.run.bind(test_.freeswitch);
    test_.freeswitch.run = (command) => {
      return command.startsWith('uuid_getvar') ? String(counted((asked += 1))) : run(command);
    };
    leg.start(test_.listener, new NumberedSource());
    return leg;
  }

  test('is gone after the time for the first packet when FreeSWITCH has counted none either', async () => {
    const leg = await started(() => 0);
    await test_.clock.advanceAsync(30_999);
    expect(test_.listener.failures).toEqual([]);
    await test_.clock.advanceAsync(1_000);
    expect(test_.listener.failures).toMatchObject([{ failure: { kind: 'media-timeout', silentMs: 31_000 } }]);
    leg.close();
  });

  test('is only quiet while FreeSWITCH counts comfort noise', async () => {
    const leg = await started((asked) => asked);
    await test_.clock.advanceAsync(120_000);
    expect(test_.listener.failures).toEqual([]);
    leg.close();
  });

  test('is gone when that ends', async () => {
    const leg = await started((asked) => Math.min(asked, 3));
    await test_.clock.advanceAsync(60_000);
    expect(test_.listener.failures).toMatchObject([{ failure: { kind: 'media-timeout' } }]);
    leg.close();
  });

  test('may be silent on hold', async () => {
    const leg = await started(() => 0);
    await leg.modify(offer({ direction: 'inactive' }));
    await test_.clock.advanceAsync(120_000);
    expect(test_.listener.failures).toEqual([]);
    leg.close();
  });
});
