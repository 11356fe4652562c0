import { messageCharsMax } from '../../src/realtime/server-events';
import { silentLogger, type LogFields } from '../../src/runtime/logger';
import {
  audioDelta,
  errorEvent,
  functionCallDone,
  pcmBytes,
  readySession,
  responseCreated,
  responseDone,
  scriptedSession,
  serverEvent,
  sessionObject,
} from './scripted-session';

describe('opening', () => {
  test('the configuration is sent on open, before session.created has come', () => {
    const { settle, sent } = scriptedSession();
    settle();
    expect(sent).toMatchObject([{ type: 'session.update', session: { type: 'realtime', instructions: 'Be brief.' } }]);
  });

  test('the session is ready at its first session.updated, not at session.created', () => {
    const script = scriptedSession();
    script.settle();
    script.receive(serverEvent('session.created', { session: sessionObject() }));
    expect(script.told).toEqual([]);
    const session = { ...sessionObject(), ...(script.sent[0]?.session as object) };
    script.receive(serverEvent('session.updated', { session }), serverEvent('session.updated', { session }));
    const ready = { sessionId: 'sess_1', model: 'gpt-realtime-2', expiresAtMs: 1_800_000_000_000 };
    expect(script.told).toEqual([['onReady', ready]]);
  });

  test('a server that does not tell its end is expected to end 60 minutes after the open', () => {
    const script = scriptedSession();
    script.settle();
    const openedAtMs = script.clock.wallTimeMs();
    script.receive(serverEvent('session.updated', { session: { type: 'realtime' } }));
    expect(script.toldTo('onReady')).toMatchObject([{ expiresAtMs: openedAtMs + 3_600_000 }]);
  });

  test.each([
    ['pcm', 24_000],
    ['pcmu', 8_000],
    ['pcma', 8_000],
  ])('frames of a %s session are at %d Hz', (audio_format, rateHz) => {
    const { session } = scriptedSession({ agent: { audio_format } });
    expect([session.inputRateHz, session.outputRateHz]).toEqual([rateHz, rateHz]);
  });

  test.each([
    ['pcmu', { input: { format: { type: 'audio/pcmu' } }, output: { format: { type: 'audio/pcm', rate: 24_000 } } }],
    ['pcmu', { input: { format: { type: 'audio/pcma' } }, output: { format: { type: 'audio/pcmu' } } }],
    ['pcm', { input: { format: { type: 'audio/pcm', rate: 16_000 } }, output: {} }],
    ['pcma', {}],
  ])('a server that does not take over %s refuses the session by that: %j', (audio_format, audio) => {
    const script = scriptedSession({ agent: { audio_format } });
    script.settle();
    script.receive(serverEvent('session.updated', { session: sessionObject({ audio }) }));
    expect(script.told).toMatchObject([['onEnded', { kind: 'refused', code: 'audio_format_mismatch' }]]);
  });

  test('a configuration that the server refuses ends the session', () => {
    const script = scriptedSession();
    script.settle();
    const event_id = script.sent[0]?.event_id;
    script.receive(errorEvent({ code: 'invalid_value', message: 'Invalid tool name.', event_id }));
    expect(script.told).toEqual([
      ['onEnded', { kind: 'refused', code: 'invalid_value', message: 'Invalid tool name.' }],
    ]);
  });

  test('a response that was asked for early goes out when the session is ready', () => {
    const script = scriptedSession();
    script.session.createResponse({ instructions: 'Greet.', metadata: { purpose: 'greeting' } });
    script.settle();
    expect(script.sentOf('response.create')).toEqual([]);
    script.receive(serverEvent('session.updated', { session: script.sent[0]?.session }));
    const [create] = script.sentOf('response.create');
    expect(create).toMatchObject({
      response: { instructions: 'Greet.', metadata: { purpose: 'greeting', client_event_id: create?.event_id } },
    });
  });
});

describe("the caller's audio", () => {
  test('frames before the session is ready are dropped and counted', () => {
    const script = scriptedSession();
    script.session.appendAudio(new Int16Array(480));
    script.settle();
    script.session.appendAudio(new Int16Array(480));
    script.receive(serverEvent('session.updated', { session: script.sent[0]?.session }));
    script.session.appendAudio(new Int16Array(480));
    script.settle();
    expect(script.sentOf('input_audio_buffer.append')).toHaveLength(1);
    expect(script.session.stats).toMatchObject({ framesAppended: 1, framesDropped: 2 });
  });

  test('three frames make one append when the session was told so', () => {
    const script = readySession({ framesPerAppend: 3 });
    for (let frame = 0; frame < 7; frame += 1) script.session.appendAudio(new Int16Array(480));
    script.settle();
    expect(script.sentOf('input_audio_buffer.append')).toHaveLength(2);
  });

  test('a server that does not read makes us drop frames instead of filling the memory', () => {
    const script = readySession();
    script.peer.pause();
    for (let frame = 0; frame < 1_000; frame += 1) {
      script.session.appendAudio(new Int16Array(480));
      script.clock.advance(20);
    }
    const { framesAppended, framesDropped } = script.session.stats;
    expect(framesAppended + framesDropped).toBe(1_000);
    expect(framesAppended).toBeLessThanOrEqual(101);
    script.peer.resume();
    script.session.appendAudio(new Int16Array(480));
    expect(script.session.stats.framesAppended).toBe(framesAppended + 1);
  });
});

describe('items', () => {
  test('texts are added and items deleted', () => {
    const script = readySession();
    script.session.createItem({ role: 'system', text: 'The caller pressed 1.' });
    script.session.deleteItem('item_7');
    script.settle();
    expect(script.sentOf('conversation.item.create')).toMatchObject([
      { item: { role: 'system', content: [{ type: 'input_text', text: 'The caller pressed 1.' }] } },
    ]);
    expect(script.sentOf('conversation.item.delete')).toMatchObject([{ item_id: 'item_7' }]);
  });

  test.each([
    [73.9, 73],
    [100, 100],
    [240, 100],
    [-5, 0],
  ])('a truncation at %d ms of 100 ms received is sent as %d', (audioEndMs, sentMs) => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(100)));
    expect(script.session.truncate({ itemId: 'item_of_resp_1', contentIndex: 0, audioEndMs })).toBe(sentMs);
    script.settle();
    expect(script.sentOf('conversation.item.truncate')).toMatchObject([
      { item_id: 'item_of_resp_1', content_index: 0, audio_end_ms: sentMs },
    ]);
  });

  test('an item without audio is not truncated: the server would refuse it', () => {
    const script = readySession();
    expect(script.session.truncate({ itemId: 'item_9', contentIndex: 0, audioEndMs: 100 })).toBeUndefined();
    script.settle();
    expect(script.sentOf('conversation.item.truncate')).toEqual([]);
  });

  test('a truncation never exceeds what was passed on of a response that was cancelled', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(60)));
    script.session.cancelResponse();
    script.receive(audioDelta('resp_1', pcmBytes(500)));
    expect(script.session.truncate({ itemId: 'item_of_resp_1', contentIndex: 0, audioEndMs: 400 })).toBe(60);
  });
});

describe('error events', () => {
  test('four errors in a row leave the session usable', () => {
    const script = readySession();
    for (const code of ['invalid_value', 'unknown_parameter', 'item_truncate_invalid_item_id', null]) {
      script.receive(errorEvent({ code, message: 'Wrong.' }));
    }
    script.clock.advance(10_000);
    expect(script.toldTo('onError').map(({ code }) => code)).toEqual([
      'invalid_value',
      'unknown_parameter',
      'item_truncate_invalid_item_id',
      'invalid_request_error',
    ]);
    expect(script.toldTo('onEnded')).toEqual([]);
  });

  test('benign errors are counted and not told', () => {
    const script = readySession();
    script.receive(
      errorEvent({ code: 'response_cancel_not_active' }),
      errorEvent({ code: 'input_audio_buffer_commit_empty' }),
      errorEvent({ code: 'conversation_already_has_active_response' }),
      errorEvent({ message: 'Cancellation failed: no active response found' }),
    );
    expect(script.toldTo('onError')).toEqual([]);
    expect(script.session.stats.errorsBenign).toBe(4);
  });

  test('a create that the server refuses is told once and does not hang the next one', () => {
    const script = readySession();
    script.session.createResponse({ instructions: 'one' });
    script.session.createResponse({ instructions: 'two' });
    script.settle();
    const event_id = script.sentOf('response.create')[0]?.event_id;
    script.receive(errorEvent({ code: 'invalid_value', message: 'Bad.', event_id }));
    expect(script.toldTo('onError')).toEqual([{ code: 'invalid_value', message: 'Bad.' }]);
    expect(script.sentOf('response.create')).toMatchObject([
      { response: { instructions: 'one' } },
      { response: { instructions: 'two' } },
    ]);
  });

  test('a conflict is retried after response.done and not told', () => {
    const script = readySession();
    script.session.createResponse({ instructions: 'one' });
    script.settle();
    const event_id = script.sentOf('response.create')[0]?.event_id;
    script.receive(
      responseCreated('resp_vad'),
      errorEvent({ code: 'conversation_already_has_active_response', event_id }),
      responseDone('resp_vad'),
    );
    expect(script.sentOf('response.create')).toHaveLength(2);
    expect(script.toldTo('onError')).toEqual([]);
  });
});

describe('ending', () => {
  test.each([
    ['invalid_api_key', 3000],
    ['model_not_found', 4004],
    ['beta_api_shape_disabled', 4000],
  ])('a refusal after the 101 is told with its code %s', (code, closeCode) => {
    const script = scriptedSession();
    script.settle();
    script.peer.send(JSON.stringify(errorEvent({ code, message: 'Key sk-...wxyz is wrong.' })));
    script.peer.close(closeCode, `invalid_request_error.${code}`);
    script.settle();
    expect(script.told).toMatchObject([['onEnded', { kind: 'refused', code }]]);
    expect(script.clock.pendingTimers).toBe(0);
  });

  test('the message of invalid_api_key reaches neither the listener nor the log', () => {
    const lines: LogFields[] = [];
    const keep = (fields: LogFields): void => void lines.push(fields);
    const script = scriptedSession({ logger: { ...silentLogger, debug: keep, info: keep, warn: keep, error: keep } });
    script.settle();
    const message = 'Incorrect API key provided: sk-************wxyz.';
    script.receive(errorEvent({ code: 'invalid_api_key', message }));
    script.peer.close(3000, 'invalid_request_error.invalid_api_key');
    script.settle();
    expect(lines.length).toBeGreaterThan(0);
    expect(JSON.stringify([script.told, lines])).not.toContain('wxyz');
  });

  test('a fatal error without a close ends the session after a second', () => {
    const script = readySession();
    script.receive(errorEvent({ code: 'insufficient_quota', message: 'No credit.' }));
    script.clock.advance(999);
    expect(script.toldTo('onEnded')).toEqual([]);
    script.clock.advance(1);
    expect(script.toldTo('onEnded')).toEqual([{ kind: 'refused', code: 'insufficient_quota', message: 'No credit.' }]);
  });

  test('quota that ends inside a response refuses the session', () => {
    const script = readySession();
    const error = { type: 'insufficient_quota', code: 'insufficient_quota', message: 'No credit.' };
    script.receive(
      responseCreated('resp_1'),
      responseDone('resp_1', { status: 'failed', status_details: { type: 'failed', error } }),
    );
    script.peer.close(1011, '');
    script.settle();
    expect(script.toldTo('onResponseDone')).toMatchObject([{ status: 'failed', reason: 'insufficient_quota' }]);
    expect(script.toldTo('onEnded')).toMatchObject([{ kind: 'refused', code: 'insufficient_quota' }]);
  });

  test('a rate limit inside a response fails that response and nothing else', () => {
    const script = readySession();
    const error = { type: 'tokens', code: 'rate_limit_exceeded', message: 'Slow down.' };
    script.receive(
      responseCreated('resp_1'),
      responseDone('resp_1', { status: 'failed', status_details: { type: 'failed', error } }),
    );
    script.clock.advance(5_000);
    expect(script.toldTo('onResponseDone')).toMatchObject([{ status: 'failed', reason: 'rate_limit_exceeded' }]);
    expect(script.toldTo('onEnded')).toEqual([]);
  });

  test('the 60-minute limit is an error and close 1001', () => {
    const script = readySession();
    script.peer.send(
      JSON.stringify(errorEvent({ code: 'session_expired', message: 'maximum duration of 60 minutes' })),
    );
    script.peer.close(1001, 'Your session hit the maximum duration of 60 minutes.');
    script.settle();
    expect(script.toldTo('onEnded')).toEqual([{ kind: 'expired' }]);
  });

  test('close 1001 after 60 minutes means expired even without an error event', () => {
    const script = scriptedSession();
    script.settle();
    script.receive(serverEvent('session.updated', { session: script.sent[0]?.session }));
    script.clock.advance(3_599_000);
    script.peer.close(1001, '');
    script.settle();
    expect(script.toldTo('onEnded')).toEqual([{ kind: 'expired' }]);
  });

  test.each([1000, 1001, 1006, 1011, 1012, 1013])('close %d in the middle of a call is a loss', (closeCode) => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(20)));
    script.peer.close(closeCode, '');
    script.settle();
    expect(script.toldTo('onEnded')).toEqual([{ kind: 'lost', closeCode, message: '' }]);
    expect(script.told.at(-1)?.[0]).toBe('onEnded');
  });

  test('our own close is told as closed, once, after the connection has closed', () => {
    const script = readySession();
    script.session.close();
    script.session.close();
    expect(script.toldTo('onEnded')).toEqual([]);
    script.settle();
    expect(script.toldTo('onEnded')).toEqual([{ kind: 'closed' }]);
    expect(script.clock.pendingTimers).toBe(0);
  });

  test('after our close nothing is sent and nothing but the end is told', () => {
    const script = readySession();
    script.receive(responseCreated('resp_1'), functionCallDone('resp_1', 'call_1'), audioDelta('resp_1', pcmBytes(20)));
    const toldBefore = script.told.length;
    const sentBefore = script.sent.length;
    script.peer.send(JSON.stringify(audioDelta('resp_1', pcmBytes(20))));
    script.peer.send(JSON.stringify(responseDone('resp_1')));
    script.session.close();
    script.session.appendAudio(new Int16Array(480));
    script.session.createResponse();
    script.session.cancelResponse();
    script.session.createItem({ role: 'user', text: 'x' });
    script.session.deleteItem('item_1');
    script.session.submitToolResult({ callId: 'call_1', output: '{}' });
    script.session.truncate({ itemId: 'item_of_resp_1', contentIndex: 0, audioEndMs: 5 });
    script.clock.advance(60_000);
    expect(script.told.slice(toldBefore)).toEqual([['onEnded', { kind: 'closed' }]]);
    expect(script.sent).toHaveLength(sentBefore);
  });

  test('a listener that closes the session within an event hears no more of that event', () => {
    const script = readySession({
      react: ([method], session) => {
        if (method === 'onAudioDone') session.close();
      },
    });
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(20)), responseDone('resp_1'));
    script.settle();
    expect(script.told.map(([method]) => method)).toEqual([
      'onReady',
      'onResponseStarted',
      'onAudio',
      'onAudioDone',
      'onEnded',
    ]);
  });

  test('a session that is closed before it is open ends as closed', () => {
    const script = scriptedSession();
    script.session.close();
    script.settle();
    expect(script.told).toEqual([['onEnded', { kind: 'closed' }]]);
  });
});

describe('malformed messages', () => {
  const bad = [
    'hello',
    '{',
    '[]',
    'null',
    '{"type":5}',
    '['.repeat(1_000_000),
    `"${'x'.repeat(messageCharsMax)}"`,
    '{"type":"response.created"}',
    '{"type":"response.output_audio.delta","response_id":"r","item_id":"i","content_index":0,"delta":"AAA"}',
  ];

  test('are counted by cause and disturb nothing', () => {
    const script = readySession();
    script.receive(...bad);
    expect(script.session.stats).toMatchObject({
      messagesReceived: 2 + bad.length,
      messagesRejected: bad.length,
      rejectedFor: {
        'not-json': 2,
        'not-an-object': 2,
        'no-type': 1,
        'too-deep': 1,
        'too-long': 1,
        'bad-field': 1,
        'bad-base64': 1,
      },
    });
    script.receive(responseCreated('resp_1'), audioDelta('resp_1', pcmBytes(20)));
    expect(script.toldTo('onAudio')).toHaveLength(1);
  });

  test('unknown events are counted and not told', () => {
    const script = readySession();
    script.receive(serverEvent('response.hologram.delta'), serverEvent('session.magic'));
    expect(script.session.stats).toMatchObject({ eventsUnknown: 2, messagesRejected: 0 });
    expect(script.told).toHaveLength(1);
  });

  test('a thousand of them end the session', () => {
    const script = readySession();
    for (let count = 0; count < 999; count += 1) script.peer.send('noise');
    script.settle();
    expect(script.toldTo('onEnded')).toEqual([]);
    script.receive('noise');
    expect(script.toldTo('onEnded')).toMatchObject([{ kind: 'lost', closeCode: 1002 }]);
  });

  test('are logged once for each cause, without their text', () => {
    const lines: unknown[] = [];
    const script = readySession({
      logger: { ...silentLogger, warn: (fields, sentence) => lines.push({ ...fields, sentence }) },
    });
    script.receive('secret one', 'secret two', '{"type":"response.created"}');
    expect(lines).toEqual([
      {
        reason: 'not-json',
        name: undefined,
        field: undefined,
        sentence: 'the model sent a message that is not an event',
      },
      {
        reason: 'bad-field',
        name: 'response.created',
        field: 'response',
        sentence: 'the model sent a message that is not an event',
      },
    ]);
  });
});
