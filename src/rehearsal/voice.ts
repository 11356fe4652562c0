import { convertRecording } from '../audio/resampler';
import type { Random } from '../runtime/random';
import { speechLike } from '../simulator/speech-like';

/** As people talk: about 150 words a minute. */
const msPerWord = 400;
const shortestMs = 600;
/** So short that it holds no pause between phrases, which a fine turn detection would take for the end of a turn. */
const breathMs = 800;

/** How long some words take to say, in milliseconds. */
export function speakingMs(text: string): number {
  return Math.max(shortestMs, text.trim().split(/\s+/).length * msPerWord);
}

/** A voice without pauses at 24 kHz, of a length in milliseconds: one turn, whatever the turn detection. */
export function steadyVoice({ lengthMs, random }: { lengthMs: number; random: Random }): Int16Array {
  const samples = new Int16Array(Math.round(lengthMs * 24));
  for (let start = 0; start < samples.length; start += breathMs * 24) {
    const part = speechLike({ lengthMs: Math.min(breathMs, (samples.length - start) / 24), random });
    samples.set(part.samples.subarray(0, samples.length - start), start);
  }
  return samples;
}

/** The same for a phone's ear and mouth, at 8 kHz. */
export function phoneVoice(options: { lengthMs: number; random: Random }): Int16Array {
  return convertRecording(steadyVoice(options), 24_000, 8_000);
}
