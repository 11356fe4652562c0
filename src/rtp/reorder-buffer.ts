import type { Clock, Timer } from '../runtime/clock';
import { invariant } from '../runtime/invariant';
import type { RtpPacket } from './packet';
import { SequenceTracker } from './sequence';

/** Where packets go, in order. Must not throw. */
export interface ReorderSink {
  /**
   * `lost` packets right before this one did not come in time. `restarted`: the sender has started anew, so neither
   * sequence numbers nor timestamps tell what lies between this packet and the one before. `arrivedMs` is what `push` was
   * given, which is some time ago for a packet that had to wait.
   */
  onPacket(packet: RtpPacket, gap: { lost: number; restarted: boolean }, arrivedMs: number): void;
}

/** How long a packet may wait for those before it. */
export const reorderWaitMs = 40;
/** How many packets may wait; one more, and the gap before the first of them is given up. */
export const reorderDepthPackets = 2;

/** Delivered numbers that are remembered, to tell a duplicate from a packet that comes too late. */
const historyPackets = 128;

interface HeldPacket {
  packet: RtpPacket;
  extended: number;
  arrivedMs: number;
}

const noGap = { lost: 0, restarted: false };
const newStream = { lost: 0, restarted: true };

/**
 * Puts packets into order. A packet that is in order passes at once, without a copy and without a timer; only behind a
 * gap packets wait, for `reorderWaitMs` or until `reorderDepthPackets` wait already.
 */
export class ReorderBuffer {
  /** Numbers that never came; a packet that still comes, too late to be used, moves from here to `late`. */
  lost = 0;
  /** Came after a later one, in time to be put right. */
  reordered = 0;
  duplicate = 0;
  late = 0;
  /** Packets that fitted no stream. */
  stray = 0;

  readonly #clock: Clock;
  readonly #sink: ReorderSink;
  readonly #tracker = new SequenceTracker();
  readonly #history = new Float64Array(historyPackets).fill(-1);
  #next = 0;
  /** Behind the gap, lowest number first. */
  readonly #held: HeldPacket[] = [];
  /** By the tracker's slots. */
  readonly #suspects: { packet: RtpPacket; arrivedMs: number }[] = [];
  #timer: Timer | undefined;

  constructor({ clock, sink }: { clock: Clock; sink: ReorderSink }) {
    this.#clock = clock;
    this.#sink = sink;
  }

  /** Takes ownership of the packet and of the datagram that it is a view into. `arrivedMs` is now, on the clock. */
  push(packet: RtpPacket, arrivedMs: number): void {
    switch (this.#tracker.place(packet)) {
      case 'first':
        this.#restartAt(packet, arrivedMs);
        return;
      case 'current':
        this.#place(packet, arrivedMs);
        return;
      case 'suspect':
        this.stray += 1;
        this.#suspects[this.#tracker.suspectSlot] = { packet, arrivedMs };
        return;
      case 'restarted':
        this.#restartAtSuspect();
        this.#place(packet, arrivedMs);
        return;
    }
  }

  /** Forgets the stream and what waits; the next packet is the first of a new one. */
  reset(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#held.length = 0;
    this.#suspects.length = 0;
    this.#tracker.reset();
  }

  #restartAtSuspect(): void {
    const suspect = this.#suspects[this.#tracker.suspectSlot];
    invariant(suspect !== undefined, 'a stream restarts at a suspect');
    this.stray -= 1;
    this.#suspects.length = 0;
    this.#restartAt(suspect.packet, suspect.arrivedMs);
  }

  #restartAt(packet: RtpPacket, arrivedMs: number): void {
    while (this.#held.length > 0) this.#giveUpGap();
    this.#arm();
    this.#history.fill(-1);
    this.#next = this.#tracker.extend(packet.sequence);
    this.#deliver(packet, newStream, arrivedMs);
  }

  #place(packet: RtpPacket, arrivedMs: number): void {
    const extended = this.#tracker.extend(packet.sequence);
    if (extended === this.#next) {
      if (this.#held.length > 0) this.reordered += 1;
      this.#deliver(packet, noGap, arrivedMs);
      if (this.#held.length > 0) this.#drain();
    } else if (extended < this.#next) {
      this.#countOld(extended);
    } else {
      this.#hold({ packet, extended, arrivedMs });
    }
  }

  #countOld(extended: number): void {
    const slot = extended % historyPackets;
    if (this.#history[slot] === extended) {
      this.duplicate += 1;
      return;
    }
    this.#history[slot] = extended;
    this.late += 1;
    if (this.lost > 0) this.lost -= 1;
  }

  #hold(held: HeldPacket): void {
    let index = this.#held.length;
    for (; index > 0; index -= 1) {
      const before = this.#held[index - 1];
      if (before === undefined || before.extended < held.extended) break;
      if (before.extended === held.extended) {
        this.duplicate += 1;
        return;
      }
    }
    if (index < this.#held.length) this.reordered += 1;
    this.#held.splice(index, 0, held);
    if (this.#held.length > reorderDepthPackets) {
      this.#giveUpGap();
      this.#drain();
    } else {
      this.#arm();
    }
  }

  /** Delivers the lowest packet that waits, gap or not. */
  #giveUpGap(): void {
    const held = this.#held.shift();
    if (held === undefined) return;
    const lost = held.extended - this.#next;
    this.lost += lost;
    this.#next = held.extended;
    this.#deliver(held.packet, lost === 0 ? noGap : { lost, restarted: false }, held.arrivedMs);
  }

  #drain(): void {
    while (this.#held[0]?.extended === this.#next) this.#giveUpGap();
    this.#arm();
  }

  #deliver(packet: RtpPacket, gap: { lost: number; restarted: boolean }, arrivedMs: number): void {
    this.#history[this.#next % historyPackets] = this.#next;
    this.#next += 1;
    this.#sink.onPacket(packet, gap, arrivedMs);
  }

  /** One timer, for the packet that has waited longest; it is not always the lowest. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    let oldestMs = Infinity;
    for (const held of this.#held) oldestMs = Math.min(oldestMs, held.arrivedMs);
    if (oldestMs === Infinity) return;
    this.#timer = this.#clock.setTimer(oldestMs + reorderWaitMs - this.#clock.now(), this.#onWaitOver);
  }

  readonly #onWaitOver = (): void => {
    this.#timer = undefined;
    const waitedSinceMs = this.#clock.now() - reorderWaitMs;
    // A real timer may fire a fraction of a millisecond early.
    while (this.#held.some((held) => held.arrivedMs <= waitedSinceMs + 1)) this.#giveUpGap();
    this.#drain();
  };
}
