import type { SampleRateHz } from '../../src/audio/pcm';
import { decodeG711, encodeG711 } from '../../src/audio/g711';
import { dominantHz, levelDb } from '../support/spectrum';
import { pcmuOffer, promptLevels, type VirtualCallOptions } from '../support/virtual-call';
import { finishResponse, part, startResponse } from './model-lines';
import { agentHz, callerHz, heardBy, humanHz, SupervisedCall, tone, voicesIn } from './supervised-call';
import { destination } from './transferring-call';

/** The caller's leg runs at 24 kHz, as with Opus; those that we call at `calleeHz`. */
function wideband(calleeHz: SampleRateHz = 8_000, options: VirtualCallOptions = {}): SupervisedCall {
  const rateHz = (callId: string): SampleRateHz => (callId.includes('/') ? calleeHz : 24_000);
  return new SupervisedCall([destination('sales')], { rateHz, ...options });
}

/** What telephony cannot carry. */
const wideHz = 6_010;

test('at 24 kHz on both sides no sample is changed in either direction', async () => {
  const call = await wideband().answered();
  const from = call.clock.now();
  const spoken = Int16Array.from({ length: 24_000 }, (_, i) => Math.round(9_000 * Math.sin(i ** 1.4 / 90)));
  const said = Int16Array.from({ length: 24_000 }, (_, i) => Math.round(8_000 * Math.cos(i ** 1.3 / 70)));
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  const delta = Buffer.from(spoken.buffer).toString('base64');
  call.say({ type: 'response.output_audio.delta', ...part('item_1', 'resp_1'), delta });
  finishResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  call.phone.say(said);
  await call.run(1_100);
  const heard = heardBy(call.phone, from);
  const begins = heard.findIndex((_, i) => heard[i + 1] !== 0 || heard[i] !== 0);
  expect(heard.subarray(begins, begins + spoken.length)).toEqual(spoken);
  const heardByModel = call.heardByModel(from);
  const first = heardByModel.findIndex((sample) => sample !== 0);
  const offset = said.findIndex((sample) => sample !== 0);
  expect(heardByModel.subarray(first, first + said.length - offset)).toEqual(said.subarray(offset));
  call.caller.bye();
  await call.expectClean();
});

test('an agent whose session speaks G.711 is heard, and hears, over a wideband leg', async () => {
  const call = await wideband(8_000, { agent: { audio_format: 'pcmu' } }).answered();
  const from = call.clock.now();
  const speech = tone(agentHz, 1_000);
  const coded = new Uint8Array(speech.length);
  encodeG711('pcmu', speech, coded);
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  const delta = Buffer.from(coded).toString('base64');
  call.say({ type: 'response.output_audio.delta', ...part('item_1', 'resp_1'), delta });
  finishResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  call.phone.say(tone(callerHz, 1_000, 24_000));
  await call.run(1_000);
  const frames = call.phone.heard.filter(({ atMs }) => atMs > from);
  expect(new Set(frames.map(({ samples }) => samples.length))).toEqual(new Set([480]));
  expect(dominantHz(heardBy(call.phone, from), 24_000)).toBeCloseTo(agentHz, 0);
  const appended = call.sent('input_audio_buffer.append').filter(({ atMs }) => atMs > from);
  const bytes = Buffer.concat(appended.map(({ event }) => Buffer.from(String(event.audio), 'base64')));
  const heard = new Int16Array(bytes.length);
  decodeG711('pcmu', bytes, heard);
  expect(dominantHz(heard, 8_000)).toBeCloseTo(callerHz, 0);
  call.caller.bye();
  await call.expectClean();
});

test.each([
  ['a destination at 8 kHz is heard, and hears, without what it cannot carry', 8_000, false],
  ['a destination at 24 kHz is heard, and hears, in full', 24_000, true],
] as const)('%s', async (_name, calleeHz, isWide) => {
  const call = await wideband(calleeHz).transferring('sales');
  const ringing = call.clock.now();
  await call.run(1_000);
  expect(call.longestSilenceSince(ringing)).toBe(0);
  expect(call.heardSince(ringing + 40)).toBe(promptLevels['hold-music']);

  call.callee.answer(pcmuOffer);
  await call.run(60);
  const from = call.clock.now();
  const human = call.calleePhone('sales');
  const mixed = tone(callerHz, 1_000, 24_000).map((sample, i) => sample + (tones[i] ?? 0));
  call.phone.say(mixed);
  human.say(tone(humanHz, 1_000, calleeHz));
  await call.run(1_000);
  const atHuman = heardBy(human, from + 40);
  expect(levelDb(atHuman, calleeHz, callerHz)).toBeGreaterThan(-16);
  if (isWide) expect(levelDb(atHuman, calleeHz, wideHz)).toBeGreaterThan(-16);
  else expect(levelDb(atHuman, calleeHz, 8_000 - wideHz)).toBeLessThan(-80);
  expect(voicesIn(heardBy(call.phone, from), 24_000)).toEqual(['human']);
  call.callee.bye();
  await call.expectClean();
});
const tones = tone(wideHz, 1_000, 24_000);

test('a supervisor at 8 kHz hears both sides, whispers to the agent, and takes over', async () => {
  const call = await wideband().answered();
  await call.supervised('listen');
  const listens = call.clock.now();
  call.agentSays(1_000);
  call.phone.say(tone(callerHz, 1_000, 24_000));
  await call.run(1_000);
  expect(voicesIn(heardBy(call.supervisor, listens))).toEqual(['agent', 'caller']);

  call.change('whisper');
  const whispers = call.clock.now();
  call.supervisor.say(tone(440, 800));
  await call.run(2_500);
  expect(voicesIn(heardBy(call.phone, whispers), 24_000)).toEqual([]);
  expect(dominantHz(call.whispers()[0]!.samples, 24_000)).toBeCloseTo(440, 0);

  call.change('take-over');
  await call.run(100);
  const talks = call.clock.now();
  call.phone.say(tone(callerHz, 1_000, 24_000));
  call.supervisor.say(tone(440, 1_000));
  await call.run(1_000);
  expect(voicesIn(heardBy(call.phone, talks), 24_000)).toEqual(['supervisor']);
  expect(voicesIn(heardBy(call.supervisor, talks))).toEqual(['caller']);
  call.caller.bye();
  await call.expectClean();
});
