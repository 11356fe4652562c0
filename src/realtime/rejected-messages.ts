import type { Logger } from '../runtime/logger';
import type { RejectedMessage } from './server-events';

/** Messages in one session that are not events: more than this is no Realtime server. */
const rejectedMessagesMax = 1_000;

/** Counts messages that are not events, by cause, and logs the first of each cause. */
export class RejectedMessages {
  readonly #logger: Logger;
  readonly #counts: Partial<Record<RejectedMessage['reason'], number>> = {};
  #total = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get total(): number {
    return this.#total;
  }

  get byReason(): Readonly<Partial<Record<RejectedMessage['reason'], number>>> {
    return this.#counts;
  }

  /** False when there have been too many: whoever sends them is no Realtime server. */
  add({ reason, name, field }: RejectedMessage): boolean {
    const count = (this.#counts[reason] ?? 0) + 1;
    this.#counts[reason] = count;
    this.#total += 1;
    if (count === 1) this.#logger.warn({ reason, name, field }, 'the model sent a message that is not an event');
    return this.#total < rejectedMessagesMax;
  }
}
