import { invariant } from '../runtime/invariant';
import type { SampleRateHz } from './pcm';
import { lowPassHalf } from './resampler-coefficients';

/**
 * One stage of a path of samples. It is a stream: what it gives depends on everything since the start or `reset`, and
 * not at all on how that was cut into chunks. Nothing is withheld: each call returns all that its input allows.
 */
export interface RateConverter {
  /** By how much a sound comes out later than it went in. */
  readonly delayMs: number;
  /**
   * Reads all of `input` and returns how many samples it wrote at the start of `output`: three for each one going up,
   * one for every third going down, whatever the length of the chunks. `output` must have room and must not share memory
   * with `input`. Neither is kept, nothing is allocated.
   */
  process(input: Int16Array, output: Int16Array): number;
  /** Forgets the past, as after a silence that has no end. */
  reset(): void;
}

/** The stage between two rates; between equal ones it copies and costs no delay. */
export function createRateConverter(fromHz: SampleRateHz, toHz: SampleRateHz): RateConverter {
  if (fromHz === toHz) return new PassThrough();
  return fromHz < toHz ? new Upsampler() : new Downsampler();
}

/**
 * A whole recording at another rate, as long as before to the sample and with the delay taken out: for files, not for
 * streams. Allocates.
 */
export function convertRecording(samples: Int16Array, fromHz: SampleRateHz, toHz: SampleRateHz): Int16Array {
  const converter = createRateConverter(fromHz, toHz);
  const tail = Math.ceil((converter.delayMs * fromHz) / 1_000) + ratio;
  const padded = new Int16Array(samples.length + tail);
  padded.set(samples);
  const output = new Int16Array(Math.ceil((padded.length * toHz) / fromHz));
  converter.process(padded, output);
  const delay = Math.round((converter.delayMs * toHz) / 1_000);
  return output.slice(delay, delay + Math.ceil((samples.length * toHz) / fromHz));
}

// Both directions run one linear-phase filter over the 24 kHz side: flat within 0.01 dB up to 3400 Hz, 94 dB down from
// 4600 Hz, which is as deep as 16-bit samples can show. In between it only slopes: a steeper filter costs twice the taps
// and twice the delay, for an edge that telephone speech hardly uses.
const taps = 2 * lowPassHalf.length - 1;
const centre = lowPassHalf.length - 1;
const ratio = 3;

/** 8 kHz to 24 kHz, 1.96 ms late: 47 samples of the faster side. */
export class Upsampler implements RateConverter {
  readonly delayMs = centre / 24;
  // Float64 is what V8 multiplies fastest; the past comes first, so that the filter runs over one stretch of memory.
  readonly #line = new Float64Array(phaseTaps - 1 + upBlock);

  process(input: Int16Array, output: Int16Array): number {
    invariant(output.length >= input.length * ratio, 'the output of the upsampler is too short');
    for (let start = 0; start < input.length; start += upBlock) {
      this.#block(input, start, Math.min(input.length - start, upBlock), output);
    }
    return input.length * ratio;
  }

  reset(): void {
    this.#line.fill(0);
  }

  #block(input: Int16Array, start: number, count: number, output: Int16Array): void {
    const line = this.#line;
    for (let i = 0; i < count; i += 1) line[phaseTaps - 1 + i] = input[start + i] as number;
    const pairs = count & ~1;
    for (let i = 0; i < pairs; i += 2) upsamplePair(line, i, output, (start + i) * ratio);
    if (pairs < count) upsampleOne(line, pairs, output, (start + pairs) * ratio);
    line.copyWithin(0, count, count + phaseTaps - 1);
  }
}

/** 24 kHz to 8 kHz, 1.88 ms late: 15 samples of the slower side. A chunk need not be a multiple of three samples. */
export class Downsampler implements RateConverter {
  // A sample leaves with the last of the three that it stands for, two samples after the filter's own grid.
  readonly delayMs = (centre - (ratio - 1)) / 24;
  readonly #line = new Float64Array(taps - 1 + downBlock);
  /** Samples taken since the last one given: 0 to 2. */
  #pending = 0;

  process(input: Int16Array, output: Int16Array): number {
    const count = Math.floor((this.#pending + input.length) / ratio);
    invariant(output.length >= count, 'the output of the downsampler is too short');
    let written = 0;
    for (let start = 0; start < input.length; start += downBlock) {
      written += this.#block(input, start, Math.min(input.length - start, downBlock), output, written);
    }
    return written;
  }

  reset(): void {
    this.#line.fill(0);
    this.#pending = 0;
  }

  #block(input: Int16Array, start: number, taken: number, output: Int16Array, offset: number): number {
    const line = this.#line;
    for (let i = 0; i < taken; i += 1) line[taps - 1 + i] = input[start + i] as number;
    const first = ratio - 1 - this.#pending;
    const count = Math.floor((this.#pending + taken) / ratio);
    const fours = count & ~3;
    for (let i = 0; i < fours; i += 4) downsampleFour(line, first + i * ratio, output, offset + i);
    for (let i = fours; i < count; i += 1) output[offset + i] = downsampleOne(line, first + i * ratio);
    this.#pending = (this.#pending + taken) % ratio;
    line.copyWithin(0, taken, taken + taps - 1);
    return count;
  }
}

class PassThrough implements RateConverter {
  readonly delayMs = 0;

  process(input: Int16Array, output: Int16Array): number {
    invariant(output.length >= input.length, 'the output of the copy is too short');
    output.set(input);
    return input.length;
  }

  reset(): void {
    // A copy has no past.
  }
}

/** Longer chunks are worked through in blocks of one 20 ms frame, which keeps the delay lines small. */
const upBlock = 160;
const downBlock = 480;

/** Taps that meet a sample, not one of the zeros between them, for each of the three outputs of one input. */
const phaseTaps = Math.ceil(taps / ratio);

/** Oldest sample first. Times three, for the energy that the zeros in between do not bring. */
const phases = [0, 1, 2].map((phase) =>
  Float64Array.from({ length: phaseTaps }, (_, i) => ratio * coefficient(phase + (phaseTaps - 1 - i) * ratio)),
);
const [phase0, phase1, phase2] = phases as [Float64Array, Float64Array, Float64Array];
const half = Float64Array.from(lowPassHalf);

function coefficient(tap: number): number {
  return lowPassHalf[tap <= centre ? tap : taps - 1 - tap] ?? 0;
}

// The four kernels below are the cost of a call's audio. Two inputs by three phases going up and four outputs going down
// keep every accumulator in a register. Each output is summed in the same order in the wide and the narrow kernel, so
// that the cut of the chunks cannot be seen in the last bit. `as number`: the callers stay inside the arrays.

function upsamplePair(line: Float64Array, oldest: number, output: Int16Array, offset: number): void {
  let early0 = 0;
  let early1 = 0;
  let early2 = 0;
  let late0 = 0;
  let late1 = 0;
  let late2 = 0;
  let early = line[oldest] as number;
  for (let i = 0; i < phaseTaps; i += 1) {
    const late = line[oldest + i + 1] as number;
    const tap0 = phase0[i] as number;
    const tap1 = phase1[i] as number;
    const tap2 = phase2[i] as number;
    early0 += tap0 * early;
    early1 += tap1 * early;
    early2 += tap2 * early;
    late0 += tap0 * late;
    late1 += tap1 * late;
    late2 += tap2 * late;
    early = late;
  }
  output[offset] = toInt16(early0);
  output[offset + 1] = toInt16(early1);
  output[offset + 2] = toInt16(early2);
  output[offset + 3] = toInt16(late0);
  output[offset + 4] = toInt16(late1);
  output[offset + 5] = toInt16(late2);
}

function upsampleOne(line: Float64Array, oldest: number, output: Int16Array, offset: number): void {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  for (let i = 0; i < phaseTaps; i += 1) {
    const sample = line[oldest + i] as number;
    sum0 += (phase0[i] as number) * sample;
    sum1 += (phase1[i] as number) * sample;
    sum2 += (phase2[i] as number) * sample;
  }
  output[offset] = toInt16(sum0);
  output[offset + 1] = toInt16(sum1);
  output[offset + 2] = toInt16(sum2);
}

/** The filter is symmetric: two samples share a tap, which halves the multiplications. */
function downsampleFour(line: Float64Array, oldest: number, output: Int16Array, offset: number): void {
  const newest = oldest + taps - 1;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let i = 0; i < centre; i += 1) {
    const tap = half[i] as number;
    sum0 += tap * ((line[oldest + i] as number) + (line[newest - i] as number));
    sum1 += tap * ((line[oldest + 3 + i] as number) + (line[newest + 3 - i] as number));
    sum2 += tap * ((line[oldest + 6 + i] as number) + (line[newest + 6 - i] as number));
    sum3 += tap * ((line[oldest + 9 + i] as number) + (line[newest + 9 - i] as number));
  }
  const tap = half[centre] as number;
  output[offset] = toInt16(sum0 + tap * (line[oldest + centre] as number));
  output[offset + 1] = toInt16(sum1 + tap * (line[oldest + 3 + centre] as number));
  output[offset + 2] = toInt16(sum2 + tap * (line[oldest + 6 + centre] as number));
  output[offset + 3] = toInt16(sum3 + tap * (line[oldest + 9 + centre] as number));
}

function downsampleOne(line: Float64Array, oldest: number): number {
  const newest = oldest + taps - 1;
  let sum = 0;
  for (let i = 0; i < centre; i += 1) {
    sum += (half[i] as number) * ((line[oldest + i] as number) + (line[newest - i] as number));
  }
  return toInt16(sum + (half[centre] as number) * (line[oldest + centre] as number));
}

/** A typed array would wrap a value that is too large: the loudest crackle there is. */
function toInt16(value: number): number {
  if (value >= 32_767) return 32_767;
  if (value <= -32_768) return -32_768;
  return Math.floor(value + 0.5);
}
