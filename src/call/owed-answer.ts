import type { Clock, Timer } from '../runtime/clock';
import type { Occupations } from './occupations';

/** A response that has not begun by then will not come; whoever watches over silence has acted long before. */
const owedMsMax = 30_000;

/**
 * Keeps the call busy with `responding` from the moment at which the agent owes the caller an answer (a turn has ended,
 * a response was asked for) to the end of the response.
 */
export class OwedAnswer {
  readonly #clock: Clock;
  readonly #occupations: Occupations;
  readonly #active = new Set<string>();
  #timer: Timer | undefined;
  #isOwed = false;
  #end: (() => void) | undefined;

  constructor({ clock, occupations }: { clock: Clock; occupations: Occupations }) {
    this.#clock = clock;
    this.#occupations = occupations;
  }

  owe(): void {
    this.#isOwed = true;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(owedMsMax, () => this.forgive());
    this.#end ??= this.#occupations.begin('responding');
  }

  /** The caller speaks again, or nothing will come: what has not begun is not waited for any more. */
  forgive(): void {
    this.#isOwed = false;
    this.#timer?.cancel();
    this.#settle();
  }

  started(responseId: string): void {
    this.#active.add(responseId);
    this.#isOwed = false;
    this.#timer?.cancel();
    this.#end ??= this.#occupations.begin('responding');
  }

  /** The responses that went on belong to a session that is over. */
  forget(): void {
    this.#active.clear();
    this.forgive();
  }

  ended(responseId: string): void {
    this.#active.delete(responseId);
    this.#settle();
  }

  /** Twice is fine. */
  close(): void {
    this.forget();
  }

  #settle(): void {
    if (this.#isOwed || this.#active.size > 0) return;
    this.#end?.();
    this.#end = undefined;
  }
}
