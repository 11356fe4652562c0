import { prompt, SessionHarness, silence, sine } from './session-harness';

describe('a spoken turn with server_vad', () => {
  test('brings the events of the live service in their order', () => {
    const harness = new SessionHarness();
    harness.turnDetection({ type: 'server_vad', silence_duration_ms: 500 });
    harness.forget();
    harness.silence(1_000);
    harness.say(prompt('caller-interruption'));
    harness.silence(6_000);
    expect(harness.types()).toEqual([
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      'response.created',
      'response.output_item.added',
      'conversation.item.added',
      'response.content_part.added',
      ...interleaved(harness),
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
      'rate_limits.updated',
    ]);
  });

  test('mints the item id when speech starts and keeps it', () => {
    const harness = spokenTo();
    const { item_id: itemId } = harness.only('input_audio_buffer.speech_started');
    expect(harness.only('input_audio_buffer.speech_stopped').item_id).toBe(itemId);
    expect(harness.only('input_audio_buffer.committed')).toMatchObject({ item_id: itemId, previous_item_id: null });
    const [user, assistant] = harness.of('conversation.item.added');
    expect(user!.item).toEqual({
      id: itemId,
      type: 'message',
      status: 'completed',
      role: 'user',
      content: [{ type: 'input_audio', transcript: null }],
    });
    expect(harness.of('conversation.item.done')[0]!.item).toEqual(user!.item);
    expect(assistant).toMatchObject({ previous_item_id: itemId, item: { status: 'in_progress', content: [] } });
  });

  test('starts earlier by the prefix and stops later by the silence, in offsets of all audio', () => {
    const harness = new SessionHarness();
    harness.turnDetection({
      type: 'server_vad',
      prefix_padding_ms: 240,
      silence_duration_ms: 400,
      create_response: false,
    });
    beep(harness, { beforeMs: 1_000, lengthMs: 500, afterMs: 1_000 });
    beep(harness, { beforeMs: 1_000, lengthMs: 500, afterMs: 1_000 });
    expect(harness.of('input_audio_buffer.speech_started').map((event) => event.audio_start_ms)).toEqual([760, 3_260]);
    expect(harness.of('input_audio_buffer.speech_stopped').map((event) => event.audio_end_ms)).toEqual([1_900, 4_400]);
  });

  test('commits exactly the audio between the two offsets', () => {
    const harness = spokenTo();
    const { audio_start_ms: startMs } = harness.only('input_audio_buffer.speech_started');
    const { audio_end_ms: endMs, item_id } = harness.only('input_audio_buffer.speech_stopped');
    harness.send({ type: 'conversation.item.retrieve', item_id });
    const { item } = harness.only('conversation.item.retrieved');
    if (item.type !== 'message' || item.content[0]?.type !== 'input_audio') throw new Error('no audio message');
    const audio = Buffer.from(item.content[0].audio ?? '', 'base64');
    expect(audio).toHaveLength((endMs - startMs) * 48);
    const voice = prompt('caller-interruption').samples;
    // The voice began one second into the call.
    const expected = Buffer.from(voice.buffer, voice.byteOffset, 4_800);
    expect(audio.subarray((1_000 - startMs) * 48, (1_000 - startMs) * 48 + 4_800)).toEqual(expected);
  });

  test('is found in a burst as well as in real time', () => {
    const harness = new SessionHarness();
    harness.turnDetection({ type: 'server_vad', silence_duration_ms: 500, create_response: false });
    const { samples } = prompt('caller-interruption');
    harness.append(Buffer.alloc(48_000));
    harness.append(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
    harness.append(Buffer.alloc(96_000));
    expect(harness.only('input_audio_buffer.speech_stopped').audio_end_ms).toBeGreaterThan(2_000);
  });

  test.each(['audio/pcmu', 'audio/pcma'] as const)('is found in %s, with offsets of 8 octets a millisecond', (type) => {
    const harness = new SessionHarness();
    harness.update({
      audio: { input: { format: { type }, turn_detection: { type: 'server_vad', silence_duration_ms: 500 } } },
    });
    harness.say(silence(1_000), { type });
    harness.say(prompt('caller-question'), { type });
    harness.say(silence(1_000), { type });
    expect(harness.only('input_audio_buffer.speech_started').audio_start_ms).toBeGreaterThanOrEqual(700);
    expect(harness.only('input_audio_buffer.speech_stopped').audio_end_ms).toBeLessThan(4_700);
  });
});

describe('barge-in', () => {
  test('cancels the active response, right after speech_started and before anything else of it', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'response.create' });
    harness.silence(260);
    harness.say(prompt('caller-interruption'));
    const { response } = harness.only('response.done');
    expect(response).toMatchObject({
      status: 'cancelled',
      status_details: { type: 'cancelled', reason: 'turn_detected' },
      output: [{ status: 'incomplete' }],
    });
    const types = harness.types();
    expect(types.slice(types.indexOf('input_audio_buffer.speech_started'))).toEqual([
      'input_audio_buffer.speech_started',
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
      'rate_limits.updated',
    ]);
  });

  test('of a response that was only just accepted announces and cancels it', () => {
    const harness = new SessionHarness({ options: { timing: { responseCreatedMs: 200 } } });
    beep(harness, { beforeMs: 500, lengthMs: 40, afterMs: 0 });
    harness.send({ type: 'response.create' });
    beep(harness, { beforeMs: 0, lengthMs: 500, afterMs: 0 });
    expect(harness.types().slice(-4)).toEqual([
      'input_audio_buffer.speech_started',
      'response.created',
      'response.done',
      'rate_limits.updated',
    ]);
  });

  test('with interrupt_response off leaves the response alone and drops the automatic one', () => {
    const harness = new SessionHarness();
    harness.turnDetection({ type: 'server_vad', interrupt_response: false });
    harness.send({ type: 'response.create' });
    harness.clock.advance(160);
    harness.append(Buffer.alloc(96_000));
    beep(harness, { beforeMs: 0, lengthMs: 100, afterMs: 0 });
    harness.append(Buffer.alloc(48_000));
    expect(harness.of('input_audio_buffer.committed')).toHaveLength(1);
    harness.clock.advance(10_000);
    expect(harness.of('response.created')).toHaveLength(1);
    expect(harness.only('response.done').response.status).toBe('completed');
    expect(harness.of('error')).toEqual([]);
  });
});

test('with create_response off the turn is committed and nothing answers', () => {
  const harness = new SessionHarness();
  harness.turnDetection({ type: 'server_vad', create_response: false });
  beep(harness, { beforeMs: 500, lengthMs: 500, afterMs: 2_000 });
  expect(harness.of('input_audio_buffer.committed')).toHaveLength(1);
  expect(harness.of('response.created')).toEqual([]);
});

test.each([
  ['low', 1_600],
  ['auto', 800],
  ['medium', 800],
  ['high', 400],
])('semantic_vad of eagerness %s waits %i ms', (eagerness, silenceMs) => {
  const harness = new SessionHarness();
  harness.turnDetection({ type: 'semantic_vad', eagerness, create_response: false });
  beep(harness, { beforeMs: 1_000, lengthMs: 500, afterMs: 3_000 });
  expect(harness.only('input_audio_buffer.speech_stopped').audio_end_ms).toBe(1_500 + silenceMs);
});

describe('without turn detection', () => {
  const manual = (): SessionHarness => {
    const harness = new SessionHarness();
    harness.turnDetection(null);
    harness.forget();
    return harness;
  };

  test('a commit makes an item of the buffer and no response', () => {
    const harness = manual();
    harness.say(prompt('caller-interruption'));
    harness.send({ type: 'input_audio_buffer.commit' });
    harness.clock.advance(1_000);
    expect(harness.types()).toEqual([
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
    ]);
    harness.send({ type: 'response.create' });
    harness.clock.advance(10_000);
    expect(harness.only('response.done').response.status).toBe('completed');
  });

  test('less than 100 ms cannot be committed, and the error says how much there was', () => {
    const harness = manual();
    harness.append(Buffer.alloc(48 * 99));
    harness.send({ type: 'input_audio_buffer.commit', event_id: 'commit-1' });
    expect(harness.lastError()).toMatchObject({
      code: 'input_audio_buffer_commit_empty',
      param: null,
      event_id: 'commit-1',
      message: expect.stringContaining('99.00ms'),
    });
    harness.append(Buffer.alloc(48));
    harness.send({ type: 'input_audio_buffer.commit' });
    expect(harness.of('input_audio_buffer.committed')).toHaveLength(1);
  });

  test('a commit empties the buffer, and so does a clear', () => {
    const harness = manual();
    harness.append(Buffer.alloc(48 * 200));
    harness.send({ type: 'input_audio_buffer.commit' });
    harness.send({ type: 'input_audio_buffer.commit' });
    expect(harness.lastError().code).toBe('input_audio_buffer_commit_empty');
    harness.append(Buffer.alloc(48 * 200));
    harness.send({ type: 'input_audio_buffer.clear' });
    expect(harness.events.at(-1)!.type).toBe('input_audio_buffer.cleared');
    harness.send({ type: 'input_audio_buffer.commit' });
    expect(harness.lastError().message).toContain('0.00ms');
  });

  test('no speech is announced', () => {
    const harness = manual();
    beep(harness, { beforeMs: 500, lengthMs: 500, afterMs: 1_000 });
    expect(harness.events).toEqual([]);
  });

  test('offsets go on while it is off', () => {
    const harness = manual();
    harness.silence(3_000);
    harness.turnDetection({ type: 'server_vad', create_response: false });
    beep(harness, { beforeMs: 1_000, lengthMs: 500, afterMs: 1_000 });
    expect(harness.only('input_audio_buffer.speech_started').audio_start_ms).toBe(3_700);
  });
});

test('between turns no more than the padding before a voice is kept', () => {
  const harness = new SessionHarness();
  harness.silence(60_000);
  harness.send({ type: 'input_audio_buffer.commit' });
  harness.send({ type: 'conversation.item.retrieve', item_id: harness.only('input_audio_buffer.committed').item_id });
  const { item } = harness.only('conversation.item.retrieved');
  if (item.type !== 'message' || item.content[0]?.type !== 'input_audio') throw new Error('no audio message');
  expect(Buffer.from(item.content[0].audio ?? '', 'base64')).toHaveLength(500 * 48);
});

test('a clear forgets speech that is going on', () => {
  const harness = new SessionHarness();
  beep(harness, { beforeMs: 500, lengthMs: 500, afterMs: 0 });
  harness.send({ type: 'input_audio_buffer.clear' });
  harness.silence(2_000);
  expect(harness.of('input_audio_buffer.speech_stopped')).toEqual([]);
  expect(harness.of('input_audio_buffer.committed')).toEqual([]);
});

test('a commit in the middle of speech uses the id that was announced', () => {
  const harness = new SessionHarness();
  beep(harness, { beforeMs: 500, lengthMs: 500, afterMs: 0 });
  harness.send({ type: 'input_audio_buffer.commit' });
  expect(harness.only('input_audio_buffer.committed').item_id).toBe(
    harness.only('input_audio_buffer.speech_started').item_id,
  );
});

test('a sample that is cut in two by the appends is put together again', () => {
  const harness = new SessionHarness();
  harness.turnDetection(null);
  const { samples } = prompt('caller-interruption');
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, 9_600);
  for (let start = 0; start < bytes.length; start += 333) harness.append(bytes.subarray(start, start + 333));
  harness.send({ type: 'input_audio_buffer.commit' });
  harness.send({ type: 'conversation.item.retrieve', item_id: harness.only('input_audio_buffer.committed').item_id });
  expect(harness.only('conversation.item.retrieved').item).toMatchObject({
    content: [{ audio: bytes.toString('base64') }],
  });
});

test('another input format drops what was buffered and goes on counting', () => {
  const harness = new SessionHarness();
  harness.turnDetection(null);
  harness.append(Buffer.alloc(48 * 1_000));
  harness.update({ audio: { input: { format: { type: 'audio/pcmu' } } } });
  harness.send({ type: 'input_audio_buffer.commit' });
  expect(harness.lastError().message).toContain('0.00ms');
  harness.turnDetection({ type: 'server_vad', create_response: false, prefix_padding_ms: 0 });
  harness.say(silence(500), { type: 'audio/pcmu' });
  harness.say(sine({ hz: 300, lengthMs: 500, peak: 0.3 }), { type: 'audio/pcmu' });
  expect(harness.only('input_audio_buffer.speech_started').audio_start_ms).toBe(1_500);
});

test('in a transcription session items come without a previous_item_id', () => {
  const harness = new SessionHarness({ options: { intent: 'transcription' } });
  beep(harness, { beforeMs: 500, lengthMs: 500, afterMs: 2_000 });
  expect(harness.types()).toEqual([
    'session.created',
    'input_audio_buffer.speech_started',
    'input_audio_buffer.speech_stopped',
    'input_audio_buffer.committed',
    'conversation.item.added',
    'conversation.item.done',
  ]);
  expect(harness.only('input_audio_buffer.committed')).not.toHaveProperty('previous_item_id');
  expect(harness.only('conversation.item.added')).not.toHaveProperty('previous_item_id');
});

/** After one second the caller says something short, and the turn ends. */
function spokenTo(): SessionHarness {
  const harness = new SessionHarness();
  harness.turnDetection({ type: 'server_vad', silence_duration_ms: 500 });
  harness.silence(1_000);
  harness.say(prompt('caller-interruption'));
  harness.silence(1_000);
  return harness;
}

function beep(harness: SessionHarness, length: { beforeMs: number; lengthMs: number; afterMs: number }): void {
  harness.silence(length.beforeMs);
  harness.say(sine({ hz: 300, lengthMs: length.lengthMs, peak: 0.3 }));
  harness.silence(length.afterMs);
}

/** Transcript and audio take turns: how often is the response's affair. */
function interleaved(harness: SessionHarness): string[] {
  const types = harness.types();
  const middle = types.slice(
    types.indexOf('response.content_part.added') + 1,
    types.indexOf('response.output_audio.done'),
  );
  expect(middle[0]).toBe('response.output_audio_transcript.delta');
  expect(new Set(middle)).toEqual(new Set(['response.output_audio_transcript.delta', 'response.output_audio.delta']));
  return middle;
}
