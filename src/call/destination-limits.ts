import type { DestinationLimitRules } from '../dialplan/destination';
import type { Clock } from '../runtime/clock';

const minuteMs = 60_000;

/** How many calls go to each destination, over all calls of this process. */
export class DestinationLimits {
  readonly #clock: Clock;
  readonly #current = new Map<string, number>();
  /** When the calls of the last minute began. */
  readonly #begun = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a call to a destination; returns how to count its end, which twice is fine. Undefined: there are enough. */
  take(name: string, { callsMax, callsPerMinuteMax }: DestinationLimitRules): (() => void) | undefined {
    const current = this.#current.get(name) ?? 0;
    if (callsMax !== undefined && current >= callsMax) return undefined;
    if (callsPerMinuteMax !== undefined && !this.#begin(name, callsPerMinuteMax)) return undefined;
    this.#current.set(name, current + 1);
    let over = false;
    return () => {
      if (!over) this.#release(name);
      over = true;
    };
  }

  #begin(name: string, callsPerMinuteMax: number): boolean {
    const nowMs = this.#clock.now();
    const recent = (this.#begun.get(name) ?? []).filter((atMs) => nowMs - atMs < minuteMs);
    this.#begun.set(name, recent);
    if (recent.length >= callsPerMinuteMax) return false;
    recent.push(nowMs);
    return true;
  }

  #release(name: string): void {
    const left = (this.#current.get(name) ?? 1) - 1;
    if (left > 0) this.#current.set(name, left);
    else this.#current.delete(name);
  }
}
