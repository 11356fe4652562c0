import type { Clock } from '../runtime/clock';
import { invariant } from '../runtime/invariant';
import type { Random } from '../runtime/random';

/** No pair of ports is free: all are in use, in quarantine or taken by other programs. */
export class PortsExhausted extends Error {
  override readonly name = 'PortsExhausted';
}

/** Late packets of a call may still come for this long; its ports go to nobody until then. */
export const portQuarantineMs = 30_000;
/** Ports of other programs that are tried before the pool gives up. */
const bindAttemptsMax = 64;

interface RetiredPort {
  port: number;
  freeAtMs: number;
}

/** What was opened on a pair of ports, and the even one of them. */
export interface PortLease<T> {
  port: number;
  opened: T;
}

/**
 * Hands out the even ports of a range, in random order so that nobody can guess the next call's port. A returned pair
 * rests for `portQuarantineMs`, so that no late packet of one call reaches another.
 */
export class PortPool {
  readonly first: number;
  readonly last: number;

  readonly #clock: Clock;
  readonly #random: Random;
  readonly #free: number[] = [];
  readonly #leased = new Set<number>();
  /** Soonest free first. */
  readonly #quarantine: RetiredPort[] = [];

  /** `first` to `last` inclusive must hold at least one even port and the odd one after it. */
  constructor({ clock, random, first, last }: { clock: Clock; random: Random; first: number; last: number }) {
    this.#clock = clock;
    this.#random = random;
    this.first = first + (first % 2);
    this.last = last % 2 === 0 ? last - 1 : last;
    invariant(this.first > 0 && this.last <= 65_535 && this.first < this.last, 'the port range holds no pair of ports');
    for (let port = this.first; port < this.last; port += 2) this.#free.push(port);
  }

  /**
   * Lets `open` bind a pair, and tries another when the system says that it is taken. Rejects with `PortsExhausted`, or
   * with what `open` rejects with for any other reason.
   */
  async lease<T>(open: (port: number) => Promise<T>): Promise<PortLease<T>> {
    let cause: unknown;
    for (let attempt = 0; attempt < bindAttemptsMax; attempt += 1) {
      const port = this.#takeFree();
      if (port === undefined) break;
      try {
        const opened = await open(port);
        return { port, opened };
      } catch (refusal) {
        this.release(port);
        if (!isAddressInUse(refusal)) throw refusal;
        cause = refusal;
      }
    }
    throw new PortsExhausted(`no even port is free from ${this.first} to ${this.last}`, { cause });
  }

  /** Gives a pair back, into quarantine. Twice is fine. */
  release(port: number): void {
    if (!this.#leased.delete(port)) return;
    this.#quarantine.push({ port, freeAtMs: this.#clock.now() + portQuarantineMs });
  }

  /** True for both ports of a pair that is in use. */
  isLeased(port: number): boolean {
    return this.#leased.has(port - (port % 2));
  }

  /** How many pairs are in use. */
  get leasedPairs(): number {
    return this.#leased.size;
  }

  #takeFree(): number | undefined {
    this.#endQuarantines();
    const index = Math.floor(this.#random.fraction() * this.#free.length);
    const port = this.#free[index];
    const last = this.#free.pop();
    if (port === undefined || last === undefined) return undefined;
    if (index < this.#free.length) this.#free[index] = last;
    this.#leased.add(port);
    return port;
  }

  #endQuarantines(): void {
    const nowMs = this.#clock.now();
    let ended = 0;
    for (const { port, freeAtMs } of this.#quarantine) {
      if (freeAtMs > nowMs) break;
      this.#free.push(port);
      ended += 1;
    }
    if (ended > 0) this.#quarantine.splice(0, ended);
  }
}

function isAddressInUse(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}
