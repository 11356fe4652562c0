import type { Clock } from '../runtime/clock';
import { invariant } from '../runtime/invariant';
import {
  LegGone,
  type CallerHangUp,
  type CallerInfo,
  type CallerLeg,
  type CallerLegListener,
  type OfferReply,
  type ReferProgress,
} from './caller-leg';

/** What a caller sees of the other side, with the clock's milliseconds. */
export type CallerSaw = { atMs: number } & (
  | { kind: 'ringing' }
  | { kind: 'answered'; sdp: string }
  | { kind: 'rejected'; status: number; reason: string | undefined; headers: Readonly<Record<string, string>> }
  | { kind: 'referred'; uri: string }
  | { kind: 'info'; contentType: string; body: string }
  | { kind: 'bye'; reason: string | undefined }
);

export interface MemoryCallerOptions {
  clock: Clock;
  /** The INVITE's SDP; leave it out for a late offer. */
  offer?: string;
  info?: Partial<Omit<CallerInfo, 'header'>>;
  headers?: Readonly<Record<string, string>>;
  /** From the 200 to the ACK; 0 is at once. `never`: the ACK is lost. */
  ackDelayMs?: number | 'never';
  /** The SDP answer in the ACK, when the 200 or a re-INVITE's answer carried our offer. */
  answerTo?: (offer: string) => string | undefined;
}

/** A caller without a network: it holds the far end of a `CallerLeg`, so that whole calls run on a virtual clock. */
export class MemoryCaller {
  readonly leg: CallerLeg;
  readonly #leg: MemoryCallerLeg;

  constructor(options: MemoryCallerOptions) {
    this.#leg = new MemoryCallerLeg(options);
    this.leg = this.#leg;
  }

  /** Everything that came from the other side, in order. */
  get saw(): readonly CallerSaw[] {
    return this.#leg.saw;
  }

  /** CANCEL. Too late after the answer, as on the wire. */
  cancel(): void {
    if (this.#leg.state === 'invited') this.#leg.end({ kind: 'cancel' });
  }

  bye(reason?: string): void {
    this.#leg.end({ kind: 'bye', reason });
  }

  /** The SIP server gives the call up: no ACK came, or a session timer ran out. */
  lose(reason?: string): void {
    this.#leg.end({ kind: 'lost', reason });
  }

  /** The link to the SIP server breaks, and the call goes on without. */
  loseSignalling(): void {
    this.#leg.loseSignalling();
  }

  /** The link to the SIP server breaks, and the call with it. */
  loseServer(): void {
    this.#leg.end({ kind: 'server-gone' });
  }

  /** A re-INVITE, without SDP for a late offer. Resolves with what the other side answered. */
  reinvite(offer?: string): Promise<OfferReply> {
    return this.#leg.reinvite(offer);
  }

  /** What becomes of the last REFER: its answer, and then NOTIFYs. */
  tellReferred(progress: ReferProgress): void {
    this.#leg.tellReferred(progress);
  }

  /** INFO with one key. */
  pressByInfo(digit: string): void {
    this.#leg.digit(digit);
  }
}

//  invited ─▶ answering ─▶ established ─▶ over      (any of the first three may go to over)
type State = 'invited' | 'answering' | 'established' | 'over';

class MemoryCallerLeg implements CallerLeg {
  readonly info: CallerInfo;
  readonly offer: string | undefined;
  readonly saw: CallerSaw[] = [];
  readonly #clock: Clock;
  readonly #ackDelayMs: number | 'never';
  readonly #answerTo: (offer: string) => string | undefined;
  #state: State = 'invited';
  #listener: CallerLegListener | undefined;
  #untold: CallerHangUp | undefined;
  #cancelAnswer: (gone: LegGone) => void = () => undefined;
  #last: { offer: string; answer: string } | undefined;
  #answeringOffer = false;
  #onReferred: ((progress: ReferProgress) => void) | undefined;

  constructor({ clock, offer, info, headers = {}, ackDelayMs = 0, answerTo = () => undefined }: MemoryCallerOptions) {
    this.#clock = clock;
    this.offer = offer;
    this.#ackDelayMs = ackDelayMs;
    this.#answerTo = answerTo;
    const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    this.info = {
      sipCallId: 'memory-call',
      to: '100',
      from: '200',
      fromName: '',
      sourceAddress: '127.0.0.1',
      sourcePort: 5060,
      transport: 'udp',
      ...info,
      header: (name) => byName.get(name.toLowerCase()),
    };
  }

  get state(): State {
    return this.#state;
  }

  listen(listener: CallerLegListener): void {
    this.#listener = listener;
    if (this.#untold !== undefined) listener.onHangUp(this.#untold);
    this.#untold = undefined;
  }

  ring(): void {
    if (this.#state === 'invited') this.#see({ kind: 'ringing' });
  }

  answer(sdp: string): Promise<string | undefined> {
    if (this.#state === 'over') return Promise.reject(new LegGone('the call is over'));
    invariant(this.#state === 'invited', 'a call is answered once');
    this.#state = 'answering';
    this.#see({ kind: 'answered', sdp });
    this.#last = this.offer === undefined ? undefined : { offer: this.offer, answer: sdp };
    return new Promise((resolve, reject) => {
      this.#cancelAnswer = reject;
      const ack = (): void => {
        if (this.#state !== 'answering') return;
        this.#state = 'established';
        resolve(this.offer === undefined ? this.#answerTo(sdp) : undefined);
      };
      if (this.#ackDelayMs === 0) queueMicrotask(ack);
      else if (this.#ackDelayMs !== 'never') {
        const timer = this.#clock.setTimer(this.#ackDelayMs, ack);
        this.#cancelAnswer = (gone) => {
          timer.cancel();
          reject(gone);
        };
      }
    });
  }

  reject(status: number, options: { reason?: string; headers?: Record<string, string> } = {}): void {
    invariant(status >= 300 && status < 700, 'a rejection is a final answer other than 2xx');
    if (this.#state === 'over') return;
    invariant(this.#state === 'invited', 'an answered call is hung up, not rejected');
    this.#state = 'over';
    const retry = status === 503 ? { 'Retry-After': '10' } : {};
    this.#see({ kind: 'rejected', status, reason: options.reason, headers: { ...retry, ...options.headers } });
  }

  refer(uri: string, onProgress: (progress: ReferProgress) => void): void {
    if (this.#state !== 'established') {
      queueMicrotask(() => onProgress({ kind: 'refused', status: 481 }));
      return;
    }
    this.#onReferred = onProgress;
    this.#see({ kind: 'referred', uri });
  }

  sendInfo(contentType: string, body: string): Promise<number> {
    if (this.#state !== 'established') return Promise.reject(new LegGone('the call is not answered'));
    this.#see({ kind: 'info', contentType, body });
    return Promise.resolve(200);
  }

  tellReferred(progress: ReferProgress): void {
    if (this.#state === 'established') this.#onReferred?.(progress);
  }

  hangUp(options: { reason?: string } = {}): void {
    if (this.#state === 'over') return;
    if (this.#state === 'invited') {
      this.reject(480);
      return;
    }
    const unanswered = this.#state === 'answering';
    this.#state = 'over';
    if (unanswered) this.#cancelAnswer(new LegGone('the call was hung up before the ACK'));
    this.#see({ kind: 'bye', reason: options.reason });
  }

  loseSignalling(): void {
    if (this.#state === 'established') this.#listener?.onServerLost?.();
  }

  /** The caller's side is over. */
  end(how: CallerHangUp): void {
    if (this.#state === 'over') return;
    const unanswered = this.#state === 'answering';
    this.#state = 'over';
    if (unanswered) this.#cancelAnswer(new LegGone(`the call is over: ${how.kind}`));
    if (this.#listener === undefined) this.#untold = how;
    else this.#listener.onHangUp(how);
  }

  async reinvite(offer: string | undefined): Promise<OfferReply> {
    if (this.#state !== 'established') return { status: 481 };
    if (this.#answeringOffer) return { status: 500 };
    if (offer !== undefined && offer === this.#last?.offer) return { sdp: this.#last.answer };
    this.#answeringOffer = true;
    const reply = (await this.#listener?.onOffer(offer)) ?? { status: 488 };
    this.#answeringOffer = false;
    if ('status' in reply) return reply;
    this.#last = offer === undefined ? undefined : { offer, answer: reply.sdp };
    const answer = offer === undefined ? this.#answerTo(reply.sdp) : undefined;
    if (answer !== undefined) this.#listener?.onAnswer(answer);
    return reply;
  }

  digit(digit: string): void {
    if (this.#state === 'established') this.#listener?.onDigit(digit.toUpperCase());
  }

  #see(what: DistributiveOmit<CallerSaw, 'atMs'>): void {
    this.saw.push({ atMs: this.#clock.now(), ...what });
  }
}

type DistributiveOmit<Union, Key extends keyof Union> = Union extends unknown ? Omit<Union, Key> : never;
