import type { Clock, Timer } from '../runtime/clock';

/** From the cancellation of a response to its `response.done`, when nobody waits for anything but what it cost. */
export const retireMs = 2_000;

//  at work ─▶ retiring ─▶ over      (at work may go to over)
/** The last moments of a session of which nothing more is wanted, and who waits for them to be over. */
export class Retirement {
  readonly #clock: Clock;
  readonly #onLimit: () => void;
  readonly #whenOver: (() => void)[] = [];
  #limit: Timer | undefined;
  #isOver = false;

  /** `onLimit`: what the session says does not end. */
  constructor({ clock, onLimit }: { clock: Clock; onLimit: () => void }) {
    this.#clock = clock;
    this.#onLimit = onLimit;
  }

  get isUnderWay(): boolean {
    return this.#limit !== undefined && !this.#isOver;
  }

  /** False: it has begun already, or is over. */
  begin(): boolean {
    if (this.#limit !== undefined || this.#isOver) return false;
    this.#limit = this.#clock.setTimer(retireMs, this.#onLimit);
    return true;
  }

  /** Runs once, when the session is over; at once when it is. */
  whenOver(act: () => void): void {
    if (this.#isOver) act();
    else this.#whenOver.push(act);
  }

  /** The session is over, for whatever reason. Twice is fine. */
  end(): void {
    this.#isOver = true;
    this.#limit?.cancel();
    for (const act of this.#whenOver.splice(0)) act();
  }
}
