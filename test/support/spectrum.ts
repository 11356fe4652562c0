import type { PcmFrame } from '../../src/audio/pcm';

// Ears for tests: what tone is in these samples, how clean it is, and where it was cut. Tones only, made by our own
// generators or the simulator; G.711 noise (38 dB down) is expected and does not disturb.

/** A sine and what it leaves of the samples. Levels in sample units. */
export interface SineFit {
  /** Peak, not RMS. */
  amplitude: number;
  /** Radians at the first sample. */
  phase: number;
  residualRms: number;
  residualPeak: number;
}

/** The sine of `hz` that comes closest in the least-squares sense, beside any constant offset. */
export function fitSine(samples: ArrayLike<number>, rateHz: number, hz: number): SineFit {
  const step = (2 * Math.PI * hz) / rateHz;
  const [cosine, sine, offset] = solveNormalEquations(samples, step);
  let power = 0;
  let peak = 0;
  for (let i = 0; i < samples.length; i += 1) {
    const residual = samples[i]! - cosine * Math.cos(step * i) - sine * Math.sin(step * i) - offset;
    power += residual * residual;
    peak = Math.max(peak, Math.abs(residual));
  }
  return {
    amplitude: Math.hypot(cosine, sine),
    phase: Math.atan2(cosine, sine),
    residualRms: Math.sqrt(power / Math.max(1, samples.length)),
    residualPeak: peak,
  };
}

/** Power of the fitted sine over the power of everything else (offset apart), in dB. Needs a few periods. */
export function snrDb(samples: ArrayLike<number>, rateHz: number, hz: number): number {
  const { amplitude, residualRms } = fitSine(samples, rateHz, hz);
  return 20 * Math.log10(amplitude / Math.SQRT2 / Math.max(residualRms, 1e-9));
}

/** Level of one frequency against a full-scale sine, in dB; the rest of the spectrum may be anything. */
export function levelDb(samples: ArrayLike<number>, rateHz: number, hz: number): number {
  const window = blackmanHarris(samples.length);
  const step = (2 * Math.PI * hz) / rateHz;
  const [turnReal, turnImaginary] = [Math.cos(step), Math.sin(step)];
  let [cosine, sine, real, imaginary, weightSum] = [1, 0, 0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    const weighted = window[i]! * samples[i]!;
    real += weighted * cosine;
    imaginary += weighted * sine;
    weightSum += window[i]!;
    [cosine, sine] = [cosine * turnReal - sine * turnImaginary, sine * turnReal + cosine * turnImaginary];
  }
  return 20 * Math.log10(Math.max((2 * Math.hypot(real, imaginary)) / weightSum / 32_768, 1e-9));
}

/** Frequency of the strongest tone, refined well below one bin; 0 when there is nothing but silence. */
export function dominantHz(samples: PcmFrame, rateHz: number): number {
  const size = 2 ** Math.ceil(Math.log2(Math.max(64, samples.length * 2)));
  const power = windowedPower(samples, size);
  let best = 1;
  for (let bin = 2; bin < size / 2 - 1; bin += 1) if (power[bin]! > power[best]!) best = bin;
  if (power[best]! < 1) return 0;
  // A window's main lobe in dB is close to a parabola around its top.
  const [left, top, right] = [power[best - 1]!, power[best]!, power[best + 1]!].map((value) => Math.log(value + 1e-9));
  const offset = (0.5 * (left! - right!)) / (left! - 2 * top! + right!);
  return ((best + offset) * rateHz) / size;
}

/** A place where a steady tone broke: the sample (to within some 5 ms), and what was noticed first. */
export interface ToneGap {
  atSample: number;
  kind: 'click' | 'level' | 'phase';
}

/**
 * Where the tone of `hz` is cut, clicks or jumps: lost, repeated, silent or inserted stretches. Silence before the tone
 * first comes and after it last goes is no gap; a recording without that tone has none, so look at `dominantHz` too.
 *
 * Limits: the tone must be steady and alone, and `hz` exact within 1 Hz. Breaks closer together than 15 ms count once. A
 * loss or repeat of a whole number of periods leaves next to no trace in the samples: choose an `hz` of which 20 ms is
 * no whole number of periods (610, not 600).
 */
export function toneGaps(samples: PcmFrame, rateHz: number, hz: number): ToneGap[] {
  const window = Math.max(Math.round(rateHz * 0.005), Math.ceil((2 * rateHz) / hz));
  const hop = Math.max(1, Math.floor(window / 4));
  const fits = fitEachWindow({ samples, rateHz, hz, window, hop });
  const steady = typicalAmplitude(fits);
  const sounding = (fit: SineFit): boolean => kindOfBreak(fit, undefined, steady) === undefined;
  const first = fits.findIndex(sounding);
  const last = fits.findLastIndex(sounding);
  // Only a window that shares no sample with this one shows a jump in full.
  const apart = Math.ceil(window / hop) + 1;
  const gaps: ToneGap[] = [];
  let lastBroken = -Infinity;
  for (let i = first; i >= 0 && i <= last; i += 1) {
    const kind = kindOfBreak(fits[i]!, i - apart >= first ? fits[i - apart] : undefined, steady);
    if (kind === undefined) continue;
    if (i - lastBroken > 2) gaps.push({ atSample: i * hop + (kind === 'phase' ? 0 : Math.floor(window / 2)), kind });
    lastBroken = i;
  }
  return gaps;
}

// G.711 errs by at most a thirtieth of a sample, and each of these by far less over a window.
const residualShareMax = 0.15;
const levelRatioMax = 1.12;
const phaseJumpMaxRad = 0.05;

function kindOfBreak(fit: SineFit, before: SineFit | undefined, steady: number): ToneGap['kind'] | undefined {
  if (fit.amplitude > steady * levelRatioMax || fit.amplitude * levelRatioMax < steady) return 'level';
  if (fit.residualPeak > steady * residualShareMax) return 'click';
  if (before === undefined) return undefined;
  return Math.abs(wrapped(fit.phase - before.phase)) > phaseJumpMaxRad ? 'phase' : undefined;
}

/** Phases are all told against the start of the recording, so that a steady tone has one and the same throughout. */
function fitEachWindow(options: {
  samples: PcmFrame;
  rateHz: number;
  hz: number;
  window: number;
  hop: number;
}): SineFit[] {
  const { samples, rateHz, hz, window, hop } = options;
  const fits: SineFit[] = [];
  for (let start = 0; start + window <= samples.length; start += hop) {
    const fit = fitSine(samples.subarray(start, start + window), rateHz, hz);
    fits.push({ ...fit, phase: fit.phase - (2 * Math.PI * hz * start) / rateHz });
  }
  return fits;
}

/** The median of the windows in which something sounds. */
function typicalAmplitude(fits: readonly SineFit[]): number {
  const amplitudes = fits.map((fit) => fit.amplitude).sort((a, b) => a - b);
  const loudest = amplitudes.at(-1) ?? 0;
  const sounding = amplitudes.filter((amplitude) => amplitude > loudest / 2);
  return sounding[Math.floor(sounding.length / 2)] ?? 0;
}

function wrapped(radians: number): number {
  return radians - 2 * Math.PI * Math.round(radians / (2 * Math.PI));
}

/** Least squares for cosine, sine and constant: three equations, solved by Cramer's rule. */
function solveNormalEquations(samples: ArrayLike<number>, step: number): [number, number, number] {
  let [cc, cs, ss, c1, s1, yc, ys, y1] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    const cosine = Math.cos(step * i);
    const sine = Math.sin(step * i);
    const sample = samples[i]!;
    cc += cosine * cosine;
    cs += cosine * sine;
    ss += sine * sine;
    c1 += cosine;
    s1 += sine;
    yc += sample * cosine;
    ys += sample * sine;
    y1 += sample;
  }
  const n = samples.length;
  const whole = determinant(cc, cs, c1, cs, ss, s1, c1, s1, n);
  if (Math.abs(whole) < 1e-9) return [0, 0, 0];
  return [
    determinant(yc, cs, c1, ys, ss, s1, y1, s1, n) / whole,
    determinant(cc, yc, c1, cs, ys, s1, c1, y1, n) / whole,
    determinant(cc, cs, yc, cs, ss, ys, c1, s1, y1) / whole,
  ];
}

// prettier-ignore
function determinant(
  a: number, b: number, c: number,
  d: number, e: number, f: number,
  g: number, h: number, i: number,
): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

// Ears listen in the process in which the calls under test run, over and over: what takes long to hear is itself heard,
// as packets that come late. So what depends on lengths alone is reckoned once.
const windows = new Map<number, Float64Array>();
const turns = new Map<number, { real: Float64Array; imaginary: Float64Array }>();

/** Side lobes 92 dB down: what is 16 bits below a tone is seen beside it. */
function blackmanHarris(count: number): Float64Array {
  return remembered(windows, count, () =>
    Float64Array.from({ length: count }, (_, i) => {
      const angle = (2 * Math.PI * (i + 0.5)) / count;
      return 0.35875 - 0.48829 * Math.cos(angle) + 0.14128 * Math.cos(2 * angle) - 0.01168 * Math.cos(3 * angle);
    }),
  );
}

/** What turns the butterflies of one span. */
function turnsOf(span: number): { real: Float64Array; imaginary: Float64Array } {
  return remembered(turns, span, () => ({
    real: Float64Array.from({ length: span }, (_, k) => Math.cos((-Math.PI * k) / span)),
    imaginary: Float64Array.from({ length: span }, (_, k) => Math.sin((-Math.PI * k) / span)),
  }));
}

function remembered<T>(known: Map<number, T>, length: number, make: () => T): T {
  const found = known.get(length) ?? make();
  known.set(length, found);
  return found;
}

function windowedPower(samples: ArrayLike<number>, size: number): Float64Array {
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  const window = blackmanHarris(samples.length);
  for (let i = 0; i < samples.length; i += 1) real[i] = samples[i]! * window[i]!;
  transform(real, imaginary);
  return real.map((value, bin) => value * value + imaginary[bin]! * imaginary[bin]!);
}

/** Radix-2 fast Fourier transform in place: bit reversal, then butterflies of doubling span. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j]!, real[i]!];
      [imaginary[i], imaginary[j]] = [imaginary[j]!, imaginary[i]!];
    }
  }
  for (let span = 1; span < size; span *= 2) {
    const turn = turnsOf(span);
    for (let k = 0; k < span; k += 1) {
      const [turnReal, turnImaginary] = [turn.real[k]!, turn.imaginary[k]!];
      for (let i = k; i < size; i += 2 * span) {
        const j = i + span;
        const productReal = real[j]! * turnReal - imaginary[j]! * turnImaginary;
        const productImaginary = real[j]! * turnImaginary + imaginary[j]! * turnReal;
        real[j] = real[i]! - productReal;
        imaginary[j] = imaginary[i]! - productImaginary;
        real[i] = real[i]! + productReal;
        imaginary[i] = imaginary[i]! + productImaginary;
      }
    }
  }
}
