import type { Logger } from '../runtime/logger';
import type { CallEvent, CallObserver, CallSnapshot } from './call-observer';
import { tellObservers } from './call-observer';

/** Tells observers of a call: each event to every one of them before the next one, also when an observer causes it. */
export class EventQueue {
  readonly #observers: readonly CallObserver[];
  readonly #logger: Logger;
  readonly #untold: { event: CallEvent; snapshot: CallSnapshot }[] = [];
  #isTelling = false;

  constructor({ observers, logger }: { observers: readonly CallObserver[]; logger: Logger }) {
    this.#observers = observers;
    this.#logger = logger;
  }

  tell(event: CallEvent, snapshot: CallSnapshot): void {
    this.#untold.push({ event, snapshot });
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) {
      tellObservers(this.#observers, next.event, next.snapshot, this.#logger);
    }
    this.#isTelling = false;
  }
}
