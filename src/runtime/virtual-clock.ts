import type { Clock, Timer } from './clock';
import { invariant } from './invariant';

interface PendingTimer {
  dueMs: number;
  order: number;
  fire: () => void;
}

/** A clock that moves only when told. Timers fire in order of due time, then of creation. */
export class VirtualClock implements Clock {
  readonly #startWallMs: number;
  readonly #pending = new Set<PendingTimer>();
  #nowMs = 0;
  #order = 0;

  constructor({ startWallMs = Date.UTC(2026, 0, 5, 9, 0, 0) }: { startWallMs?: number } = {}) {
    this.#startWallMs = startWallMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallTimeMs(): number {
    return this.#startWallMs + Math.floor(this.#nowMs);
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer: PendingTimer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  /** How many timers wait. A finished test expects 0. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Moves time forward and fires what falls due, synchronously: promises settle only after it returns. */
  advance(byMs: number): void {
    invariant(byMs >= 0, 'time does not go back');
    const untilMs = this.#nowMs + byMs;
    for (let timer = this.#nextDue(untilMs); timer !== undefined; timer = this.#nextDue(untilMs)) this.#fire(timer);
    this.#nowMs = untilMs;
  }

  /** Like `advance`, but lets every promise settle before each timer and at the end. */
  async advanceAsync(byMs: number): Promise<void> {
    invariant(byMs >= 0, 'time does not go back');
    const untilMs = this.#nowMs + byMs;
    await settlePromises();
    for (let timer = this.#nextDue(untilMs); timer !== undefined; timer = this.#nextDue(untilMs)) {
      this.#fire(timer);
      await settlePromises();
    }
    this.#nowMs = untilMs;
  }

  #nextDue(untilMs: number): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#pending) {
      if (timer.dueMs > untilMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }

  #fire(timer: PendingTimer): void {
    this.#pending.delete(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    timer.fire();
  }
}

/** The check phase comes after every microtask, so all promise chains that can run have run. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
