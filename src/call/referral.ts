import type { Clock, Timer } from '../runtime/clock';
import type { CallerLeg, ReferProgress } from '../signalling/caller-leg';
import { failureOfStatus, type TransferFailure } from './transfer-outcome';

export interface ReferralListener {
  onRinging(): void;
  onReached(): void;
  onFailed(failure: TransferFailure, detail: string | undefined): void;
}

/** RFC 3515 section 2.4.4: a NOTIFY follows the 202 at once. */
const firstSignMs = 10_000;
/** The caller's side needs time for its own dialling. */
const diallingMs = 5_000;

//  asked ─▶ followed ─▶ over      followed: the caller's side tells how its new call goes
/** A transfer by REFER: the caller's side is asked to call the destination, and followed by its NOTIFYs. */
export class Referral {
  readonly #clock: Clock;
  readonly #listener: ReferralListener;
  readonly #limitMs: number;
  #timer: Timer;
  #isAccepted = false;
  #isFollowed = false;
  #over = false;

  constructor(options: {
    clock: Clock;
    leg: CallerLeg;
    uri: string;
    /** How long the destination may ring. */
    ringLimitMs: number;
    listener: ReferralListener;
  }) {
    this.#clock = options.clock;
    this.#listener = options.listener;
    this.#limitMs = options.ringLimitMs + diallingMs;
    this.#timer = this.#wait(firstSignMs, () => this.#fail('failed', "the caller's side does not answer a REFER"));
    options.leg.refer(options.uri, (progress) => this.#onProgress(progress));
  }

  /** The caller's side has taken it up and not told of a failure: what comes of it is its own affair. */
  get isAccepted(): boolean {
    return this.#isAccepted && !this.#over;
  }

  /** Nothing more is told. Twice is fine. */
  cancel(): void {
    this.#over = true;
    this.#timer.cancel();
  }

  #onProgress(progress: ReferProgress): void {
    if (this.#over) return;
    // A NOTIFY may overtake the 202.
    this.#isAccepted ||= progress.kind === 'accepted' || progress.kind === 'status';
    switch (progress.kind) {
      case 'accepted':
        if (!this.#isFollowed) {
          this.#restart(firstSignMs, () => this.#fail('failed', 'no NOTIFY came'));
        }
        return;
      case 'refused':
        this.#fail('failed', `the caller's side answered REFER with ${progress.status}`);
        return;
      case 'ended':
        this.#fail('failed', "the caller's side does not say how it went");
        return;
      case 'status':
        this.#onStatus(progress.status);
    }
  }

  #onStatus(status: number): void {
    if (status >= 300) this.#fail(failureOfStatus(status), String(status));
    else if (status >= 200) {
      this.cancel();
      this.#listener.onReached();
    } else {
      if (!this.#isFollowed) this.#restart(this.#limitMs, () => this.#fail('no-answer', undefined));
      this.#isFollowed = true;
      if (status >= 180) this.#listener.onRinging();
    }
  }

  #fail(failure: TransferFailure, detail: string | undefined): void {
    this.cancel();
    this.#listener.onFailed(failure, detail);
  }

  #restart(ms: number, then: () => void): void {
    this.#timer.cancel();
    this.#timer = this.#wait(ms, then);
  }

  #wait(ms: number, then: () => void): Timer {
    return this.#clock.setTimer(ms, then);
  }
}
