import { withDeadline } from '../runtime/clock';
import { invariant } from '../runtime/invariant';
import { SipLink, type LinkState, type SipLinkOptions } from './sip-link';
import { SipLinkError, type SipServerAddress } from './sip-server-address';

export type SipLinksOptions = Omit<SipLinkOptions, 'server' | 'onState'> & {
  /** At least one. */
  servers: readonly SipServerAddress[];
};

/** Links to several SIP servers as one: calls of all go to the same handler, and one that is up is enough. */
export class SipLinks {
  readonly all: readonly SipLink[];
  readonly #options: SipLinksOptions;
  #onUp: (() => void) | undefined;
  #onRefused: ((error: SipLinkError) => void) | undefined;

  constructor({ servers, ...options }: SipLinksOptions) {
    this.#options = { servers, ...options };
    this.all = servers.map((server) => new SipLink({ ...options, server, onState: (state) => this.#onState(state) }));
  }

  set accepting(accepting: boolean) {
    for (const link of this.all) link.accepting = accepting;
  }

  /** True while calls can come through at least one of them. */
  get connected(): boolean {
    return this.all.some((link) => link.alive);
  }

  /** The first that is up, for requests of ours; the first of all when none is. */
  get best(): SipLink {
    const best = this.all.find((link) => link.alive) ?? this.all.find((link) => link.connected) ?? this.all[0];
    invariant(best !== undefined, 'there is at least one link');
    return best;
  }

  /**
   * Resolves when the first is up; the others go on trying. Rejects with `SipLinkError` when none is up after
   * `deadlineMs`, or all have refused our secret, and all are then closed.
   */
  async connect({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    const [only] = this.all;
    if (only !== undefined && this.all.length === 1) return only.connect({ deadlineMs });
    const up = new Promise<void>((resolve, reject) => {
      this.#onUp = resolve;
      this.#onRefused = reject;
    });
    for (const link of this.all) link.start();
    const names = this.all.map(({ name }) => name).join(', ');
    try {
      await withDeadline(this.#options.clock, deadlineMs, up, () => {
        return new SipLinkError('unreachable', `none of the SIP servers ${names} is there after ${deadlineMs} ms`);
      });
    } catch (cause) {
      await this.close();
      throw cause;
    } finally {
      this.#onUp = this.#onRefused = undefined;
    }
  }

  /** Twice is fine. */
  async close(): Promise<void> {
    await Promise.all(this.all.map((link) => link.close()));
  }

  #onState(state: LinkState): void {
    if (state === 'connected') this.#onUp?.();
    if (this.all.every((link) => link.state === 'refused')) {
      this.#onRefused?.(new SipLinkError('auth-failed', 'every SIP server refused the secret'));
    }
  }
}
