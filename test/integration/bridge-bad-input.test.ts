import { connect } from 'node:net';
import { once } from 'node:events';

import { BridgeUnderTest, onePlan } from '../support/bridge';
import { calmTest, onCalmMachine, type Keep } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { flawsOf, judgeStream, RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { runSipp, startSipp, wentWell } from '../support/sipp';
import { bye, call, options, phoneSdp, receive, waitForCue } from '../support/sipp-scenario';
import { toneGaps } from '../support/spectrum';
import { brokenRtp, makeNoise, rtp, Stranger, truncatedInvites } from '../support/strangers';

jest.setTimeout(120_000);

const smallNoise = makeNoise(300, 1_400);
const largeNoise = makeNoise(10, 60_000);
const streamNoise = makeNoise(20, 20_000);

/** A line per packet would fill a disk: a burst of bad input may leave this many. */
const logLinesMax = 5;

/** A call with a tone from each side, and whoever disturbs it. */
async function callUp(keep: Keep) {
  const model = keep(await ModelUnderTap.start('tone:610'));
  const bridge = keep(await BridgeUnderTest.start(onePlan(), model.env));
  const phone = keep(await RtpPhone.open());
  const stranger = keep(await Stranger.open());
  phone.sayTone(1_010);
  const steps = [call(phoneSdp({ port: phone.port })), waitForCue, bye];
  const sipp = keep(await startSipp({ target: bridge.sip(), steps }));
  await model.heardSeconds(1);
  await eventually(() => phone.packetsWithSound().length > 25, 'the tone');
  return { model, bridge, phone, stranger, sipp, linesBefore: noticeable(bridge) };
}

/** Half a second later all is as it was, both tones are whole, and the call ends as ever. */
async function expectUndisturbed({ model, bridge, phone, sipp, linesBefore }: CallUp): Promise<void> {
  await phone.heardPackets(phone.packets.length + 25);
  expect(noticeable(bridge) - linesBefore).toBeLessThanOrEqual(logLinesMax);
  sipp.cue();
  expect(await sipp.finished).toEqual(wentWell);
  const [ended] = await bridge.endedCalls();
  expect(ended).toMatchObject({ reason: { kind: 'caller-hung-up', how: { kind: 'bye' } }, blame: 'nobody' });
  const { framesSkipped } = ended?.media as { framesSkipped: number };
  const gapsAtModel = toneGaps(model.heard(), 24_000, 1_010);
  const gapsAtPhone = toneGaps(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000, 610);
  expect({ gapsAtModel, gapsAtPhone }).toEqual({ gapsAtModel: [], gapsAtPhone: [] });
  // What the machine made late is counted.
  expect(judgeStream(phone.packets, 0)).toEqual({ flaws: [], framesSkipped });
  expect(flawsOf(phone.packets, 0)).toEqual([]);
  expect(bridge.errors()).toEqual([]);
}

type CallUp = Awaited<ReturnType<typeof callUp>>;

describeWith('sipp')('a call in progress', () => {
  calmTest('is not disturbed by garbage on the SIP port over UDP', async (keep) => {
    const up = await callUp(keep);
    const { bridge, stranger } = up;
    const port = Number(bridge.sip().split(':')[1]);

    await stranger.send([...smallNoise, ...largeNoise, ...truncatedInvites(port)], port);

    expect(await bridge.metric('ringbridge_sip_total{event="garbageDropped"}')).toBeGreaterThan(0);
    expect(await runSipp({ target: bridge.sip(), steps: [options(), receive(200)] })).toEqual(wentWell);
    expect((await bridge.journal()).filter(({ type }) => type === 'call.start')).toHaveLength(1);
    await expectUndisturbed(up);
  });

  calmTest('is not disturbed by garbage on the SIP port over TCP, whose connection is closed', async (keep) => {
    const up = await callUp(keep);
    const { bridge } = up;
    const [host = '', port = ''] = bridge.sip('tcp').split(':');

    for (const bytes of streamNoise) {
      const socket = connect({ host, port: Number(port) });
      // The other side may reset what it has not read.
      socket.on('error', () => undefined);
      socket.end(bytes);
      await once(socket, 'close');
    }

    const steps = [options(), receive(200)];
    expect(await runSipp({ target: bridge.sip('tcp'), transport: 'tcp', steps })).toEqual(wentWell);
    await expectUndisturbed(up);
  });

  calmTest('is not disturbed by broken RTP and RTCP, even from the caller', async (keep) => {
    const up = await callUp(keep);
    const { bridge, phone, stranger } = up;
    const port = phone.remote!.port;
    const broken = brokenRtp(smallNoise);

    await phone.sendStrange(broken, port);
    await phone.sendStrange(broken, port + 1);
    await stranger.send(broken, port);
    await stranger.send(broken, port + 1);

    const dropped = async (cause: string): Promise<number> =>
      bridge.metric(`ringbridge_media_dropped_packets_total{cause="${cause}"}`);
    for (const cause of ['not-version-2', 'too-short', 'bad-extension', 'bad-padding', 'too-long']) {
      expect({ cause, seen: (await dropped(cause)) > 0 }).toEqual({ cause, seen: true });
    }
    await expectUndisturbed(up);
  });

  test.each(['127.0.0.1', '127.0.0.2'])('is not heard over by a stream of a stranger at %s', (address) =>
    onCalmMachine(async (keep) => {
      const up = await callUp(keep);
      const other = keep(await Stranger.open(address));
      const stream = Array.from({ length: 300 }, (_, sequence) => rtp({ sequence }));

      await other.send(stream, up.phone.remote!.port);

      const foreign = await up.bridge.metric('ringbridge_media_dropped_packets_total{cause="foreign-source"}');
      expect(foreign).toBe(300);
      await expectUndisturbed(up);
    }),
  );
});

describeWith('sipp')('a model that sends nonsense', () => {
  const nonsense = [
    'not JSON',
    '',
    'null',
    '[]',
    '{}',
    '{"type":5}',
    '{"type":"no.such.event"}',
    '{"type":"response.output_audio.delta"}',
    '{"type":"response.output_audio.delta","item_id":"x","response_id":"y","content_index":0,"delta":"%%%"}',
    '{"type":"response.done","response":null}',
    '{"type":"input_audio_buffer.speech_started","item_id":7,"audio_start_ms":"soon"}',
    '{"type":"session.updated","session":[]}',
    '{"type":"error"}',
    '['.repeat(9_000),
  ];

  calmTest('does not disturb its own speech, nor the call', async (keep) => {
    const script = keep(
      await ScenarioFile.write({
        turns: [{ say: 'A tone.', audio: 'tone:610:10s' }],
        faults: nonsense.map((malformed, n) => ({ after: `${800 + 50 * n}ms`, malformed })),
      }),
    );
    const bridge = keep(await BridgeUnderTest.start(onePlan(script.model)));
    const phone = keep(await RtpPhone.open());
    const sipp = keep(
      await startSipp({ target: bridge.sip(), steps: [call(phoneSdp({ port: phone.port })), waitForCue, bye] }),
    );

    await eventually(() => phone.packetsWithSound().length > 125, 'two and a half seconds of the tone');
    const lines = noticeable(bridge);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    expect(toneGaps(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000, 610)).toEqual([]);
    expect(flawsOf(phone.packets, 0)).toEqual([]);
    const [ended] = await bridge.endedCalls();
    expect(ended).toMatchObject({ reason: { kind: 'caller-hung-up' }, blame: 'nobody', interruptions: 0 });
    const told = bridge.log.find(({ messagesRejected }) => messagesRejected !== undefined);
    expect(told?.messagesRejected).toBeGreaterThan(0);
    expect(lines).toBeLessThanOrEqual(20);
    expect(bridge.errors()).toEqual([]);
  });
});

/** Lines that somebody who runs a bridge sees. */
function noticeable(bridge: BridgeUnderTest): number {
  return bridge.log.filter(({ level }) => level !== 'debug').length;
}
