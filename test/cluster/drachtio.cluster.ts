import { createSocket } from 'node:dgram';

import { BridgeUnderTest } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { buildIfStale, ServeProcess } from '../support/serve-process';
import { runSipp, startSipp, wentWell } from '../support/sipp';
import { call, inDialog, phoneSdp, receive, receiveBye, refusedCall, waitForCue } from '../support/sipp-scenario';
import { backAfterMs, callUp, report, shortCalls, soonNoticed, tonePlan } from './cluster-call';
import { RealDrachtio } from './real-drachtio';
import { describeReal } from './real-programs';

const keep = closedAfterEach();

beforeAll(() => buildIfStale());

async function cluster(env: Record<string, string> = {}) {
  const server = keep(await RealDrachtio.start());
  const bridge = keep(await BridgeUnderTest.start(tonePlan, { ...soonNoticed, ...server.env, ...env }));
  return { server, bridge };
}

const ready = async (bridge: BridgeUnderTest): Promise<boolean> => (await bridge.get('/ready')).status === 200;

/** Polls; `eventually` takes only what is known at once. */
async function until(happened: () => Promise<boolean>, what: string): Promise<void> {
  let done = false;
  const timer = setInterval(() => void happened().then((now) => (done ||= now)), 100);
  await eventually(() => done, what).finally(() => clearInterval(timer));
}

describeReal('drachtio-server')('with drachtio-server', () => {
  test('calls are answered, talked on and recorded', async () => {
    const { server, bridge } = await cluster();
    expect(await shortCalls(server.sip, 20)).toEqual(wentWell);
    const ends = await bridge.endedCalls();
    expect(ends).toHaveLength(20);
    expect(ends.every(({ reason }) => (reason as { kind: string }).kind === 'caller-hung-up')).toBe(true);
    expect(bridge.errors()).toEqual([]);
  });

  test('a wrong secret stops the start with one line', async () => {
    const server = keep(await RealDrachtio.start());
    const env = { ...soonNoticed, ...server.env, RINGBRIDGE_DRACHTIO_SECRET: 'wrong' };
    await expect(BridgeUnderTest.start(tonePlan, env)).rejects.toThrow('refused the secret');
  });

  test('requests that kill or wedge it with any answer are not answered, and calls go on', async () => {
    const { server, bridge } = await cluster();
    const { sipp } = await callUp(keep, server.sip);
    const before = bridge.bridge.activeCalls();
    for (const contact of ['*', '<tel:+15551234567>', '<sip:>', '<urn:service:sos>']) {
      await sendRaw(server.sipPort, invite({ contact }));
    }
    await sendRaw(server.sipPort, invite({ callId: '\xe9'.repeat(6_000) }));
    await sendRaw(
      server.sipPort,
      invite({ contact: '*' })
        .replace(/^INVITE/gm, 'SUBSCRIBE')
        .replace('1 INVITE', '1 SUBSCRIBE'),
    );
    await until(async () => (await bridge.metric('ringbridge_sip_total{event="unanswerable"}')) >= 5, 'the drops');
    expect(await shortCalls(server.sip)).toEqual(wentWell);
    expect(server.running).toBe(true);
    expect(bridge.bridge.activeCalls()).toBe(before);
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
  });

  test('killed and started again: the call talks on, its end is noticed by RTP, new calls work', async () => {
    const { server, bridge } = await cluster();
    const { phone, sipp } = await callUp(keep, server.sip);

    await server.kill();
    await until(async () => !(await ready(bridge)), 'not ready');
    const heardBefore = phone.packets.length;
    await phone.heardPackets(heardBefore + 100);
    expect(bridge.bridge.activeCalls()).toBe(1);
    await server.start();
    report(`drachtio-server killed: new calls ${await backAfterMs(server.sipPort)} ms after its return`);
    expect(await shortCalls(server.sip)).toEqual(wentWell);
    expect(bridge.bridge.activeCalls()).toBe(1);

    await phone.close();
    await sipp.close();
    const ends = await endedWithoutPhone(bridge, 2);
    expect(ends).toContainEqual(
      expect.objectContaining({
        reason: { kind: 'media-failed', failure: expect.objectContaining({ kind: 'media-timeout' }) },
        signallingLostAt: expect.any(String),
      }),
    );
  });

  test('stopped: the watchdog notices the silence, and calls work when it goes on', async () => {
    const { server, bridge } = await cluster();
    const { phone, sipp } = await callUp(keep, server.sip);
    server.signal('SIGSTOP');
    const stoppedMs = performance.now();
    await until(async () => !(await ready(bridge)), 'not ready');
    report(`drachtio-server stopped: noticed after ${Math.round(performance.now() - stoppedMs)} ms`);
    const heardBefore = phone.packets.length;
    await phone.heardPackets(heardBefore + 50);
    server.signal('SIGCONT');
    report(`drachtio-server stopped: new calls ${await backAfterMs(server.sipPort)} ms after it goes on`);
    expect(await shortCalls(server.sip)).toEqual(wentWell);
    // The server lives and knows the dialog still: our BYE goes through it, on the new connection.
    expect(bridge.bridge.activeCalls()).toBe(1);
    await sipp.close();
  });

  test('the BYE of a call that outlived its connection reaches the caller', async () => {
    const { server, bridge } = await cluster({ RINGBRIDGE_DRAIN_TIME: '0s' });
    const { sipp } = await callUp(keep, server.sip, [receiveBye]);
    server.signal('SIGSTOP');
    await until(async () => !(await ready(bridge)), 'not ready');
    server.signal('SIGCONT');
    await until(() => ready(bridge), 'ready');
    await bridge.bridge.drain();
    expect(await sipp.finished).toEqual(wentWell);
  });

  test('one of two is killed: calls through the other do not notice, and new ones work', async () => {
    const one = keep(await RealDrachtio.start());
    const two = keep(await RealDrachtio.start({ sipPort: 5_170, adminPort: 9_123 }));
    const servers = `127.0.0.1:${one.adminPort},127.0.0.1:${two.adminPort}`;
    const env = { ...soonNoticed, ...one.env, RINGBRIDGE_DRACHTIO: servers };
    const bridge = keep(await BridgeUnderTest.start(tonePlan, env));
    await until(async () => (await bridge.get('/metrics')).body.includes(`server="127.0.0.1:9123"} 1`), 'both links');
    const { sipp } = await callUp(keep, two.sip);
    await one.kill();
    await until(async () => (await bridge.get('/metrics')).body.includes(`server="127.0.0.1:9122"} 0`), 'the loss');
    expect(await ready(bridge)).toBe(true);
    expect(await shortCalls(two.sip)).toEqual(wentWell);
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
  });

  test('it connects to us for each call, and again after it was killed', async () => {
    const server = keep(await RealDrachtio.start({ handler: 'tcp://127.0.0.1:9100' }));
    const { RINGBRIDGE_DRACHTIO_SECRET } = server.env;
    const listen = {
      RINGBRIDGE_DRACHTIO_LISTEN: '127.0.0.1:9100',
      RINGBRIDGE_DRACHTIO_SECRET: RINGBRIDGE_DRACHTIO_SECRET!,
    };
    const bridge = keep(await BridgeUnderTest.start(tonePlan, { ...soonNoticed, ...listen }));
    expect(await shortCalls(server.sip, 10)).toEqual(wentWell);
    expect(await bridge.endedCalls()).toHaveLength(10);
    await server.kill();
    await server.start();
    report(`outbound connections: new calls ${await backAfterMs(server.sipPort)} ms after its return`);
    expect(await shortCalls(server.sip)).toEqual(wentWell);
    expect(bridge.errors()).toEqual([]);
  });

  test('Ringbridge is killed: a caller that refreshes its session is told that the call is gone', async () => {
    const server = keep(await RealDrachtio.start());
    const served = keep(await ServeProcess.start(tonePlan, { ...soonNoticed, ...server.env }));
    const sdp = phoneSdp({ port: 40_000 });
    const steps = [
      call(sdp).replace('Max-Forwards: 70', 'Max-Forwards: 70\nSupported: timer'),
      waitForCue,
      inDialog('INVITE', { type: 'application/sdp', body: sdp }),
      receive(481),
    ];
    const sipp = keep(await startSipp({ target: server.sip, steps }));
    await until(async () => (await served.status('/ready')) === 200, 'ready');
    await eventually(() => server.log.includes('Session-Expires: 90;refresher=uac'), 'Session-Expires in our 200');
    served.signal('SIGKILL');
    await served.exited;
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
  });

  test('draining: new calls are refused with a time to try again, the call that is up is told goodbye', async () => {
    const { server, bridge } = await cluster({ RINGBRIDGE_DRAIN_TIME: '1s' });
    const { sipp } = await callUp(keep, server.sip, [receiveBye]);
    const drained = bridge.bridge.drain();
    const steps = [refusedCall(503, phoneSdp({ port: 40_002 }), 'Retry-After: [0-9]+')];
    expect(await runSipp({ target: server.sip, steps })).toEqual(wentWell);
    expect(await sipp.finished).toEqual(wentWell);
    await drained;
    expect(await bridge.journal()).toContainEqual(
      expect.objectContaining({ type: 'call.end', reason: { kind: 'draining' } }),
    );
  });
});

/** The records of ended calls while one may still be up. */
async function endedWithoutPhone(bridge: BridgeUnderTest, count: number) {
  await eventually(() => bridge.bridge.activeCalls() === 0, 'the end of the call');
  const ends = (await bridge.journal()).filter(({ type }) => type === 'call.end');
  expect(ends).toHaveLength(count);
  return ends;
}

function invite({ contact = '<sip:x@127.0.0.1:5099>', callId = `hostile-${Math.random()}` }): string {
  return [
    'INVITE sip:100@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK${Math.random()}`,
    'From: <sip:x@127.0.0.1>;tag=1',
    'To: <sip:100@127.0.0.1>',
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    `Contact: ${contact}`,
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

async function sendRaw(port: number, text: string): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.send(Buffer.from(text, 'latin1'), port, '127.0.0.1', () => resolve()));
  socket.close();
}
