import type { Clock } from '../runtime/clock';

/** Addresses whose failures are remembered; above it the one that began first is forgotten. */
const addressesMax = 10_000;

interface Failures {
  count: number;
  readonly sinceMs: number;
}

/** Slows down whoever tries passwords: an address that failed too often waits until its window is over. */
export class FailureLimiter {
  readonly #clock: Clock;
  readonly #failuresMax: number;
  readonly #windowMs: number;
  readonly #byAddress = new Map<string, Failures>();

  constructor(clock: Clock, { failuresMax, windowMs }: { failuresMax: number; windowMs: number }) {
    this.#clock = clock;
    this.#failuresMax = failuresMax;
    this.#windowMs = windowMs;
  }

  /** How long the address must wait, 0 when it may try. */
  waitMs(address: string): number {
    const failures = this.#current(address);
    if (failures === undefined || failures.count < this.#failuresMax) return 0;
    return failures.sinceMs + this.#windowMs - this.#clock.now();
  }

  /** True when this failure is the one that makes it wait. */
  note(address: string): boolean {
    const failures = this.#current(address) ?? this.#begin(address);
    failures.count += 1;
    return failures.count === this.#failuresMax;
  }

  #current(address: string): Failures | undefined {
    const failures = this.#byAddress.get(address);
    if (failures === undefined || this.#clock.now() - failures.sinceMs < this.#windowMs) return failures;
    this.#byAddress.delete(address);
    return undefined;
  }

  #begin(address: string): Failures {
    if (this.#byAddress.size >= addressesMax) {
      const [oldest] = this.#byAddress.keys();
      if (oldest !== undefined) this.#byAddress.delete(oldest);
    }
    const failures = { count: 0, sinceMs: this.#clock.now() };
    this.#byAddress.set(address, failures);
    return failures;
  }
}
