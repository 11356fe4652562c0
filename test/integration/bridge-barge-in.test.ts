import { join } from 'node:path';

import { readWavFile } from '../../src/audio/wav';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { calmTest } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, wentWell } from '../support/sipp';
import { bye, call, phoneSdp, waitForCue } from '../support/sipp-scenario';

jest.setTimeout(90_000);

const interruptionFile = join(__dirname, '..', '..', 'audio', 'caller-interruption-8khz.wav');

/** The agent says a tone of 20 s, so that every packet of its speech is told from silence; then nothing more. */
const longAnswer = { turns: [{ say: 'A long answer.', audio: 'tone:610:20s' }, {}] };

describeWith('sipp')('a caller who speaks over the agent', () => {
  calmTest('silences it within one packet, and the model is told what was heard', async (keep) => {
    const script = keep(await ScenarioFile.write(longAnswer));
    const model = keep(await ModelUnderTap.start(script.behaviour));
    const bridge = keep(await BridgeUnderTest.start(onePlan(), model.env));
    const phone = keep(await RtpPhone.open());
    let packetsBefore = -1;
    // Told right behind a packet: the next one is 20 ms away, and what follows was sent by a bridge that knows.
    model.beforeModelEvent = (event) => {
      if (event.type !== 'input_audio_buffer.speech_started') return undefined;
      const next = phone.packets.length + 1;
      return phone.heardPackets(next).then(() => void (packetsBefore = phone.packets.length));
    };
    const sdp = phoneSdp({ port: phone.port });
    const sipp = keep(await startSipp({ target: bridge.sip(), steps: [call(sdp), waitForCue, bye] }));

    await eventually(() => phone.packetsWithSound().length > 100, 'two seconds of the agent');
    phone.sayRecording(await readWavFile(interruptionFile, 8_000));
    await eventually(() => model.events(0, 'bridge', 'conversation.item.truncate').length > 0, 'the truncation');
    await phone.heardPackets(packetsBefore + 25);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    const sounding = phone.packetsWithSound();
    expect(sounding.filter((packet) => packet >= packetsBefore).length).toBeLessThanOrEqual(1);
    const [truncation] = model.events(0, 'bridge', 'conversation.item.truncate');
    const [added] = model.events(0, 'model', 'response.output_item.added');
    expect(truncation).toMatchObject({ item_id: (added?.item as { id: string }).id, content_index: 0 });
    const heardMs = (sounding.at(-1)! - sounding[0]! + 1) * 20;
    expect(Math.abs((truncation?.audio_end_ms as number) - heardMs)).toBeLessThanOrEqual(20);
    expect(model.events(0, 'model', 'conversation.item.truncated')).toHaveLength(1);
    expect(model.events(0, 'model', 'error')).toEqual([]);
    const [ended] = await bridge.endedCalls();
    expect(ended).toMatchObject({ interruptions: 1, blame: 'nobody' });
  });
});
