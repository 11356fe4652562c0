/** A pending one-shot timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only source of time outside this folder. */
export interface Clock {
  /** Monotonic milliseconds, fractional, from an arbitrary start. For durations and deadlines. */
  now(): number;
  /** Milliseconds since the Unix epoch. For records and logs, never for durations. */
  wallTimeMs(): number;
  /** Calls `fire` once after `delayMs` (negative counts as 0). */
  setTimer(delayMs: number, fire: () => void): Timer;
}

/** Node fires a timer at once that should wait longer. */
const timerMsMax = 2 ** 31 - 1;

/** The machine's clock. A timer of more than 24 days fires after 24 days. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTimeMs: () => Date.now(),
  setTimer(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(Math.max(0, delayMs), timerMsMax));
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Rejects with what `onTimeout` makes if `work` has not settled after `delayMs`; the timer dies with the work.
 * The work itself goes on: the caller owns its clean-up.
 */
export function withDeadline<T>(clock: Clock, delayMs: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(delayMs, () => reject(onTimeout()));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (cause: unknown) => {
        timer.cancel();
        reject(cause instanceof Error ? cause : new Error(String(cause)));
      },
    );
  });
}
