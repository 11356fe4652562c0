import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan, type JournalLine } from '../support/bridge';
import { Capture } from '../support/capture';
import { closedAfterEach } from '../support/closing';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { ScenarioFile } from '../support/scenario-file';
import { dominantHz } from '../support/spectrum';

jest.setTimeout(90_000);

const keep = closedAfterEach();

describeWith('baresip')('a call by baresip', () => {
  test.each(['PCMU', 'PCMA'] as const)('in %s is heard on both sides and ended by the caller', async (codec) => {
    const model = keep(await ModelUnderTap.start('tone:610'));
    const bridge = keep(await BridgeUnderTest.start(onePlan(), model.env));
    const baresip = keep(await Baresip.start({ toneHz: 1_010, codec }));

    baresip.dial(`sip:100@${bridge.sip()}`);
    await baresip.eventOf('CALL_ESTABLISHED');
    await model.heardSeconds(2);
    baresip.hangUp();
    await baresip.eventOf('CALL_CLOSED');

    const [ended] = await bridge.endedCalls();
    expect(ended).toMatchObject({
      reason: { kind: 'caller-hung-up', how: { kind: 'bye' } },
      blame: 'nobody',
      media: { codec: `${codec}/8000`, packetsLost: 0 },
    });
    // It keeps NATs open with RTCP of a kind that is no report.
    expect(Object.keys(droppedIn(ended)).filter((cause) => cause !== 'rtcp-no-report')).toEqual([]);
    expect(dominantHz(model.heard().subarray(24_000), 24_000)).toBeCloseTo(1_010, 0);
    const { samples, rateHz } = await baresip.heard();
    expect(dominantHz(samples.subarray(rateHz / 2), rateHz)).toBeCloseTo(610, 0);
    expect(bridge.errors()).toEqual([]);
  });

  test('is ended by the agent after its goodbye', async () => {
    const goodbye = { say: 'Goodbye.', audio: 'tone:610:1s', calls: [{ name: 'hang_up' }] };
    const script = keep(await ScenarioFile.write({ turns: [goodbye] }));
    const bridge = keep(await BridgeUnderTest.start(onePlan(script.model, { tools: ['hang_up'] })));
    const baresip = keep(await Baresip.start({ codec: 'PCMU' }));

    baresip.dial(`sip:100@${bridge.sip()}`);
    await baresip.eventOf('CALL_CLOSED');

    const [ended] = await bridge.endedCalls();
    expect(ended).toMatchObject({ reason: { kind: 'agent-hung-up' }, blame: 'nobody' });
    const { samples, rateHz } = await baresip.heard();
    // Whatever its jitter buffer kept back at the end was silence.
    const sounding = samples.filter((sample) => Math.abs(sample) > 500).length;
    expect(sounding).toBeGreaterThan(0.9 * rateHz);
    expect(dominantHz(samples, rateHz)).toBeCloseTo(610, 0);
  });
});

describeWith('baresip', 'tshark')('a call by baresip as tshark sees it', () => {
  test('is a complete dialog, and two RTP streams without loss, disorder or protocol errors', async () => {
    // A range of its own, so that no other call on this machine is captured.
    const rtpPorts = '19700-19719';
    const bridge = keep(await BridgeUnderTest.start(onePlan('simulator:tone:610'), { RINGBRIDGE_RTP_PORTS: rtpPorts }));
    const capture = keep(await Capture.start({ sip: bridge.sip(), rtpPorts }));
    const baresip = keep(await Baresip.start({ toneHz: 1_010, codec: 'PCMA' }));

    baresip.dial(`sip:100@${bridge.sip()}`);
    await baresip.eventOf('CALL_ESTABLISHED');
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    baresip.hangUp();
    await baresip.eventOf('CALL_CLOSED');
    const [ended] = await bridge.endedCalls();
    await capture.stop();

    expect(await capture.sipMessages()).toEqual([
      ...['INVITE', '100 INVITE', '180 INVITE', '200 INVITE', 'ACK'],
      ...['BYE', '200 BYE'],
    ]);
    const streams = await capture.rtpStreams();
    expect(streams.map(({ lost }) => lost)).toEqual([0, 0]);
    const ours = streams.find(({ fromPort }) => fromPort >= 19_700 && fromPort <= 19_719);
    expect(ours?.packets).toBe((ended?.media as { packetsSent: number }).packetsSent);
    for (const { fromPort } of streams) expect(stepsOf(await capture.sequences(fromPort))).toEqual(new Set([1]));
    expect(await capture.malformed()).toEqual([]);
  });
});

function droppedIn(ended: JournalLine | undefined): Record<string, number> {
  return (ended?.media as { dropped: Record<string, number> }).dropped;
}

function stepsOf(sequences: readonly number[]): Set<number> {
  return new Set(sequences.slice(1).map((sequence, index) => (sequence - sequences[index]! + 0x1_0000) & 0xffff));
}
