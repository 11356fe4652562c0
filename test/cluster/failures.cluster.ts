import { BridgeUnderTest, onePlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { RtpPhone } from '../support/rtp-phone';
import { buildIfStale, ServeProcess } from '../support/serve-process';
import { startSipp, wentWell, type SippRun } from '../support/sipp';
import {
  bye,
  call,
  options,
  phoneSdp,
  receive,
  receiveBye,
  refusedCall,
  waitForCue,
  type Step,
} from '../support/sipp-scenario';
import { backAfterMs, report } from './cluster-call';
import {
  channelsAt,
  channelsBecome,
  clusterEnv,
  control,
  describeCluster,
  freeswitchAddresses,
  freeswitchApi,
  targetOf,
} from './real-servers';

jest.setTimeout(150_000);

const keep = closedAfterEach();
const front = 'embedded SIP server';
const plan = onePlan('simulator:tone:610:10m');
const firstOnly = { freeswitch: freeswitchAddresses().slice(0, 1) };

async function dial(target: string, end: Step): Promise<{ phone: RtpPhone; sipp: SippRun }> {
  const phone = keep(await RtpPhone.open());
  const sipp = keep(await startSipp({ target, steps: [call(phoneSdp({ port: phone.port })), end] }));
  return { phone, sipp };
}

/** A call that is heard and ended by the caller. */
async function aCallGoesWell(target: string): Promise<void> {
  const { phone, sipp } = await dial(target, [waitForCue, bye].join('\n'));
  await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
  sipp.cue();
  expect(await sipp.finished).toEqual(wentWell);
}

async function untilReady(bridge: BridgeUnderTest, wanted = 200): Promise<void> {
  const startMs = performance.now();
  while ((await bridge.get('/ready')).status !== wanted) {
    if (performance.now() - startMs > 10_000) throw new Error(`/ready does not become ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describeCluster(['freeswitch', 'control'], 'sipp')('a FreeSWITCH that', () => {
  test('dies in a call: BYE, a record, 503 for new calls, and new calls within 2 s of its return', async () => {
    const bridge = keep(await BridgeUnderTest.start(plan, clusterEnv(front, firstOnly)));
    const { phone, sipp } = await dial(bridge.sip(), receiveBye);
    await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
    await control('kill', 'fs1');
    expect(await sipp.finished).toEqual(wentWell);
    expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'media-failed' }, blame: 'us' }]);
    expect(await bridge.get('/ready')).toMatchObject({ status: 503 });
    const refused = keep(await startSipp({ target: bridge.sip(), steps: [refusedCall(503, phoneSdp({ port: 9 }))] }));
    expect(await refused.finished).toEqual(wentWell);
    const asked = keep(await startSipp({ target: bridge.sip(), steps: [options(), receive(503)] }));
    expect(await asked.finished).toEqual(wentWell);

    await control('start', 'fs1');
    const backMs = performance.now();
    await untilReady(bridge);
    expect(performance.now() - backMs).toBeLessThan(2_000);
    await aCallGoesWell(bridge.sip());
    expect((await bridge.endedCalls()).map(({ reason }) => (reason as { kind: string }).kind)).toEqual([
      ...['media-failed', 'no-media-port', 'caller-hung-up'],
    ]);
    await channelsBecome(0);
  });

  test('is cut off in a call: BYE and a record within ten seconds, and nothing is left when it is back', async () => {
    const bridge = keep(await BridgeUnderTest.start(plan, clusterEnv(front, firstOnly)));
    const { phone, sipp } = await dial(bridge.sip(), receiveBye);
    await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
    const frozenMs = performance.now();
    await control('freeze', 'fs1');
    try {
      expect(await sipp.finished).toEqual(wentWell);
      expect(performance.now() - frozenMs).toBeLessThan(10_500);
      expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'media-failed' } }]);
    } finally {
      await control('thaw', 'fs1');
    }
    await untilReady(bridge);
    await channelsBecome(0);
    await aCallGoesWell(bridge.sip());
    await channelsBecome(0);
  });
});

describeCluster(['freeswitch', 'drachtio', 'control'], 'sipp')('a drachtio-server before FreeSWITCH that', () => {
  const drachtioEnv = { ...clusterEnv('drachtio-server', firstOnly), RINGBRIDGE_MEDIA_TIMEOUT: '3s' };
  const sipOf = (bridge: BridgeUnderTest): string => targetOf('drachtio-server', bridge);

  test('dies in a call: it is talked on, its end is noticed by RTP, and new calls work', async () => {
    const bridge = keep(await BridgeUnderTest.start(plan, drachtioEnv));
    const { phone, sipp } = await dial(sipOf(bridge), waitForCue);
    await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
    await control('kill', 'drachtio');
    try {
      await untilReady(bridge, 503);
      await phone.heardPackets(phone.packets.length + 100);
      expect(bridge.bridge.activeCalls()).toBe(1);
    } finally {
      await control('start', 'drachtio');
    }
    const backMs = await backAfterMs(Number(sipOf(bridge).split(':')[1]));
    report(`drachtio-server before FreeSWITCH killed: new calls ${backMs} ms after its return`);
    expect(backMs).toBeLessThan(2_000);
    await aCallGoesWell(sipOf(bridge));
    expect(bridge.bridge.activeCalls()).toBe(1);

    await phone.close();
    await sipp.close();
    expect(await bridge.endedCalls()).toContainEqual(
      expect.objectContaining({
        reason: { kind: 'media-failed', failure: expect.objectContaining({ kind: 'media-timeout' }) },
        signallingLostAt: expect.any(String),
      }),
    );
    await channelsBecome(0);
  });

  test('is cut off in a call: it is talked on, and new calls work once the way is there again', async () => {
    const bridge = keep(await BridgeUnderTest.start(plan, drachtioEnv));
    const { phone, sipp } = await dial(sipOf(bridge), [waitForCue, bye].join('\n'));
    await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
    await control('freeze', 'drachtio');
    try {
      await untilReady(bridge, 503);
      await phone.heardPackets(phone.packets.length + 50);
    } finally {
      await control('thaw', 'drachtio');
    }
    await backAfterMs(Number(sipOf(bridge).split(':')[1]));
    await aCallGoesWell(sipOf(bridge));
    expect(bridge.bridge.activeCalls()).toBe(1);
    await phone.close();
    await sipp.close();
    expect(await bridge.endedCalls()).toHaveLength(2);
    await channelsBecome(0);
  });
});

describeCluster(['freeswitch'], 'sipp')('a Ringbridge that dies', () => {
  test('leaves channels that hang themselves up when their lease is over', async () => {
    buildIfStale();
    const env = { ...clusterEnv(front, firstOnly), RINGBRIDGE_REALTIME_URL: 'simulator' };
    const bridge = keep(await ServeProcess.start(plan, env));
    const { phone } = await dial(bridge.sip, waitForCue);
    await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
    bridge.signal('SIGKILL');
    await bridge.exited;
    expect(await channelsAt()).toBe(2);
    await channelsBecome(0, { withinMs: 63_000 });
  });
});

describeCluster(['two freeswitch'], 'sipp')('of two FreeSWITCH servers', () => {
  test('the one that is paused gets no new calls, and its calls finish', async () => {
    const [first = '', second = ''] = freeswitchAddresses();
    const bridge = keep(await BridgeUnderTest.start(plan, clusterEnv(front)));
    await eventually(() => bridge.log.filter(({ msg }) => msg === 'FreeSWITCH is up').length === 2, 'both servers');
    const old = await dial(bridge.sip(), [waitForCue, bye].join('\n'));
    await eventually(() => old.phone.packetsWithSound().length > 25, 'the agent');
    expect(await channelsAt(first)).toBe(2);
    await freeswitchApi('fsctl pause', first);
    try {
      await eventually(() => bridge.log.some(({ msg }) => msg === 'FreeSWITCH paused or resumed'), 'the pause');
      const calls = [];
      for (let n = 0; n < 3; n += 1) calls.push(await dial(bridge.sip(), [waitForCue, bye].join('\n')));
      for (const { phone } of calls) await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
      expect([await channelsAt(first), await channelsAt(second)]).toEqual([2, 6]);
      for (const { sipp } of [...calls, old]) {
        sipp.cue();
        expect(await sipp.finished).toEqual(wentWell);
      }
      expect(await bridge.endedCalls()).toHaveLength(4);
    } finally {
      await freeswitchApi('fsctl resume', first);
    }
    for (const address of [first, second]) await channelsBecome(0, { address });
  });
});
