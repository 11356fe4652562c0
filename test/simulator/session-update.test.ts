import { SessionHarness } from './session-harness';
const vadPath = 'session.audio.input.turn_detection';

describe('session.update', () => {
  test('merges nested objects, replaces arrays and answers with the entire session', () => {
    const harness = new SessionHarness();
    harness.update({
      tools: [tool('one')],
      audio: { input: { turn_detection: { type: 'server_vad', threshold: 0.7 } } },
    });
    harness.update({ tools: [tool('two')], instructions: 'Be brief.' });
    const { session } = harness.last('session.updated');
    expect(session).toMatchObject({
      ...harness.only('session.created').session,
      instructions: 'Be brief.',
      tools: [tool('two')],
      audio: { input: { turn_detection: { threshold: 0.7, prefix_padding_ms: 300, silence_duration_ms: 200 } } },
    });
  });

  test('an update of the type alone changes nothing and is answered', () => {
    const harness = new SessionHarness();
    harness.update({});
    expect(harness.only('session.updated').session).toEqual(harness.only('session.created').session);
  });

  test('null clears what may be null', () => {
    const harness = new SessionHarness();
    harness.update({ audio: { input: { transcription: { model: 'whisper-1' }, turn_detection: null } } });
    expect(settings(harness).audio.input).toMatchObject({
      turn_detection: null,
      transcription: { model: 'whisper-1', language: null, prompt: null },
    });
    harness.update({ audio: { input: { transcription: null } } });
    expect(settings(harness).audio.input.transcription).toBeNull();
  });

  test('another kind of turn detection begins with its own defaults', () => {
    const harness = new SessionHarness();
    harness.turnDetection({ type: 'semantic_vad' });
    expect(settings(harness).audio.input.turn_detection).toEqual({
      type: 'semantic_vad',
      eagerness: 'auto',
      create_response: true,
      interrupt_response: true,
    });
    harness.turnDetection({ type: 'server_vad', silence_duration_ms: 500 });
    expect(settings(harness).audio.input.turn_detection).toMatchObject({ threshold: 0.5, silence_duration_ms: 500 });
  });

  test('turn detection that was off comes back with defaults', () => {
    const harness = new SessionHarness();
    harness.turnDetection({ type: 'server_vad', threshold: 0.9 });
    harness.turnDetection(null);
    harness.turnDetection({ type: 'server_vad' });
    expect(settings(harness).audio.input.turn_detection).toMatchObject({ threshold: 0.5 });
  });

  test('G.711 formats show no rate, and both directions are apart', () => {
    const harness = new SessionHarness();
    harness.update({ audio: { input: { format: { type: 'audio/pcmu', rate: 8_000 } } } });
    harness.update({ audio: { output: { format: { type: 'audio/pcma' } } } });
    const { input, output } = settings(harness).audio;
    expect([input.format, output.format]).toEqual([{ type: 'audio/pcmu' }, { type: 'audio/pcma' }]);
  });

  test('the model of the URL stays, whatever the update says of it', () => {
    const harness = new SessionHarness({ model: 'gpt-realtime-2' });
    harness.update({ model: 'gpt-realtime-2.1' });
    expect(settings(harness).model).toBe('gpt-realtime-2');
  });

  test.each([
    ['no type', { type: undefined }, 'missing_required_parameter', 'session.type'],
    ['the type of a transcription session', { type: 'transcription' }, 'invalid_value', 'session.type'],
    ['an unknown key', { temperature: 0.8 }, 'unknown_parameter', 'session.temperature'],
    ['a beta key', { turn_detection: null }, 'unknown_parameter', 'session.turn_detection'],
    [
      'PCM below 24 kHz',
      { audio: { input: { format: { type: 'audio/pcm', rate: 16_000 } } } },
      'integer_below_min_value',
      'session.audio.input.format.rate',
    ],
    [
      'a beta format',
      { audio: { input: { format: { type: 'g711_ulaw' } } } },
      'invalid_value',
      'session.audio.input.format.type',
    ],
    [
      'an idle timeout below 5 s',
      vad({ idle_timeout_ms: 4_999 }),
      'integer_below_min_value',
      `${vadPath}.idle_timeout_ms`,
    ],
    [
      'an idle timeout above 30 s',
      vad({ idle_timeout_ms: 30_001 }),
      'integer_above_max_value',
      `${vadPath}.idle_timeout_ms`,
    ],
    ['a threshold above 1', vad({ threshold: 1.1 }), 'decimal_above_max_value', `${vadPath}.threshold`],
    [
      'turn detection without a type',
      { audio: { input: { turn_detection: { threshold: 0.6 } } } },
      'missing_required_parameter',
      `${vadPath}.type`,
    ],
    [
      'an idle timeout of semantic_vad',
      { audio: { input: { turn_detection: { type: 'semantic_vad', idle_timeout_ms: 6_000 } } } },
      'unknown_parameter',
      `${vadPath}.idle_timeout_ms`,
    ],
    [
      'a speed above 1.5',
      { audio: { output: { speed: 1.6 } } },
      'decimal_above_max_value',
      'session.audio.output.speed',
    ],
    ['an unknown voice', { audio: { output: { voice: 'nobody' } } }, 'invalid_value', 'session.audio.output.voice'],
    ['too many tokens', { max_output_tokens: 4_097 }, 'integer_above_max_value', 'session.max_output_tokens'],
    [
      'both modalities',
      { output_modalities: ['audio', 'text'] },
      'array_above_max_length',
      'session.output_modalities',
    ],
    ['no modality', { output_modalities: [] }, 'invalid_value', 'session.output_modalities'],
    ['a dot in a function name', { tools: [tool('one'), tool('two.three')] }, 'invalid_value', 'session.tools[1].name'],
    ['an unknown tool choice', { tool_choice: 'maybe' }, 'invalid_value', 'session.tool_choice'],
    ['text where an object belongs', { audio: 'loud' }, 'invalid_type', 'session.audio'],
  ])('with %s is refused as a whole', (_, change, code, param) => {
    const harness = new SessionHarness();
    harness.send({
      type: 'session.update',
      event_id: 'update-1',
      session: { type: 'realtime', instructions: 'changed', ...change },
    });
    expect(harness.lastError()).toMatchObject({ type: 'invalid_request_error', code, param, event_id: 'update-1' });
    expect(harness.session.settings).toEqual(harness.only('session.created').session);
  });

  test('refuses another voice once the model has spoken, with everything else in the update', () => {
    const harness = new SessionHarness();
    harness.update({ audio: { output: { voice: 'marin' } } });
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    harness.update({ instructions: 'changed', audio: { output: { voice: 'cedar' } } });
    expect(harness.lastError()).toMatchObject({ code: 'cannot_update_voice', param: null });
    expect(settings(harness)).toMatchObject({ audio: { output: { voice: 'marin' } } });
    expect(settings(harness).instructions).not.toBe('changed');
    harness.update({ instructions: 'changed', audio: { output: { voice: 'marin' } } });
    expect(settings(harness).instructions).toBe('changed');
  });

  test('refuses another voice from the first sound on', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.clock.advance(300);
    harness.update({ audio: { output: { voice: 'cedar' } } });
    expect(harness.lastError().code).toBe('cannot_update_voice');
  });

  test.each(['parameters', 'metadata'])('refuses %s that are nested without end', (where) => {
    const harness = new SessionHarness();
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    const change =
      where === 'parameters'
        ? `"tools":[{"type":"function","name":"f","parameters":${deep}}]`
        : `"tracing":{"metadata":${deep}}`;
    harness.session.receive(`{"type":"session.update","session":{"type":"realtime",${change}}}`);
    expect(harness.lastError().code).toBe('invalid_value');
    expect(harness.lastError().param).toContain(where);
  });

  test('refuses another speed while a response is under way', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.clock.advance(300);
    harness.update({ audio: { output: { speed: 1.2 } } });
    expect(harness.lastError()).toMatchObject({ code: 'invalid_value', param: 'session.audio.output.speed' });
    harness.clock.advance(10_000);
    harness.update({ audio: { output: { speed: 1.2 } } });
    expect(settings(harness).audio.output.speed).toBe(1.2);
  });

  test('tracing is set once and then stays', () => {
    const harness = new SessionHarness();
    harness.update({ tracing: 'auto' });
    harness.update({ tracing: 'auto' });
    harness.update({ tracing: null });
    expect(harness.lastError()).toMatchObject({ param: 'session.tracing' });
    expect(settings(harness).tracing).toBe('auto');
  });
});

describe('a transcription session', () => {
  const harnessOf = () => new SessionHarness({ options: { intent: 'transcription' } });

  test('shows an ear and no voice', () => {
    const { session } = harnessOf().only('session.created');
    expect(Object.keys(session)).toEqual(['type', 'object', 'id', 'expires_at', 'audio', 'include']);
    expect(session).toMatchObject({
      type: 'transcription',
      object: 'realtime.transcription_session',
      include: null,
      audio: {
        input: {
          transcription: null,
          turn_detection: { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 200 },
        },
      },
    });
  });

  test('refuses the keys of a conversation', () => {
    const harness = harnessOf();
    harness.send({ type: 'session.update', session: { type: 'transcription', instructions: 'x' } });
    expect(harness.lastError()).toMatchObject({ code: 'unknown_parameter', param: 'session.instructions' });
  });

  test('a model that finds no turns switches turn detection off, and refuses to have it set', () => {
    const harness = harnessOf();
    const transcription = { model: 'gpt-realtime-whisper' };
    harness.send({ type: 'session.update', session: { type: 'transcription', audio: { input: { transcription } } } });
    expect(harness.last('session.updated').session.audio.input.turn_detection).toBeNull();
    const input = { turn_detection: { type: 'server_vad' } };
    harness.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
    expect(harness.lastError()).toMatchObject({ code: 'invalid_value', param: 'session.audio.input.turn_detection' });
  });

  test('makes no responses', () => {
    const harness = harnessOf();
    harness.send({ type: 'response.create' });
    expect(harness.lastError()).toMatchObject({ code: 'invalid_value', param: 'type' });
  });
});

function vad(keys: Record<string, unknown>) {
  return { audio: { input: { turn_detection: { type: 'server_vad', ...keys } } } };
}

function tool(name: string) {
  return { type: 'function', name, description: 'Does it.', parameters: { type: 'object', $schema: 'draft-07' } };
}

function settings(harness: SessionHarness) {
  const { settings } = harness.session;
  if (settings.type !== 'realtime') throw new Error('not a conversation');
  return settings;
}
