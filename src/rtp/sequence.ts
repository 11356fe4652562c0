import type { RtpHeader } from './packet';

/** How far `to` lies after `from`, from -32768 to 32767: 16-bit sequence numbers wrap (RFC 3550 section 5.1). */
export function sequenceDelta({ from, to }: { from: number; to: number }): number {
  return ((to - from) << 16) >> 16;
}

/** How far `to` lies after `from`, from -2^31 to 2^31 - 1: 32-bit timestamps wrap. */
export function timestampDelta({ from, to }: { from: number; to: number }): number {
  return (to - from) | 0;
}

/** The number with these low 16 bits that lies nearest to `reference`, which counts past the wrap. */
export function extendSequence({ reference, sequence }: { reference: number; sequence: number }): number {
  return reference + sequenceDelta({ from: reference & 0xffff, to: sequence });
}

/** RFC 3550 appendix A.1: a longer way forward, or back, is not loss or reordering but another stream. */
const dropoutMax = 3_000;
const misorderMax = 100;

/** What a packet is to the stream that is being followed. */
export type Placement =
  /** The first packet of all. */
  | 'first'
  /** Belongs to the stream. */
  | 'current'
  /** Does not fit: hold it until the next packet tells whether the sender has started anew. */
  | 'suspect'
  /** Follows right after the suspect before it: both belong to the new stream. */
  | 'restarted';

/**
 * Follows one sender through wraps. A sender that starts anew (another SSRC, a jump in the sequence) is believed at its
 * second packet in a row, so that a stray packet disturbs nothing (RFC 3550 appendix A.1).
 */
export class SequenceTracker {
  #following = false;
  #ssrc = 0;
  #highest = 0;
  #newestTimestamp = 0;
  #suspectSsrc = -1;
  #suspectNext = -1;

  /** The highest number so far, counted past wraps; begins at `firstCycle` plus the first packet's own number. */
  get highest(): number {
    return this.#highest;
  }

  /** One cycle up, so that packets from before a first one at 0 do not get negative numbers. */
  readonly firstCycle = 0x1_0000;

  place(packet: RtpHeader): Placement {
    if (!this.#following) {
      this.#follow(packet);
      return 'first';
    }
    if (this.#fits(packet)) {
      this.#suspectNext = -1;
      const extended = extendSequence({ reference: this.#highest, sequence: packet.sequence });
      if (extended > this.#highest) {
        this.#highest = extended;
        this.#newestTimestamp = packet.timestamp;
      }
      return 'current';
    }
    if (packet.ssrc === this.#suspectSsrc && packet.sequence === this.#suspectNext) {
      this.#follow(packet);
      return 'restarted';
    }
    this.#suspectSsrc = packet.ssrc;
    this.#suspectNext = (packet.sequence + 1) & 0xffff;
    return 'suspect';
  }

  /** Of a packet that was just placed as `first`, `current` or `restarted`, or of the suspect before the last. */
  extend(sequence: number): number {
    return extendSequence({ reference: this.#highest, sequence });
  }

  /** Forgets the stream: the next packet is the first one. */
  reset(): void {
    this.#following = false;
    this.#suspectNext = -1;
  }

  #fits(packet: RtpHeader): boolean {
    if (packet.ssrc !== this.#ssrc) return false;
    const delta = sequenceDelta({ from: this.#highest & 0xffff, to: packet.sequence });
    if (delta > dropoutMax || delta < -misorderMax) return false;
    // An old number with a new timestamp is no late packet: the sender has begun to count again.
    return delta > 0 || timestampDelta({ from: this.#newestTimestamp, to: packet.timestamp }) <= 0;
  }

  #follow(packet: RtpHeader): void {
    this.#following = true;
    this.#ssrc = packet.ssrc;
    this.#highest = this.firstCycle + packet.sequence;
    this.#newestTimestamp = packet.timestamp;
    this.#suspectNext = -1;
  }
}
