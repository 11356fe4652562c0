import { encodeG711 } from '../../src/audio/g711';
import {
  audioDelta,
  functionCallDone,
  pcmBytes,
  readySession,
  responseCreated,
  responseDone,
  serverEvent,
  type ScriptedSession,
} from './scripted-session';

const contentOf = (responseId: string) => ({
  response_id: responseId,
  item_id: `item_of_${responseId}`,
  content_index: 0,
});
const audioDone = (responseId: string) => serverEvent('response.output_audio.done', contentOf(responseId));
const transcriptDone = (responseId: string, transcript: string) =>
  serverEvent('response.output_audio_transcript.done', { ...contentOf(responseId), transcript });
const speechStarted = (itemId = 'item_caller') =>
  serverEvent('input_audio_buffer.speech_started', { item_id: itemId, audio_start_ms: 1_000 });

/** The methods that were told since the session was ready. */
const methods = ({ told }: ScriptedSession): string[] => told.slice(1).map(([method]) => method);

describe('a spoken turn', () => {
  test('in the live order is told as start, audio, transcript, end', () => {
    const script = readySession();
    const assistant = { id: 'item_of_resp_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] };
    const usage = {
      input_tokens: 132,
      output_tokens: 188,
      output_token_details: { audio_tokens: 147, text_tokens: 41 },
    };
    script.receive(
      speechStarted(),
      serverEvent('input_audio_buffer.speech_stopped', { item_id: 'item_caller', audio_end_ms: 2_200 }),
      serverEvent('input_audio_buffer.committed', { item_id: 'item_caller', previous_item_id: null }),
      serverEvent('conversation.item.added', { item: { id: 'item_caller' }, previous_item_id: null }),
      serverEvent('conversation.item.done', { item: { id: 'item_caller' }, previous_item_id: null }),
      responseCreated('resp_1'),
      serverEvent('response.output_item.added', { response_id: 'resp_1', output_index: 0, item: assistant }),
      serverEvent('conversation.item.added', { item: assistant, previous_item_id: 'item_caller' }),
      serverEvent('response.content_part.added', { ...contentOf('resp_1'), part: { type: 'audio', transcript: '' } }),
      serverEvent('response.output_audio_transcript.delta', {
        ...contentOf('resp_1'),
        delta: 'Hello',
        obfuscation: 'x9',
      }),
      audioDelta('resp_1', pcmBytes(137)),
      audioDelta('resp_1', pcmBytes(63)),
      audioDone('resp_1'),
      transcriptDone('resp_1', 'Hello there.'),
      serverEvent('response.content_part.done', { ...contentOf('resp_1'), part: { type: 'audio' } }),
      serverEvent('conversation.item.done', { item: { ...assistant, status: 'completed' } }),
      serverEvent('response.output_item.done', { response_id: 'resp_1', output_index: 0, item: assistant }),
      responseDone('resp_1', { usage }),
      serverEvent('rate_limits.updated', { rate_limits: [{ name: 'tokens', limit: 40_000 }] }),
      serverEvent('conversation.item.input_audio_transcription.completed', {
        item_id: 'item_caller',
        content_index: 0,
        transcript: 'Hi.',
        usage: { type: 'duration', seconds: 1 },
      }),
    );
    expect(methods(script)).toEqual([
      'onSpeechStarted',
      'onSpeechStopped',
      'onResponseStarted',
      'onAudio',
      'onAudio',
      'onAudioDone',
      'onTranscript',
      'onResponseDone',
      'onRateLimits',
      'onTranscriptionUsage',
      'onTranscript',
    ]);
    expect(script.toldTo('onAudio').map(({ samples }) => samples.length)).toEqual([137 * 24, 63 * 24]);
    expect(script.toldTo('onTranscript')).toEqual([
      { itemId: 'item_of_resp_1', by: 'agent', text: 'Hello there.' },
      { itemId: 'item_caller', by: 'caller', text: 'Hi.' },
    ]);
    expect(script.toldTo('onResponseDone')).toMatchObject([
      {
        responseId: 'resp_1',
        status: 'completed',
        reason: undefined,
        usage: { inputTokens: 132, outputAudioTokens: 147 },
      },
    ]);
    expect(script.session.stats).toMatchObject({ messagesRejected: 0, eventsUnknown: 0, eventsStale: 0 });
  });

  test('G.711 audio is decoded to samples at 8 kHz', () => {
    const script = readySession({ agent: { audio_format: 'pcmu' } });
    const bytes = new Uint8Array(160);
    encodeG711(
      'pcmu',
      Int16Array.from({ length: 160 }, (_, index) => index * 100),
      bytes,
    );
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', bytes));
    const [audio] = script.toldTo('onAudio');
    expect(audio?.samples).toHaveLength(160);
    expect(Math.abs((audio?.samples[159] ?? 0) - 15_900)).toBeLessThan(400);
  });

  test("the samples are the listener's own", () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(20)), audioDelta('resp_1', pcmBytes(20)));
    const [first, second] = script.toldTo('onAudio');
    first?.samples.fill(0);
    expect(second?.samples[5]).toBe(5);
  });

  test('an answer in text only is told as an error, because the caller hears nothing', () => {
    const script = readySession();
    const textDone = serverEvent('response.output_text.done', { ...contentOf('resp_1'), text: 'Hello' });
    script.receive(responseCreated('resp_1'), textDone, responseDone('resp_1'));
    expect(script.toldTo('onError')).toMatchObject([{ code: 'text_only_answer' }]);
  });
});

describe('interruption', () => {
  test('speech cancels the active response at once: its late audio is dropped', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(100)), speechStarted());
    script.receive(audioDelta('resp_1', pcmBytes(100)), audioDelta('resp_1', pcmBytes(100)));
    expect(script.toldTo('onAudio')).toHaveLength(1);
    expect(script.session.stats.eventsStale).toBe(2);
    expect(script.sentOf('response.cancel')).toEqual([]);
  });

  test('the content that was cut off is told as done, once', () => {
    const script = readySession();
    script.receive(
      responseCreated('resp_1'),
      audioDelta('resp_1', pcmBytes(100)),
      speechStarted(),
      audioDone('resp_1'),
      responseDone('resp_1', { status: 'cancelled', status_details: { type: 'cancelled', reason: 'turn_detected' } }),
    );
    expect(script.toldTo('onAudioDone')).toEqual([{ responseId: 'resp_1', itemId: 'item_of_resp_1', contentIndex: 0 }]);
    expect(script.toldTo('onResponseDone')).toMatchObject([{ status: 'cancelled', reason: 'turn_detected' }]);
  });

  test('a server that sends no output_audio.done for it closes it with response.done', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(100)), responseDone('resp_1'));
    expect(methods(script)).toEqual(['onResponseStarted', 'onAudio', 'onAudioDone', 'onResponseDone']);
  });

  test('the next response is heard although the cancelled one still sends', () => {
    const script = readySession();
    script.receive(
      responseCreated('resp_1'),
      audioDelta('resp_1', pcmBytes(100)),
      speechStarted(),
      responseDone('resp_1', { status: 'cancelled' }),
      responseCreated('resp_2'),
      audioDelta('resp_1', pcmBytes(100)),
      audioDelta('resp_2', pcmBytes(20)),
    );
    expect(script.toldTo('onAudio').map(({ responseId }) => responseId)).toEqual(['resp_1', 'resp_2']);
  });

  test('without interrupt_response speech cancels nothing', () => {
    const turn_detection = { type: 'server_vad', interrupt_response: false };
    const script = readySession({ agent: { turn_detection } });
    script.receive(responseCreated('resp_1'), speechStarted(), audioDelta('resp_1', pcmBytes(20)));
    expect(script.toldTo('onAudio')).toHaveLength(1);
  });

  test('what counts is the flag in the latest session.updated', () => {
    const script = readySession();
    const session = structuredClone(script.sent[0]?.session) as { audio: { input: { turn_detection: object } } };
    Object.assign(session.audio.input.turn_detection, { interrupt_response: false });
    script.receive(
      serverEvent('session.updated', { session }),
      responseCreated('resp_1'),
      speechStarted(),
      audioDelta('resp_1', pcmBytes(20)),
    );
    expect(script.toldTo('onAudio')).toHaveLength(1);
  });

  test('our own cancel names the response and drops its audio from then on', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(20)));
    script.session.cancelResponse();
    script.receive(audioDelta('resp_1', pcmBytes(20)));
    expect(script.sentOf('response.cancel')).toMatchObject([{ response_id: 'resp_1' }]);
    expect(script.toldTo('onAudio')).toHaveLength(1);
  });

  test('a cancel before response.created still silences the response', () => {
    const script = readySession();
    script.session.createResponse();
    script.session.cancelResponse();
    script.settle();
    expect(script.sentOf('response.cancel')).toEqual([]);
    const [create] = script.sentOf('response.create');
    script.receive(
      responseCreated('resp_1', { metadata: { client_event_id: create?.event_id } }),
      audioDelta('resp_1', pcmBytes(20)),
    );
    expect(script.sentOf('response.cancel')).toMatchObject([{ response_id: 'resp_1' }]);
    expect(script.toldTo('onAudio')).toEqual([]);
  });
});

describe('responses out of order', () => {
  test('audio of an out-of-band response is not played, and its end is not news', () => {
    const script = readySession();
    script.receive(
      responseCreated('resp_1'),
      responseCreated('resp_oob', { conversation_id: null }),
      audioDelta('resp_oob', pcmBytes(20)),
      transcriptDone('resp_oob', 'A summary.'),
      functionCallDone('resp_oob', 'call_oob'),
      responseDone('resp_oob', { conversation_id: null }),
      audioDelta('resp_1', pcmBytes(20)),
    );
    expect(methods(script)).toEqual(['onResponseStarted', 'onAudio']);
  });

  test('response.done without response.created is told, with its usage', () => {
    const script = readySession();
    script.receive(responseDone('resp_1', { status: 'cancelled', usage: { input_tokens: 9 } }));
    expect(script.toldTo('onResponseDone')).toMatchObject([{ responseId: 'resp_1', usage: { inputTokens: 9 } }]);
  });

  test('every event twice is told once', () => {
    const script = readySession();
    const events = [
      responseCreated('resp_1'),
      functionCallDone('resp_1', 'call_1'),
      audioDone('resp_1'),
      responseDone('resp_1', { usage: { input_tokens: 9 } }),
    ];
    script.receive(...events.flatMap((event) => [event, event]));
    expect(methods(script)).toEqual(['onResponseStarted', 'onFunctionCall', 'onResponseDone']);
  });

  test('audio of a response whose announcement was lost is played', () => {
    const script = readySession();
    script.receive(audioDelta('resp_1', pcmBytes(20)));
    expect(methods(script)).toEqual(['onResponseStarted', 'onAudio']);
  });

  test('audio of an old response during a new one is dropped', () => {
    const script = readySession();
    script.receive(responseCreated('resp_2'), audioDelta('resp_1', pcmBytes(20)));
    expect(script.toldTo('onAudio')).toEqual([]);
    expect(script.session.stats.eventsStale).toBe(1);
  });

  test('a response that never ends is told as failed when the next one begins', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(20)), responseCreated('resp_2'));
    expect(methods(script)).toEqual([
      'onResponseStarted',
      'onAudio',
      'onAudioDone',
      'onResponseDone',
      'onResponseStarted',
    ]);
    expect(script.toldTo('onResponseDone')).toMatchObject([{ status: 'failed', reason: 'superseded' }]);
  });
});

describe('function calls', () => {
  test('a call is told once although the server announces it four times', () => {
    const script = readySession();
    const item = { id: 'item_call_1', type: 'function_call', status: 'completed', name: 'look_up', call_id: 'call_1' };
    const call = { ...item, arguments: '{"order":7}' };
    script.receive(
      responseCreated('resp_1'),
      serverEvent('response.function_call_arguments.done', {
        response_id: 'resp_1',
        item_id: item.id,
        output_index: 0,
        call_id: 'call_1',
        name: 'look_up',
        arguments: '{"order":7}',
      }),
      serverEvent('conversation.item.done', { item: call }),
      functionCallDone('resp_1', 'call_1'),
      responseDone('resp_1', { output: [call] }),
    );
    expect(script.toldTo('onFunctionCall')).toEqual([
      { callId: 'call_1', name: 'look_up', argumentsText: '{"order":7}', responseId: 'resp_1' },
    ]);
  });

  test('a call that an interruption left incomplete is not told', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), functionCallDone('resp_1', 'call_1', { status: 'incomplete' }));
    expect(script.toldTo('onFunctionCall')).toEqual([]);
  });

  test('a completed call stays valid when its response is interrupted', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), speechStarted(), functionCallDone('resp_1', 'call_1'));
    expect(script.toldTo('onFunctionCall')).toMatchObject([{ callId: 'call_1' }]);
  });

  test('an immediate result waits for response.done; then output and response.create go out in this order', () => {
    const script = readySession({
      react: ([method, argument], session) => {
        if (method === 'onFunctionCall') session.submitToolResult({ callId: argument.callId, output: '{"ok":true}' });
      },
    });
    script.receive(
      responseCreated('resp_1'),
      functionCallDone('resp_1', 'call_1'),
      functionCallDone('resp_1', 'call_2'),
    );
    expect(script.sent).toHaveLength(1);
    script.receive(responseDone('resp_1'));
    expect(script.sent.slice(1)).toMatchObject([
      {
        type: 'conversation.item.create',
        item: { type: 'function_call_output', call_id: 'call_1', output: '{"ok":true}' },
      },
      { type: 'conversation.item.create', item: { type: 'function_call_output', call_id: 'call_2' } },
      { type: 'response.create' },
    ]);
  });

  test('a late result and the answer to it wait for a response that is active then', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), functionCallDone('resp_1', 'call_1'), responseDone('resp_1'));
    script.receive(responseCreated('resp_2'));
    script.session.submitToolResult({ callId: 'call_1', output: '{}' });
    script.settle();
    expect(script.sentOf('conversation.item.create')).toEqual([]);
    expect(script.sentOf('response.create')).toEqual([]);
    script.receive(responseDone('resp_2'));
    expect(script.sentOf('conversation.item.create')).toHaveLength(1);
    expect(script.sentOf('response.create')).toHaveLength(1);
  });

  test('a result that wants no answer makes no response', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), functionCallDone('resp_1', 'call_1'), responseDone('resp_1'));
    script.session.submitToolResult({ callId: 'call_1', output: '{}', respond: false });
    script.settle();
    expect(script.sentOf('conversation.item.create')).toHaveLength(1);
    expect(script.sentOf('response.create')).toEqual([]);
  });

  test('second and unknown results are discarded', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), functionCallDone('resp_1', 'call_1'), responseDone('resp_1'));
    for (const callId of ['call_1', 'call_1', 'call_9']) script.session.submitToolResult({ callId, output: '{}' });
    script.settle();
    expect(script.sentOf('conversation.item.create')).toHaveLength(1);
  });

  test('a result whose response never ended goes out when the next response begins', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), functionCallDone('resp_1', 'call_1'));
    script.session.submitToolResult({ callId: 'call_1', output: '{}' });
    script.receive(responseCreated('resp_2'));
    expect(script.sentOf('conversation.item.create')).toHaveLength(1);
  });
});
