import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { LossFiller } from './concealment';
import type { PcmFrame, SampleRateHz } from './pcm';

/** What the far side has said of its decoder (RFC 7587 section 6.1). */
export interface OpusLimits {
  /** `maxplaybackrate`: what is above half of it is not heard there. */
  playbackHzMax: number;
  /** `maxaveragebitrate`, in bit/s. */
  bitrateMax: number;
  /** `useinbandfec`: it can repair a loss from the packet that follows. */
  canUseFec: boolean;
  /** `cbr`: all packets are to be of one size. */
  constantBitrate: boolean;
}

/** Opus (RFC 6716) in both directions of one stream: mono, at one rate, which need not be that of the far side. */
export interface OpusVoice {
  /** 20 ms to one packet, which is valid until the next call. Must not keep the frame. */
  encode(frame: PcmFrame): Uint8Array;
  /** One packet, of whatever frames it consists (2.5 to 120 ms); undefined when it is malformed. The samples are the caller's. */
  decode(packet: Uint8Array): Int16Array | undefined;
  /** What the decoder makes of one frame that did not come, as long as those before; undefined before the first packet. */
  conceal(): Int16Array | undefined;
  limit(limits: OpusLimits): void;
}

/** Makes one for a stream. */
export type CreateOpus = (rateHz: SampleRateHz) => OpusVoice;

/** As much of `@discordjs/opus` as is used here. It throws at whatever libopus refuses. */
export interface OpusBinding {
  encode(pcm: Buffer): Buffer;
  decode(packet: Buffer): Buffer;
  setBitrate(bitsPerSecond: number): void;
  applyEncoderCTL(request: number, value: number): void;
}
export type OpusBindingClass = new (rateHz: number, channels: number) => OpusBinding;

/** The codec, or why it is not there. The package is optional: it has to be compiled (`npm run opus`). */
export function loadOpus(): CreateOpus | string {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would be needed to start.
    const { OpusEncoder } = require('@discordjs/opus') as { OpusEncoder: OpusBindingClass };
    const create = opusBy(OpusEncoder);
    create(24_000).encode(new Int16Array(480));
    return create;
  } catch (cause) {
    return messageOf(cause).split('\n', 1)[0] ?? '';
  }
}

export function opusBy(Binding: OpusBindingClass): CreateOpus {
  return (rateHz) => new BoundOpus(new Binding(rateHz, 1), rateHz);
}

// Requests of opus_defines.h (libopus 1.3).
const setApplication = 4_000;
const setMaxBandwidth = 4_004;
const setVbr = 4_006;
const setComplexity = 4_010;
const setInbandFec = 4_012;
const setExpectedLoss = 4_014;
const voip = 2_048;
/** Upper edge of what is heard, in Hz, with the name of the bandwidth (RFC 6716 section 2). */
const bandwidths = [
  [4_000, 1_101],
  [6_000, 1_102],
  [8_000, 1_103],
  [12_000, 1_104],
] as const;
const fullBandwidth = 1_105;

/** Beyond these speech gains nothing (RFC 6716 section 2.1.1): 24 kHz carries super-wideband, 8 kHz narrowband. */
const bitrates: Readonly<Record<SampleRateHz, number>> = { 8_000: 16_000, 24_000: 32_000 };
const bitrateMin = 6_000;
/** Half of the range: the rest costs half as much time again, for what is not told apart in speech. */
const complexity = 5;
/** Enough that the encoder spends bits on repair, where the far side uses them. */
const expectedLossPercent = 5;

class BoundOpus implements OpusVoice {
  readonly #binding: OpusBinding;
  readonly #rateHz: SampleRateHz;
  #frame: PcmFrame = new Int16Array(0);
  #frameBytes: Buffer = Buffer.alloc(0);
  /** The header of a packet with one frame that is empty: one that was not sent, or lost (RFC 6716 section 3.2.1). */
  #lostFrame: Buffer | undefined;

  constructor(binding: OpusBinding, rateHz: SampleRateHz) {
    this.#binding = binding;
    this.#rateHz = rateHz;
    binding.applyEncoderCTL(setApplication, voip);
    binding.applyEncoderCTL(setComplexity, complexity);
    binding.setBitrate(bitrates[rateHz]);
  }

  encode(frame: PcmFrame): Uint8Array {
    if (frame !== this.#frame) {
      this.#frame = frame;
      this.#frameBytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    }
    return this.#binding.encode(this.#frameBytes);
  }

  decode(packet: Uint8Array): Int16Array | undefined {
    const [header] = packet;
    // libopus takes a packet of no octets for one that is lost, as long as there is room for.
    if (header === undefined) return undefined;
    const samples = this.#decode(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength));
    if (samples !== undefined) this.#lostFrame = Buffer.from([header & 0xfc]);
    return samples;
  }

  conceal(): Int16Array | undefined {
    return this.#lostFrame && this.#decode(this.#lostFrame);
  }

  limit({ playbackHzMax, bitrateMax, canUseFec, constantBitrate }: OpusLimits): void {
    const bandwidth = bandwidths.find(([edgeHz]) => playbackHzMax <= 2 * edgeHz)?.[1] ?? fullBandwidth;
    this.#binding.applyEncoderCTL(setMaxBandwidth, bandwidth);
    this.#binding.setBitrate(Math.max(bitrateMin, Math.min(bitrates[this.#rateHz], bitrateMax)));
    this.#binding.applyEncoderCTL(setInbandFec, canUseFec ? 1 : 0);
    this.#binding.applyEncoderCTL(setExpectedLoss, canUseFec ? expectedLossPercent : 0);
    this.#binding.applyEncoderCTL(setVbr, constantBitrate ? 0 : 1);
  }

  #decode(packet: Buffer): Int16Array | undefined {
    let pcm: Buffer;
    try {
      pcm = this.#binding.decode(packet);
    } catch {
      return undefined;
    }
    invariant(pcm.byteOffset % 2 === 0, 'samples lie on whole words');
    return new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1);
  }
}

/** Fills what was lost with what the decoder itself makes of it, which also prepares it for what follows. */
export class OpusConcealment implements LossFiller {
  readonly #opus: OpusVoice;
  /** Of the last frame that the decoder made up, what was not needed yet. */
  #left: Int16Array = new Int16Array(0);

  constructor(opus: OpusVoice) {
    this.#opus = opus;
  }

  /** The decoder has blended it already. */
  good(): void {
    this.#left = this.#left.subarray(this.#left.length);
  }

  conceal(out: Int16Array): void {
    for (let filled = 0; filled < out.length;) {
      if (this.#left.length === 0) this.#left = this.#opus.conceal() ?? new Int16Array(out.length);
      const taken = this.#left.subarray(0, out.length - filled);
      out.set(taken, filled);
      filled += taken.length;
      this.#left = this.#left.subarray(taken.length);
    }
  }

  reset(): void {
    this.good();
  }
}
