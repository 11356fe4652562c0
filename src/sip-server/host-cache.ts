import type { Clock } from '../runtime/clock';

/** The addresses of a host name, best first. Rejects or resolves with none when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const hostsMax = 1_000;
const foundLifeMs = 60_000;
const missingLifeMs = 5_000;

interface Entry {
  readonly addresses: readonly string[];
  readonly expiresAtMs: number;
}

/**
 * Remembers look-ups for a while, so that the requests of one dialog keep their order, and asks once for many.
 * SRV records and fail-over will stand here.
 */
export class HostCache {
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #found = new Map<string, Entry>();
  readonly #waiting = new Map<string, ((addresses: readonly string[]) => void)[]>();

  constructor(clock: Clock, resolve: Resolve) {
    this.#clock = clock;
    this.#resolve = resolve;
  }

  /** Calls `done` at once when the answer is known, else later; with no addresses when there are none. */
  lookUp(host: string, done: (addresses: readonly string[]) => void): void {
    const known = this.#found.get(host);
    if (known !== undefined && known.expiresAtMs > this.#clock.now()) {
      done(known.addresses);
      return;
    }
    const waiting = this.#waiting.get(host);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    this.#waiting.set(host, [done]);
    this.#resolve(host).then(
      (addresses) => this.#settle(host, addresses),
      () => this.#settle(host, []),
    );
  }

  #settle(host: string, addresses: readonly string[]): void {
    if (this.#found.size >= hostsMax) this.#found.clear();
    const lifeMs = addresses.length > 0 ? foundLifeMs : missingLifeMs;
    this.#found.set(host, { addresses, expiresAtMs: this.#clock.now() + lifeMs });
    const waiting = this.#waiting.get(host) ?? [];
    this.#waiting.delete(host);
    for (const done of waiting) done(addresses);
  }
}
