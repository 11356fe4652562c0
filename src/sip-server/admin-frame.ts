/** Largest frame an application may send, octets. */
export const frameBytesMax = 1_048_576;
/** Digits of the length in front of a frame. */
const lengthDigitsMax = 9;
/** How much of a frame that is too large is kept, to answer it by its id. */
const oversizeHeadBytes = 256;

/** What came out of the stream: a frame, or the beginning of one that is too large and is skipped. */
export type DecodedFrame = { kind: 'frame'; payload: Buffer } | { kind: 'oversize'; head: Buffer };

/** A frame of the admin protocol: decimal length in octets, `#`, payload. */
export function encodeFrame(metaLine: string, message?: Buffer): Buffer {
  const head = Buffer.from(`${metaLine}\r\n`, 'latin1');
  const payload = message === undefined ? head.subarray(0, head.length - 2) : Buffer.concat([head, message]);
  return Buffer.concat([Buffer.from(`${payload.length}#`, 'latin1'), payload]);
}

/** Cuts the stream of one application into frames. */
export class FrameDecoder {
  #pending: Buffer = Buffer.alloc(0);
  #skipBytes = 0;

  /** The frames that are complete now; `malformed` when the stream can no longer be followed. */
  push(chunk: Buffer): DecodedFrame[] | 'malformed' {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: DecodedFrame[] = [];
    for (;;) {
      this.#skip();
      const frame = this.#next();
      if (frame === 'malformed') return frame;
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #next(): DecodedFrame | 'malformed' | undefined {
    if (this.#skipBytes > 0) return undefined;
    const hash = this.#pending.subarray(0, lengthDigitsMax + 1).indexOf(0x23);
    if (hash === -1) return this.#pending.length > lengthDigitsMax ? 'malformed' : undefined;
    const digits = this.#pending.toString('latin1', 0, hash);
    if (!/^[0-9]+$/.test(digits)) return 'malformed';
    const length = Number(digits);
    const start = hash + 1;
    if (length > frameBytesMax) return this.#beginSkip(start, length);
    if (this.#pending.length < start + length) return undefined;
    const payload = this.#pending.subarray(start, start + length);
    this.#pending = this.#pending.subarray(start + length);
    return { kind: 'frame', payload };
  }

  #beginSkip(start: number, length: number): DecodedFrame | undefined {
    if (this.#pending.length < start + oversizeHeadBytes) return undefined;
    const head = this.#pending.subarray(start, start + oversizeHeadBytes);
    this.#pending = this.#pending.subarray(start);
    this.#skipBytes = length;
    return { kind: 'oversize', head };
  }

  #skip(): void {
    const count = Math.min(this.#skipBytes, this.#pending.length);
    this.#skipBytes -= count;
    this.#pending = this.#pending.subarray(count);
  }
}
