import type { Clock } from '../runtime/clock';

/** The addresses of a host name, best first. Rejects or resolves with none when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** One SRV record (RFC 2782). */
export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The SRV records of a name such as `_sip._udp.example.com`. Rejects or resolves with none when there are none. */
export type ResolveServices = (name: string) => Promise<readonly ServiceRecord[]>;

const namesMax = 1_000;
const foundLifeMs = 60_000;
const missingLifeMs = 5_000;

interface Entry<Answer> {
  readonly answers: readonly Answer[];
  readonly expiresAtMs: number;
}

/** Remembers look-ups for a while, so that the requests of one dialog keep their order, and asks once for many. */
export class HostCache<Answer = string> {
  readonly #clock: Clock;
  readonly #resolve: (name: string) => Promise<readonly Answer[]>;
  readonly #found = new Map<string, Entry<Answer>>();
  readonly #waiting = new Map<string, ((answers: readonly Answer[]) => void)[]>();

  constructor(clock: Clock, resolve: (name: string) => Promise<readonly Answer[]>) {
    this.#clock = clock;
    this.#resolve = resolve;
  }

  /** Calls `done` at once when the answer is known, else later; with nothing when there is nothing. */
  lookUp(name: string, done: (answers: readonly Answer[]) => void): void {
    const known = this.#found.get(name);
    if (known !== undefined && known.expiresAtMs > this.#clock.now()) {
      done(known.answers);
      return;
    }
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    this.#waiting.set(name, [done]);
    this.#resolve(name).then(
      (answers) => this.#settle(name, answers),
      () => this.#settle(name, []),
    );
  }

  #settle(name: string, answers: readonly Answer[]): void {
    if (this.#found.size >= namesMax) this.#found.clear();
    const lifeMs = answers.length > 0 ? foundLifeMs : missingLifeMs;
    this.#found.set(name, { answers, expiresAtMs: this.#clock.now() + lifeMs });
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const done of waiting) done(answers);
  }
}
