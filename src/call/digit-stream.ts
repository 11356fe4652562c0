import type { Clock } from '../runtime/clock';

/** How a key reached us: RFC 4733 or a tone in the caller's RTP, or SIP INFO. */
export type DigitSource = 'media' | 'info';

interface Unmatched {
  readonly digit: string;
  readonly source: DigitSource;
  readonly atMs: number;
}

/** So late may the second copy of a key come: INFO goes through more hops than RTP. */
const copyWithinMs = 1_500;
/** Keys that a copy may still come of; nobody presses more in that time. */
const unmatchedMax = 64;

/**
 * One stream of keys. Some gateways send a key by RTP and by INFO: whichever comes first counts, and each key of the other
 * way is taken for its copy once.
 */
export class DigitStream {
  /** Keys that were copies. */
  duplicates = 0;
  readonly #clock: Clock;
  readonly #onDigit: (digit: string) => void;
  #unmatched: Unmatched[] = [];

  constructor({ clock, onDigit }: { clock: Clock; onDigit: (digit: string) => void }) {
    this.#clock = clock;
    this.#onDigit = onDigit;
  }

  receive(digit: string, source: DigitSource): void {
    const atMs = this.#clock.now();
    this.#unmatched = this.#unmatched.filter((one) => atMs - one.atMs <= copyWithinMs);
    const copyOf = this.#unmatched.findIndex((one) => one.digit === digit && one.source !== source);
    if (copyOf !== -1) {
      this.#unmatched.splice(copyOf, 1);
      this.duplicates += 1;
      return;
    }
    if (this.#unmatched.length < unmatchedMax) this.#unmatched.push({ digit, source, atMs });
    this.#onDigit(digit);
  }
}
