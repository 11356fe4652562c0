import type { PcmFrame, SampleRateHz } from './pcm';
import { createRateConverter, type RateConverter } from './resampler';

/** The sixteen keys of ITU-T Q.23. */
export type DtmfKey = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D';

const rateHz = 8_000;
/** The longest packet there is, 200 ms (RFC 3551 section 4.2). */
const frameSamplesMax = 1_600;
/** 12.75 ms: two whole blocks lie in any tone of 40 ms, which Q.24 wants found, and never in one of 23 ms. */
const blockSamples = 102;
const lowHz = [697, 770, 852, 941] as const;
const highHz = [1_209, 1_336, 1_477, 1_633] as const;
const keys: readonly (readonly DtmfKey[])[] = [
  ['1', '2', '3', 'A'],
  ['4', '5', '6', 'B'],
  ['7', '8', '9', 'C'],
  ['*', '0', '#', 'D'],
];

/** Below this mean square (about -42 dBFS) a line is quiet. */
const quietMeanSquare = 260 ** 2 / 2;
/** The share of a block's energy that must lie in the two tones: speech has much beside them. */
const toneShareMin = 0.72;
/**
 * How far each tone stands out from its neighbours, and how unequal the two may be: Q.24 asks for 8 dB and 4 dB, and a
 * short block sees a tone that is off by 1.5 % up to 1.5 dB weaker.
 */
const neighbourRatioMin = 6.3;
const twistMax = 10;
const reverseTwistMax = 4;
/** Blocks in a row that make a key, and that end one: clicks and fades are neither. */
const blocksToBegin = 2;
const blocksToEnd = 2;

/**
 * Hears telephone keys that were sent as tones in the audio (ITU-T Q.23, limits of Q.24). A key is told once, when it has
 * sounded for 25 to 40 ms, however long it is held.
 */
export class DtmfDetector {
  readonly #onKey: (key: DtmfKey) => void;
  readonly #toTelephony: RateConverter;
  readonly #converted: PcmFrame;
  readonly #block = new Float64Array(blockSamples);
  #filled = 0;
  #candidate: DtmfKey | undefined;
  #candidateBlocks = 0;
  #sounding: DtmfKey | undefined;
  #otherBlocks = 0;

  constructor(onKey: (key: DtmfKey) => void, { fromHz = rateHz }: { fromHz?: SampleRateHz } = {}) {
    this.#onKey = onKey;
    this.#toTelephony = createRateConverter(fromHz, rateHz);
    this.#converted = new Int16Array(frameSamplesMax);
  }

  /** The key that is being held down. */
  get sounding(): DtmfKey | undefined {
    return this.#sounding;
  }

  /** A key that may be about to begin: the block before sounded like it. */
  get suspected(): boolean {
    return this.#candidate !== undefined;
  }

  /** Frames of up to 200 ms. Must not keep the frame. */
  process(frame: PcmFrame): void {
    const count = this.#toTelephony.process(frame, this.#converted);
    for (let i = 0; i < count; i += 1) {
      this.#block[this.#filled] = this.#converted[i] as number;
      this.#filled += 1;
      if (this.#filled < blockSamples) continue;
      this.#filled = 0;
      this.#onBlock(keyIn(this.#block));
    }
  }

  /** Forgets what was heard so far: the audio before has nothing to do with what follows. */
  reset(): void {
    this.#toTelephony.reset();
    this.#filled = 0;
    this.#candidate = undefined;
    this.#candidateBlocks = 0;
    this.#sounding = undefined;
    this.#otherBlocks = 0;
  }

  #onBlock(key: DtmfKey | undefined): void {
    this.#candidateBlocks = key !== undefined && key === this.#candidate ? this.#candidateBlocks + 1 : 1;
    this.#candidate = key;
    if (this.#sounding !== undefined) {
      this.#otherBlocks = key === this.#sounding ? 0 : this.#otherBlocks + 1;
      if (this.#otherBlocks >= blocksToEnd) this.#sounding = undefined;
    }
    if (key === undefined || key === this.#sounding || this.#candidateBlocks < blocksToBegin) return;
    this.#sounding = key;
    this.#otherBlocks = 0;
    this.#onKey(key);
  }
}

/** The key that one block sounds like. */
function keyIn(block: Float64Array): DtmfKey | undefined {
  let energy = 0;
  for (let i = 0; i < blockSamples; i += 1) energy += (block[i] as number) ** 2;
  if (energy < quietMeanSquare * blockSamples) return undefined;
  const low = strongest(block, lowCoefficients);
  // Speech mostly ends here: half the work.
  if (low.power < neighbourRatioMin * low.next) return undefined;
  const high = strongest(block, highCoefficients);
  if (high.power < neighbourRatioMin * high.next) return undefined;
  if (high.power > low.power * twistMaxOf('high') || low.power > high.power * twistMaxOf('low')) return undefined;
  // A sine of energy E has the power E * N / 2 at its own frequency.
  if (low.power + high.power < (toneShareMin * energy * blockSamples) / 2) return undefined;
  return keys[low.index]?.[high.index];
}

/** Q.24 lets the high tone be weaker by 8 dB (the line dampens it) and stronger by 4. */
function twistMaxOf(stronger: 'high' | 'low'): number {
  return stronger === 'high' ? reverseTwistMax : twistMax;
}

const lowCoefficients = Float64Array.from(lowHz, coefficientOf);
const highCoefficients = Float64Array.from(highHz, coefficientOf);

function coefficientOf(hz: number): number {
  return 2 * Math.cos((2 * Math.PI * hz) / rateHz);
}

function strongest(block: Float64Array, coefficients: Float64Array): { index: number; power: number; next: number } {
  let index = 0;
  let power = 0;
  let next = 0;
  for (let at = 0; at < coefficients.length; at += 1) {
    const found = powerAt(block, coefficients[at] as number);
    if (found > power) {
      next = power;
      power = found;
      index = at;
    } else next = Math.max(next, found);
  }
  return { index, power, next };
}

/** Goertzel's algorithm: one multiplication a sample. */
function powerAt(block: Float64Array, coefficient: number): number {
  let last = 0;
  let beforeLast = 0;
  for (let i = 0; i < blockSamples; i += 1) {
    const now = (block[i] as number) + coefficient * last - beforeLast;
    beforeLast = last;
    last = now;
  }
  return last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
}
