import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encodeWav } from '../../src/audio/wav';
import { parseScenario, readScenario } from '../../src/simulator/scenario-file';
import { audioFolder, prompt, scenarioOf, SessionHarness, sine } from './session-harness';

test.each([
  ['no JSON', '{', ''],
  ['no turns', {}, 'turns'],
  ['an unknown key', { turns: [{ says: 'Hello.' }] }, 'turns[0].says'],
  ['a duration without a unit', { turns: [{ delay: '300' }] }, 'turns[0].delay'],
  ['a fault of no kind', { turns: [], faults: [{ after: '1s' }] }, 'faults[0]'],
  ['a fault of two kinds', { turns: [], faults: [{ abort: true, close: 1000 }] }, 'faults[0]'],
  ['a close code that does not exist', { turns: [], faults: [{ close: 7 }] }, 'faults[0].close'],
  ['a recording that is not there', { turns: [{ audio: 'nowhere.wav' }] }, 'nowhere.wav'],
])('%s is no scenario, and the reason names the place', (_, json, place) => {
  const text = typeof json === 'string' ? json : JSON.stringify(json);
  const read = parseScenario(text, { folders: [audioFolder] });
  expect(read).toEqual({ kind: 'invalid', reason: expect.stringContaining(place) });
});

test('the example of the manual is a scenario', () => {
  const manual = readFileSync(join(__dirname, '../../docs/simulator.md'), 'utf8');
  const example = /```json\n([^]*?)```/.exec(manual)?.[1] ?? '';
  const read = parseScenario(example, { folders: [audioFolder] });
  if (read.kind === 'invalid') throw new Error(read.reason);
  expect(read.scenario.turns).toHaveLength(5);
  expect(read.scenario.faults).toEqual([{ kind: 'abort', afterMs: 1_200_000 }]);
});

test('finds recordings beside the file before the shipped ones', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
  try {
    const own = sine({ hz: 500, lengthMs: 250, peak: 0.3 });
    writeFileSync(join(folder, 'own.wav'), encodeWav([own.samples], 24_000));
    const file = join(folder, 'scenario.json');
    writeFileSync(file, JSON.stringify({ turns: [{ audio: 'own.wav' }, { audio: 'receptionist-goodbye.wav' }] }));
    const read = readScenario(file, { audioFolder });
    if (read.kind === 'invalid') throw new Error(read.reason);
    const lengths = read.scenario.turns.map((turn) => turn.say?.speech.encode({ type: 'audio/pcmu' }).byteLength);
    expect(lengths).toEqual([2_000, Math.ceil(prompt('receptionist-goodbye').samples.length / 3)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ['tone:600:2s', 2_000],
  ['speech:1500ms', 1_500],
])('audio %s lasts that long', (audio, lengthMs) => {
  const harness = new SessionHarness({ behaviour: scenarioOf({ turns: [{ say: 'Words.', audio }] }) });
  respond(harness);
  expect(harness.audioOf(harness.only('response.done').response.id)).toHaveLength(lengthMs * 48);
});

test('words without audio take as long as somebody would to say them', () => {
  const harness = new SessionHarness({ behaviour: scenarioOf({ turns: [{ say: 'Five words are said here' }] }) });
  respond(harness);
  expect(harness.audioOf(harness.only('response.done').response.id)).toHaveLength(5 * 400 * 48);
  expect(harness.only('response.output_audio_transcript.done').transcript).toBe('Five words are said here');
});

test('turns follow each other and the last one repeats', () => {
  const harness = new SessionHarness({ behaviour: scenarioOf({ turns: [{ say: 'One.' }, { say: 'Two.' }] }) });
  for (let i = 0; i < 3; i += 1) respond(harness);
  expect(said(harness)).toEqual(['One.', 'Two.', 'Two.']);
});

test('turns start again when the file says so', () => {
  const behaviour = scenarioOf({ turns: [{ say: 'One.' }, { say: 'Two.' }], after: 'start-again' });
  const harness = new SessionHarness({ behaviour });
  for (let i = 0; i < 3; i += 1) respond(harness);
  expect(said(harness)).toEqual(['One.', 'Two.', 'One.']);
});

test('sessions of one scenario do not share their place in it', () => {
  const behaviour = scenarioOf({ turns: [{ say: 'One.' }, { say: 'Two.' }] });
  const first = new SessionHarness({ behaviour });
  respond(first);
  const second = new SessionHarness({ behaviour });
  respond(second);
  expect(said(second)).toEqual(['One.']);
});

test('idle and farewell have turns of their own and use up none of the others', () => {
  const behaviour = scenarioOf({
    turns: [{ say: 'One.' }, { say: 'Two.' }],
    idle: { say: 'Hello?' },
    farewell: { say: 'Bye.' },
  });
  const harness = new SessionHarness({ behaviour });
  harness.turnDetection({ type: 'server_vad', idle_timeout_ms: 5_000 });
  respond(harness);
  harness.silence(7_000);
  harness.send({ type: 'response.create', response: { instructions: 'Say goodbye.' } });
  harness.clock.advance(3_000);
  respond(harness);
  expect(said(harness)).toEqual(['One.', 'Hello?', 'Bye.', 'Two.']);
});

test('what the caller is taken to say belongs to the turn that answers it', () => {
  const behaviour = scenarioOf({
    turns: [
      { caller: 'First?', say: 'One.' },
      { caller: 'Second?', say: 'Two.' },
    ],
  });
  const harness = new SessionHarness({ behaviour });
  harness.update({ audio: { input: { turn_detection: null, transcription: { model: 'whisper-1' } } } });
  for (let turn = 0; turn < 2; turn += 1) {
    harness.append(Buffer.alloc(9_600));
    harness.send({ type: 'input_audio_buffer.commit' });
    respond(harness);
  }
  const heard = harness.of('conversation.item.input_audio_transcription.completed');
  expect(heard.map(({ transcript }) => transcript)).toEqual(['First?', 'Second?']);
});

test('a transcriber that is given the silence of an idle timeout makes something up', () => {
  const harness = new SessionHarness({ behaviour: scenarioOf({ turns: [{ say: 'One.' }], idle: { say: 'Hello?' } }) });
  harness.update({
    audio: {
      input: { turn_detection: { type: 'server_vad', idle_timeout_ms: 5_000 }, transcription: { model: 'whisper-1' } },
    },
  });
  respond(harness);
  harness.silence(8_000);
  expect(harness.only('conversation.item.input_audio_transcription.completed').transcript).toBe('Thank you.');
});

test('a delay holds back the first output, not response.created', () => {
  const harness = new SessionHarness({ behaviour: scenarioOf({ turns: [{ say: 'One.', delay: '5s' }] }) });
  harness.send({ type: 'response.create' });
  harness.clock.advance(5_100);
  expect(harness.types().slice(1)).toEqual(['response.created']);
  harness.clock.advance(100);
  expect(harness.types()).toContain('response.output_audio.delta');
});

function respond(harness: SessionHarness): void {
  harness.send({ type: 'response.create' });
  harness.clock.advance(3_000);
}

function said(harness: SessionHarness): string[] {
  return harness.of('response.output_audio_transcript.done').map(({ transcript }) => transcript);
}
