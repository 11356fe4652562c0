import type { RateLimit, ResponseDone } from '../realtime/session-listener';
import type { Clock, Timer } from '../runtime/clock';

/** Attempts after the first one. */
const retriesMax = 2;
const waitMsMin = 250;
/** A caller does not wait longer for a sentence. */
const waitMsMax = 20_000;
const waitMsUnknown = 2_000;

/**
 * A response that failed for the account's rate limit is asked for again after the time that the server names, one that
 * failed within the server at once. After the last attempt, or when that time is too long, it is given up.
 */
export class ResponseRetry {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #retries = 0;
  #resetMs = 0;
  #resetToldAtMs = 0;

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  /** `rate_limits.updated`: when a limit that is used up is full again. */
  onRateLimits(limits: readonly RateLimit[]): void {
    this.#resetMs = Math.max(0, ...limits.filter(({ remaining }) => remaining <= 0).map(({ resetMs }) => resetMs));
    this.#resetToldAtMs = this.#clock.now();
  }

  /** Calls `again` later when this response may be tried once more; `gave-up` when it has failed too often. */
  onResponseDone(done: ResponseDone, again: () => void): 'over' | 'will-retry' | 'gave-up' {
    if (done.status === 'completed') this.#retries = 0;
    const isLimited = rateLimitCodes.has(done.reason ?? '');
    if (done.status !== 'failed' || !(isLimited || done.reason === 'server_error')) return 'over';
    const waitMs = isLimited ? this.#waitMs(done.message ?? '') : waitMsMin;
    if (this.#retries >= retriesMax || waitMs > waitMsMax) return 'gave-up';
    this.#retries += 1;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(waitMs, again);
    return 'will-retry';
  }

  /** The caller speaks: their turn gets an answer of its own. Twice is fine. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #waitMs(message: string): number {
    const leftMs = this.#resetToldAtMs + this.#resetMs - this.#clock.now();
    const waitMs = waitOf(message) ?? (leftMs > 0 ? leftMs : waitMsUnknown);
    return Math.max(waitMsMin, Math.ceil(waitMs));
  }
}

const rateLimitCodes = new Set(['rate_limit_exceeded', 'inference_rate_limit_exceeded']);

/** `Please try again in 1.2s.`, `... in 350ms`, `... in 2m3s`. */
function waitOf(message: string): number | undefined {
  const found = /try again in (?:(\d{1,3})m(?!s))?(?:(\d{1,6}(?:\.\d{1,6})?)(ms|s))?/i.exec(message);
  if (found === null) return undefined;
  const [, minutes, amount, unit] = found;
  if (minutes === undefined && amount === undefined) return undefined;
  return Number(minutes ?? 0) * 60_000 + Number(amount ?? 0) * (unit === 'ms' ? 1 : 1_000);
}
