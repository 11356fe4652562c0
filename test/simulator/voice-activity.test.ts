import { encodeG711, decodeG711 } from '../../src/audio/g711';
import { convertRecording } from '../../src/audio/resampler';
import { seededRandom } from '../../src/runtime/random';
import { speechLike } from '../../src/simulator/speech-like';
import { VoiceActivityDetector } from '../../src/simulator/voice-activity';
import { noise, prompt, silence, sine } from './session-harness';
import type { PcmAudio } from '../../src/simulator/audio-format';

interface Turn {
  onsetMs: number;
  endMs: number | undefined;
}

const recordings = ['caller-question', 'caller-interruption', 'caller-thanks'];

test.each(recordings)('%s is one turn that begins and ends with the voice', (name) => {
  const voice = prompt(name);
  const turns = detect([silence(1_000), voice, silence(1_500)], { silenceMs: 700 });
  expect(turns).toHaveLength(1);
  const voiceEndMs = 1_000 + voice.samples.length / 24;
  expect(turns[0]!.onsetMs).toBeGreaterThanOrEqual(1_000);
  expect(turns[0]!.onsetMs).toBeLessThan(1_250);
  expect(turns[0]!.endMs).toBeGreaterThan(voiceEndMs + 700 - 350);
  expect(turns[0]!.endMs).toBeLessThan(voiceEndMs + 700 + 50);
});

test.each(recordings)('%s through a telephone line is one turn too', (name) => {
  const line = telephone(
    mixed(joined([silence(1_000), prompt(name), silence(1_500)]), noise({ lengthMs: 8_000, dbfs: -55 })),
  );
  expect(detect([line], { silenceMs: 700 })).toHaveLength(1);
});

test('a quiet caller is heard, at 15 dB below the usual loudness', () => {
  const quiet = scaled(prompt('caller-question'), 10 ** (-15 / 20));
  expect(detect([silence(1_000), quiet, silence(1_500)], { silenceMs: 700 })).toHaveLength(1);
});

test('speech-like sound is one turn', () => {
  const voice = speechLike({ lengthMs: 3_000, random: seededRandom(5) });
  expect(detect([silence(500), voice, silence(1_000)], { silenceMs: 500 })).toHaveLength(1);
});

test('a voice from the very first sample is heard to its end', () => {
  const voice = prompt('caller-thanks');
  const turns = detect([voice, silence(1_000)], { silenceMs: 700 });
  expect(turns).toHaveLength(1);
  expect(turns[0]!.endMs).toBeGreaterThan(voice.samples.length / 24 + 300);
});

test.each([-60, -50, -45, -40])('steady noise of %i dB is nobody', (dbfs) => {
  expect(detect([noise({ lengthMs: 20_000, dbfs })], { silenceMs: 500 })).toEqual([]);
});

test('a voice stands out from a noisy room', () => {
  const room = noise({ lengthMs: 9_000, dbfs: -42 });
  const turns = detect([mixed(room, joined([silence(3_000), prompt('caller-question')]))], { silenceMs: 700 });
  expect(turns).toHaveLength(1);
  expect(turns[0]!.onsetMs).toBeGreaterThan(2_900);
  expect(turns[0]!.endMs).toBeLessThan(7_500);
});

test('a tone that goes on is taken for background after two seconds, so that the turn ends', () => {
  const turns = detect([silence(1_000), sine({ hz: 440, lengthMs: 20_000, peak: 0.3 })], { silenceMs: 500 });
  expect(turns).toHaveLength(1);
  expect(turns[0]!.endMs).toBeGreaterThan(2_500);
  expect(turns[0]!.endMs).toBeLessThan(4_000);
});

test('a click and a knock are nobody', () => {
  const click = sine({ hz: 1_000, lengthMs: 5, peak: 0.9 });
  const knock = sine({ hz: 200, lengthMs: 30, peak: 0.5 });
  expect(detect([silence(1_000), click, silence(500), knock, silence(500)], { silenceMs: 500 })).toEqual([]);
});

test('a constant offset of the line is nobody', () => {
  const offset = { samples: new Int16Array(24 * 5_000).fill(4_000), rateHz: 24_000 as const };
  expect(detect([offset], { silenceMs: 500 })).toEqual([]);
});

test('a higher threshold needs a louder voice', () => {
  const quiet = [silence(1_000), sine({ hz: 300, lengthMs: 500, peak: 0.03 }), silence(1_000)];
  expect(detect(quiet, { threshold: 0.5, silenceMs: 500 })).toHaveLength(1);
  expect(detect(quiet, { threshold: 0.9, silenceMs: 500 })).toHaveLength(0);
});

test('the silence decides when a pause ends the turn', () => {
  const twoWords = [silence(500), tone(300), silence(400), tone(300), silence(1_000)];
  expect(detect(twoWords, { silenceMs: 600 })).toEqual([{ onsetMs: 500, endMs: 2_100 }]);
  expect(detect(twoWords, { silenceMs: 200 })).toEqual([
    { onsetMs: 500, endMs: 1_000 },
    { onsetMs: 1_200, endMs: 1_700 },
  ]);
});

test('neither the rate nor the cut of the chunks changes what is found', () => {
  const audio = joined([silence(500), prompt('caller-question'), silence(1_000)]);
  const whole = detect([audio], { silenceMs: 500 });
  expect(detect([audio], { silenceMs: 500, chunkSamples: 137 })).toEqual(whole);
  expect(detect([audio], { silenceMs: 500, offsetMs: 10_000 })).toEqual(
    whole.map(({ onsetMs, endMs }) => ({ onsetMs: onsetMs + 10_000, endMs: endMs! + 10_000 })),
  );
  expect(detect([telephone(audio)], { silenceMs: 500 })).toHaveLength(whole.length);
});

test('a reset forgets the voice without a word', () => {
  const turns: Turn[] = [];
  const detector = newDetector(turns, { silenceMs: 500 });
  detector.process(joined([silence(500), tone(300)]).samples);
  expect(detector.speaking).toBe(true);
  detector.reset();
  detector.process(silence(2_000).samples);
  expect(turns).toEqual([{ onsetMs: 500, endMs: undefined }]);
});

interface Options {
  threshold?: number;
  silenceMs: number;
  chunkSamples?: number;
  offsetMs?: number;
}

function detect(parts: PcmAudio[], options: Options): Turn[] {
  const turns: Turn[] = [];
  const { samples, rateHz } = joined(parts);
  const detector = newDetector(turns, options, rateHz);
  const chunk = options.chunkSamples ?? samples.length;
  for (let start = 0; start < samples.length; start += chunk) detector.process(samples.subarray(start, start + chunk));
  return turns;
}

function newDetector(
  turns: Turn[],
  { threshold = 0.5, silenceMs, offsetMs = 0 }: Options,
  rateHz: PcmAudio['rateHz'] = 24_000,
) {
  return new VoiceActivityDetector({
    rateHz,
    offsetMs,
    settings: { threshold, silenceMs },
    listener: {
      onSpeechStart: (onsetMs) => turns.push({ onsetMs, endMs: undefined }),
      onSpeechStop: (endMs) => (turns.at(-1)!.endMs = endMs),
    },
  });
}

function tone(lengthMs: number): PcmAudio {
  return sine({ hz: 300, lengthMs, peak: 0.3 });
}

function joined(parts: PcmAudio[]): PcmAudio {
  const samples = new Int16Array(parts.reduce((length, part) => length + part.samples.length, 0));
  let offset = 0;
  for (const part of parts) {
    samples.set(part.samples, offset);
    offset += part.samples.length;
  }
  return { samples, rateHz: parts[0]!.rateHz };
}

/** As long as the first. */
function mixed({ samples, rateHz }: PcmAudio, other: PcmAudio): PcmAudio {
  return { samples: samples.map((sample, i) => sample + (other.samples[i] ?? 0)), rateHz };
}

function scaled({ samples, rateHz }: PcmAudio, factor: number): PcmAudio {
  return { samples: samples.map((sample) => Math.round(sample * factor)), rateHz };
}

/** What is left at 8 kHz after A-law. */
function telephone({ samples, rateHz }: PcmAudio): PcmAudio {
  const narrow = convertRecording(samples, rateHz, 8_000);
  const bytes = new Uint8Array(narrow.length);
  encodeG711('pcma', narrow, bytes);
  decodeG711('pcma', bytes, narrow);
  return { samples: narrow, rateHz: 8_000 };
}
