import { BridgeUnderTest, onePlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { describeWith } from '../support/installed';
import { RtpPhone } from '../support/rtp-phone';
import { runSipp, startSipp, wentWell } from '../support/sipp';
import { bye, call, phoneSdp, refusedCall, waitForCue } from '../support/sipp-scenario';

jest.setTimeout(60_000);

const keep = closedAfterEach();

describeWith('sipp')('what remains of calls', () => {
  test('is one line at the start and one at the end of each, told as a simulator, and the same in the metrics', async () => {
    const bridge = keep(await BridgeUnderTest.start(onePlan('simulator:tone:610')));
    const phones = [keep(await RtpPhone.open()), keep(await RtpPhone.open())];
    const calls = phones.map((phone, n) => [`10${n}`, phone.port]);
    const steps = [call(phoneSdp({ port: '[field1]' })), waitForCue, bye];
    const sipp = keep(await startSipp({ target: bridge.sip(), calls, steps }));
    for (const phone of phones) await phone.heardPackets(60);

    const whileUp = {
      active: await bridge.metric('ringbridge_calls_active{state="active",model_kind="simulator"}'),
      starts: (await bridge.journal()).map(({ type }) => type),
    };
    sipp.cue(1);
    sipp.cue(2);
    expect(await sipp.finished).toEqual(wentWell);
    await bridge.endedCalls();

    expect(whileUp).toEqual({ active: 2, starts: ['call.start', 'call.start'] });
    const journal = await bridge.journal();
    for (const to of ['100', '101']) {
      const [start, end, ...more] = journal.filter((line) => line.to === to);
      expect(more).toEqual([]);
      expect(start).toMatchObject({ type: 'call.start', model: 'simulator:tone:610', modelKind: 'simulator' });
      expect(end).toMatchObject({
        ...{ type: 'call.end', callId: start?.callId, model: 'simulator:tone:610', modelKind: 'simulator' },
        ...{ reason: { kind: 'caller-hung-up', how: { kind: 'bye' } }, blame: 'nobody' },
        media: { codec: 'PCMU/8000', packetsLost: 0 },
      });
    }
    expect(await bridge.metric('ringbridge_calls_started_total')).toBe(2);
    expect(await bridge.metric('ringbridge_calls_ended_total{reason="caller-hung-up",blame="nobody"}')).toBe(2);
    expect(await bridge.metric('ringbridge_calls_active{state="active",model_kind="simulator"}')).toBe(0);
    const sent = journal.map(({ media }) => (media as { packetsSent: number } | undefined)?.packetsSent ?? 0);
    expect(await bridge.metric('ringbridge_media_total{what="packets_sent"}')).toBe(sent.reduce((a, b) => a + b));
  });

  test('is only an end for a call that was never answered, and the caller is to blame for a bad offer', async () => {
    const bridge = keep(await BridgeUnderTest.start(onePlan('simulator:tone:610')));

    const result = await runSipp({ target: bridge.sip(), steps: [refusedCall(400, 'This is no SDP.\n')] });

    expect(result).toEqual(wentWell);
    await bridge.endedCalls();
    expect(await bridge.journal()).toMatchObject([
      { type: 'call.end', reason: { kind: 'bad-offer' }, blame: 'caller', answeredAt: null, talkMs: 0 },
    ]);
    expect(await bridge.metric('ringbridge_calls_ended_total{reason="bad-offer",blame="caller"}')).toBe(1);
  });
});

test('a bridge without calls is well and ready', async () => {
  const bridge = keep(await BridgeUnderTest.start(onePlan('simulator:tone:610')));

  expect(await bridge.get('/health')).toMatchObject({ status: 200 });
  expect(await bridge.get('/ready')).toMatchObject({ status: 200 });
  expect(bridge.bridge.model).toContain('SIMULATOR');
});
