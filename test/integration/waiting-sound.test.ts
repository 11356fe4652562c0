import { ToneGenerator } from '../../src/audio/tone';
import { encodeWav } from '../../src/audio/wav';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { isCancelled, personTalks } from '../support/person-steps';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, wentWell } from '../support/sipp';
import { bye, call, phoneSdp, receiveBye, waitForCue } from '../support/sipp-scenario';
import type { Step } from '../support/sipp-scenario';
import { dominantHz, snrDb } from '../support/spectrum';

jest.setTimeout(60_000);

const keep = closedAfterEach();
const musicHz = 880;
const personHz = 1_370;

/** A second of whole periods, in stereo: it has no seam. */
function holdMusic(): Buffer {
  const samples = new Int16Array(24_000);
  new ToneGenerator(24_000, musicHz, -10).fill(samples);
  return encodeWav([samples, samples], 24_000);
}

async function startTransfer(steps: (sdp: string) => Step) {
  const other = keep(await RtpPhone.open('pcmu'));
  other.sayTone(personHz);
  const human = keep(await startSipp({ target: '127.0.0.1:9', steps: [steps(phoneSdp({ port: other.port }))] }));
  const scenario = keep(
    await ScenarioFile.write({
      turns: [{ say: 'One moment.', calls: [{ name: 'transfer_call', arguments: { destination: 'sales' } }] }],
    }),
  );
  const agent = { tools: ['transfer_call'], transfers: ['sales'] };
  const sales = { to: `sip:person@127.0.0.1:${human.port}`, waiting: 'file:hold.wav' };
  const model = keep(await ModelUnderTap.start(scenario.behaviour));
  const plan = { ...onePlan(undefined, agent), destinations: { sales } };
  const bridge = keep(await BridgeUnderTest.start(plan, model.env, { 'hold.wav': holdMusic() }));
  const phone = keep(await RtpPhone.open('pcmu'));
  const sipp = keep(
    await startSipp({ target: bridge.sip(), steps: [call(phoneSdp({ port: phone.port })), waitForCue, bye] }),
  );
  return { bridge, phone, sipp, human };
}

/** Until the last two seconds are one unbroken tone. */
function hearsOnly(phone: RtpPhone, hz: number): Promise<void> {
  const isPure = (): boolean =>
    phone.packets.length > 100 && snrDb(phone.audio({ from: phone.packets.length - 100 }), 8_000, hz) > 25;
  return eventually(isPure, `two seconds of ${hz} Hz without a seam`);
}

describeWith('sipp')("a plan's own recording", () => {
  test('is what the caller hears, over and over, while the destination rings', async () => {
    const { bridge, phone, sipp, human } = await startTransfer(() => isCancelled);
    await hearsOnly(phone, musicHz);
    sipp.cue();
    expect([await sipp.finished, (await human.finished).code]).toEqual([wentWell, 0]);
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({ transfers: [{ destination: 'sales', outcome: 'cancelled' }] });
    expect(bridge.errors()).toEqual([]);
  });

  test('ends when the person answers', async () => {
    const { bridge, phone, sipp, human } = await startTransfer((sdp) => [personTalks(sdp), receiveBye].join('\n'));
    const lastSecond = (): Int16Array => phone.audio({ from: Math.max(0, phone.packets.length - 50) });
    await eventually(() => Math.abs(dominantHz(lastSecond(), 8_000) - personHz) < 4, 'the person at the phone');
    sipp.cue();
    expect([await sipp.finished, await human.finished]).toEqual([wentWell, wentWell]);
    expect(bridge.errors()).toEqual([]);
  });
});
