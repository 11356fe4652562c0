import type { Clock, Timer } from '../runtime/clock';
import { LegGone, type OfferReply } from './caller-leg';
import type { CalleeLeg, OutboundCallListener, OutboundFailure, PlaceCall, PlaceCallOptions } from './callee-leg';

/** What a callee sees of us after the INVITE, with the clock's milliseconds. */
export type CalleeSaw = { atMs: number } & (
  | { kind: 'cancelled' }
  | { kind: 'acknowledged' }
  | { kind: 'info'; contentType: string; body: string }
  | { kind: 'bye'; reason: string | undefined }
);

type CalleeEvent = CalleeSaw extends infer Saw ? (Saw extends { atMs: number } ? Omit<Saw, 'atMs'> : never) : never;

//  called ─▶ talking ─▶ over      called may go to over; over after a CANCEL can still answer, and then gets its BYE
type State = 'called' | 'talking' | 'over';

/** A person whom we call, without a network: the far end of a `CalleeLeg`, moved by the test. */
export class MemoryCallee {
  readonly invite: PlaceCallOptions;
  readonly saw: CalleeSaw[] = [];
  readonly leg: CalleeLeg;
  readonly #clock: Clock;
  readonly #listener: OutboundCallListener;
  readonly #timer: Timer;
  #state: State = 'called';

  constructor(clock: Clock, invite: PlaceCallOptions, listener: OutboundCallListener) {
    this.#clock = clock;
    this.invite = invite;
    this.#listener = listener;
    this.#timer = clock.setTimer(invite.timeoutMs, () => this.#onTimeout());
    this.leg = {
      hangUp: ({ reason } = {}) => this.#hungUp(reason),
      sendInfo: (contentType, body) => this.#info(contentType, body),
    };
  }

  /** True until a final answer, a CANCEL or a BYE. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** 180, or 183 with early media. */
  ring(status = 180, sdp?: string): void {
    if (this.#state === 'called') this.#listener.onProvisional(status, sdp);
  }

  /** 200 OK. One that crosses our CANCEL gets ACK and BYE (RFC 3261 section 9.1). */
  answer(sdp: string): void {
    if (this.#state === 'over') {
      this.#see({ kind: 'acknowledged' });
      this.#see({ kind: 'bye', reason: undefined });
    }
    if (this.#state !== 'called') return;
    this.#timer.cancel();
    this.#see({ kind: 'acknowledged' });
    if (sdp.trim() === '') {
      this.#see({ kind: 'bye', reason: undefined });
      this.#fail({ kind: 'no-sdp' });
      return;
    }
    this.#state = 'talking';
    this.#listener.onAnswered(sdp);
  }

  reject(status: number, reason = ''): void {
    this.#fail({ kind: 'rejected', status, reason });
  }

  /** The link to the SIP server breaks. */
  loseServer(): void {
    if (this.#state === 'talking') this.#hangUp({ kind: 'server-gone' });
    else this.#fail({ kind: 'server-gone' });
  }

  bye(reason?: string): void {
    this.#hangUp({ kind: 'bye', reason });
  }

  /** INFO with one key. */
  pressByInfo(digit: string): void {
    if (this.#state === 'talking') this.#listener.onDigit(digit);
  }

  reinvite(offer?: string): Promise<OfferReply> {
    if (this.#state !== 'talking') return Promise.resolve({ status: 481 });
    return this.#listener.onOffer(offer);
  }

  #onTimeout(): void {
    if (this.#state === 'called') this.#see({ kind: 'cancelled' });
    this.#fail({ kind: 'timeout' });
  }

  #fail(failure: OutboundFailure): void {
    if (this.#state !== 'called') return;
    this.#end();
    this.#listener.onFailed(failure);
  }

  #hangUp(how: Parameters<OutboundCallListener['onHangUp']>[0]): void {
    if (this.#state !== 'talking') return;
    this.#end();
    this.#listener.onHangUp(how);
  }

  #hungUp(reason: string | undefined): void {
    if (this.#state === 'over') return;
    this.#see(this.#state === 'called' ? { kind: 'cancelled' } : { kind: 'bye', reason });
    this.#end();
  }

  #info(contentType: string, body: string): Promise<number> {
    if (this.#state !== 'talking') return Promise.reject(new LegGone('the call is not answered'));
    this.#see({ kind: 'info', contentType, body });
    return Promise.resolve(200);
  }

  #end(): void {
    this.#timer.cancel();
    this.#state = 'over';
  }

  #see(what: CalleeEvent): void {
    this.saw.push({ atMs: this.#clock.now(), ...what });
  }
}

/** Everybody whom we can call without a network. */
export class MemoryCallees {
  /** In the order of the calls. */
  readonly called: MemoryCallee[] = [];
  readonly #clock: Clock;
  readonly #onInvite: (callee: MemoryCallee) => void;

  /** `onInvite` runs after `place` has returned. */
  constructor({ clock, onInvite = () => undefined }: { clock: Clock; onInvite?: (callee: MemoryCallee) => void }) {
    this.#clock = clock;
    this.#onInvite = onInvite;
  }

  readonly place: PlaceCall = (options, listener) => {
    const callee = new MemoryCallee(this.#clock, options, listener);
    this.called.push(callee);
    queueMicrotask(() => this.#onInvite(callee));
    return callee.leg;
  };
}
