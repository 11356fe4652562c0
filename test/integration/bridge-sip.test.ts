import { BridgeUnderTest, onePlan, type TestPlan } from '../support/bridge';
import { calmTest, type Keep } from '../support/calm-machine';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { RtpPhone } from '../support/rtp-phone';
import { runSipp, startSipp, wentWell } from '../support/sipp';
import {
  ack,
  ackOfRefusal,
  bye,
  call,
  cancel,
  change,
  inDialog,
  invite,
  options,
  pcma,
  phoneSdp,
  receive,
  receiveProvisional,
  refusedCall,
  waitForCue,
  type Step,
} from '../support/sipp-scenario';
import { dominantHz, toneGaps } from '../support/spectrum';

jest.setTimeout(90_000);

const keep = closedAfterEach();
const tone = onePlan('simulator:tone:610');

/** Starts a bridge, a phone and sipp with what the phone's SDP makes of `steps`. */
async function ring(keep: Keep, plan: TestPlan, stepsFor: (port: number) => Step[], env: Record<string, string> = {}) {
  const bridge = keep(await BridgeUnderTest.start(plan, env));
  const phone = keep(await RtpPhone.open());
  const sipp = keep(await startSipp({ target: bridge.sip(), steps: stepsFor(phone.port) }));
  return { bridge, phone, sipp };
}

describeWith('sipp')('a call by sipp', () => {
  test('with a late offer is heard once the answer came in the ACK', async () => {
    const { bridge, phone, sipp } = await ring(keep, tone, (port) => [
      ...[invite(), receive(200, 'm=audio [0-9]+ RTP/AVP 0 8 101'), ack(phoneSdp({ port }))],
      ...[waitForCue, bye],
    ]);

    await phone.heardPackets(75);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    expect(dominantHz(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000)).toBeCloseTo(610, 0);
    expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up' } }]);
  });

  test('that is cancelled while the model is slow ends with 487 and leaves no session', async () => {
    const model = keep(await ModelUnderTap.start('tone:610', { faults: { firstEventDelayMs: 60_000 } }));
    const { bridge, phone, sipp } = await ring(
      keep,
      onePlan(),
      (port) => [
        ...[invite(phoneSdp({ port })), receiveProvisional(180), waitForCue],
        ...[cancel(), receive(200), receive(487), ackOfRefusal()],
      ],
      model.env,
    );

    await eventually(() => model.sessions.length === 1, 'the connection to the model');
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    expect(await bridge.endedCalls()).toMatchObject([
      { reason: { kind: 'caller-hung-up', how: { kind: 'cancel' } }, blame: 'nobody', answeredAt: null, talkMs: 0 },
    ]);
    await eventually(() => model.open === 0, 'the end of the connection to the model');
    expect(phone.packets).toEqual([]);
  });

  calmTest(
    'that moves to another address is heard there, at the next packet, and no longer at the old one',
    async (keep) => {
      const model = keep(await ModelUnderTap.start('tone:610'));
      const moved = keep(await RtpPhone.open());
      const { phone, sipp } = await ring(
        keep,
        onePlan(),
        (port) => [
          call(phoneSdp({ port })),
          waitForCue,
          change(phoneSdp({ port: moved.port, version: 2 })),
          waitForCue,
          bye,
        ],
        model.env,
      );
      moved.sayTone(1_310);

      await eventually(() => phone.packetsWithSound().length > 50, 'a second of the tone');
      sipp.cue();
      await moved.heardPackets(100);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      const [last, first] = [phone.packets.at(-1)!, moved.packets[0]!];
      expect(first).toMatchObject({ ssrc: last.ssrc, sequence: (last.sequence + 1) & 0xffff });
      const before = phone.audio({ from: phone.packetsWithSound()[0]! });
      expect(toneGaps(Int16Array.from([...before, ...moved.audio()]), 8_000, 610)).toEqual([]);
      expect(dominantHz(model.heard().subarray(-24_000), 24_000)).toBeCloseTo(1_310, 0);
    },
  );

  calmTest('that changes from PCMU to PCMA goes on in the same stream', async (keep) => {
    const { phone, sipp } = await ring(keep, tone, (port) => [
      call(phoneSdp({ port })),
      waitForCue,
      change(phoneSdp({ port, formats: pcma, version: 2 }), 'm=audio [0-9]+ RTP/AVP 8 101'),
      waitForCue,
      bye,
    ]);

    await eventually(() => phone.packetsWithSound().length > 50, 'a second of the tone');
    const [firstWithSound = 0] = phone.packetsWithSound();
    sipp.cue();
    await eventually(() => phone.packets.at(-1)?.payloadType === 8, 'PCMA');
    phone.law = 'pcma';
    await phone.heardPackets(phone.packets.length + 50);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    const types = phone.packets.map(({ payloadType }) => payloadType);
    expect(types).toEqual([...types].sort((a, b) => a - b));
    expect(new Set(phone.packets.map(({ ssrc }) => ssrc)).size).toBe(1);
    expect(toneGaps(phone.audio({ from: firstWithSound }), 8_000, 610)).toEqual([]);
  });

  calmTest('on hold hears nothing, and afterwards what the agent had not said yet', async (keep) => {
    const { bridge, phone, sipp } = await ring(keep, tone, (port) => [
      ...[call(phoneSdp({ port })), waitForCue],
      ...[change(phoneSdp({ port, direction: 'sendonly', version: 2 }), 'a=recvonly'), waitForCue],
      ...[change(phoneSdp({ port, direction: 'sendrecv', version: 3 }), 'a=sendrecv'), waitForCue],
      bye,
    ]);

    await eventually(() => phone.packetsWithSound().length > 50, 'a second of the tone');
    sipp.cue();
    await eventually(() => phone.sent > phone.packets.length + 50, 'a second without packets');
    const beforeResume = phone.packets.length;
    sipp.cue();
    await phone.heardPackets(beforeResume + 50);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    const pauses = phone.packets.flatMap(({ timestamp, sequence, marker }, index) => {
      const before = phone.packets[index - 1];
      if (before === undefined || (timestamp - before.timestamp) >>> 0 === 160) return [];
      const frames = ((timestamp - before.timestamp) >>> 0) / 160;
      return [{ index, frames, marker, next: sequence === ((before.sequence + 1) & 0xffff) }];
    });
    expect(pauses).toEqual([{ index: beforeResume, frames: expect.any(Number), marker: true, next: true }]);
    expect(pauses[0]!.frames % 1).toBe(0);
    expect(pauses[0]!.frames).toBeGreaterThanOrEqual(50);
    expect(toneGaps(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000, 610)).toEqual([]);
    expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up' } }]);
  });

  test('tells each key once, by INFO and by RFC 4733', async () => {
    const info = inDialog('INFO', { type: 'application/dtmf-relay', body: 'Signal=5\nDuration=160\n' });
    const { bridge, phone, sipp } = await ring(keep, tone, (port) => [
      ...[call(phoneSdp({ port })), info, receive(200), waitForCue],
      bye,
    ]);
    const keys = (): number => bridge.log.filter(({ msg }) => msg === 'caller pressed a key').length;

    await eventually(() => keys() === 1, 'the key by INFO');
    phone.press(7);
    await eventually(() => keys() === 2, 'the key by RFC 4733');
    await phone.heardPackets(phone.packets.length + 25);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    expect(await bridge.endedCalls()).toMatchObject([{ media: { digits: 1 } }]);
    expect(keys()).toBe(2);
  });

  test('over TCP is answered, heard and ended', async () => {
    const bridge = keep(await BridgeUnderTest.start(tone));
    const phone = keep(await RtpPhone.open());
    const steps = [call(phoneSdp({ port: phone.port })), '<pause milliseconds="2000"/>', bye];

    const result = await runSipp({ target: bridge.sip('tcp'), transport: 'tcp', steps });

    expect(result).toEqual(wentWell);
    expect(dominantHz(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000)).toBeCloseTo(610, 0);
    expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up', how: { kind: 'bye' } } }]);
  });
});

describeWith('sipp')('twenty calls at once', () => {
  test('each hear their own agent and nobody else', async () => {
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const hzOf = (n: number): number => 400 + 10 * n;
    const bridge = keep(
      await BridgeUnderTest.start({
        agents: Object.fromEntries(
          numbers.map((n) => [
            `a${n}`,
            { instructions: 'Test.', greeting: 'Hello.', model: `simulator:tone:${hzOf(n)}` },
          ]),
        ),
        routes: numbers.map((n) => ({ name: `number ${n}`, when: { to: `${200 + n}` }, answer: `a${n}` })),
      }),
    );
    const phones: RtpPhone[] = [];
    for (const _ of numbers) phones.push(keep(await RtpPhone.open()));
    const calls = numbers.map((n) => [200 + n, phones[n]!.port]);
    const steps = [call(phoneSdp({ port: '[field1]' })), waitForCue, bye];
    const sipp = keep(await startSipp({ target: bridge.sip(), calls, steps }));

    for (const phone of phones) await eventually(() => phone.packetsWithSound().length > 75, 'the tone on each phone');
    for (const n of numbers) sipp.cue(n + 1);

    expect(await sipp.finished).toEqual(wentWell);
    const heard = phones.map((phone) => {
      const [from = 0] = phone.packetsWithSound();
      return Math.round(dominantHz(phone.audio({ from, to: from + 75 }), 8_000));
    });
    expect(heard).toEqual(numbers.map(hzOf));
    const ended = await bridge.endedCalls();
    expect(ended.map(({ to, agent }) => `${String(to)} ${String(agent)}`).sort()).toEqual(
      numbers.map((n) => `${200 + n} a${n}`).sort(),
    );
    expect(bridge.errors()).toEqual([]);
  });
});

describeWith('sipp')('what cannot be answered is refused', () => {
  const sdp = phoneSdp({ port: 40_000 });

  test('with the status of the route when the model is away', async () => {
    const agents = { tester: { instructions: 'Test.' } };
    const bridge = keep(
      await BridgeUnderTest.start(
        {
          agents,
          routes: [
            { name: 'busy', when: { to: '486' }, answer: 'tester', unavailable: { reject: 486 } },
            { name: 'others', when: 'any', answer: 'tester' },
          ],
        },
        // The discard port: nobody listens.
        { RINGBRIDGE_REALTIME_URL: 'ws://127.0.0.1:9/v1/realtime' },
      ),
    );

    const busy = await runSipp({ target: bridge.sip(), calls: [['486']], steps: [refusedCall(486, sdp)] });
    const other = await runSipp({ target: bridge.sip(), calls: [['100']], steps: [refusedCall(480, sdp)] });

    expect([busy, other]).toEqual([wentWell, wentWell]);
    const ended = await bridge.endedCalls();
    expect(ended.map(({ reason, blame }) => ({ reason, blame }))).toMatchObject([
      { reason: { kind: 'model-unavailable', status: 486 }, blame: 'upstream' },
      { reason: { kind: 'model-unavailable', status: 480 }, blame: 'upstream' },
    ]);
  });

  test('with 404 where no route matches, and with what a route says', async () => {
    const bridge = keep(
      await BridgeUnderTest.start({
        agents: {},
        routes: [{ name: 'never', when: { to: '603' }, reject: 603 }],
      }),
    );

    const unknown = await runSipp({ target: bridge.sip(), calls: [['100']], steps: [refusedCall(404, sdp)] });
    const rejected = await runSipp({ target: bridge.sip(), calls: [['603']], steps: [refusedCall(603, sdp)] });

    expect([unknown, rejected]).toEqual([wentWell, wentWell]);
    expect((await bridge.endedCalls()).map(({ reason }) => reason)).toEqual([
      { kind: 'no-route' },
      { kind: 'rejected-by-plan', status: 603 },
    ]);
  });

  test.each([
    ['no SDP at all', 400, 'This is no SDP.\n'],
    ['no codec that we have', 488, phoneSdp({ port: 40_000, formats: { 18: 'G729/8000' } })],
    ['encryption that we do not have', 488, sdp.replace('RTP/AVP', 'RTP/SAVP')],
    ['a multicast address', 488, phoneSdp({ port: 40_000, address: '224.0.0.1' })],
  ])('when the offer has %s, with %i', async (_what, status, offer) => {
    const bridge = keep(await BridgeUnderTest.start(tone));

    const result = await runSipp({ target: bridge.sip(), steps: [refusedCall(status, offer)] });

    expect(result).toEqual(wentWell);
    expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'bad-offer', status }, blame: 'caller' }]);
  });

  test('with 503 and the time to try again when as many calls are up as may be', async () => {
    const { bridge, phone, sipp } = await ring(keep, tone, (port) => [call(phoneSdp({ port })), waitForCue, bye], {
      RINGBRIDGE_MAX_CALLS: '1',
    });
    await phone.heardPackets(10);

    const second = await runSipp({ target: bridge.sip(), steps: [refusedCall(503, sdp, 'Retry-After: [0-9]+')] });
    sipp.cue();

    expect(second).toEqual(wentWell);
    expect(await sipp.finished).toEqual(wentWell);
    expect((await bridge.endedCalls()).map(({ reason }) => reason)).toMatchObject([
      { kind: 'overload' },
      { kind: 'caller-hung-up' },
    ]);
  });
});

describeWith('sipp')('OPTIONS', () => {
  test.each(['udp', 'tcp'] as const)('over %s is answered with 200', async (transport) => {
    const bridge = keep(await BridgeUnderTest.start(tone));

    const result = await runSipp({ target: bridge.sip(transport), transport, steps: [options(), receive(200)] });

    expect(result).toEqual(wentWell);
    expect(await bridge.journal()).toEqual([]);
  });
});
