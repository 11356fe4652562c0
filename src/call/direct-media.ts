import type { MediaLeg } from '../media/media-leg';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';

//  here ─▶ past us ─▶ here ...      ended: from either, for good
/**
 * Lets a caller and a destination who talk do so past us, where their media can (`MediaLeg.join`), and brings them back while
 * somebody needs to hear them here. The relay between the two is up all the time: it has silence to do meanwhile.
 */
export class DirectMedia {
  readonly #caller: MediaLeg;
  readonly #callee: MediaLeg;
  readonly #logger: Logger;
  #keepers = 0;
  #ended = false;

  constructor({ caller, callee, logger }: { caller: MediaLeg; callee: MediaLeg; logger: Logger }) {
    this.#caller = caller;
    this.#callee = callee;
    this.#logger = logger;
  }

  /** Both are up. */
  begin(): void {
    this.#join().catch((cause: unknown) => {
      this.#logger.warn(
        { error: messageOf(cause) },
        'caller and destination could not be joined: their audio is relayed',
      );
    });
  }

  /** What is said goes through us until the function that is returned is called; that one twice is fine. */
  keepHere(): () => void {
    let isKept = true;
    this.#keepers += 1;
    if (this.#keepers === 1) void this.#caller.part();
    return () => {
      if (!isKept) return;
      isKept = false;
      this.#keepers -= 1;
      if (this.#keepers === 0) this.begin();
    };
  }

  /** The legs are over, or go their own ways. Twice is fine. */
  end(): void {
    this.#ended = true;
  }

  async #join(): Promise<void> {
    if (this.#ended || this.#keepers > 0) return;
    if (await this.#caller.join(this.#callee))
      this.#logger.debug({}, 'caller and destination joined by the media server');
  }
}
