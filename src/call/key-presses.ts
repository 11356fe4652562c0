import type { Clock, Timer } from '../runtime/clock';
import type { Occupations } from './occupations';

/** After a key the caller is looking for the next one; without it for this long, they have finished. */
const nextKeyMs = 3_000;

/** Keeps the call busy with `digits` while the caller presses keys. */
export class KeyPresses {
  readonly #clock: Clock;
  readonly #occupations: Occupations;
  #end: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor({ clock, occupations }: { clock: Clock; occupations: Occupations }) {
    this.#clock = clock;
    this.#occupations = occupations;
  }

  pressed(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(nextKeyMs, () => this.close());
    this.#end ??= this.#occupations.begin('digits');
  }

  /** Twice is fine. */
  close(): void {
    this.#timer?.cancel();
    this.#end?.();
    this.#end = undefined;
  }
}
