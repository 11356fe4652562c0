import type { RealtimeSessionCreateRequest } from 'openai/resources/realtime/realtime';

import { agentSessionSchema } from '../../src/realtime/agent-schema';
import { sessionConfig, type FunctionTool } from '../../src/realtime/session-config';
import { newConversationSettings } from '../../src/simulator/session-settings';
import { updateSession } from '../../src/simulator/session-update';

// Compiles only while our session is one that the API's own types allow.
const configure = (agent: Record<string, unknown>, tools: FunctionTool[] = []): RealtimeSessionCreateRequest =>
  sessionConfig({ agent: agentSessionSchema.parse({ instructions: 'Be brief.', ...agent }), tools });

test('an agent that says nothing gets a whole session of explicit values', () => {
  expect(configure({})).toEqual({
    type: 'realtime',
    output_modalities: ['audio'],
    instructions: 'Be brief.',
    audio: {
      input: {
        format: { type: 'audio/pcm', rate: 24_000 },
        turn_detection: {
          type: 'server_vad',
          threshold: 0.5,
          prefix_padding_ms: 300,
          silence_duration_ms: 500,
          idle_timeout_ms: null,
          create_response: true,
          interrupt_response: true,
        },
      },
      output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'marin', speed: 1 },
    },
    tools: [],
    tool_choice: 'auto',
    max_output_tokens: 'inf',
  });
});

test('G.711 goes both ways and states no rate', () => {
  expect(configure({ audio_format: 'pcma' }).audio).toMatchObject({
    input: { format: { type: 'audio/pcma' } },
    output: { format: { type: 'audio/pcma' } },
  });
  expect(configure({ audio_format: 'pcmu' }).audio?.input?.format).toEqual({ type: 'audio/pcmu' });
});

test('silence and idle timeout are sent in milliseconds', () => {
  const turn_detection = {
    type: 'server_vad',
    silence: '700ms',
    prefix: '0ms',
    idle_timeout: '6s',
    interrupt_response: false,
  };
  expect(configure({ turn_detection }).audio?.input?.turn_detection).toEqual({
    type: 'server_vad',
    threshold: 0.5,
    prefix_padding_ms: 0,
    silence_duration_ms: 700,
    idle_timeout_ms: 6_000,
    create_response: true,
    interrupt_response: false,
  });
});

test('semantic turn detection has no thresholds', () => {
  expect(
    configure({ turn_detection: { type: 'semantic_vad', eagerness: 'low' } }).audio?.input?.turn_detection,
  ).toEqual({
    type: 'semantic_vad',
    eagerness: 'low',
    create_response: true,
    interrupt_response: true,
  });
});

test('transcription, noise reduction, voice, speed and the token limit are passed on', () => {
  const session = configure({
    transcription: { model: 'gpt-4o-mini-transcribe', language: 'fr' },
    noise_reduction: 'far_field',
    voice: 'cedar',
    speed: 1.2,
    max_output_tokens: 900,
  });
  expect(session.audio?.input).toMatchObject({
    transcription: { model: 'gpt-4o-mini-transcribe', language: 'fr' },
    noise_reduction: { type: 'far_field' },
  });
  expect(session.audio?.output).toMatchObject({ voice: 'cedar', speed: 1.2 });
  expect(session.max_output_tokens).toBe(900);
});

test('tools become functions with their JSON Schema', () => {
  const parameters = { type: 'object', properties: { order: { type: 'string' } } };
  expect(configure({}, [{ name: 'look_up', description: 'Finds an order.', parameters }]).tools).toEqual([
    { type: 'function', name: 'look_up', description: 'Finds an order.', parameters },
  ]);
});

test('the language is told to the model and to the transcription, which may say otherwise', () => {
  const transcription = { model: 'gpt-4o-transcribe' };
  const told = configure({ language: 'fr', transcription });
  expect(told.instructions).toBe('Be brief.\n\nSpeak French.');
  expect(told.audio?.input?.transcription).toEqual({ model: 'gpt-4o-transcribe', language: 'fr' });
  const other = configure({ language: 'fr', transcription: { ...transcription, language: 'de' } });
  expect(other.audio?.input?.transcription).toMatchObject({ language: 'de' });
  const several = configure({ language: 'fr', transcription: { model: 'gpt-transcribe', languages: ['fr', 'de'] } });
  expect(several.audio?.input?.transcription).toEqual({ model: 'gpt-transcribe', languages: ['fr', 'de'] });
});

test('a hosted prompt stands in place of instructions, also when a language is named', () => {
  const prompt = { id: 'pmpt_abc', version: '3', variables: { city: 'Paris' } };
  const session = configure({ instructions: undefined, prompt, language: 'fr' });
  expect(session.prompt).toEqual({ id: 'pmpt_abc', version: '3', variables: { city: 'Paris' } });
  expect(session).not.toHaveProperty('instructions');
});

test('truncation, tool choice, parallel calls, reasoning and a custom voice are passed on', () => {
  expect(configure({ truncation: 'disabled' }).truncation).toBe('disabled');
  expect(configure({ truncation: { retention_ratio: 0.8, token_limit: 8_000 } }).truncation).toEqual({
    type: 'retention_ratio',
    retention_ratio: 0.8,
    token_limits: { post_instructions: 8_000 },
  });
  const session = configure({
    tool_choice: { tool: 'hang_up' },
    parallel_tool_calls: false,
    reasoning: { effort: 'low' },
    voice: { id: 'voice_1' },
  });
  expect(session).toMatchObject({
    tool_choice: { type: 'function', name: 'hang_up' },
    parallel_tool_calls: false,
    reasoning: { effort: 'low' },
    audio: { output: { voice: { id: 'voice_1' } } },
  });
  expect(configure({ tool_choice: 'required' }).tool_choice).toBe('required');
});

test('no turn detection is the null of the API', () => {
  expect(configure({ turn_detection: { type: 'none' } }).audio?.input?.turn_detection).toBeNull();
});

test('keywords and delay of a transcription are passed on', () => {
  const transcription = { model: 'gpt-live-transcribe', keywords: ['Ringbridge'], delay: 'low' };
  expect(configure({ transcription }).audio?.input?.transcription).toEqual(transcription);
});

/** Every key of an agent, with a value that is not its default, and where the API has it. */
const everyKey = {
  agent: {
    voice: 'cedar',
    speed: 1.2,
    audio_format: { input: 'pcma', output: 'pcm' },
    turn_detection: {
      type: 'server_vad',
      threshold: 0.6,
      prefix: '200ms',
      silence: '700ms',
      idle_timeout: '7s',
      create_response: false,
      interrupt_response: false,
    },
    noise_reduction: { type: 'far_field', strength: 0.5 },
    transcription: { model: 'gpt-4o-transcribe', language: 'fr', prompt: 'Names of streets.' },
    truncation: { retention_ratio: 0.8, token_limit: 8_000 },
    max_output_tokens: 900,
    tool_choice: 'required',
    parallel_tool_calls: false,
    tracing: { workflow_name: 'calls', group_id: 'main', metadata: { site: 'Paris' } },
    include: ['item.input_audio_transcription.logprobs'],
    reasoning: { effort: 'high' },
  },
  session: {
    type: 'realtime',
    output_modalities: ['audio'],
    instructions: 'Be brief.',
    audio: {
      input: {
        format: { type: 'audio/pcma' },
        noise_reduction: { type: 'far_field', strength: 0.5 },
        transcription: { model: 'gpt-4o-transcribe', language: 'fr', prompt: 'Names of streets.' },
        turn_detection: {
          type: 'server_vad',
          threshold: 0.6,
          prefix_padding_ms: 200,
          silence_duration_ms: 700,
          idle_timeout_ms: 7_000,
          create_response: false,
          interrupt_response: false,
        },
      },
      output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'cedar', speed: 1.2 },
    },
    tools: [],
    tool_choice: 'required',
    parallel_tool_calls: false,
    max_output_tokens: 900,
    truncation: { type: 'retention_ratio', retention_ratio: 0.8, token_limits: { post_instructions: 8_000 } },
    tracing: { workflow_name: 'calls', group_id: 'main', metadata: { site: 'Paris' } },
    include: ['item.input_audio_transcription.logprobs'],
    reasoning: { effort: 'high' },
  },
};

test('every key reaches the session', () => {
  expect(configure(everyKey.agent)).toEqual(everyKey.session);
  // `kind`, `model`, `language` and `greeting` are not fields of the session; a hosted prompt has its own test.
  const elsewhere = ['kind', 'instructions', 'prompt', 'model', 'language', 'greeting'];
  const keys = [...Object.keys(everyKey.agent), ...elsewhere];
  expect(Object.keys(agentSessionSchema.shape).sort()).toEqual(keys.sort());
});

test('every key is taken by a server that refuses what the API refuses', () => {
  const current = newConversationSettings({ id: 'sess_1', expiresAtSeconds: 1, model: 'gpt-realtime-2' });
  const update = updateSession(current, configure(everyKey.agent), { hasSpoken: false, isResponding: false });
  expect(update).toMatchObject({ kind: 'updated' });
});

test.each([
  ['auto', 'auto'],
  [{ group_id: 'main' }, { group_id: 'main' }],
])('tracing %j is passed on', (tracing, sent) => {
  expect(configure({ tracing }).tracing).toEqual(sent);
});
