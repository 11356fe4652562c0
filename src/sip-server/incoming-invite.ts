import type { Timer } from '../runtime/clock';
import { newTag } from './agent-context';
import type { IncomingEvent, Refusal, Sent, Application } from './application';
import { refusals } from './application';
import { lacksContentType } from './application-headers';
import type { ReplyOptions } from './compose-response';
import { composeApplicationResponse, composeReply, copyIdentity } from './compose-response';
import type { AckWaiter, PendingInvite, PrackReceiver } from './dialog';
import { Dialog, tagOf } from './dialog';
import { optionTags } from './header-values';
import type { Incoming, IncomingOptions } from './incoming-request';
import type { Cancellable } from './proxy-core';
import { ReliableProvisionals } from './reliable-provisionals';
import { Retransmitter, t2Ms, transactionLimitMs } from './retransmitter';
import type { ServerTransaction } from './server-transaction';
import type { SessionTerms } from './session-expires';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody, serializeMessage } from './sip-message';
import type { Arrival } from './transport-layer';

/** An application that says nothing at all about an INVITE is taken for dead. */
const silenceLimitMs = 60_000;
/** A phone may ring this long after the last provisional response: as long as a proxy would let it (timer C). */
const ringingLimitMs = 180_000;
/** A peer that cancelled too late hangs up by itself; one that does not is hung up. */
const lateCancelGraceMs = 5_000;

/**
 * An INVITE of a peer, new or in a dialog, until it is refused or its 2xx has been acknowledged.
 *
 *   pending ─▶ accepted ─▶ done        (accepted: the 2xx is repeated until the ACK, RFC 3261 section 13.3.1.4)
 *      └───────────────────▶ done
 */
export class IncomingInvite implements Incoming, Cancellable, PendingInvite, PrackReceiver, AckWaiter {
  readonly event: IncomingEvent;
  readonly application: Application;
  readonly #cseq: number;
  readonly #options: IncomingOptions;
  readonly #dialogId: string;
  /** False for a re-INVITE. */
  readonly #isFirst: boolean;
  readonly #reliable: ReliableProvisionals;
  #state: 'pending' | 'accepted' | 'done' = 'pending';
  #dialog: Dialog | undefined;
  #localTag: string | undefined;
  /** The application's 2xx, while the PRACK of an earlier description is missing (RFC 3262 section 3). */
  #heldAnswer: SipResponse | undefined;
  /** The session description that waits for its answer. */
  #offer: 'ours' | 'theirs' | undefined;
  /** There was a first offer: a description that follows is its answer, or a repetition. */
  #offered = false;
  /** Of the session that the 2xx begins. */
  #terms: SessionTerms | undefined;
  #cancelled = false;
  #cancelledLate = false;
  /** The application's silence, then the wait for the ACK. */
  #limitTimer: Timer;
  #repeat2xx: Retransmitter | undefined;

  constructor(options: IncomingOptions) {
    const { context, transaction, dialog } = options;
    const { arrival } = transaction;
    const { callId, fromTag, cseq } = arrival.essentials;
    this.#options = options;
    this.application = options.application;
    this.#cseq = cseq.number;
    this.#isFirst = dialog === undefined;
    this.#dialog = dialog;
    if (dialog !== undefined) dialog.pendingInvite = this;
    this.#setOffer(transaction.arrival.message.body.length > 0 ? 'theirs' : undefined);
    this.event = { transactionId: context.random.uuid(), dialogId: dialog?.id, arrival };
    this.#dialogId = dialog?.id ?? Dialog.idOf(callId, fromTag);
    this.#reliable = new ReliableProvisionals(context, {
      send: (response) => transaction.respond(response),
      onTimeout: () => this.refuse({ status: 504, reason: 'PRACK Timeout' }),
    });
    this.#limitTimer = context.clock.setTimer(silenceLimitMs, () => this.#onSilence());
  }

  /** Our tag in To, chosen now if it was not yet. */
  get localTag(): string {
    return this.#tag(undefined);
  }

  respond(template: SipResponse): Sent | Refusal {
    const { context, transaction } = this.#options;
    const { message } = transaction.arrival;
    if (this.#state !== 'pending' || this.#heldAnswer !== undefined) return { refused: refusals.unknownTransaction };
    if (lacksContentType(template)) return { refused: refusals.noContentType };
    const reliable = template.status < 200 && optionTags(template.headers, 'Require').includes('100rel');
    if (reliable && !supports100rel(message)) return { refused: refusals.no100rel };
    const local = context.localSideOf(transaction.flow);
    const response = composeApplicationResponse(message, template, { toTag: this.#tag(template), local });
    if (response.status > 100 && response.status < 300) this.#ensureDialog(response);
    if (response.status >= 200 && response.status < 300) {
      this.#terms = context.sessions.agree(this.#dialog, message, response);
    }
    const bytes = this.#sendForApplication(response, reliable);
    if (bytes === undefined) return { refused: refusals.unknownTransaction };
    const { transactionId } = this.event;
    const dialogId = response.status < 300 ? this.#dialog?.id : undefined;
    return { transactionId, method: message.method, dialogId, bytes, flow: transaction.flow };
  }

  refuse(reply: ReplyOptions): void {
    if (this.#state !== 'pending') return;
    const { message } = this.#options.transaction.arrival;
    const answered = this.#heldAnswer !== undefined;
    this.#send(composeReply(message, { toTag: this.#tag(undefined), ...reply }));
    if (answered) this.#endForApplication(reply);
  }

  release(): ServerTransaction | undefined {
    // A provisional response with a tag of ours has made a dialog that ends here.
    if (this.#state !== 'pending' || !this.#isFirst || this.#dialog !== undefined) return undefined;
    this.#state = 'done';
    this.#limitTimer.cancel();
    this.#options.onFinished(this.event.transactionId);
    return this.#options.transaction;
  }

  /** A CANCEL has come for it (section 9.2). */
  cancel(arrival: Arrival<SipRequest>): void {
    if (this.#state === 'accepted') this.#cancelledLate = true;
    if (this.#state !== 'pending') return;
    this.#cancelled = true;
    this.refuse({ status: 487, reason: 'Request Terminated' });
    if (this.#isFirst) this.#options.context.cdr.stop('network', 'call-canceled', arrival.message);
    this.application.onCancel({ ...this.event, dialogId: this.#dialogId, arrival });
  }

  endByBye(arrival: Arrival<SipRequest>): void {
    if (this.#state !== 'pending') return;
    this.#cancelled = true;
    // The BYE itself tells an application that has answered.
    this.#heldAnswer = undefined;
    this.refuse({ status: 487, reason: 'Request Terminated' });
    if (this.#isFirst) this.#options.context.cdr.stop('network', 'call-canceled', arrival.message);
    const cancel = { ...arrival, message: { ...arrival.message, method: 'CANCEL' } };
    if (this.#isFirst) this.application.onCancel({ ...this.event, dialogId: this.#dialogId, arrival: cancel });
  }

  endWithDialog(): void {
    this.#heldAnswer = undefined;
    this.refuse({ status: 487, reason: 'Request Terminated' });
  }

  receivePrack({ message }: Arrival<SipRequest>): 'application' | 'ourselves' | undefined {
    const answeredBy = this.#reliable.receivePrack(message, this.#cseq);
    const held = this.#heldAnswer;
    if (held !== undefined && this.#state === 'pending' && !this.#reliable.holdsDescription) this.#send(held);
    return answeredBy;
  }

  receiveAck(arrival: Arrival<SipRequest>): void {
    if (this.#state !== 'accepted') return;
    const { context } = this.#options;
    const dialog = this.#settle();
    if (dialog !== undefined) dialog.isAcknowledged = true;
    const transactionId = this.#isFirst ? this.event.transactionId : context.random.uuid();
    this.application.onAck({ transactionId, dialogId: this.#dialogId, arrival });
    if (this.#cancelledLate && dialog !== undefined) {
      dialog.own(context.clock.setTimer(lateCancelGraceMs, () => context.hangUp(dialog, 'CANCEL after 200 OK')));
    }
    dialog?.release();
  }

  abandon(): void {
    this.#settle();
  }

  #sendForApplication(response: SipResponse, wantsReliable: boolean): Buffer | undefined {
    const { message } = this.#options.transaction.arrival;
    const { status } = response;
    if (status > 100 && status < 200 && (wantsReliable || demands100rel(message))) {
      // The peer has asked for nothing else, so that it must be reliable even if the application did not know.
      if (!wantsReliable) response.headers.add('Require', '100rel');
      const bytes = this.#reliable.send(response, wantsReliable ? 'application' : 'ourselves');
      if (bytes !== undefined) this.#noteDescription(response);
      if (this.#dialog !== undefined) this.#dialog.prackReceiver = this;
      return bytes;
    }
    if (status < 200 || status >= 300 || !this.#reliable.holdsDescription) return this.#send(response);
    this.#heldAnswer = response;
    return serializeMessage(response);
  }

  #send(response: SipResponse): Buffer | undefined {
    const { context, transaction } = this.#options;
    this.#limitTimer.cancel();
    if (response.status < 200) {
      this.#limitTimer = context.clock.setTimer(ringingLimitMs, () => this.#onSilence());
    } else {
      this.#reliable.stop();
      if (response.status < 300) this.#accept(response);
      else this.#fail(response);
    }
    return transaction.respond(response);
  }

  #accept(response: SipResponse): void {
    const { context, transaction } = this.#options;
    this.#state = 'accepted';
    this.#limitTimer = context.clock.setTimer(transactionLimitMs, () => this.#onAckTimeout());
    this.#repeat2xx = new Retransmitter(context.clock, {
      capMs: t2Ms,
      resend: () => {
        context.stats.retransmissionsSent += 1;
        transaction.respond(response);
      },
    });
    this.#repeat2xx.start();
    this.#noteDescription(response);
    if (this.#dialog !== undefined) {
      this.#dialog.state = 'confirmed';
      this.#dialog.pendingInvite = undefined;
      this.#dialog.ackWaiters.set(this.#cseq, this);
      if (response.body.length > 0) this.#dialog.localDescription = response.body;
      context.sessions.begin(this.#dialog, this.#terms);
      if (!this.#isFirst) this.#dialog.refreshTarget(transaction.arrival.message.headers);
      if (this.#isFirst) context.cdr.startDialog(this.#dialog, 'application', 'uas', response);
    }
    this.#options.onFinished(this.event.transactionId);
  }

  #fail(response: SipResponse): void {
    this.#state = 'done';
    const dialog = this.#dialog;
    if (this.#isFirst && !this.#cancelled) this.#options.context.cdr.stop('application', 'call-rejected', response);
    this.#options.onFinished(this.event.transactionId);
    if (dialog === undefined) return;
    dialog.pendingInvite = undefined;
    this.#setOffer(undefined);
    if (this.#isFirst) this.#options.context.dialogs.remove(dialog);
    else dialog.release();
  }

  #onAckTimeout(): void {
    const { context } = this.#options;
    context.stats.ackTimeouts += 1;
    const dialog = this.#settle();
    if (dialog?.byeDeferred === true) dialog.release();
    else if (dialog !== undefined) context.hangUp(dialog, 'ACK timeout');
  }

  /** No more is sent for this INVITE. */
  #settle(): Dialog | undefined {
    this.#state = 'done';
    this.#limitTimer.cancel();
    this.#repeat2xx?.stop();
    this.#dialog?.ackWaiters.delete(this.#cseq);
    if (this.#offer === 'ours') this.#setOffer(undefined);
    return this.#dialog;
  }

  #onSilence(): void {
    this.#options.context.stats.unansweredByApplication += 1;
    this.refuse({ status: 408, reason: 'Request Timeout' });
  }

  #ensureDialog(response: SipResponse): void {
    if (this.#dialog !== undefined) return;
    const { context, transaction } = this.#options;
    this.#dialog = Dialog.ofIncoming(transaction.arrival, this.application, response);
    this.#dialog.pendingInvite = this;
    this.#dialog.unansweredOffer = this.#offer;
    context.dialogs.add(this.#dialog);
  }

  /** A description that was sent so that it must arrive: the answer to the peer's offer, or an offer of ours. */
  #noteDescription({ body }: SipResponse): void {
    if (body.length > 0) this.#setOffer(this.#offer === 'theirs' || this.#offered ? undefined : 'ours');
  }

  #setOffer(offer: 'ours' | 'theirs' | undefined): void {
    this.#offered ||= offer !== undefined;
    this.#offer = offer;
    if (this.#dialog !== undefined) this.#dialog.unansweredOffer = offer;
  }

  /** The application takes the call for answered, so that it must learn that it is over. */
  #endForApplication({ status, reason }: ReplyOptions): void {
    const { transaction } = this.#options;
    const { message } = transaction.arrival;
    const headers = copyIdentity(message, this.#tag(undefined)).set('CSeq', `${this.#cseq + 1} BYE`);
    headers.add('Reason', `SIP;cause=${status};text="${reason}"`);
    const bye: SipRequest = { ...message, method: 'BYE', headers, body: emptyBody };
    const { transactionId } = this.event;
    const dialogId = this.#dialogId;
    const sent = { transactionId, method: 'BYE', dialogId, bytes: serializeMessage(bye), flow: transaction.flow };
    this.application.onDialogEnded({ dialogId, bye: sent });
  }

  #tag(template: SipResponse | undefined): string {
    const wanted = tagOf(template?.headers.first('To') ?? '');
    this.#localTag ??= wanted === '' ? newTag(this.#options.context.random) : wanted;
    return this.#localTag;
  }
}

function demands100rel({ headers }: SipRequest): boolean {
  return optionTags(headers, 'Require').includes('100rel');
}

function supports100rel({ headers }: SipRequest): boolean {
  return optionTags(headers, 'Supported').includes('100rel') || optionTags(headers, 'Require').includes('100rel');
}
