import { encodeG711 } from '../../src/audio/g711';
import { ToneGenerator } from '../../src/audio/tone';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { calmTest } from '../support/calm-machine';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { flawsOf, RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, wentWell } from '../support/sipp';
import {
  bye,
  call,
  pcma,
  phoneSdp,
  playForever,
  receiveBye,
  sippAudioPort,
  waitForCue,
} from '../support/sipp-scenario';
import { dominantHz, toneGaps } from '../support/spectrum';

jest.setTimeout(60_000);

/** Whole seconds of a tone as sipp plays it; it goes on smoothly when the file starts again. */
function toneFile(hz: number): Buffer {
  const samples = new Int16Array(8_000);
  new ToneGenerator(8_000, hz, -10).fill(samples);
  const octets = Buffer.alloc(samples.length);
  encodeG711('pcma', samples, octets);
  return octets;
}

describeWith('sipp')('a call by sipp', () => {
  calmTest('is answered, heard by the model as sipp plays it, and ended by the caller', async (keep) => {
    const model = keep(await ModelUnderTap.start('tone:610'));
    const bridge = keep(await BridgeUnderTest.start(onePlan(), model.env));
    const sipp = keep(
      await startSipp({
        target: bridge.sip(),
        steps: [
          call(phoneSdp({ port: sippAudioPort, formats: pcma })),
          playForever('tone.al', 'pcma'),
          waitForCue,
          bye,
        ],
        files: { 'tone.al': toneFile(1_010) },
      }),
    );

    await model.heardSeconds(3);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    const heard = model.heard();
    expect(dominantHz(heard.subarray(24_000), 24_000)).toBeCloseTo(1_010, 0);
    expect(toneGaps(heard, 24_000, 1_010)).toEqual([]);
    const [ended] = await bridge.endedCalls();
    expect(ended).toMatchObject({ reason: { kind: 'caller-hung-up', how: { kind: 'bye' } }, blame: 'nobody' });
    expect(bridge.errors()).toEqual([]);
  });

  calmTest('hears the greeting in one stream without a flaw, from its first packet on', async (keep) => {
    const bridge = keep(await BridgeUnderTest.start(onePlan('simulator:tone:610')));
    const phone = keep(await RtpPhone.open('pcma'));
    const sipp = keep(
      await startSipp({
        target: bridge.sip(),
        steps: [call(phoneSdp({ port: phone.port, formats: pcma })), waitForCue, bye],
      }),
    );

    await phone.heardPackets(150);
    sipp.cue();

    expect(await sipp.finished).toEqual(wentWell);
    expect(flawsOf(phone.packets, 8)).toEqual([]);
    const speech = phone.audio({ from: phone.packetsWithSound()[0]! });
    expect(dominantHz(speech, 8_000)).toBeCloseTo(610, 0);
    expect(toneGaps(speech, 8_000, 610)).toEqual([]);
    expect(phone.strange).toEqual([]);
  });

  calmTest('is ended by the agent once its goodbye was heard to the end', async (keep) => {
    const goodbye = { say: 'Goodbye.', audio: 'tone:610:1s', calls: [{ name: 'hang_up' }] };
    const script = keep(await ScenarioFile.write({ turns: [goodbye] }));
    const bridge = keep(await BridgeUnderTest.start(onePlan(script.model, { tools: ['hang_up'] })));
    const phone = keep(await RtpPhone.open());
    const sipp = keep(
      await startSipp({ target: bridge.sip(), steps: [call(phoneSdp({ port: phone.port })), receiveBye] }),
    );

    expect(await sipp.finished).toEqual(wentWell);

    const sounding = phone.packetsWithSound();
    // A resampler delays by less than a packet: its tail may reach into one more.
    expect([50, 51]).toContain(sounding.length);
    // The stream ends with the BYE, and silence came in between.
    expect(phone.packets.length).toBeGreaterThan(sounding.at(-1)! + 1);
    expect(flawsOf(phone.packets, 0)).toEqual([]);
    const [ended] = await bridge.endedCalls();
    expect(ended).toMatchObject({ reason: { kind: 'agent-hung-up' }, blame: 'nobody' });
  });
});
