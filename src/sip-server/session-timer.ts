import type { Clock, Timer } from '../runtime/clock';
import type { SessionTerms } from './session-expires';
import { sessionSecondsMax } from './session-expires';

interface SessionTimerOptions {
  readonly clock: Clock;
  readonly terms: SessionTerms;
  /** Half of the interval is over, and it is for us to refresh. */
  onRefreshDue(): void;
  /** Nobody has refreshed the session. */
  onExpired(): void;
}

/** RFC 4028 section 10: the side that gives up does so a little before the other would. */
const earlyBySecondsMax = 32;
/** A refresh that was refused is tried again after this, until the session expires. */
const retryMs = 5_000;

/** One interval of a session that must be refreshed (RFC 4028). The next refresh begins another one. */
export class SessionTimer {
  readonly terms: SessionTerms;
  readonly #options: SessionTimerOptions;
  readonly #expiryTimer: Timer;
  #refreshTimer: Timer | undefined;

  constructor(options: SessionTimerOptions) {
    const { clock, terms } = options;
    this.terms = terms;
    this.#options = options;
    const seconds = Math.min(terms.seconds, sessionSecondsMax);
    const earlyBySeconds = Math.min(earlyBySecondsMax, seconds / 3);
    this.#expiryTimer = clock.setTimer((seconds - earlyBySeconds) * 1_000, () => {
      this.stop();
      options.onExpired();
    });
    if (terms.refresher === 'ourselves') this.#refreshAfter((seconds / 2) * 1_000);
  }

  /** Our refresh was refused for now. */
  retry(delayMs = retryMs): void {
    this.#refreshAfter(delayMs);
  }

  stop(): void {
    this.#expiryTimer.cancel();
    this.#refreshTimer?.cancel();
  }

  #refreshAfter(delayMs: number): void {
    this.#refreshTimer?.cancel();
    this.#refreshTimer = this.#options.clock.setTimer(delayMs, () => this.#options.onRefreshDue());
  }
}
