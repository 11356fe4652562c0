import { opusBy, type OpusBinding } from '../../src/audio/opus';

/**
 * Stands for libopus where only its bookkeeping matters. A packet has the header that RFC 6716 section 3.1 gives it, and then
 * samples as they are, stretched over its frames: all of them lose nothing, and one makes a constant. A packet that ends
 * with its header is a lost frame and makes a constant, too: half of the last sample.
 */
export class FakeOpusBinding implements OpusBinding {
  readonly requests = new Map<number, number>();
  bitrate = 0;
  /** Lengths of the frames that it had to make up, in ms. */
  readonly madeUpMs: number[] = [];
  #last = 0;

  constructor(
    readonly rateHz: number,
    readonly channels: number,
  ) {}

  encode(pcm: Buffer): Buffer {
    return Buffer.concat([Buffer.from([celt20ms]), pcm]);
  }

  decode(packet: Buffer): Buffer {
    const header = packet[0]!;
    const isCounted = (header & 3) === 3;
    const frames = isCounted ? packet[1]! : 1;
    const body = packet.subarray(isCounted ? 2 : 1);
    if (body.length % 2 === 1 || frames * frameMsOf(header) > 120) throw new TypeError('The data passed is corrupted');
    const samples = new Int16Array((frames * frameMsOf(header) * this.rateHz) / 1_000);
    if (body.length === 0) {
      this.madeUpMs.push(frameMsOf(header));
      samples.fill(this.#last >> 1);
    } else {
      const given = body.length / 2;
      for (let i = 0; i < samples.length; i += 1) {
        samples[i] = body.readInt16LE(2 * Math.floor((i * given) / samples.length));
      }
    }
    this.#last = samples.at(-1) ?? 0;
    return Buffer.from(samples.buffer);
  }

  setBitrate(bitsPerSecond: number): void {
    this.bitrate = bitsPerSecond;
  }

  applyEncoderCTL(request: number, value: number): void {
    this.requests.set(request, value);
  }
}

/** Full band, 20 ms, mono, one frame: the header that is sent. */
export const celt20ms = 31 << 3;

/** A packet of one level; `frames` above 1 of them in one packet. */
export function levelPacket(level: number, { header = celt20ms, frames = 1 } = {}): Buffer {
  const sample = Buffer.alloc(2);
  sample.writeInt16LE(level);
  const start = frames === 1 ? Buffer.from([header]) : Buffer.from([header | 3, frames]);
  return Buffer.concat([start, sample]);
}

/** Table 2 of RFC 6716. */
function frameMsOf(header: number): number {
  const config = header >> 3;
  if (config < 12) return [10, 20, 40, 60][config & 3]!;
  return config < 16 ? [10, 20][config & 1]! : [2.5, 5, 10, 20][config & 3]!;
}

export const fakeOpus = opusBy(FakeOpusBinding);
