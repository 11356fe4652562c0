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
  /** Follows right after a suspect: both belong to the new stream. */
  | 'restarted';

/** Suspects that are remembered: garbage between the first two packets of a new stream does not hide it. */
export const suspectsMax = 4;

/**
 * Follows one sender through wraps. A sender that starts anew (another SSRC, a jump in the sequence) is believed at its
 * second packet in a row, unless the old stream goes on: a stray packet disturbs nothing (RFC 3550 appendix A.1).
 */
export class SequenceTracker {
  #following = false;
  #ssrc = 0;
  #highest = 0;
  #newestTimestamp = 0;
  readonly #suspectSsrcs = new Float64Array(suspectsMax);
  /** What would follow each suspect; -1 where there is none. */
  readonly #suspectNexts = new Int32Array(suspectsMax).fill(-1);
  #suspectSlot = 0;

  /** The highest number so far, counted past wraps; begins at `firstCycle` plus the first packet's own number. */
  get highest(): number {
    return this.#highest;
  }

  /** One cycle up, so that packets from before a first one at 0 do not get negative numbers. */
  readonly firstCycle = 0x1_0000;

  /** Of the packet that was just placed as `suspect`, or of the one that a `restarted` packet follows: 0 to 3. */
  get suspectSlot(): number {
    return this.#suspectSlot;
  }

  place(packet: RtpHeader): Placement {
    if (!this.#following) {
      this.#follow(packet);
      return 'first';
    }
    if (this.#fits(packet)) {
      this.#suspectNexts.fill(-1);
      const extended = extendSequence({ reference: this.#highest, sequence: packet.sequence });
      if (extended > this.#highest) {
        this.#highest = extended;
        this.#newestTimestamp = packet.timestamp;
      }
      return 'current';
    }
    return this.#confirms(packet) ? 'restarted' : 'suspect';
  }

  /** Of a packet that was just placed as `first`, `current` or `restarted`, or of the suspect before the last. */
  extend(sequence: number): number {
    return extendSequence({ reference: this.#highest, sequence });
  }

  /** Forgets the stream: the next packet is the first one. */
  reset(): void {
    this.#following = false;
    this.#suspectNexts.fill(-1);
  }

  /** True when it follows a suspect; else it is one now. */
  #confirms(packet: RtpHeader): boolean {
    for (let slot = 0; slot < suspectsMax; slot += 1) {
      if (this.#suspectNexts[slot] !== packet.sequence || this.#suspectSsrcs[slot] !== packet.ssrc) continue;
      this.#suspectSlot = slot;
      this.#follow(packet);
      return true;
    }
    this.#suspectSlot = (this.#suspectSlot + 1) % suspectsMax;
    this.#suspectSsrcs[this.#suspectSlot] = packet.ssrc;
    this.#suspectNexts[this.#suspectSlot] = (packet.sequence + 1) & 0xffff;
    return false;
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
    this.#suspectNexts.fill(-1);
  }
}
