import { AsyncLocalStorage } from 'node:async_hooks';

import type { Clock, Timer } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { CallerLeg } from '../signalling/caller-leg';
import { answerCall } from './answer';
import type { CallServices } from './call-services';
import { Call } from './call';
import type { CallSnapshot } from './call-observer';
import type { EndReason } from './end-reason';
import type { SupervisionOrder, SupervisionReply } from './supervision-record';

/** Tells which call an error that escaped belongs to. */
const currentCall = new AsyncLocalStorage<Call>();

/** For the goodbyes of calls that are up when the time of a drain is over, whose models have told by then what they cost. */
const goodbyeMsMax = 15_000;

export interface CallsOptions {
  services: CallServices;
  /** Calls that may have a supervisor at one time; no limit unless given. */
  supervisionsMax?: number;
  clock: Clock;
  random: Random;
}

/** All calls of this process: the way to find one, and draining. */
export class Calls {
  readonly #services: CallServices;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #supervisionsMax: number;
  readonly #calls = new Map<string, Call>();
  #draining = false;
  #onEmpty: (() => void) | undefined;
  #drained: Promise<void> | undefined;

  constructor(options: CallsOptions) {
    this.#services = options.services;
    this.#supervisionsMax = options.supervisionsMax ?? Number.POSITIVE_INFINITY;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  get active(): number {
    return this.#calls.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  snapshots(): CallSnapshot[] {
    return [...this.#calls.values()].map((call) => call.snapshot());
  }

  /** Takes a new call from signalling: answers it, or refuses it. */
  accept(leg: CallerLeg): void {
    const callId = this.#random.uuid();
    const call = new Call({
      callId,
      leg,
      services: this.#services,
      onEnded: () => this.#forget(callId),
    });
    this.#calls.set(callId, call);
    call.listen();
    if (call.isEnding()) return;
    if (this.#draining) call.end({ kind: 'draining' });
    else void currentCall.run(call, () => answerCall(call));
  }

  /** Lets a supervisor into a call, changes what one does, or sends one away. */
  supervise(callId: string, order: SupervisionOrder): SupervisionReply {
    const call = this.#calls.get(callId);
    if (call === undefined) return { kind: 'refused', why: 'no-such-call' };
    if (call.supervisions === undefined) return { kind: 'refused', why: 'call-not-up' };
    const supervised = [...this.#calls.values()].filter((one) => one !== call && one.supervisions?.isUnderWay === true);
    if (order.kind === 'begin' && supervised.length >= this.#supervisionsMax) {
      return { kind: 'refused', why: 'too-many' };
    }
    try {
      return currentCall.run(call, () => call.supervisions?.obey(order)) ?? { kind: 'refused', why: 'call-not-up' };
    } catch (cause) {
      call.fail(cause);
      return { kind: 'refused', why: 'call-not-up' };
    }
  }

  /** A bug while signalling worked for `leg`: its call ends, if it is known. */
  failCallOf(leg: CallerLeg | undefined, cause: unknown): void {
    const call = [...this.#calls.values()].find((one) => one.leg === leg);
    if (call === undefined) this.blameCurrentCall(cause);
    else call.fail(cause);
  }

  /** An error that nobody caught: its call ends. False when it belongs to no call. */
  blameCurrentCall(cause: unknown): boolean {
    const call = currentCall.getStore();
    call?.fail(cause);
    return call !== undefined;
  }

  /**
   * Takes no new calls and resolves when the last one has ended. Those that are up after `limitMs` of the first request
   * are told goodbye, which is over at the latest 15 s later.
   */
  drain({ limitMs }: { limitMs: number }): Promise<void> {
    this.#draining = true;
    this.#drained ??= this.#drain(limitMs);
    return this.#drained;
  }

  /** Ends every call now: none is left when it returns. */
  endAll(reason: EndReason): void {
    for (const call of [...this.#calls.values()]) call.endAtOnce(reason);
  }

  async #drain(limitMs: number): Promise<void> {
    await this.#untilEmpty(limitMs);
    for (const call of [...this.#calls.values()]) call.leave({ kind: 'draining' });
    await this.#untilEmpty(goodbyeMsMax);
    this.endAll({ kind: 'draining' });
  }

  /** At most `limitMs`. */
  async #untilEmpty(limitMs: number): Promise<void> {
    if (this.#calls.size === 0) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      timer = this.#clock.setTimer(limitMs, resolve);
    });
    timer?.cancel();
    this.#onEmpty = undefined;
  }

  #forget(callId: string): void {
    this.#calls.delete(callId);
    if (this.#calls.size === 0) this.#onEmpty?.();
  }
}
