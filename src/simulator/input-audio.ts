import type { AudioFormat } from './audio-format';
import { bytesPerMs, bytesPerSample } from './audio-format';

/** Without turn detection the buffer grows until the client commits; above this the oldest audio goes. */
export const bufferedMsMax = 10 * 60_000;

/** Audio of the caller, in the format in which it came. */
export interface AudioClip {
  format: AudioFormat;
  bytes: Buffer;
}

/**
 * The input audio buffer. Offsets are milliseconds of all audio appended since the session began, not since the last
 * commit.
 */
export class InputAudio {
  #format: AudioFormat;
  /** Milliseconds before octet 0 of the current format. */
  #baseMs = 0;
  readonly #chunks: Buffer[] = [];
  /** The first octet held and the one after the last, counted since the current format began. */
  #startByte = 0;
  #endByte = 0;

  constructor(format: AudioFormat) {
    this.#format = format;
  }

  get offsetMs(): number {
    return this.#msAt(this.#endByte);
  }

  /** Where the buffer begins. */
  get startMs(): number {
    return this.#msAt(this.#startByte);
  }

  get bufferedMs(): number {
    return this.offsetMs - this.startMs;
  }

  /** Takes ownership of `bytes`. */
  append(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#endByte += bytes.length;
    this.keepFrom(this.offsetMs - bufferedMsMax);
  }

  /** What lies between the two offsets, as far as it is held, in whole samples. */
  copy({ fromMs, toMs }: { fromMs: number; toMs: number }): AudioClip {
    const from = Math.max(this.#startByte, this.#byteAt(fromMs));
    const to = Math.min(this.#endByte, this.#byteAt(toMs));
    const bytes = Buffer.alloc(Math.max(0, to - from));
    let chunkStart = this.#startByte;
    for (const chunk of this.#chunks) {
      const chunkEnd = chunkStart + chunk.length;
      if (chunkEnd > from && chunkStart < to) {
        const begin = Math.max(from, chunkStart);
        chunk.copy(bytes, begin - from, begin - chunkStart, Math.min(to, chunkEnd) - chunkStart);
      }
      chunkStart = chunkEnd;
    }
    return { format: this.#format, bytes };
  }

  /** Forgets everything before `offsetMs`. */
  keepFrom(offsetMs: number): void {
    const byte = Math.min(this.#endByte, this.#byteAt(offsetMs));
    while (this.#startByte < byte) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return;
      const surplus = byte - this.#startByte;
      if (surplus >= chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(surplus);
      this.#startByte += Math.min(surplus, chunk.length);
    }
  }

  clear(): void {
    this.keepFrom(this.offsetMs);
  }

  /** Audio of the format before cannot be joined to what follows and is dropped; offsets go on. */
  changeFormat(format: AudioFormat): void {
    if (format.type === this.#format.type) return;
    this.#baseMs = this.offsetMs;
    this.#format = format;
    this.#chunks.length = 0;
    this.#startByte = 0;
    this.#endByte = 0;
  }

  #msAt(byte: number): number {
    return this.#baseMs + byte / bytesPerMs(this.#format);
  }

  #byteAt(offsetMs: number): number {
    const size = bytesPerSample(this.#format);
    return Math.max(0, Math.floor(((offsetMs - this.#baseMs) * bytesPerMs(this.#format)) / size + 1e-6) * size);
  }
}
