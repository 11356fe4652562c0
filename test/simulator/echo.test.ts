import { decodeG711 } from '../../src/audio/g711';
import { fitSine } from '../support/spectrum';
import { behaviourOf, SessionHarness, silence, sine } from './session-harness';

test('plays back what the caller said last, sample for sample', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('echo') });
  harness.turnDetection({ type: 'server_vad', prefix_padding_ms: 0, silence_duration_ms: 200 });
  const voice = sine({ hz: 440, lengthMs: 1_000, peak: 0.4 });
  harness.silence(500);
  harness.say(voice);
  harness.silence(3_000);
  const { audio_start_ms, audio_end_ms } = {
    ...harness.only('input_audio_buffer.speech_started'),
    ...harness.only('input_audio_buffer.speech_stopped'),
  };
  const audio = harness.audioOf(harness.only('response.done').response.id);
  expect(audio).toHaveLength((audio_end_ms - audio_start_ms) * 48);
  const from = (500 - audio_start_ms) * 48;
  expect(audio.subarray(from, from + 48_000)).toEqual(Buffer.from(voice.samples.buffer));
});

test('plays back at the rate that the session asks for', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('echo') });
  harness.update({
    audio: {
      input: { turn_detection: { type: 'server_vad', prefix_padding_ms: 0, silence_duration_ms: 200 } },
      output: { format: { type: 'audio/pcmu' } },
    },
  });
  harness.silence(500);
  harness.say(sine({ hz: 440, lengthMs: 1_000, peak: 0.4 }));
  harness.silence(3_000);
  const octets = harness.audioOf(harness.only('response.done').response.id);
  const samples = new Int16Array(octets.length);
  decodeG711('pcmu', octets, samples);
  const middle = samples.subarray(1_600, 6_400);
  expect(fitSine(middle, 8_000, 440).amplitude / (0.4 * 32_767)).toBeCloseTo(1, 1);
});

test('beeps when the caller has not said anything', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('echo') });
  harness.send({ type: 'response.create' });
  harness.clock.advance(2_000);
  expect(harness.audioOf(harness.only('response.done').response.id)).toHaveLength(300 * 48);
});

test('beeps when the idle timeout made the turn', () => {
  const harness = new SessionHarness({ behaviour: behaviourOf('echo') });
  harness.turnDetection({ type: 'server_vad', idle_timeout_ms: 5_000 });
  harness.send({ type: 'response.create' });
  harness.say(silence(8_000));
  expect(harness.audioOf(harness.last('response.done').response.id)).toHaveLength(300 * 48);
});
