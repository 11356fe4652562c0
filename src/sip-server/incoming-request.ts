import type { Timer } from '../runtime/clock';
import type { AgentContext } from './agent-context';
import { newTag } from './agent-context';
import type { Application, IncomingEvent, Refusal, Sent } from './application';
import { refusals } from './application';
import { lacksContentType } from './application-headers';
import type { ReplyOptions } from './compose-response';
import { composeApplicationResponse, composeReply } from './compose-response';
import { Dialog, tagOf } from './dialog';
import type { ServerTransaction } from './server-transaction';
import type { SessionTerms } from './session-expires';
import type { SipResponse } from './sip-message';

/** Our answer must be there before the peer's timer F runs out (RFC 3261 section 17.1.2.2). */
const answerLimitMs = 30_000;

/** Their Contact replaces the remote target. */
const refreshMethods = new Set(['UPDATE', 'SUBSCRIBE', 'NOTIFY']);

/** A request that waits for the application's answer. */
export interface Incoming {
  readonly event: IncomingEvent;
  readonly application: Application;
  respond(template: SipResponse): Sent | Refusal;
  /** Answers in the application's place. Does nothing after a final response. */
  refuse(reply: ReplyOptions): void;
  /** Leaves the request to whoever answers from now on; undefined when it has its answer or is part of a dialog. */
  release(): ServerTransaction | undefined;
}

export interface IncomingOptions {
  readonly context: AgentContext;
  readonly transaction: ServerTransaction;
  readonly application: Application;
  readonly dialog: Dialog | undefined;
  /** The final response is sent; the id means nothing any more. */
  onFinished(transactionId: string): void;
}

/** Any request but INVITE, until its final response. */
export class IncomingRequest implements Incoming {
  readonly event: IncomingEvent;
  readonly application: Application;
  readonly #options: IncomingOptions;
  readonly #limitTimer: Timer;
  /** Its offer is the one that the dialog waits for. */
  #holdsOffer = false;
  #localTag: string | undefined;

  constructor(options: IncomingOptions) {
    const { context, transaction, dialog } = options;
    this.#options = options;
    this.application = options.application;
    this.event = { transactionId: context.random.uuid(), dialogId: dialog?.id, arrival: transaction.arrival };
    this.#limitTimer = context.clock.setTimer(answerLimitMs, () => this.#onLimit());
    if (dialog !== undefined) this.#occupy(dialog);
  }

  respond(template: SipResponse): Sent | Refusal {
    const { context, transaction } = this.#options;
    const { message } = transaction.arrival;
    if (lacksContentType(template)) return { refused: refusals.noContentType };
    const toTag = this.#tag(template);
    const local = context.localSideOf(transaction.flow);
    const response = composeApplicationResponse(message, template, { toTag, local });
    const seconds = this.#agreeSubscription(response);
    const dialogId = this.#makeSubscription(response, seconds);
    const terms = this.#agreeSession(response);
    const bytes = transaction.respond(response);
    if (bytes === undefined) return { refused: refusals.unknownTransaction };
    if (response.status >= 200 && response.status < 300) this.#refreshDialog(response, terms, seconds);
    if (response.status >= 200) this.#finish();
    const { transactionId } = this.event;
    return { transactionId, method: message.method, dialogId, bytes, flow: transaction.flow };
  }

  refuse(reply: ReplyOptions): void {
    const { transaction } = this.#options;
    transaction.respond(composeReply(transaction.arrival.message, { toTag: this.#tag(undefined), ...reply }));
    this.#finish();
  }

  release(): ServerTransaction | undefined {
    const { transaction, dialog } = this.#options;
    if (dialog !== undefined || transaction.isAnswered) return undefined;
    this.#finish();
    return transaction;
  }

  /** How long an accepted SUBSCRIBE counts; undefined when it makes or refreshes no subscription. */
  #agreeSubscription(response: SipResponse): number | undefined {
    const { context, transaction, dialog } = this.#options;
    const { message } = transaction.arrival;
    const accepted = response.status >= 200 && response.status < 300;
    if (message.method !== 'SUBSCRIBE' || !accepted || dialog?.usage === 'INVITE') return undefined;
    return context.subscriptions.agree(message, response);
  }

  /** A SUBSCRIBE outside dialogs makes one when it is accepted (RFC 6665 section 4.2.1). */
  #makeSubscription(response: SipResponse, seconds: number | undefined): string | undefined {
    const { context, transaction, dialog, application } = this.#options;
    if (dialog !== undefined || seconds === undefined || transaction.isAnswered) return undefined;
    const subscription = Dialog.ofIncoming(transaction.arrival, application, response);
    subscription.state = 'confirmed';
    context.dialogs.add(subscription);
    context.subscriptions.begin(subscription, seconds);
    return subscription.id;
  }

  #tag(template: SipResponse | undefined): string {
    const wanted = tagOf(template?.headers.first('To') ?? '');
    this.#localTag ??= wanted === '' ? newTag(this.#options.context.random) : wanted;
    return this.#localTag;
  }

  #onLimit(): void {
    this.#options.context.stats.unansweredByApplication += 1;
    // 408 would be of no use to the peer (RFC 4320 section 4.2).
    this.refuse({ status: 500, reason: 'Server Internal Error' });
  }

  /** A request that was accepted may move the dialog (RFC 3261 section 12.2.2, RFC 3311, RFC 6665). */
  #refreshDialog(response: SipResponse, terms: SessionTerms | undefined, seconds: number | undefined): void {
    const { context, dialog, transaction } = this.#options;
    const { method, headers } = transaction.arrival.message;
    if (dialog === undefined || !refreshMethods.has(method)) return;
    dialog.refreshTarget(headers);
    if (seconds !== undefined) context.subscriptions.begin(dialog, seconds);
    if (method !== 'UPDATE') return;
    if (response.body.length > 0) dialog.localDescription = response.body;
    if (dialog.state === 'confirmed') context.sessions.begin(dialog, terms);
  }

  /** A session has its timer from the 2xx of its INVITE on (RFC 4028 section 9). */
  #agreeSession(response: SipResponse): SessionTerms | undefined {
    const { context, dialog, transaction } = this.#options;
    const { message } = transaction.arrival;
    const accepted = response.status >= 200 && response.status < 300;
    if (message.method !== 'UPDATE' || dialog?.state !== 'confirmed' || !accepted) return undefined;
    return context.sessions.agree(dialog, message, response);
  }

  /** An UPDATE, or an offer in a PRACK, keeps others waiting until it is answered. A PRACK may also hold our answer. */
  #occupy(dialog: Dialog): void {
    const { method, body } = this.#options.transaction.arrival.message;
    if (method === 'UPDATE') dialog.pendingUpdates += 1;
    if ((method !== 'UPDATE' && method !== 'PRACK') || body.length === 0) return;
    if (dialog.unansweredOffer === 'ours') {
      dialog.unansweredOffer = undefined;
    } else if (dialog.unansweredOffer === undefined) {
      dialog.unansweredOffer = 'theirs';
      this.#holdsOffer = true;
    }
  }

  #finish(): void {
    const { dialog, transaction } = this.#options;
    this.#limitTimer.cancel();
    this.#options.onFinished(this.event.transactionId);
    if (dialog === undefined) return;
    if (transaction.arrival.message.method === 'UPDATE') dialog.pendingUpdates -= 1;
    if (!this.#holdsOffer) return;
    dialog.unansweredOffer = undefined;
    dialog.release();
  }
}
