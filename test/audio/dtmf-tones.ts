import type { DtmfKey } from '../../src/audio/dtmf-detector';
import { seededRandom } from '../../src/runtime/random';

const low = [697, 770, 852, 941];
const high = [1_209, 1_336, 1_477, 1_633];
const places = ['123A', '456B', '789C', '*0#D'];

export interface DtmfToneOptions {
  ms: number;
  /** Of each tone, in dBFS. */
  lowDb?: number;
  highDb?: number;
  /** Both frequencies are off by this share. */
  offBy?: number;
  /** Mean level of a noise in the background. */
  noiseDb?: number;
  rateHz?: number;
  seed?: number;
}

/** A key as a telephone sounds it, at 8 kHz unless given. */
export function dtmfTone(
  key: DtmfKey,
  { ms, lowDb = -12, highDb = -12, offBy = 0, noiseDb = -90, seed = 1, rateHz = 8_000 }: DtmfToneOptions,
): Int16Array {
  const row = places.findIndex((keys) => keys.includes(key));
  const hz = [low[row]!, high[places[row]!.indexOf(key)]!].map((one) => one * (1 + offBy));
  const amplitudes = [lowDb, highDb].map((db) => 32_767 * 10 ** (db / 20));
  const random = seededRandom(seed);
  const noise = 32_767 * 10 ** (noiseDb / 20) * Math.sqrt(3 / 2) * 2;
  return Int16Array.from({ length: (ms * rateHz) / 1_000 }, (_, n) => {
    const sine = (which: 0 | 1): number =>
      amplitudes[which]! * Math.sin((2 * Math.PI * hz[which]! * n) / rateHz + which);
    return Math.round(sine(0) + sine(1) + (random.fraction() - 0.5) * noise);
  });
}
