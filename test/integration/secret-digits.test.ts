import { BridgeUnderTest, onePlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { keyEvent, keysHeardIn, keyTone } from '../support/key-tones';
import { ModelUnderTap } from '../support/model-under-tap';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, wentWell } from '../support/sipp';
import { bye, call, pcmu, phoneSdp, waitForCue } from '../support/sipp-scenario';

jest.setTimeout(90_000);

const keep = closedAfterEach();

/** Nothing else in a call is this by chance. */
const secret = '9071534826';

/** How a telephone tells its keys; many that send events let the beginning and the end of the tone through as well. */
type Keying = 'events, with some of the tone before and behind' | 'tones in the audio';

async function pressKeys(phone: RtpPhone, keying: Keying): Promise<void> {
  for (const key of secret) {
    phone.sayRecording(keyTone(key, 240));
    if (keying === 'tones in the audio') await sentFrames(phone, 20);
    else {
      await sentFrames(phone, 2);
      phone.press(keyEvent(key));
      await sentFrames(phone, 18);
    }
  }
}

const sentFrames = (phone: RtpPhone, count: number): Promise<void> => {
  const enough = phone.sent + count;
  return eventually(() => phone.sent >= enough, 'frames of the phone');
};

/** A call in which the agent asks for a number and the caller keys it in; what is left of it, everywhere. */
async function collection(keying: Keying, digits: Record<string, unknown>) {
  const calls = [{ name: 'pin', arguments: {} }];
  const script = keep(
    await ScenarioFile.write({ turns: [{ say: 'Your PIN?', audio: 'tone:610:1s', calls }, { say: 'Thank you.' }] }),
  );
  const model = keep(await ModelUnderTap.start(script.behaviour));
  const plan = {
    ...onePlan(undefined, { tools: ['pin'] }),
    tools: { pin: { description: 'Collects the PIN.', builtin: 'collect_digits', digits: { length: 10, ...digits } } },
  };
  const bridge = keep(await BridgeUnderTest.start(plan, model.env));
  const phone = keep(await RtpPhone.open());
  const formats = keying === 'tones in the audio' ? { 0: 'PCMU/8000' } : pcmu;
  const sdp = phoneSdp({ port: phone.port, formats });
  const sipp = keep(await startSipp({ target: bridge.sip(), steps: [call(sdp), waitForCue, bye] }));

  await eventually(() => bridge.log.some(({ msg }) => msg === 'a tool began to run'), 'the collection');
  await pressKeys(phone, keying);
  const outputs = () =>
    model
      .events(0, 'bridge', 'conversation.item.create')
      .map(({ item }) => (item as { output?: string }).output)
      .filter((output) => output !== undefined);
  await eventually(() => outputs().length > 0, 'the result of the collection');
  // What comes behind the last key is heard by the model again.
  await sentFrames(phone, 50);
  sipp.cue();
  expect(await sipp.finished).toEqual(wentWell);
  const records = await bridge.endedCalls();
  const events = model.sessions[0]?.events.map(({ event }) => ({ ...event, audio: undefined, delta: undefined }));
  return {
    output: outputs()[0],
    heardByModel: model.heard(),
    framesHeard: model.sessions[0]?.framesHeard ?? 0,
    framesSent: phone.sent,
    places: {
      events,
      records,
      journal: await bridge.journal(),
      log: bridge.log,
      metrics: (await bridge.get('/metrics')).body,
    },
    errors: bridge.errors(),
  };
}

/** The number in any of the ways in which it might be written down. */
function findSecret(place: unknown): string | undefined {
  const text = JSON.stringify(place);
  const spaced = secret.split('').join('[^0-9]{1,40}');
  return new RegExp(`${secret}|${spaced}`).exec(text)?.[0];
}

const keyings: Keying[] = ['events, with some of the tone before and behind', 'tones in the audio'];

describeWith('sipp')('keys of a caller at sipp', () => {
  test.each(keyings)('that are secret are found nowhere: %s', async (keying) => {
    const { output, heardByModel, framesHeard, framesSent, places, errors } = await collection(keying, {
      secure: true,
    });
    expect(output).toBe('{"entered":true,"keys":"secret"}');
    expect(keysHeardIn(heardByModel, 24_000)).toEqual([]);
    // It heard silence in their place, and nothing was left out.
    expect(framesHeard).toBeGreaterThan(framesSent - 50);
    for (const [name, place] of Object.entries(places)) expect([name, findSecret(place)]).toEqual([name, undefined]);
    expect(places.log.filter(({ msg }) => msg === 'caller pressed a key')).toEqual([]);
    expect(errors).toEqual([]);
  });

  test.each(keyings)('that are not secret are found where they should be: %s', async (keying) => {
    const { output, heardByModel, places } = await collection(keying, {});
    expect(JSON.parse(output ?? '')).toEqual({ keys: secret, complete: true });
    // Where keys come as tones alone, these are taken out for the model also when they are no secret.
    const heard = new Set(keysHeardIn(heardByModel, 24_000, { quietestDb: -30 }));
    if (keying !== 'tones in the audio') expect(heard).toEqual(new Set(secret));
    expect(findSecret(places.events)).toBe(secret);
    // Numbers of people are in no log all the same.
    expect(findSecret(places.log)).toBeUndefined();
  });
});
