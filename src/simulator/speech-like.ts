import { convertRecording } from '../audio/resampler';
import type { Random } from '../runtime/random';
import type { PcmAudio } from './audio-format';

const rateHz = 8_000;
const peak = 0.5 * 32_767;
/** Where a vowel rings, in hertz and as the radius of the pole. */
const formants = [
  { hz: 550, radius: 0.96 },
  { hz: 1_600, radius: 0.94 },
  { hz: 2_500, radius: 0.9 },
];

/**
 * Nobody's words: a buzz shaped like vowels, in syllables with gaps and breaths, at the loudness of speech. For tests of
 * whatever listens to levels and pauses and not to meaning. The same `random` gives the same sound.
 */
export function speechLike({ lengthMs, random }: { lengthMs: number; random: Random }): PcmAudio {
  const samples = new Float64Array(Math.round((lengthMs * rateHz) / 1_000));
  let syllables = 0;
  for (let start = 0; start < samples.length; syllables += 1) {
    const length = Math.round(between(random, 0.12, 0.26) * rateHz);
    addSyllable(samples.subarray(start, start + length), { pitchHz: between(random, 95, 150), random });
    const isEndOfPhrase = syllables % 7 === 6;
    const gap = isEndOfPhrase ? between(random, 0.15, 0.25) : between(random, 0.02, 0.07);
    start += length + Math.round(gap * rateHz);
  }
  return { samples: convertRecording(normalised(samples), rateHz, 24_000), rateHz: 24_000 };
}

function addSyllable(out: Float64Array, { pitchHz, random }: { pitchHz: number; random: Random }): void {
  const period = rateHz / pitchHz;
  let untilPulse = 0;
  for (let i = 0; i < out.length; i += 1) {
    const breath = (random.fraction() - 0.5) * 0.1;
    untilPulse -= 1;
    const pulse = untilPulse <= 0 ? 1 : 0;
    if (pulse === 1) untilPulse += period;
    out[i] = breath + pulse;
  }
  for (const formant of formants) ring(out, formant);
  for (let i = 0; i < out.length; i += 1) out[i] = (out[i] as number) * Math.sin((Math.PI * i) / out.length);
}

/** A two-pole resonance, in place. */
function ring(samples: Float64Array, { hz, radius }: { hz: number; radius: number }): void {
  const feedback = 2 * radius * Math.cos((2 * Math.PI * hz) / rateHz);
  let last = 0;
  let beforeLast = 0;
  for (let i = 0; i < samples.length; i += 1) {
    const value = (1 - radius) * (samples[i] as number) + feedback * last - radius * radius * beforeLast;
    beforeLast = last;
    last = value;
    samples[i] = value;
  }
}

function normalised(samples: Float64Array): Int16Array {
  let highest = 1e-9;
  for (const sample of samples) highest = Math.max(highest, Math.abs(sample));
  return Int16Array.from(samples, (sample) => Math.round((sample / highest) * peak));
}

function between(random: Random, low: number, high: number): number {
  return low + random.fraction() * (high - low);
}
