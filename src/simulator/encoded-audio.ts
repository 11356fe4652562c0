import type { AudioFormat } from './audio-format';
import { bytesPerMs, encodeWhole, type PcmAudio } from './audio-format';

/** Speech in one wire format, to be read in any slices. Shared between responses and sessions: never written to. */
export interface EncodedAudio {
  readonly format: AudioFormat;
  readonly byteLength: number;
  /** base64 of the octets from `start` up to `end`. */
  base64(start: number, end: number): string;
  /** Where the delta that begins at `start` ends: above `start`, at most `byteLength`. */
  deltaEnd(start: number): number;
}

/** The part of some audio that an item holds. */
export interface HeldAudio {
  audio: EncodedAudio;
  /** From the start of `audio`. */
  byteLength: number;
}

/** What the model can say, whatever the format that the session asks for. */
export interface Speech {
  readonly transcript: string;
  encode(format: AudioFormat): EncodedAudio;
}

export function heldMs({ audio, byteLength }: HeldAudio): number {
  return byteLength / bytesPerMs(audio.format);
}

/** Octets that were made or received as a whole. */
export class WholeAudio implements EncodedAudio {
  readonly format: AudioFormat;
  readonly #bytes: Buffer;

  constructor(format: AudioFormat, bytes: Buffer) {
    this.format = format;
    this.#bytes = bytes;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  base64(start: number, end: number): string {
    return this.#bytes.toString('base64', start, end);
  }

  deltaEnd(start: number): number {
    return Math.min(this.#bytes.length, nextDeltaEnd(this.format, start));
  }
}

/** A recording that is said as it is; each format is made once and kept. */
export class RecordedSpeech implements Speech {
  readonly transcript: string;
  readonly #recording: PcmAudio;
  readonly #encoded = new Map<AudioFormat['type'], WholeAudio>();

  constructor({ transcript, recording }: { transcript: string; recording: PcmAudio }) {
    this.transcript = transcript;
    this.#recording = recording;
  }

  encode(format: AudioFormat): EncodedAudio {
    const known = this.#encoded.get(format.type);
    if (known !== undefined) return known;
    const made = new WholeAudio(format, encodeWhole(format, this.#recording));
    this.#encoded.set(format.type, made);
    return made;
  }
}

/** After this long the pattern of delta sizes starts again. */
export const deltaPatternMs = 2_000;

// Where the deltas of one pattern end. Between 50 and 400 ms each and never a multiple of 20 ms, as live deltas.
const deltaEndsMs = [63, 250, 591, 643, 872, 990, 1_387, 1_481, 1_757, deltaPatternMs];

/**
 * The octet after `start` at which a delta ends. Every other boundary lies one octet later, so that PCM deltas end inside
 * a sample: a client has to carry the odd octet over.
 */
export function nextDeltaEnd(format: AudioFormat, start: number): number {
  const perMs = bytesPerMs(format);
  const pattern = Math.floor(start / (deltaPatternMs * perMs)) * deltaPatternMs * perMs;
  for (const [index, endMs] of deltaEndsMs.entries()) {
    const end = pattern + endMs * perMs + (index % 2 === 0 ? 1 : 0);
    if (end > start) return end;
  }
  // The last boundary of a pattern has an odd index: there is always a later one.
  return pattern + deltaPatternMs * perMs;
}
