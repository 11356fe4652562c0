import { encodeWhole, pcmFormat, rateOf, bytesPerMs, type AudioFormat } from './audio-format';
import { deltaPatternMs, nextDeltaEnd, type EncodedAudio, type Speech } from './encoded-audio';

/** -10.5 dBFS at the peak: well above any noise, well below clipping after a resampler. */
const peak = 0.3 * 32_767;

/**
 * A sine of whole hertz. It repeats after each second, so that one pattern of deltas per format serves every response
 * of every session, whatever the length.
 */
export class SteadyTone {
  readonly frequencyHz: number;
  readonly #patterns = new Map<AudioFormat['type'], TonePattern>();

  constructor(frequencyHz: number) {
    this.frequencyHz = frequencyHz;
    // Made here and not in the first response: that would stand still for others in the midst of their speech.
    this.#pattern(pcmFormat);
  }

  /** `lengthMs` of the tone, as it sounds when `startMs` of it have passed. */
  speech({ startMs, lengthMs }: { startMs: number; lengthMs: number }): Speech {
    return {
      transcript: `This is a steady tone of ${this.frequencyHz} hertz.`,
      encode: (format) => new ToneAudio(this.#pattern(format), { startMs, lengthMs }),
    };
  }

  #pattern(format: AudioFormat): TonePattern {
    const known = this.#patterns.get(format.type);
    if (known !== undefined) return known;
    const made = new TonePattern(format, this.frequencyHz);
    this.#patterns.set(format.type, made);
    return made;
  }
}

const sines = new Map<number, Int16Array>();

/** One hertz for a second: every whole frequency is some of its samples. */
function sineOf(rateHz: number): Int16Array {
  let sine = sines.get(rateHz);
  if (sine === undefined) {
    sine = Int16Array.from({ length: rateHz }, (_, i) => Math.round(peak * Math.sin((2 * Math.PI * i) / rateHz)));
    sines.set(rateHz, sine);
  }
  return sine;
}

/** One period of delta boundaries, with the base64 of each whole delta. */
class TonePattern {
  readonly format: AudioFormat;
  readonly #bytes: Buffer;
  readonly #deltas = new Map<number, string>();

  constructor(format: AudioFormat, frequencyHz: number) {
    this.format = format;
    const rateHz = rateOf(format);
    const samples = new Int16Array((rateHz * deltaPatternMs) / 1_000);
    const second = sineOf(rateHz);
    for (let i = 0; i < samples.length; i += 1) {
      // The remainder keeps the second pattern, and the hundredth, exactly like the first.
      samples[i] = second[(frequencyHz * i) % rateHz] as number;
    }
    this.#bytes = encodeWhole(format, { samples, rateHz });
  }

  base64(start: number, end: number): string {
    const from = start % this.#bytes.length;
    const to = from + end - start;
    if (to > this.#bytes.length) return this.#acrossPatterns(from, end - start).toString('base64');
    if (end !== nextDeltaEnd(this.format, start)) return this.#bytes.toString('base64', from, to);
    const known = this.#deltas.get(from);
    if (known !== undefined) return known;
    const made = this.#bytes.toString('base64', from, to);
    if (this.#deltas.size < deltasKeptMax) this.#deltas.set(from, made);
    return made;
  }

  #acrossPatterns(from: number, length: number): Buffer {
    const out = Buffer.alloc(length);
    for (let written = 0; written < length;) {
      const offset = (from + written) % this.#bytes.length;
      written += this.#bytes.copy(out, written, offset, Math.min(this.#bytes.length, offset + length - written));
    }
    return out;
  }
}

/** The deltas of one pattern, and some that a response began or ended inside of. */
const deltasKeptMax = 64;

class ToneAudio implements EncodedAudio {
  readonly byteLength: number;
  readonly #pattern: TonePattern;
  /** Octets of the tone that went before. */
  readonly #origin: number;

  constructor(pattern: TonePattern, { startMs, lengthMs }: { startMs: number; lengthMs: number }) {
    this.#pattern = pattern;
    this.#origin = wholeSamples(pattern.format, startMs);
    this.byteLength = wholeSamples(pattern.format, lengthMs);
  }

  get format(): AudioFormat {
    return this.#pattern.format;
  }

  base64(start: number, end: number): string {
    return this.#pattern.base64(this.#origin + start, this.#origin + end);
  }

  deltaEnd(start: number): number {
    return Math.min(this.byteLength, nextDeltaEnd(this.format, this.#origin + start) - this.#origin);
  }
}

function wholeSamples(format: AudioFormat, lengthMs: number): number {
  const samplesPerMs = rateOf(format) / 1_000;
  const samples = Math.floor(lengthMs * samplesPerMs + 1e-6);
  return samples * (bytesPerMs(format) / samplesPerMs);
}
