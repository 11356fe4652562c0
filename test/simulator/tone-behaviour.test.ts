import { decodeG711 } from '../../src/audio/g711';
import { prompt, behaviourOf, SessionHarness, sine } from './session-harness';

test('answers a response.create with a minute of tone and more', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('tone:600') });
  respond(harness);
  expect(toneOf(harness)).toHaveLength(65 * 24_000);
});

test.each([
  ['tone:600:5', 5],
  ['tone:600:1500ms', 1.5],
])('%s lasts as long as it says', (name, seconds) => {
  const harness = new SessionHarness({ behaviour: behaviourOf(name) });
  respond(harness);
  expect(toneOf(harness)).toHaveLength(seconds * 24_000);
});

test('is the same sine from the first sample to the last, over all responses of the call', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('tone:613:7001ms') });
  respond(harness);
  respond(harness);
  respond(harness);
  const samples = toneOf(harness);
  expect(samples).toHaveLength(3 * 7_001 * 24);
  expect(worstError(samples, 613, 24_000)).toBeLessThanOrEqual(1);
});

test('goes on where a cancelled response stopped', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('tone:613:3') });
  harness.send({ type: 'response.create' });
  harness.clock.advance(300);
  harness.send({ type: 'response.cancel' });
  const [cut] = harness.of('response.done');
  // The last delta may end inside a sample: its first octet is nothing to hear.
  const heard = Math.floor(harness.audioOf(cut!.response.id).length / 2);
  respond(harness);
  const second = harness.audioOf(harness.last('response.done').response.id);
  const samples = new Int16Array(heard + second.length / 2);
  samples.set(int16(harness.audioOf(cut!.response.id)).subarray(0, heard));
  samples.set(int16(second), heard);
  expect(worstError(samples, 613, 24_000)).toBeLessThanOrEqual(1);
});

test.each(['pcmu', 'pcma'] as const)('keeps its phase in %s too', (law) => {
  const harness = new SessionHarness({ behaviour: behaviourOf('tone:613:2100ms') });
  harness.update({ audio: { output: { format: { type: `audio/${law}` } } } });
  respond(harness);
  respond(harness);
  const octets = Buffer.concat(harness.of('response.done').map(({ response }) => harness.audioOf(response.id)));
  const samples = new Int16Array(octets.length);
  decodeG711(law, octets, samples);
  expect(samples).toHaveLength(2 * 2_100 * 8);
  // G.711 rounds to one part in 32 or so.
  expect(worstError(samples, 613, 8_000)).toBeLessThan(0.3 * 32_767 * 0.04);
});

test('does not listen: neither a voice nor a tone of the caller interrupts or ends a turn', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('tone:600:10') });
  harness.send({ type: 'response.create' });
  harness.say(sine({ hz: 440, lengthMs: 500, peak: 0.3 }));
  harness.say(prompt('caller-question'));
  harness.silence(2_000);
  expect(harness.of('input_audio_buffer.speech_started')).toEqual([]);
  expect(harness.only('response.done').response.status).toBe('completed');
});

function respond(harness: SessionHarness): void {
  harness.send({ type: 'response.create' });
  harness.clock.advance(20_000);
}

function toneOf(harness: SessionHarness): Int16Array {
  return int16(Buffer.concat(harness.of('response.done').map(({ response }) => harness.audioOf(response.id))));
}

function int16(bytes: Buffer): Int16Array {
  return Int16Array.from({ length: Math.floor(bytes.length / 2) }, (_, i) => bytes.readInt16LE(2 * i));
}

function worstError(samples: Int16Array, hz: number, rateHz: number): number {
  let worst = 0;
  for (let i = 0; i < samples.length; i += 1) {
    const expected = 0.3 * 32_767 * Math.sin((2 * Math.PI * ((hz * i) % rateHz)) / rateHz);
    worst = Math.max(worst, Math.abs(samples[i]! - expected));
  }
  return worst;
}
