import { join } from 'node:path';

import { readWavFile } from '../../src/audio/wav';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { calmTest, type Keep } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { keyEvent } from '../support/key-tones';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, wentWell } from '../support/sipp';
import { bye, call, phoneSdp, waitForCue } from '../support/sipp-scenario';
import { dominantHz, fitSine } from '../support/spectrum';

jest.setTimeout(120_000);

const agentHz = 610;
const answerHz = 730;
const callerHz = 1_004;
const frameSamples = 160;
/** What the agent's speech loses to a fade and wins by a ramp. */
const fadeMs = 5;

const recording = (name: string): Promise<Int16Array> =>
  readWavFile(join(__dirname, '..', '..', 'audio', `${name}-8khz.wav`), 8_000);

/** A caller at sipp who hears the agent say a tone for as long, and is answered by another tone. */
async function listening(keep: Keep, agent: Record<string, unknown>, agentMs: number) {
  const script = keep(
    await ScenarioFile.write({
      turns: [
        { say: 'A long answer.', audio: `tone:${agentHz}:${agentMs}ms` },
        { say: 'Yes.', audio: `tone:${answerHz}:1s` },
      ],
    }),
  );
  const model = keep(await ModelUnderTap.start(script.behaviour));
  const bridge = keep(await BridgeUnderTest.start(onePlan(undefined, agent), model.env));
  const phone = keep(await RtpPhone.open());
  const sdp = phoneSdp({ port: phone.port });
  const sipp = keep(await startSipp({ target: bridge.sip(), steps: [call(sdp), waitForCue, bye] }));
  const hangUp = async () => {
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    const [record] = await bridge.endedCalls();
    expect(model.events(0, 'model', 'error')).toEqual([]);
    expect(bridge.errors()).toEqual([]);
    return record;
  };
  return { model, bridge, phone, hangUp };
}

/** Packets in which this tone is heard, by their place. */
function packetsOf(phone: RtpPhone, hz: number): number[] {
  return phone.packetsWithSound().filter((at) => {
    const frame = phone.audio({ from: at, to: at + 1 });
    const { amplitude, residualRms } = fitSine(frame, 8_000, hz);
    return amplitude > 1_000 && residualRms < amplitude / 4;
  });
}

const heard = (phone: RtpPhone, hz: number, packets: number): Promise<void> =>
  eventually(() => packetsOf(phone, hz).length >= packets, `${packets} packets of ${hz} Hz`);

const wrapped = (radians: number): number => radians - 2 * Math.PI * Math.round(radians / (2 * Math.PI));

/** How far the tone after a pause is from where it would be had there been none, in samples at 24 kHz. */
function samplesAmiss(before: Int16Array, after: Int16Array, offsetSamples: number): number {
  const step = (2 * Math.PI * agentHz) / 8_000;
  const [first, second] = [fitSine(before, 8_000, agentHz), fitSine(after, 8_000, agentHz)];
  return (wrapped(second.phase - first.phase - step * offsetSamples) / step) * 3;
}

describeWith('sipp')('a caller at sipp', () => {
  const detection = { type: 'server_vad', create_response: false, interrupt_response: false };
  const reversible = { turn_detection: detection, barge_in: { decide_after: '700ms' } };

  calmTest(
    'who murmurs hears the agent go on in the middle of the word, with no sample lost or doubled',
    async (keep) => {
      const agentMs = 6_000;
      const { model, phone, hangUp } = await listening(keep, reversible, agentMs);
      await heard(phone, agentHz, 75);
      phone.sayRecording(await recording('caller-murmur'));
      await eventually(
        () => model.events(0, 'bridge', 'conversation.item.delete').length > 0,
        'the murmur to be dropped',
      );
      const soFar = phone.packets.length;
      await phone.heardPackets(soFar + 50);
      await eventually(() => phone.packets.length - (phone.packetsWithSound().at(-1) ?? 0) > 50, 'the end of the word');
      const record = await hangUp();

      const sounding = phone.packetsWithSound();
      const pauseAt = sounding.findIndex((packet, index) => packet - (sounding[index - 1] ?? packet) > 5);
      // All of it was heard: the frame of the fade holds no more than the fade.
      const [framesBefore, framesAfter] = [pauseAt, sounding.length - pauseAt];
      const [start, resumed] = [sounding[0]!, sounding[pauseAt]!];
      process.stdout.write(
        `heard ${framesBefore} frames, a pause of ${resumed - sounding[pauseAt - 1]! - 1}, ${framesAfter} more\n`,
      );
      expect(pauseAt).toBeGreaterThan(50);
      const frames = (agentMs + 20 - fadeMs) / 20;
      expect(framesBefore + framesAfter).toBeGreaterThanOrEqual(Math.floor(frames));
      expect(framesBefore + framesAfter).toBeLessThanOrEqual(Math.ceil(frames) + 2);
      // Behind the last whole frame comes the fade, which is heard, too.
      const lastWhole = packetsOf(phone, agentHz).findLast((at) => at < resumed)!;
      const heardBefore = (lastWhole + 1 - start) * frameSamples + fadeMs * 8;
      const before = phone.audio({ from: start + 10, to: start + 40 });
      const after = phone.audio({ from: resumed + 10, to: resumed + 40 });
      const amiss = samplesAmiss(before, after, heardBefore);
      process.stdout.write(`amiss by ${amiss.toFixed(2)} samples\n`);
      expect(Math.abs(amiss)).toBeLessThan(0.5);
      expect(model.events(0, 'bridge', 'conversation.item.truncate')).toEqual([]);
      expect(record).toMatchObject({ interruptions: 0 });
    },
  );

  calmTest('who means it silences the agent, whose history ends at the last sample that was heard', async (keep) => {
    const { model, phone, hangUp } = await listening(keep, reversible, 20_000);
    await heard(phone, agentHz, 75);
    phone.sayRecording(await recording('caller-interruption'));
    await heard(phone, answerHz, 40);
    const record = await hangUp();

    const [truncated] = model.events(0, 'bridge', 'conversation.item.truncate');
    const spoken = packetsOf(phone, agentHz);
    const heardMs = (spoken.at(-1)! - spoken[0]! + 1) * 20;
    process.stdout.write(`heard ${heardMs} ms, told ${String(truncated?.audio_end_ms)}\n`);
    expect(Math.abs((truncated?.audio_end_ms as number) - heardMs)).toBeLessThanOrEqual(20);
    expect(packetsOf(phone, answerHz)[0]).toBeGreaterThan(spoken.at(-1)!);
    expect(record).toMatchObject({ interruptions: 1 });
  });

  calmTest('has the word from one press of a key to the next, and the model hears nothing else', async (keep) => {
    const pushToTalk = { turn_detection: { type: 'none' }, push_to_talk: { key: '*' } };
    const { model, phone, hangUp } = await listening(keep, pushToTalk, 20_000);
    phone.sayTone(callerHz, -10);
    await heard(phone, agentHz, 75);
    expect(model.sessions[0]?.framesHeard).toBe(0);
    phone.press(keyEvent('*'));
    await eventually(() => model.events(0, 'bridge', 'conversation.item.truncate').length > 0, 'the truncation');
    // Sent before the truncation and on its way, or the fade.
    const pressedAt = phone.packets.length;
    await eventually(() => (model.sessions[0]?.framesHeard ?? 0) >= 75, 'a second and a half at the model');
    phone.press(keyEvent('*'));
    await heard(phone, answerHz, 40);
    const framesHeard = model.sessions[0]?.framesHeard ?? 0;
    const record = await hangUp();

    const spoken = packetsOf(phone, agentHz);
    expect(spoken.filter((at) => at > pressedAt + 1)).toEqual([]);
    const [truncated] = model.events(0, 'bridge', 'conversation.item.truncate');
    const heardMs = (spoken.at(-1)! - spoken[0]! + 1) * 20;
    expect(Math.abs((truncated?.audio_end_ms as number) - heardMs)).toBeLessThanOrEqual(20);
    expect(model.events(0, 'bridge', 'input_audio_buffer.commit')).toHaveLength(1);
    // After the second press not a frame more.
    expect(model.sessions[0]?.framesHeard).toBe(framesHeard);
    const heardByModel = model.heard();
    expect(Math.abs(dominantHz(heardByModel.subarray(12_000, 30_000), 24_000) - callerHz)).toBeLessThan(2);
    expect(record).toMatchObject({ interruptions: 1 });
  });
});
