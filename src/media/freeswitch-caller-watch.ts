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
  /** Has FreeSWITCH tell (`heardReport`) whether RTCP of the caller has come since it last told. */
  rouse(): void;
  /** False while silence is allowed: on hold. */
  expectsMedia(): boolean;
  onSilent(silentMs: number): void;
}

const lookMostMs = 1_000;
/** Looks in the shortest limit: the first to ask, one to compare, and two for a timer that fires early or late. */
const looksInLimit = 4;
/** FreeSWITCH owes an answer at the limit: a call is not ended on less, but for so long. */
const answerWaitMs = 2_000;

/**
 * Tells a caller who is gone from one who is only quiet. FreeSWITCH passes on neither comfort noise nor silence that the
 * phone did not send, so our socket cannot tell, and FreeSWITCH is asked: once when the silence is noticed, and again in
 * the second half of the time. Nobody is given up before two answers were compared and RTCP was asked for. That is asked
 * last and once: FreeSWITCH looks for RTCP 5 s after the last packet, again and again, and each question puts that off.
 */
export class CallerWatch {
  readonly #options: CallerWatchOptions;
  readonly #lookEveryMs: number;
  #timer: Timer | undefined;
  #lifeAtMs: number;
  #ours = 0;
  /** Undefined: not asked since something came; the first answer is what later ones are compared with. */
  #callers: number | undefined = 0;
  #heard = false;
  /** An answer in this silence said that nothing had come since the one before. */
  #foundSilent = false;
  #roused = false;
  #asking = false;
  #ended = false;

  constructor(options: CallerWatchOptions) {
    this.#options = options;
    this.#lookEveryMs = Math.min(lookMostMs, options.limitMs / looksInLimit, options.firstLimitMs / looksInLimit);
    this.#lifeAtMs = options.clock.now();
    this.#lookLater();
  }

  /** RTCP of the caller has come. */
  heardReport(): void {
    this.#live();
  }

  /** Twice is fine. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(this.#lookEveryMs, () => this.#look());
  }

  #look(): void {
    const { limitMs, firstLimitMs } = this.#options;
    const ours = this.#options.ourPackets();
    if (ours !== this.#ours) this.#heard = true;
    if (ours !== this.#ours || !this.#options.expectsMedia()) {
      this.#ours = ours;
      this.#callers = undefined;
      this.#live();
      this.#lookLater();
      return;
    }
    const silentMs = this.#options.clock.now() - this.#lifeAtMs;
    const allowedMs = this.#heard ? limitMs : firstLimitMs;
    if (silentMs >= allowedMs + (this.#foundSilent ? 0 : answerWaitMs)) {
      if (this.#roused || !this.#foundSilent) {
        this.#ended = true;
        this.#options.onSilent(silentMs);
        return;
      }
      this.#roused = true;
      this.#options.rouse();
    }
    if (this.#callers === undefined || silentMs >= allowedMs / 2) this.#ask();
    this.#lookLater();
  }

  #live(): void {
    this.#lifeAtMs = this.#options.clock.now();
    this.#foundSilent = false;
    this.#roused = false;
  }

  #ask(): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#options
      .callerPackets()
      .then(
        (packets) => this.#onAnswer(packets),
        // What cannot be asked is away: its supervisor finds out.
        () => undefined,
      )
      .finally(() => (this.#asking = false));
  }

  #onAnswer(packets: number): void {
    if (this.#callers !== undefined && packets > this.#callers) {
      this.#heard = true;
      this.#live();
    } else if (this.#callers !== undefined) {
      this.#foundSilent = true;
    }
    this.#callers = packets;
  }
}
