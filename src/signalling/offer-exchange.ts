import { invariant } from '../runtime/invariant';
import type { Random } from '../runtime/random';
import type { OfferReply } from './caller-leg';
import type { Guard } from './guarded';
import { messageBytesMax, respond } from './respond';
import { sessionTimerHeaders } from './session-timer';
import { sdpOf } from './sip-text';
import type { SipHeaders, SrfDialog, SrfRequest, SrfResponse } from './srf';

/** Who answers offers and takes answers. */
export interface OfferListener {
  onOffer(offer: string | undefined): Promise<OfferReply>;
  onAnswer(answer: string): void;
}

/** An offer of theirs and our answer to it. */
export interface CompletedExchange {
  offer: string;
  answer: string;
}

interface Reply {
  status: number;
  headers?: SipHeaders;
  body?: string;
}

/**
 * Offers and answers that the far side begins inside a dialog: re-INVITE and UPDATE (RFC 3261 section 14.2, RFC 3311
 * section 5.2, RFC 6337). One at a time; what comes in between is told to try again.
 */
export class OfferExchange {
  readonly #dialog: SrfDialog;
  readonly #guard: Guard;
  readonly #random: Random;
  readonly #listener: OfferListener;
  readonly #timersAreOurs: boolean;
  #last: CompletedExchange | undefined;
  #answering = false;
  /** Our offer went out in a 200, and its answer has to come in the ACK. */
  #awaitingAnswer = false;
  #ownOfferOpen = false;

  constructor(options: {
    dialog: SrfDialog;
    guard: Guard;
    random: Random;
    listener: OfferListener;
    /** Our answers also go on with the session timer (RFC 4028 section 7.4). */
    timersAreOurs: boolean;
    /** From the INVITE that made the dialog; undefined when the offer was ours. */
    last: CompletedExchange | undefined;
  }) {
    this.#dialog = options.dialog;
    this.#guard = options.guard;
    this.#random = options.random;
    this.#listener = options.listener;
    this.#timersAreOurs = options.timersAreOurs;
    this.#last = options.last;
  }

  /** True while an offer of theirs is unanswered, or an offer of ours in a 200: no re-INVITE may be sent. */
  get busy(): boolean {
    return this.#answering || this.#awaitingAnswer;
  }

  /** True from our re-INVITE to its final answer: offers of theirs get 491. */
  set ownOfferOpen(open: boolean) {
    this.#ownOfferOpen = open;
    // What they said last is no longer what is in force.
    if (open) this.#last = undefined;
  }

  /** Answers a re-INVITE or an UPDATE. */
  async take(req: SrfRequest, res: SrfResponse): Promise<void> {
    const send = ({ status, ...content }: Reply): void => respond(res, status, { guard: this.#guard, ...content });
    try {
      const reply = await this.#decide(req);
      const timer = reply.status < 300 && this.#timersAreOurs ? sessionTimerHeaders(req) : {};
      send({ ...reply, headers: { ...reply.headers, ...timer } });
    } catch (cause) {
      send({ status: 500 });
      throw cause;
    }
  }

  /** The ACK of a re-INVITE. Without the answer that was due, the session stays as it was. */
  onAck(ack: SrfRequest): void {
    if (!this.#awaitingAnswer) return;
    this.#awaitingAnswer = false;
    const content = sdpOf(ack);
    if (content !== 'unsupported' && content.sdp !== undefined) this.#listener.onAnswer(content.sdp);
  }

  async #decide(req: SrfRequest): Promise<Reply> {
    const content = sdpOf(req);
    if (content === 'unsupported') return { status: 415, headers: { Accept: 'application/sdp' } };
    const offer = content.sdp;
    // An UPDATE without SDP only refreshes the session timer (RFC 4028 section 7.4).
    if (offer === undefined && req.method === 'UPDATE') return { status: 200, headers: this.#contact() };
    if (this.#ownOfferOpen || this.#awaitingAnswer) return { status: 491 };
    if (this.#answering) return { status: 500, headers: { 'Retry-After': this.#retryAfter() } };
    // The same offer again refreshes the session: nothing changes, so nobody is asked.
    if (offer !== undefined && offer === this.#last?.offer) return this.#accept(this.#last.answer);
    const reply = await this.#ask(offer);
    if ('status' in reply) return reply;
    this.#awaitingAnswer = offer === undefined;
    this.#last = offer === undefined ? undefined : { offer, answer: reply.sdp };
    return this.#accept(reply.sdp);
  }

  async #ask(offer: string | undefined): Promise<OfferReply> {
    this.#answering = true;
    try {
      return await this.#listener.onOffer(offer);
    } finally {
      this.#answering = false;
    }
  }

  #accept(sdp: string): Reply {
    invariant(Buffer.byteLength(sdp) <= messageBytesMax, 'an answer fits in one frame of the SIP server');
    return { status: 200, body: sdp, headers: { ...this.#contact(), 'Content-Type': 'application/sdp' } };
  }

  #contact(): SipHeaders {
    const { contact } = this.#dialog.local;
    return contact === undefined ? {} : { Contact: contact };
  }

  // RFC 3261 section 14.2: a random whole number of seconds from 0 to 10.
  #retryAfter(): string {
    return String(Math.floor(this.#random.fraction() * 11));
  }
}
