import type { Clock } from '../runtime/clock';

const firstDelayMs = 100;
const delayMaxMs = 30_000;
/** Who was up for this long has not failed at the start. */
const steadyMs = 60_000;

/** How long to wait before something that ended is started again: twice as long after each short life, up to a bound. */
export class BackOff {
  readonly #clock: Clock;
  #shortLives = 0;
  #upSinceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends in a row that came before it was up, or soon after. */
  get shortLives(): number {
    return this.#shortLives;
  }

  up(): void {
    this.#upSinceMs = this.#clock.now();
  }

  /** Milliseconds until the next start. */
  ended(): number {
    const upMs = this.#upSinceMs === undefined ? 0 : this.#clock.now() - this.#upSinceMs;
    this.#upSinceMs = undefined;
    const delayMs = upMs >= steadyMs ? firstDelayMs : Math.min(delayMaxMs, firstDelayMs * 2 ** this.#shortLives);
    this.#shortLives = upMs >= steadyMs ? 1 : this.#shortLives + 1;
    return delayMs;
  }
}
