/** How long a burst at twice the rate may last, seconds. */
const burstSeconds = 2;

/** Lets `perSecond` events through on average, and bursts of twice that many. Begins full. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #tokensMax: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perMs = perSecond / 1_000;
    this.#tokensMax = perSecond * burstSeconds;
    this.#tokens = this.#tokensMax;
    this.#filledAtMs = nowMs;
  }

  /** Whether the next event would be let through. */
  hasToken(nowMs: number): boolean {
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + (nowMs - this.#filledAtMs) * this.#perMs);
    this.#filledAtMs = nowMs;
    return this.#tokens >= 1;
  }

  /** Counts an event; false when it is one too many. */
  take(nowMs: number): boolean {
    if (!this.hasToken(nowMs)) return false;
    this.#tokens -= 1;
    return true;
  }
}
