import { prompt, SessionHarness, sine } from './session-harness';

const vad = { type: 'server_vad', idle_timeout_ms: 6_000 };
const lengthMs = prompt('receptionist-greeting').samples.length / 24;

test('fires the timeout after response.done plus the playback of its audio, and makes the model speak', () => {
  const harness = greeted();
  // Measured on the session's clock; the audio of the caller keeps step with it.
  harness.silence(frames(lengthMs + 6_000) - 40);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toEqual([]);
  harness.silence(60);
  const { item_id: itemId, audio_start_ms, audio_end_ms } = harness.only('input_audio_buffer.timeout_triggered');
  expect(audio_end_ms - audio_start_ms).toBeGreaterThanOrEqual(6_000 - 20);
  expect(audio_end_ms - audio_start_ms).toBeLessThanOrEqual(6_000 + 20);
  harness.silence(100);
  expect(harness.types().slice(harness.types().indexOf('input_audio_buffer.timeout_triggered'))).toEqual([
    'input_audio_buffer.timeout_triggered',
    'input_audio_buffer.committed',
    'conversation.item.added',
    'conversation.item.done',
    'response.created',
  ]);
  expect(harness.only('input_audio_buffer.committed').item_id).toBe(itemId);
  expect(harness.of('input_audio_buffer.speech_started')).toEqual([]);
  harness.silence(2_000);
  expect(harness.last('response.output_audio_transcript.done').transcript).toBe('Are you still there?');
});

test('starts the silent segment at the offset where the playback ended', () => {
  const harness = greeted();
  const offsetMs = harness.clock.now() - startedAtMs;
  harness.silence(12_000);
  const { audio_start_ms: startMs } = harness.only('input_audio_buffer.timeout_triggered');
  expect(Math.abs(startMs - (offsetMs + lengthMs))).toBeLessThanOrEqual(40);
});

test('commits the silence itself', () => {
  const harness = greeted();
  harness.silence(12_000);
  const { item_id, audio_start_ms, audio_end_ms } = harness.only('input_audio_buffer.timeout_triggered');
  harness.send({ type: 'conversation.item.retrieve', item_id });
  const { item } = harness.only('conversation.item.retrieved');
  if (item.type !== 'message' || item.content[0]?.type !== 'input_audio') throw new Error('no audio message');
  const octets = Buffer.from(item.content[0].audio ?? '', 'base64').length;
  expect(Math.abs(octets / 48 - (audio_end_ms - audio_start_ms))).toBeLessThanOrEqual(1);
});

test('repeats after each answer to it', () => {
  const harness = greeted();
  harness.silence(30_000);
  expect(harness.of('input_audio_buffer.timeout_triggered').length).toBeGreaterThanOrEqual(3);
});

test('does not fire while or after somebody speaks, until the next answer is over', () => {
  const harness = greeted();
  harness.turnDetection({ ...vad, create_response: false });
  harness.silence(5_000);
  harness.say(sine({ hz: 300, lengthMs: 500, peak: 0.3 }));
  harness.silence(20_000);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toEqual([]);
});

test('a response outside the conversation does not arm it', () => {
  const harness = new SessionHarness();
  harness.turnDetection(vad);
  harness.send({ type: 'response.create', response: { conversation: 'none' } });
  harness.silence(20_000);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toEqual([]);
});

test('goes on counting while turn detection is off, and fires at once when it comes back too late', () => {
  const harness = greeted();
  harness.turnDetection(null);
  harness.silence(20_000);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toEqual([]);
  harness.turnDetection(vad);
  harness.clock.advance(0);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toHaveLength(1);
});

test('a cleared buffer starts the wait anew', () => {
  const harness = greeted();
  harness.turnDetection(null);
  harness.silence(20_000);
  harness.send({ type: 'input_audio_buffer.clear' });
  harness.turnDetection(vad);
  harness.silence(5_900);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toEqual([]);
  harness.silence(200);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toHaveLength(1);
});

test('semantic_vad has none', () => {
  const harness = greeted();
  harness.turnDetection({ type: 'semantic_vad' });
  harness.silence(40_000);
  expect(harness.of('input_audio_buffer.timeout_triggered')).toEqual([]);
});

let startedAtMs = 0;

/** The greeting has just been generated; its playback goes on. */
function greeted(): SessionHarness {
  const harness = new SessionHarness();
  harness.turnDetection(vad);
  startedAtMs = harness.clock.now();
  harness.send({ type: 'response.create' });
  while (harness.of('response.done').length === 0) harness.silence(20);
  return harness;
}

function frames(ms: number): number {
  return Math.floor(ms / 20) * 20;
}
