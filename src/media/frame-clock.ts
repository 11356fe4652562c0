import { frameMs } from '../audio/pcm';
import type { Clock, Timer } from '../runtime/clock';
import { invariant } from '../runtime/invariant';

/** Who is called each 20 ms. */
export interface FrameSubscriber {
  /** One frame is due now. After a stall it is called up to `overdueFramesMax` times in a row. */
  onFrame(): void;
  /** So many frames before the next one were due too long ago: their time has passed. */
  onFramesSkipped(frames: number): void;
  /** `onFrame` or `onFramesSkipped` has thrown; the subscription is over. Must not throw itself. */
  onError(cause: unknown): void;
}

export interface FrameSubscription {
  /** When the first frame is due, on the clock; the n-th one after it is due at `startMs + n * 20`. */
  readonly startMs: number;
  /** Twice is fine, also from within `onFrame`. */
  end(): void;
}

/** After a stall so many frames are sent at once: a phone's jitter buffer bridges them. The others are skipped. */
export const overdueFramesMax = 3;

/** Calls are spread over the 20 ms, so that they do not all want the processor in the same instant. */
const slotCount = 8;
const slotMs = frameMs / slotCount;
/** Timers of the machine count whole milliseconds: one that fires this much too early is on time. */
const earlyMs = 0.5;
/** A timer that is later than this has work before it. */
const overdueMs = 1;

interface Slot {
  /** Undefined where a subscription ended while the slot was being served. */
  members: (FrameSubscriber | undefined)[];
  dueMs: number;
}

/**
 * The heartbeat of all calls: one timer, and for each subscriber a frame at start + n x 20 ms by the monotonic clock. A
 * late tick does not shift the ones after it. While nobody subscribes, no timer runs.
 */
export class FrameClock {
  /** How late frames were: time of the call minus time due, in milliseconds. */
  readonly lateness = new LatenessHistogram();

  readonly #clock: Clock;
  readonly #slots: readonly Slot[] = Array.from({ length: slotCount }, () => ({ members: [], dueMs: 0 }));
  #subscribers = 0;
  #timer: Timer | undefined;
  #armedForMs = Infinity;
  #serving: Slot | undefined;
  #isCatchingUp = false;

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  get subscribers(): number {
    return this.#subscribers;
  }

  /** While `catchUp` serves: of the packets that came in the meantime some have not been read yet. */
  get isCatchingUp(): boolean {
    return this.#isCatchingUp;
  }

  /**
   * Serves what is overdue. For whoever reads packets, before each of them: after a stall hundreds wait, and Node reads them
   * all before it looks at its timers. What callers hear would come later for it; what they say has time.
   */
  catchUp(nowMs: number): void {
    if (nowMs < this.#armedForMs + overdueMs) return;
    this.#disarm();
    this.#isCatchingUp = true;
    this.#serveDue();
    this.#isCatchingUp = false;
  }

  /** The first frame is due within 20 ms. */
  subscribe(subscriber: FrameSubscriber): FrameSubscription {
    if (this.#subscribers === 0) this.#alignSlots();
    const slot = this.#emptiestSlot();
    slot.members.push(subscriber);
    this.#subscribers += 1;
    this.#arm();
    return { startMs: slot.dueMs, end: () => this.#end(slot, subscriber) };
  }

  #alignSlots(): void {
    const nowMs = this.#clock.now();
    this.#slots.forEach((slot, index) => (slot.dueMs = nowMs + (index + 1) * slotMs));
  }

  /** Of those with the fewest members the one that is due first. */
  #emptiestSlot(): Slot {
    let best: Slot | undefined;
    for (const slot of this.#slots) {
      if (slot !== this.#serving && slot.members.length === 0) this.#catchUp(slot);
      const fewer = best === undefined || slot.members.length < best.members.length;
      const sooner = best?.members.length === slot.members.length && slot.dueMs < best.dueMs;
      if (best === undefined || fewer || sooner) best = slot;
    }
    invariant(best !== undefined, 'a frame clock has slots');
    return best;
  }

  /** An empty slot is not served: its due time is brought up when it is looked at. */
  #catchUp(slot: Slot): void {
    const behindMs = this.#clock.now() - slot.dueMs;
    if (behindMs >= 0) slot.dueMs += (Math.floor(behindMs / frameMs) + 1) * frameMs;
  }

  #end(slot: Slot, subscriber: FrameSubscriber): void {
    const index = slot.members.indexOf(subscriber);
    if (index < 0) return;
    if (slot === this.#serving) slot.members[index] = undefined;
    else slot.members.splice(index, 1);
    this.#subscribers -= 1;
    if (this.#subscribers === 0) this.#disarm();
  }

  /** For the slot that is due first. Timers are cheap here, but one that is already right is left alone. */
  #arm(): void {
    let dueMs = Infinity;
    for (const slot of this.#slots) if (slot.members.length > 0) dueMs = Math.min(dueMs, slot.dueMs);
    if (this.#serving !== undefined || dueMs === this.#armedForMs) return;
    this.#disarm();
    if (dueMs === Infinity) return;
    this.#armedForMs = dueMs;
    this.#timer = this.#clock.setTimer(dueMs - this.#clock.now(), this.#onTimer);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedForMs = Infinity;
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#armedForMs = Infinity;
    this.#serveDue();
  };

  #serveDue(): void {
    const untilMs = this.#clock.now() + earlyMs;
    for (let slot = this.#firstDue(untilMs); slot !== undefined; slot = this.#firstDue(untilMs)) {
      this.#serve(slot, untilMs);
    }
    this.#arm();
  }

  #firstDue(untilMs: number): Slot | undefined {
    let first: Slot | undefined;
    for (const slot of this.#slots) {
      if (slot.members.length === 0 || slot.dueMs > untilMs) continue;
      if (first === undefined || slot.dueMs < first.dueMs) first = slot;
    }
    return first;
  }

  #serve(slot: Slot, untilMs: number): void {
    const overdue = Math.floor((untilMs - slot.dueMs) / frameMs) + 1;
    const frames = Math.min(overdue, overdueFramesMax);
    const skipped = overdue - frames;
    const due = { skipped, frames, firstDueMs: slot.dueMs + skipped * frameMs };
    slot.dueMs += overdue * frameMs;
    this.#serving = slot;
    // Who subscribes during the loop is not due yet.
    const count = slot.members.length;
    for (let i = 0; i < count; i += 1) this.#serveMember(slot, i, due);
    this.#serving = undefined;
    if (slot.members.includes(undefined)) slot.members = slot.members.filter((member) => member !== undefined);
  }

  #serveMember(slot: Slot, index: number, due: { skipped: number; frames: number; firstDueMs: number }): void {
    const member = slot.members[index];
    if (member === undefined) return;
    try {
      if (due.skipped > 0) member.onFramesSkipped(due.skipped);
      for (let n = 0; n < due.frames && slot.members[index] !== undefined; n += 1) {
        this.lateness.record(this.#clock.now() - due.firstDueMs - n * frameMs);
        member.onFrame();
      }
    } catch (cause) {
      this.#end(slot, member);
      member.onError(cause);
    }
  }
}

/** Upper bounds of the buckets in milliseconds; the last bucket has none. */
const bucketBoundsMs = [0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 20, 40, 60, 100, 250, 1_000, Infinity] as const;

/** How often frames were how late. Fixed buckets: recording allocates nothing. */
export class LatenessHistogram {
  readonly boundsMs: readonly number[] = bucketBoundsMs;
  /** One count for each bound, not cumulative. */
  readonly counts = new Float64Array(bucketBoundsMs.length);
  total = 0;
  sumMs = 0;
  maxMs = 0;

  /** Too early counts as 0. */
  record(lateMs: number): void {
    const value = Math.max(0, lateMs);
    let bucket = 0;
    while (value > (bucketBoundsMs[bucket] ?? Infinity)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.total += 1;
    this.sumMs += value;
    if (value > this.maxMs) this.maxMs = value;
  }

  get p50Ms(): number {
    return this.quantileMs(0.5);
  }

  get p99Ms(): number {
    return this.quantileMs(0.99);
  }

  /** An upper bound: the end of the bucket that holds the quantile, or the maximum if that is less. 0 when empty. */
  quantileMs(fraction: number): number {
    const rank = Math.ceil(this.total * fraction);
    let seen = 0;
    for (let bucket = 0; bucket < bucketBoundsMs.length; bucket += 1) {
      seen += this.counts[bucket] ?? 0;
      if (seen >= rank && seen > 0) return Math.min(bucketBoundsMs[bucket] ?? Infinity, this.maxMs);
    }
    return 0;
  }

  /** Begins to count anew. */
  reset(): void {
    this.counts.fill(0);
    this.total = 0;
    this.sumMs = 0;
    this.maxMs = 0;
  }
}
