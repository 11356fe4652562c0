import type { Clock, Timer } from '../runtime/clock';

export interface CallerWatchOptions {
  clock: Clock;
  /** A caller who was heard and of whom nothing came for so long is gone; `firstLimitMs`: before anything came. */
  limitMs: number;
  firstLimitMs: number;
  /** Packets that FreeSWITCH has passed on to us. */
  ourPackets(): number;
  /** Packets of the caller that FreeSWITCH has counted, comfort noise included. */
  callerPackets(): Promise<number>;
  /** False while silence is allowed: on hold. */
  expectsMedia(): boolean;
  onSilent(silentMs: number): void;
}

const lookEveryMs = 1_000;

/**
 * Tells a caller who is gone from one who is only quiet. FreeSWITCH passes on neither comfort noise nor silence that the
 * phone did not send, so our socket cannot tell; when nothing came for half the time, FreeSWITCH is asked.
 */
export class CallerWatch {
  readonly #options: CallerWatchOptions;
  #timer: Timer | undefined;
  #lifeAtMs: number;
  #ours = 0;
  /** Undefined: not asked since something came; the first answer is what later ones are compared with. */
  #callers: number | undefined = 0;
  #heard = false;
  #asking = false;
  #ended = false;

  constructor(options: CallerWatchOptions) {
    this.#options = options;
    this.#lifeAtMs = options.clock.now();
    this.#lookLater();
  }

  /** Twice is fine. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(lookEveryMs, () => this.#look());
  }

  #look(): void {
    const { clock, limitMs, firstLimitMs } = this.#options;
    const nowMs = clock.now();
    const ours = this.#options.ourPackets();
    if (ours !== this.#ours) this.#heard = true;
    if (ours !== this.#ours || !this.#options.expectsMedia()) this.#live();
    this.#ours = ours;
    const silentMs = nowMs - this.#lifeAtMs;
    const allowedMs = this.#heard ? limitMs : firstLimitMs;
    if (silentMs >= allowedMs) {
      this.#ended = true;
      this.#options.onSilent(silentMs);
      return;
    }
    if (silentMs >= allowedMs / 2) this.#ask();
    this.#lookLater();
  }

  #live(): void {
    this.#lifeAtMs = this.#options.clock.now();
    this.#callers = undefined;
  }

  #ask(): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#options
      .callerPackets()
      .then(
        (packets) => {
          if (this.#ended) return;
          if (this.#callers !== undefined && packets > this.#callers) {
            this.#heard = true;
            this.#lifeAtMs = this.#options.clock.now();
          }
          this.#callers = packets;
        },
        // What cannot be asked is away: its supervisor finds out.
        () => undefined,
      )
      .finally(() => (this.#asking = false));
  }
}
