import { messageCharsMax, parseServerEvent } from '../../src/realtime/server-events';
import { seededRandom } from '../../src/runtime/random';
import {
  audioDelta,
  errorEvent,
  functionCallDone,
  pcmBytes,
  responseCreated,
  responseDone,
  serverEvent,
} from './scripted-session';

const parse = (event: Record<string, unknown>) => parseServerEvent(JSON.stringify(event));

describe('events of the API', () => {
  test('a session tells its id, end, formats and whether speech interrupts', () => {
    const session = {
      type: 'realtime',
      object: 'realtime.session',
      id: 'sess_9',
      model: 'gpt-realtime-2',
      expires_at: 1_767_000_000,
      audio: {
        input: {
          format: { type: 'audio/pcmu' },
          transcription: null,
          turn_detection: { type: 'server_vad', interrupt_response: false },
        },
        output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'marin' },
      },
    };
    expect(parse(serverEvent('session.updated', { session }))).toEqual({
      type: 'session.updated',
      session: {
        id: 'sess_9',
        model: 'gpt-realtime-2',
        expiresAtMs: 1_767_000_000_000,
        inputFormat: 'pcmu',
        outputFormat: 'pcm',
        interruptResponse: false,
      },
    });
  });

  test('PCM at another rate than 24 kHz is a format that we do not speak', () => {
    const audio = {
      input: { format: { type: 'audio/pcm', rate: 16_000 } },
      output: { format: { type: 'audio/opus' } },
    };
    expect(parse(serverEvent('session.updated', { session: { audio } }))).toMatchObject({
      session: { inputFormat: 'unsupported', outputFormat: 'unsupported' },
    });
  });

  test('G.711 may state its rate of 8 kHz', () => {
    const audio = { input: { format: { type: 'audio/pcma', rate: 8_000 } } };
    expect(parse(serverEvent('session.updated', { session: { audio } }))).toMatchObject({
      session: { inputFormat: 'pcma' },
    });
  });

  test('an error keeps its code and the event that it answers', () => {
    expect(parse(errorEvent({ code: 'invalid_value', message: 'Bad.', event_id: 'rb_1' }))).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', code: 'invalid_value', message: 'Bad.', eventId: 'rb_1' },
    });
  });

  test('a response without a conversation is out of band, one that does not say is not', () => {
    expect(parse(responseCreated('resp_1', { conversation_id: null }))).toMatchObject({
      response: { outOfBand: true },
    });
    expect(parse(responseCreated('resp_1', { conversation_id: undefined }))).toMatchObject({
      response: { outOfBand: false },
    });
  });

  test('an audio delta of any size is decoded', () => {
    for (const milliseconds of [0, 1, 20, 137, 400, 15_000]) {
      const bytes = pcmBytes(milliseconds);
      expect(parse(audioDelta('resp_1', bytes))).toEqual({
        type: 'response.output_audio.delta',
        responseId: 'resp_1',
        itemId: 'item_of_resp_1',
        contentIndex: 0,
        audio: bytes,
      });
    }
  });

  test('an audio delta means the same in any key order, spacing and escaping', () => {
    const bytes = Buffer.from([0xff, 0xff, 0xfe, 0x03, 0x01, 0x02]);
    const delta = bytes.toString('base64');
    expect(delta).toContain('/');
    const event = audioDelta('resp_1', bytes);
    const plain = parse(event);
    expect(plain).toHaveProperty('audio', bytes);
    const reversed = Object.fromEntries(Object.entries(event).reverse());
    expect(parse(reversed)).toEqual(plain);
    expect(parseServerEvent(JSON.stringify(event, null, 2))).toEqual(plain);
    expect(parseServerEvent(JSON.stringify(event).replaceAll('/', '\\/'))).toEqual(plain);
  });

  test('of two deltas in one event the last counts, as in JSON.parse', () => {
    const text = JSON.stringify(audioDelta('resp_1', Buffer.from([1, 2, 3]))).replace(/}$/, ',"delta":"BAUG"}');
    expect(parseServerEvent(text)).toHaveProperty('audio', Buffer.from([4, 5, 6]));
  });

  test('a delta inside another object is not the audio', () => {
    const event = { ...audioDelta('resp_1', Buffer.of(1, 2, 3)), delta: undefined, part: { delta: 'AAAA' } };
    expect(parse(event)).toEqual({
      type: 'rejected',
      reason: 'bad-field',
      name: 'response.output_audio.delta',
      field: 'delta',
    });
  });

  test('text deltas with their random obfuscation are nothing that we need', () => {
    const fields = { response_id: 'resp_1', delta: 'Hel', obfuscation: 'x81hdk2' };
    expect(parse(serverEvent('response.output_audio_transcript.delta', fields))).toEqual({
      type: 'unneeded',
      name: 'response.output_audio_transcript.delta',
    });
  });

  test('keys that are not in the API are no problem', () => {
    const event = parse({ ...audioDelta('resp_1', Buffer.of(1, 2, 3)), obfuscation: 'abc', next_year: { a: [1] } });
    expect(event.type).toBe('response.output_audio.delta');
  });

  test('a completed function call is told with its arguments as text', () => {
    expect(parse(functionCallDone('resp_1', 'call_1'))).toEqual({
      type: 'response.output_item.done',
      responseId: 'resp_1',
      call: { callId: 'call_1', name: 'look_up', argumentsText: '{"order":7}' },
    });
  });

  test('a function call that was cut off is no call', () => {
    expect(parse(functionCallDone('resp_1', 'call_1', { status: 'incomplete', arguments: '{"ord' }))).toMatchObject({
      call: undefined,
    });
  });

  test('an assistant message is no call, whether its text is called output_text or text', () => {
    for (const type of ['output_text', 'text', 'output_audio']) {
      const item = { id: 'item_1', type: 'message', role: 'assistant', status: 'completed', content: [{ type }] };
      const event = parse(serverEvent('response.output_item.done', { response_id: 'resp_1', output_index: 0, item }));
      expect(event).toMatchObject({ type: 'response.output_item.done', call: undefined });
    }
  });

  test('response.done counts every kind of token', () => {
    const usage = {
      total_tokens: 320,
      input_tokens: 132,
      output_tokens: 188,
      input_token_details: {
        text_tokens: 59,
        audio_tokens: 73,
        cached_tokens: 64,
        cached_tokens_details: { text_tokens: 0, audio_tokens: 64 },
      },
      output_token_details: { text_tokens: 41, audio_tokens: 147 },
    };
    expect(parse(responseDone('resp_1', { usage }))).toMatchObject({
      response: {
        status: 'completed',
        reason: undefined,
        usage: {
          inputTokens: 132,
          outputTokens: 188,
          inputTextTokens: 59,
          inputAudioTokens: 73,
          inputImageTokens: 0,
          cachedTokens: 64,
          cachedTextTokens: 0,
          cachedAudioTokens: 64,
          cachedImageTokens: 0,
          outputTextTokens: 41,
          outputAudioTokens: 147,
        },
      },
    });
  });

  test('odd token counts are 0 and no usage is no usage', () => {
    const usage = {
      input_tokens: -5,
      output_tokens: '12',
      input_token_details: null,
      output_token_details: { text_tokens: 1.5 },
    };
    expect(parse(responseDone('resp_1', { usage }))).toMatchObject({
      response: { usage: { inputTokens: 0, outputTokens: 0, inputTextTokens: 0, outputTextTokens: 0 } },
    });
    expect(parse(responseDone('resp_1', { status: 'failed', usage: null }))).toMatchObject({
      response: { usage: undefined },
    });
  });

  test.each([
    ['cancelled', { type: 'cancelled', reason: 'turn_detected' }, 'turn_detected'],
    ['incomplete', { type: 'incomplete', reason: 'max_output_tokens' }, 'max_output_tokens'],
    ['failed', { type: 'failed', error: { type: 'tokens', code: 'rate_limit_exceeded' } }, 'rate_limit_exceeded'],
    ['failed', undefined, 'unknown'],
  ])('a response that is %s says why: %j', (status, status_details, reason) => {
    expect(parse(responseDone('resp_1', { status, status_details }))).toMatchObject({ response: { status, reason } });
  });

  test('a status that the API does not list ends a response as failed', () => {
    for (const status of ['exploded', 7, undefined]) {
      expect(parse(responseDone('resp_1', { status }))).toMatchObject({
        response: { status: 'failed', reason: 'unknown' },
      });
    }
  });
});

describe('messages of strangers', () => {
  test('an event of an unknown type keeps its name, cut to a bounded length', () => {
    expect(parse(serverEvent('response.hologram.delta'))).toEqual({ type: 'unknown', name: 'response.hologram.delta' });
    expect(parse({ type: 'x'.repeat(5_000) })).toEqual({ type: 'unknown', name: 'x'.repeat(100) });
    expect(parse({ type: 'constructor' })).toEqual({ type: 'unknown', name: 'constructor' });
    expect(parse({ type: '__proto__' })).toEqual({ type: 'unknown', name: '__proto__' });
  });

  test.each([
    ['', 'not-json'],
    ['hello', 'not-json'],
    ['{"type":"error"', 'not-json'],
    ['{"type":"session.created"}\u0000', 'not-json'],
    ['null', 'not-an-object'],
    ['[]', 'not-an-object'],
    ['"response.done"', 'not-an-object'],
    ['42', 'not-an-object'],
    ['{}', 'no-type'],
    ['{"type":null}', 'no-type'],
    ['{"type":{"type":"error"}}', 'no-type'],
  ])('%j is %s', (text, reason) => {
    expect(parseServerEvent(text)).toEqual({ type: 'rejected', reason });
  });

  test('a message over the limit is refused before it is parsed', () => {
    const text = JSON.stringify({ type: 'error', error: { message: 'x'.repeat(messageCharsMax) } });
    expect(parseServerEvent(text)).toEqual({ type: 'rejected', reason: 'too-long' });
  });

  test('a million nested brackets are refused before they are parsed', () => {
    expect(parseServerEvent('['.repeat(1_000_000))).toEqual({ type: 'rejected', reason: 'too-deep' });
    expect(parseServerEvent('{"a":'.repeat(200_000))).toEqual({ type: 'rejected', reason: 'too-deep' });
  });

  test.each([
    ['a string that ends in a backslash', `{"a":"\\\\","b":${'['.repeat(64)}`],
    ['a string with a quote and a backslash', `{"a":"\\"\\\\","b":${'['.repeat(64)}`],
  ])('nesting behind %s is seen', (_what, text) => {
    expect(parseServerEvent(text)).toEqual({ type: 'rejected', reason: 'too-deep' });
  });

  test('a string without an end is not JSON', () => {
    expect(parseServerEvent('{"type":"err\\"')).toEqual({ type: 'rejected', reason: 'not-json' });
  });

  test('brackets inside strings do not count as nesting', () => {
    const transcript = `${'[{'.repeat(500)}\\"${'"[{'.repeat(500)}`;
    const event = serverEvent('conversation.item.input_audio_transcription.completed', {
      item_id: 'item_1',
      transcript,
    });
    expect(parse(event)).toMatchObject({ transcript });
  });

  test.each([
    ['session.created', {}, 'session'],
    ['session.updated', { session: 'yes' }, 'session'],
    ['error', { error: null }, 'error'],
    ['input_audio_buffer.speech_started', { audio_start_ms: 10 }, 'item_id'],
    ['input_audio_buffer.speech_started', { item_id: 'item_1' }, 'audio_start_ms'],
    ['input_audio_buffer.speech_stopped', { item_id: 'item_1', audio_end_ms: '700' }, 'audio_end_ms'],
    ['input_audio_buffer.timeout_triggered', { item_id: '' }, 'item_id'],
    ['input_audio_buffer.committed', { item_id: 5 }, 'item_id'],
    ['conversation.item.input_audio_transcription.completed', { item_id: 'item_1', transcript: null }, 'transcript'],
    ['response.created', {}, 'response'],
    ['response.created', { response: {} }, 'response.id'],
    ['response.created', { response: { id: 'x'.repeat(513) } }, 'response.id'],
    ['response.output_audio.delta', { item_id: 'i', content_index: 0, delta: 'AAAA' }, 'response_id'],
    ['response.output_audio.delta', { response_id: 'r', content_index: 0, delta: 'AAAA' }, 'item_id'],
    ['response.output_audio.delta', { response_id: 'r', item_id: 'i', delta: 'AAAA' }, 'content_index'],
    [
      'response.output_audio.delta',
      { response_id: 'r', item_id: 'i', content_index: -1, delta: 'AAAA' },
      'content_index',
    ],
    ['response.output_audio.delta', { response_id: 'r', item_id: 'i', content_index: 0 }, 'delta'],
    ['response.output_audio.done', { response_id: 'r', item_id: 'i', content_index: 0.5 }, 'content_index'],
    ['response.output_audio_transcript.done', { response_id: 'r', item_id: 'i', content_index: 0 }, 'transcript'],
    ['response.output_item.done', { response_id: 'r' }, 'item'],
    [
      'response.output_item.done',
      { response_id: 'r', item: { type: 'function_call', status: 'completed' } },
      'item.call_id',
    ],
    ['response.done', { response: { status: 'completed' } }, 'response.id'],
  ])('%s with %j names the field %s', (name, fields, field) => {
    expect(parse(serverEvent(name, fields))).toEqual({ type: 'rejected', reason: 'bad-field', name, field });
  });

  test.each(['AAA', 'AA=A', 'AAA*', '====', 'AAAA AAAA', 'AAA\u0141', 'A===', '\ud83d\ude00AA', 'AAAAA=AA'])(
    'audio that is not base64 (%j) is refused',
    (delta) => {
      expect(parse(audioDelta('resp_1', Buffer.alloc(0), { delta }))).toEqual({
        type: 'rejected',
        reason: 'bad-base64',
        name: 'response.output_audio.delta',
        field: 'delta',
      });
    },
  );

  test('no mutation of a good event makes the parser throw', () => {
    const random = seededRandom(20_260_105);
    const events = [
      audioDelta('resp_1', pcmBytes(20)),
      responseDone('resp_1', { usage: { input_tokens: 5 } }),
      functionCallDone('resp_1', 'call_1'),
      errorEvent({ code: 'invalid_value' }),
    ].map((event) => JSON.stringify(event));
    const outcomes = new Set<string>();
    for (let round = 0; round < 20_000; round += 1) {
      const chars = (events[round % events.length] ?? '').split('');
      for (let change = 0; change <= random.fraction() * 4; change += 1) {
        const at = Math.floor(random.fraction() * chars.length);
        const kind = random.fraction();
        if (kind < 0.4) chars[at] = String.fromCharCode(Math.floor(random.fraction() * 128));
        else if (kind < 0.7) chars.splice(at, Math.ceil(random.fraction() * 12));
        else chars.splice(at, 0, ...chars.slice(at, at + Math.ceil(random.fraction() * 20)));
      }
      outcomes.add(parseServerEvent(chars.join('')).type);
    }
    expect([...outcomes]).toEqual(expect.arrayContaining(['rejected', 'unknown', 'response.output_audio.delta']));
  });
});
