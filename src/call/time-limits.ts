import type { Clock, Timer } from '../runtime/clock';

/** What ends first decides which reason the call gets. */
export type TimeLimitKind = 'session-limit' | 'length-limit';

export interface TimeLimitsOptions {
  clock: Clock;
  /** Unix milliseconds at which the model's session expires, as its server says; undefined when it did not. */
  sessionExpiresAtMs: number | undefined;
  /** Longest length of the call from now on, from the route; undefined for none. */
  lengthLimitMs: number | undefined;
  /** A caller is warned this long before the goodbye; a call with less than twice as much left is not warned. */
  warningLeadMs: number;
  onWarning(): void;
  onLimit(kind: TimeLimitKind): void;
}

/** The goodbye must be over before the API closes the session on its own. */
const sessionMarginMs = 20_000;

/** Warns once and then ends a call that reached the first of its time limits. */
export class TimeLimits {
  readonly #options: TimeLimitsOptions;
  readonly #startedMs: number;
  readonly #timers: Timer[] = [];

  constructor(options: TimeLimitsOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
    this.#arm(options);
  }

  /** The call goes on in another session of the model, which ends at another time. */
  sessionReplaced(sessionExpiresAtMs: number | undefined): void {
    this.cancel();
    this.#arm({ ...this.#options, sessionExpiresAtMs, lengthLimitMs: this.#lengthLeftMs });
  }

  /** The model is not needed any more: only the length of the call counts from here on. */
  sessionIsOver(): void {
    this.cancel();
    this.#arm({ ...this.#options, sessionExpiresAtMs: undefined, lengthLimitMs: this.#lengthLeftMs });
  }

  get #lengthLeftMs(): number | undefined {
    const { clock, lengthLimitMs } = this.#options;
    return lengthLimitMs === undefined ? undefined : Math.max(0, this.#startedMs + lengthLimitMs - clock.now());
  }

  #arm(options: TimeLimitsOptions): void {
    const first = firstLimit(options);
    if (first === undefined) return;
    const { clock, warningLeadMs } = options;
    if (first.afterMs >= 2 * warningLeadMs) {
      this.#timers.push(clock.setTimer(first.afterMs - warningLeadMs, () => options.onWarning()));
    }
    this.#timers.push(clock.setTimer(first.afterMs, () => options.onLimit(first.kind)));
  }

  /** Twice is fine. */
  cancel(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.length = 0;
  }
}

/** The API's sessions last an hour. What is later, or has been, is another unit or another clock. */
const sessionLengthMsMax = 24 * 3_600_000;

function firstLimit(options: TimeLimitsOptions): { kind: TimeLimitKind; afterMs: number } | undefined {
  const { clock, sessionExpiresAtMs, lengthLimitMs } = options;
  const sessionLeftMs = (sessionExpiresAtMs ?? Number.POSITIVE_INFINITY) - clock.wallTimeMs();
  const isMeant = sessionLeftMs > 0 && sessionLeftMs <= sessionLengthMsMax;
  const sessionAfterMs = isMeant ? Math.max(0, sessionLeftMs - sessionMarginMs) : Number.POSITIVE_INFINITY;
  const lengthAfterMs = lengthLimitMs ?? Number.POSITIVE_INFINITY;
  const afterMs = Math.min(sessionAfterMs, lengthAfterMs);
  if (!Number.isFinite(afterMs)) return undefined;
  return { kind: lengthAfterMs <= sessionAfterMs ? 'length-limit' : 'session-limit', afterMs };
}
