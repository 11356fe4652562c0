import type { Clock, Timer } from '../runtime/clock';

/** One-shot timers that die together with their owner. */
export class Timers {
  readonly #clock: Clock;
  readonly #afterEach: () => void;
  readonly #pending = new Set<Timer>();
  #closed = false;

  /** `afterEach` runs after each timer that fired. */
  constructor(clock: Clock, afterEach: () => void) {
    this.#clock = clock;
    this.#afterEach = afterEach;
  }

  /** Like `Clock.setTimer`; after `close` nothing fires. */
  after(delayMs: number, fire: () => void): Timer {
    if (this.#closed) return { cancel: () => undefined };
    const inner = this.#clock.setTimer(delayMs, () => {
      this.#pending.delete(timer);
      fire();
      this.#afterEach();
    });
    const timer: Timer = {
      cancel: () => {
        this.#pending.delete(timer);
        inner.cancel();
      },
    };
    this.#pending.add(timer);
    return timer;
  }

  close(): void {
    this.#closed = true;
    for (const timer of [...this.#pending]) timer.cancel();
  }
}
