import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { BridgedPair } from './freeswitch-pool';
import type { Digit } from './media-leg';

/** What a joint asks of the leg that it belongs to. */
export interface JointHost {
  readonly clock: Clock;
  /** The channels of the leg; undefined before they are made and after it closed. */
  pair(): BridgedPair | undefined;
  canTakeKeys(): boolean;
  onDigit(digit: Digit): void;
  /** Its far side can be brought back to us no more. */
  onFailure(reason: string): void;
}

/** FreeSWITCH loses an order to bridge that comes while it still parks whom the last one has left over. */
const settleMs = 100;

//  apart ─▶ joined ─▶ apart ...      joined: FreeSWITCH bridges the two far sides, and both our channels are parked
/** One leg's side of a join inside FreeSWITCH. The channels that face our sockets stay, so that there is a way back. */
export class Joint {
  readonly #host: JointHost;
  #partner: Joint | undefined;
  /** The change that is under way. Never rejects. */
  #change: Promise<unknown> = Promise.resolve();
  #digits = 0;

  constructor(host: JointHost) {
    this.#host = host;
  }

  get isJoined(): boolean {
    return this.#partner !== undefined;
  }

  /** Keys that were pressed while it was joined. */
  get digits(): number {
    return this.#digits;
  }

  /** False: they are on two servers, have no channels, or are joined already. Rejects with `MediaUnavailable`. */
  async join(other: Joint): Promise<boolean> {
    const [mine, theirs] = [this.#host.pair(), other.#host.pair()];
    if (mine === undefined || theirs === undefined || mine.server !== theirs.server) return false;
    if (this === other || this.isJoined || other.isJoined) return false;
    this.#partner = other;
    other.#partner = this;
    const joining = Promise.all([this.#change, other.#change]).then(async () => {
      if (this.#partner === other) await mine.caller.rebridge(theirs.caller);
    });
    this.#change = other.#change = this.#settled(joining);
    try {
      await joining;
    } catch (cause) {
      if (this.#partner === other) await this.part();
      throw cause;
    }
    // They may have been parted meanwhile.
    return this.#partner === other;
  }

  async part(): Promise<void> {
    const partner = this.#leave();
    if (partner !== undefined) await Promise.all([this.#comeBack(), partner.#comeBack()]);
  }

  /** The leg is over; the other one comes back. Twice is fine. */
  close(): void {
    const partner = this.#leave();
    if (partner !== undefined) void partner.#comeBack();
  }

  onKey(key: string): void {
    const partner = this.#partner;
    if (partner === undefined || !isDigit(key)) return;
    this.#digits += 1;
    if (!partner.#host.canTakeKeys()) this.#host.onDigit(key);
  }

  /** Towards its own far side. */
  sendKey(digit: Digit, durationMs: number): boolean {
    this.#host
      .pair()
      ?.caller.sendKey(digit, durationMs)
      .catch(() => undefined);
    return true;
  }

  #leave(): Joint | undefined {
    const partner = this.#partner;
    this.#partner = undefined;
    if (partner !== undefined) partner.#partner = undefined;
    return partner;
  }

  /** Never rejects. */
  #comeBack(): Promise<unknown> {
    // When a call ends, both legs close at once: then there is nothing left to bring back.
    const coming = this.#change.then(async () => {
      const pair = this.#host.pair();
      if (pair === undefined || this.isJoined) return;
      try {
        await pair.caller.rebridge(pair.ours);
      } catch (cause) {
        if (this.#host.pair() !== undefined && !this.isJoined) this.#host.onFailure(messageOf(cause));
      }
    });
    this.#change = this.#settled(coming);
    return coming;
  }

  async #settled(change: Promise<unknown>): Promise<void> {
    await change.catch(() => undefined);
    // A leg that is over changes no more.
    if (this.#host.pair() === undefined) return;
    await new Promise<void>((resolve) => this.#host.clock.setTimer(settleMs, resolve));
  }
}

function isDigit(key: string): key is Digit {
  return /^[0-9*#A-D]$/.test(key);
}
