import { seededRandom } from '../../src/runtime/random';
import { scenarioOf, SessionHarness } from './session-harness';

const said = 'What are your opening hours, please?';

test('nothing is transcribed unless the session asks for it', () => {
  const harness = spoken({ transcription: null });
  expect(transcription(harness)).toEqual([]);
});

test('the words come in deltas, then whole, with usage in tokens', () => {
  const harness = spoken({ transcription: { model: 'gpt-4o-mini-transcribe' } });
  const itemId = harness.only('input_audio_buffer.committed').item_id;
  const deltas = harness.of('conversation.item.input_audio_transcription.delta');
  expect(deltas.length).toBeGreaterThan(2);
  expect(deltas.map(({ delta }) => delta).join('')).toBe(said);
  expect(deltas[0]).toMatchObject({ item_id: itemId, content_index: 0, obfuscation: expect.any(String) });
  expect(harness.only('conversation.item.input_audio_transcription.completed')).toMatchObject({
    item_id: itemId,
    content_index: 0,
    transcript: said,
    usage: {
      type: 'tokens',
      input_tokens: 20,
      input_token_details: { text_tokens: 0, audio_tokens: 20 },
      output_tokens: 9,
      total_tokens: 29,
    },
  });
});

test('whisper-1 sends one delta and bills whole seconds', () => {
  const harness = spoken({ transcription: { model: 'whisper-1' }, lengthMs: 2_040 });
  expect(harness.only('conversation.item.input_audio_transcription.delta').delta).toBe(said);
  expect(harness.only('conversation.item.input_audio_transcription.completed').usage).toEqual({
    type: 'duration',
    seconds: 3,
  });
});

test('other models bill the time itself', () => {
  const harness = spoken({ transcription: { model: 'gpt-realtime-whisper' }, lengthMs: 2_040 });
  expect(harness.only('conversation.item.input_audio_transcription.completed').usage).toEqual({
    type: 'duration',
    seconds: 2.04,
  });
});

test('the transcript is null on the item until then, and there when it is retrieved later', () => {
  const harness = spoken({ transcription: { model: 'whisper-1' } });
  expect(harness.only('conversation.item.done').item).toMatchObject({ content: [{ transcript: null }] });
  harness.send({
    type: 'conversation.item.retrieve',
    item_id: harness.only('input_audio_buffer.committed').item_id,
  });
  expect(harness.only('conversation.item.retrieved').item).toMatchObject({ content: [{ transcript: said }] });
});

test('a failed transcription names the item', () => {
  const behaviour = scenarioOf({
    turns: [{ transcription: { error: { code: 'audio_unintelligible', message: 'No.' } } }],
  });
  const harness = spoken({ transcription: { model: 'whisper-1' }, behaviour });
  expect(harness.only('conversation.item.input_audio_transcription.failed')).toMatchObject({
    item_id: harness.only('input_audio_buffer.committed').item_id,
    content_index: 0,
    error: { code: 'audio_unintelligible', message: 'No.' },
  });
  expect(harness.of('conversation.item.input_audio_transcription.completed')).toEqual([]);
});

test('it may come before or after the response starts, as chance will have it', () => {
  const orders = new Set(
    Array.from({ length: 20 }, (_, seed) => {
      const harness = spoken({ transcription: { model: 'whisper-1' }, seed, respond: true });
      const types = harness.types();
      return types.indexOf('conversation.item.input_audio_transcription.completed') < types.indexOf('response.created');
    }),
  );
  expect(orders).toEqual(new Set([true, false]));
});

test('a scenario says when it comes', () => {
  const behaviour = scenarioOf({ turns: [{ caller: said, transcription: { delay: '3s' } }] });
  const harness = spoken({ transcription: { model: 'whisper-1' }, behaviour, waitMs: 2_999 });
  expect(transcription(harness)).toEqual([]);
  harness.clock.advance(1);
  expect(transcription(harness)).not.toEqual([]);
});

test('log probabilities are there when the session includes them', () => {
  const without = spoken({ transcription: { model: 'whisper-1' } });
  expect(without.only('conversation.item.input_audio_transcription.completed')).not.toHaveProperty('logprobs');
  const included = spoken({
    transcription: { model: 'whisper-1' },
    include: ['item.input_audio_transcription.logprobs'],
  });
  expect(included.only('conversation.item.input_audio_transcription.completed').logprobs).toMatchObject([
    { token: said, logprob: expect.any(Number) },
  ]);
});

function spoken({
  transcription: settings,
  lengthMs = 2_000,
  behaviour = scenarioOf({ turns: [{ caller: said, say: 'From nine to six.' }] }),
  include = null as string[] | null,
  seed = 1,
  respond = false,
  waitMs = 2_000,
}: {
  transcription: Record<string, unknown> | null;
  lengthMs?: number;
  behaviour?: ReturnType<typeof scenarioOf>;
  include?: string[] | null;
  seed?: number;
  respond?: boolean;
  waitMs?: number;
}): SessionHarness {
  const harness = new SessionHarness({ behaviour, random: seededRandom(seed) });
  harness.update({ include, audio: { input: { turn_detection: null, transcription: settings } } });
  harness.append(Buffer.alloc(48 * lengthMs));
  harness.send({ type: 'input_audio_buffer.commit' });
  if (respond) harness.send({ type: 'response.create' });
  harness.clock.advance(waitMs);
  return harness;
}

function transcription(harness: SessionHarness): string[] {
  return harness.types().filter((type) => type.includes('transcription'));
}
