import type { Clock, Timer } from '../runtime/clock';

/** RFC 3261 section 17.1.1.1 and table 4. */
export const t1Ms = 500;
export const t2Ms = 4_000;
export const t4Ms = 5_000;
/** Timers B, F, H, J, L and M, and the wait for an ACK or a PRACK. */
export const transactionLimitMs = 64 * t1Ms;
/** Timer D over UDP: at least 32 s. */
export const timerDMs = 32_000;
/** Timer C: an INVITE that rings longer than this after its last provisional response is cancelled (section 16.6). */
export const timerCMs = 185_000;

/** Sends again after T1, 2 T1, 4 T1 ... until stopped; the interval stops growing at `capMs`. */
export class Retransmitter {
  readonly #clock: Clock;
  readonly #capMs: number;
  readonly #resend: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, { capMs, resend }: { capMs: number; resend: () => void }) {
    this.#clock = clock;
    this.#capMs = capMs;
    this.#resend = resend;
  }

  start(intervalMs = t1Ms): void {
    this.stop();
    this.#timer = this.#clock.setTimer(intervalMs, () => {
      this.start(Math.min(intervalMs * 2, this.#capMs));
      this.#resend();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
