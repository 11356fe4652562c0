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
  /** A join was given up because its far side sent nothing for so long. */
  onNeverHeard(waitedMs: number): void;
  /** Its far side can be brought back to us no more. */
  onFailure(reason: string): void;
}

/**
 * From one question to FreeSWITCH whether a far side was heard to the next: a tenth of the time that it has been waited for,
 * so that a talk that takes long to begin is joined little later and costs FreeSWITCH little.
 */
const lookLeastMs = 100;
const lookMostMs = 1_000;
/** Whoever has sent nothing by then may never do so: audio is relayed. */
const heardLimitMs = 30_000;
/** FreeSWITCH loses an order to bridge that comes while it still parks whom the last one has left over. */
const settleMs = 100;

//  apart ─▶ waiting ─▶ joined ─▶ apart ...      waiting: until both far sides were heard; it may go to apart
//                                               joined: FreeSWITCH bridges the two far sides, and both our channels are parked
/** One leg's side of a join inside FreeSWITCH. The channels that face our sockets stay, so that there is a way back. */
export class Joint {
  readonly #host: JointHost;
  #partner: Joint | undefined;
  /** The one join that may still come of waiting. */
  #waiting: object | undefined;
  #wasHeard = false;
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

  /**
   * False: they are on two servers, have no channels, are joined already, were parted while one of them had not been heard,
   * or one never was. Rejects with `MediaUnavailable`.
   */
  async join(other: Joint): Promise<boolean> {
    if (this.#pairsFor(other) === undefined || !(await this.#bothHeard(other))) return false;
    const pairs = this.#pairsFor(other);
    if (pairs === undefined) return false;
    const { mine, theirs } = pairs;
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
    this.#waiting = undefined;
    const partner = this.#leave();
    if (partner !== undefined) await Promise.all([this.#comeBack(), partner.#comeBack()]);
  }

  /** The leg is over; the other one comes back. Twice is fine. */
  close(): void {
    this.#waiting = undefined;
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

  /** What can be joined now. */
  #pairsFor(other: Joint): { mine: BridgedPair; theirs: BridgedPair } | undefined {
    const [mine, theirs] = [this.#host.pair(), other.#host.pair()];
    if (mine === undefined || theirs === undefined || mine.server !== theirs.server) return undefined;
    if (this === other || this.isJoined || other.isJoined) return undefined;
    return { mine, theirs };
  }

  /**
   * Once they are joined nothing of ours reaches either side. A phone (or a border controller) that sends nothing before it
   * has heard something would wait for one that does the same.
   */
  async #bothHeard(other: Joint): Promise<boolean> {
    const waiting = {};
    this.#waiting = other.#waiting = waiting;
    const isOff = (): boolean => this.#waiting !== waiting || other.#waiting !== waiting;
    const { clock } = this.#host;
    const beganMs = clock.now();
    while (!((await this.#isHeard()) && (await other.#isHeard()))) {
      const waitedMs = clock.now() - beganMs;
      if (isOff()) return false;
      if (waitedMs >= heardLimitMs) {
        (this.#wasHeard ? other : this).#host.onNeverHeard(waitedMs);
        return false;
      }
      const lookMs = Math.min(Math.max(waitedMs / 10, lookLeastMs), lookMostMs, heardLimitMs - waitedMs);
      await new Promise<void>((resolve) => clock.setTimer(lookMs, resolve));
      if (isOff()) return false;
    }
    return !isOff();
  }

  /** By us, too: FreeSWITCH loses an order to bridge that comes before the pair's own is carried out. */
  async #isHeard(): Promise<boolean> {
    const pair = this.#host.pair();
    if (this.#wasHeard || pair === undefined) return this.#wasHeard;
    const { caller, ours } = pair;
    this.#wasHeard = (await caller.packetsReceived()) > 0 && (await caller.isBridgedWith(ours));
    return this.#wasHeard;
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
        this.#tellStuck(messageOf(cause));
      }
    });
    this.#change = this.#settled(coming);
    return coming;
  }

  #tellStuck(reason: string): void {
    // It may have been closed, or joined again, meanwhile.
    if (this.#host.pair() !== undefined && !this.isJoined) this.#host.onFailure(reason);
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
