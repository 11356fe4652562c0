import { seededRandom } from '../../src/runtime/random';
import type { Behaviour } from '../../src/simulator/behaviour';
import { prompt, scenarioOf, SessionHarness } from './session-harness';

const hourMs = 3_600_000;

test('session.created comes at once and alone, with the whole session and explicit nulls in the live key order', () => {
  const harness = new SessionHarness({ model: 'gpt-realtime-2' });
  expect(harness.types()).toEqual(['session.created']);
  const { session } = harness.only('session.created');
  expect(Object.keys(session)).toEqual([
    ...['type', 'object', 'id', 'model', 'output_modalities', 'instructions', 'tools', 'tool_choice'],
    ...['max_output_tokens', 'tracing', 'truncation', 'prompt', 'expires_at', 'audio', 'include'],
  ]);
  expect(session).toMatchObject({
    type: 'realtime',
    object: 'realtime.session',
    model: 'gpt-realtime-2',
    output_modalities: ['audio'],
    max_output_tokens: 'inf',
    tracing: null,
    prompt: null,
    include: null,
    audio: {
      input: {
        format: { type: 'audio/pcm', rate: 24_000 },
        transcription: null,
        noise_reduction: null,
        turn_detection: {
          type: 'server_vad',
          threshold: 0.5,
          prefix_padding_ms: 300,
          silence_duration_ms: 200,
          idle_timeout_ms: null,
          create_response: true,
          interrupt_response: true,
        },
      },
      output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'alloy', speed: 1 },
    },
  });
});

test('expires_at is the creation time plus an hour, in Unix seconds', () => {
  const harness = new SessionHarness();
  const { session } = harness.only('session.created');
  expect(session.expires_at).toBe(harness.clock.wallTimeMs() / 1_000 + 3_600);
});

test('ids have a prefix and 21 base-62 characters that are ordered by time', () => {
  const harness = new SessionHarness();
  harness.clock.advance(5_000);
  harness.turnDetection(null);
  const [first, second] = harness.events.map(({ event_id }) => event_id);
  expect(first).toMatch(/^event_[0-9A-Za-z]{21}$/);
  expect(second! > first!).toBe(true);
  expect(harness.session.id).toMatch(/^sess_[0-9A-Za-z]{21}$/);
});

test('after an hour the session ends with session_expired and close code 1001', () => {
  const harness = new SessionHarness();
  harness.clock.advance(hourMs - 1);
  expect(harness.closed).toBeUndefined();
  harness.clock.advance(1);
  expect(harness.lastError()).toMatchObject({ type: 'invalid_request_error', code: 'session_expired', param: null });
  expect(harness.closed).toEqual({ code: 1001, reason: expect.stringContaining('60 minutes') });
  expect(harness.clock.pendingTimers).toBe(0);
});

test('a session that is ended leaves no timer and says nothing more', () => {
  const harness = new SessionHarness();
  harness.send({ type: 'response.create' });
  harness.clock.advance(300);
  const count = harness.events.length;
  harness.session.end();
  harness.session.end();
  harness.send({ type: 'response.create' });
  harness.clock.advance(hourMs);
  expect(harness.events.length).toBe(count);
  expect(harness.clock.pendingTimers).toBe(0);
});

describe('what is not an event', () => {
  test.each([
    ['text that is no JSON', '{"type":', 'invalid_json', null],
    ['a JSON value that is no object', '[1]', 'invalid_event', null],
    ['an object without a type', '{"event_id":"e1"}', 'invalid_event', null],
    ['an unknown type', '{"type":"response.cancelled"}', 'invalid_value', 'type'],
    ['a beta event', '{"type":"transcription_session.update","session":{}}', 'invalid_value', 'type'],
    ['an event of the telephone transports', '{"type":"output_audio_buffer.clear"}', 'invalid_value', 'type'],
    ['an unknown key', '{"type":"response.cancel","id":"x"}', 'unknown_parameter', 'id'],
    ['a missing key', '{"type":"input_audio_buffer.append"}', 'missing_required_parameter', 'audio'],
    ['a key of the wrong type', '{"type":"input_audio_buffer.append","audio":7}', 'invalid_type', 'audio'],
    ['audio that is not base64', '{"type":"input_audio_buffer.append","audio":"%%%%"}', 'invalid_value', 'audio'],
    [
      'an id that is too long',
      JSON.stringify({ type: 'response.cancel', event_id: 'x'.repeat(513) }),
      'string_above_max_length',
      'event_id',
    ],
  ])('%s is answered with an error and ends nothing', (_, text, code, param) => {
    const harness = new SessionHarness();
    harness.session.receive(text);
    expect(harness.lastError()).toMatchObject({ type: 'invalid_request_error', code, param });
    expect(harness.closed).toBeUndefined();
    harness.send({ type: 'input_audio_buffer.clear' });
    expect(harness.events.at(-1)?.type).toBe('input_audio_buffer.cleared');
  });

  test('a binary message is answered with invalid_event', () => {
    const harness = new SessionHarness();
    harness.session.receiveBinary();
    expect(harness.lastError()).toMatchObject({ code: 'invalid_event', event_id: null });
  });

  test('the error names the event that caused it, or null when that had no id', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'nonsense', event_id: 'mine' });
    expect(harness.lastError().event_id).toBe('mine');
    harness.send({ type: 'nonsense' });
    expect(harness.lastError().event_id).toBeNull();
  });

  test('an unknown type is answered with the list of known ones', () => {
    const harness = new SessionHarness();
    harness.send({ type: 'nonsense' });
    expect(harness.lastError().message).toContain("'conversation.item.truncate'");
  });
});

describe('faults', () => {
  const faulty = (fault: Record<string, unknown>, turns: unknown[] = [{ say: 'Hello.' }]): Behaviour =>
    scenarioOf({ turns, faults: [{ after: '1s', ...fault }] });

  test('a close fault closes with its code and reason, and no timer remains', () => {
    const harness = new SessionHarness({ behaviour: faulty({ close: 1011, reason: 'server restart' }) });
    harness.clock.advance(1_000);
    expect(harness.closed).toEqual({ code: 1011, reason: 'server restart' });
    expect(harness.clock.pendingTimers).toBe(0);
  });

  test('an abort drops the connection without a close frame', () => {
    const harness = new SessionHarness({ behaviour: faulty({ abort: true }) });
    harness.clock.advance(1_000);
    expect(harness.aborted).toBe(true);
    expect(harness.closed).toBeUndefined();
  });

  test('a stalled session says nothing until the stall is over, then everything in order', () => {
    const harness = new SessionHarness({ behaviour: faulty({ stall: '2s' }) });
    harness.clock.advance(1_000);
    harness.forget();
    harness.send({ type: 'input_audio_buffer.clear' });
    harness.send({ type: 'response.create' });
    harness.clock.advance(1_999);
    expect(harness.events).toEqual([]);
    harness.clock.advance(1);
    expect(harness.types().slice(0, 2)).toEqual(['input_audio_buffer.cleared', 'response.created']);
    expect(harness.only('response.done').response.status).toBe('completed');
  });

  test('a session that stalls forever never says another word', () => {
    const harness = new SessionHarness({ behaviour: faulty({ stall: 'forever' }) });
    harness.clock.advance(1_000);
    harness.forget();
    harness.send({ type: 'response.create' });
    harness.clock.advance(60_000);
    expect(harness.events).toEqual([]);
  });

  test('a malformed event is a text of its own, and an error event ends nothing', () => {
    const malformed = new SessionHarness({ behaviour: faulty({ malformed: '{"type":' }) });
    malformed.clock.advance(1_000);
    expect(malformed.texts).toEqual(['{"type":']);
    const error = new SessionHarness({ behaviour: faulty({ error: { code: 'server_error', message: 'oops' } }) });
    error.clock.advance(1_000);
    expect(error.lastError()).toMatchObject({ type: 'server_error', code: 'server_error', message: 'oops' });
    expect(error.closed).toBeUndefined();
  });

  test('a fault of a turn counts from its response.created', () => {
    const behaviour = scenarioOf({ turns: [{ say: 'Hello.', faults: [{ after: '500ms', close: 1012 }] }] });
    const harness = new SessionHarness({ behaviour });
    harness.clock.advance(5_000);
    harness.send({ type: 'response.create' });
    harness.clock.advance(509);
    expect(harness.closed).toBeUndefined();
    harness.clock.advance(1);
    expect(harness.closed).toEqual({ code: 1012, reason: '' });
  });
});

test('a client that answers from within an event sees all events in order', () => {
  const harness = new SessionHarness();
  harness.onEvent = (event) => {
    if (event.type === 'response.created') {
      harness.send({ type: 'conversation.item.create', item: userText('while it begins') });
    }
    if (event.type === 'response.output_item.added') harness.send({ type: 'response.cancel' });
  };
  harness.send({ type: 'response.create' });
  harness.clock.advance(2_000);
  const done = harness.types().indexOf('response.done');
  expect(harness.only('response.done').response.status).toBe('cancelled');
  expect(harness.types().indexOf('conversation.item.added')).toBeLessThan(done);
  expect(harness.types().slice(done + 1)).toEqual(['rate_limits.updated']);
});

test('the same seed, inputs and times give the same events byte for byte', () => {
  const call = (seed: number): string => {
    const harness = new SessionHarness({ random: seededRandom(seed) });
    harness.update({ audio: { input: { transcription: { model: 'gpt-4o-mini-transcribe' } } } });
    harness.send({ type: 'response.create' });
    harness.silence(5_000);
    harness.say(prompt('caller-question'));
    harness.silence(4_000);
    harness.session.end();
    return harness.events.map((event) => JSON.stringify(event)).join('\n');
  };
  expect(call(11)).toBe(call(11));
  expect(call(11)).not.toBe(call(12));
});

test('a tap hears every sample that the client appends, in the order of the wire', () => {
  const heard: number[] = [];
  const harness = new SessionHarness({ options: { heardAudio: (samples) => heard.push(...samples) } });
  harness.append(Buffer.from([1, 0, 2, 0, 3]));
  harness.append(Buffer.from([0, 0xff, 0xff]));
  expect(heard).toEqual([1, 2, 3, -1]);
});

function userText(text: string) {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
}
