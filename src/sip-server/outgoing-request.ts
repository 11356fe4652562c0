import type { AgentContext } from './agent-context';
import type { Application } from './application';
import type { ClientFailure, ClientTransactionUser } from './client-transaction';
import { composeReply } from './compose-response';
import { Dialog } from './dialog';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';

export interface OutgoingOptions {
  readonly context: AgentContext;
  readonly transactionId: string;
  /** As sent last. */
  readonly request: SipRequest;
  /** Undefined for a request of our own. */
  readonly application: Application | undefined;
  readonly dialog: Dialog | undefined;
  /** The transaction is gone. */
  onTerminated(transactionId: string): void;
}

interface OutgoingRequestOptions extends OutgoingOptions {
  /** There is a final response, or none can come. */
  onSettled(): void;
}

/** A request of the application's other than INVITE, until its final response. */
export class OutgoingRequest implements ClientTransactionUser {
  readonly #options: OutgoingRequestOptions;
  #settled = false;
  /** Its offer is the one that the dialog waits for. */
  #holdsOffer = false;

  constructor(options: OutgoingRequestOptions) {
    this.#options = options;
    const { dialog, request } = options;
    if (dialog === undefined || request.body.length === 0) return;
    if (request.method === 'UPDATE') {
      dialog.unansweredOffer = 'ours';
      this.#holdsOffer = true;
    } else if (request.method === 'PRACK' && dialog.unansweredOffer === 'theirs') {
      dialog.unansweredOffer = undefined;
    }
  }

  onResponse(arrival: Arrival<SipResponse>): void {
    const { status } = arrival.message;
    if (status === 100) return;
    const dialog = this.#options.dialog ?? this.#makeSubscription(arrival);
    if (dialog !== undefined && status >= 200) this.#updateDialog(dialog, arrival);
    this.#report(arrival.message, dialog, arrival);
    if (status < 200) return;
    this.#settle();
    this.#endLostUsage(status);
  }

  onFailure(failure: ClientFailure): void {
    const { context, dialog, request } = this.#options;
    if (dialog !== undefined && endsDialog(request, dialog, 408)) context.dialogs.remove(dialog);
    const response = composeFailure(request, failure);
    this.#report(response, dialog, undefined);
    this.#endLostUsage(response.status);
  }

  onTerminated(): void {
    this.#settle();
    this.#options.onTerminated(this.#options.transactionId);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#options.onSettled();
    const { dialog } = this.#options;
    if (!this.#holdsOffer || dialog === undefined) return;
    dialog.unansweredOffer = undefined;
    dialog.release();
  }

  #endLostUsage(status: number): void {
    const { context, dialog, request } = this.#options;
    if (dialog === undefined || !losesSession(status)) return;
    if (request.method === 'UPDATE') context.hangUp(dialog, lostSessionText);
    // RFC 6665 sections 4.1.2.2 and 4.2.2, RFC 5057 section 5.1.
    else if (subscriptionMethods.has(request.method)) context.endSubscription(dialog, 'peer has lost the subscription');
  }

  #makeSubscription(arrival: Arrival<SipResponse>): Dialog | undefined {
    const { context, request, application } = this.#options;
    const { status } = arrival.message;
    if (request.method !== 'SUBSCRIBE' || status < 200 || status >= 300 || application === undefined) return undefined;
    const subscription = Dialog.ofOutgoing(request, arrival, application);
    subscription.state = 'confirmed';
    context.dialogs.add(subscription);
    context.subscriptions.noteAnswer(subscription, request, arrival.message);
    return subscription;
  }

  #updateDialog(dialog: Dialog, { message }: Arrival<SipResponse>): void {
    const { context, request } = this.#options;
    if (endsDialog(request, dialog, message.status)) context.dialogs.remove(dialog);
    if (message.status >= 300) return;
    const refreshes = request.method === 'UPDATE' || request.method === 'SUBSCRIBE';
    if (refreshes) dialog.refreshTarget(message.headers);
    if (request.method === 'SUBSCRIBE') context.subscriptions.noteAnswer(dialog, request, message);
    if (request.method === 'NOTIFY') context.subscriptions.noteNotify(dialog, request);
    if (request.method !== 'UPDATE') return;
    if (request.body.length > 0) dialog.localDescription = request.body;
    if (dialog.state === 'confirmed') context.sessions.noteAnswer(dialog, request, message);
  }

  #report(response: SipResponse, dialog: Dialog | undefined, arrival: Arrival<SipResponse> | undefined): void {
    this.#options.application?.onResponse({
      transactionId: this.#options.transactionId,
      dialogId: dialog?.id,
      response,
      from: arrival && { flow: arrival.flow, bytes: arrival.bytes },
    });
  }
}

const subscriptionMethods = new Set(['SUBSCRIBE', 'NOTIFY']);
export const lostSessionText = 'peer has lost the session';

/** A re-INVITE or UPDATE so answered means that the other side is gone (RFC 3261 section 12.2.1.2, RFC 5057 section 5.1). */
export function losesSession(status: number): boolean {
  return status === 481 || status === 408;
}

/** What the application sees in the place of a response that cannot come (RFC 3261 section 8.1.3.1). */
export function composeFailure(
  request: SipRequest,
  failure: ClientFailure | 'no-address' | 'unregistered',
): SipResponse {
  switch (failure) {
    case 'timeout':
      return composeReply(request, { status: 408, reason: 'Request Timeout' });
    case 'not-sent':
      return composeReply(request, { status: 503, reason: 'Service Unavailable' });
    case 'no-address':
      return composeReply(request, { status: 503, reason: 'DNS Error' });
    case 'unregistered':
      return composeReply(request, { status: 480, reason: 'Temporarily Unavailable' });
  }
}

/** A challenged BYE will be sent again; a terminating NOTIFY ends a subscription once it was answered. */
function endsDialog(request: SipRequest, dialog: Dialog, status: number): boolean {
  if (status === 401 || status === 407) return false;
  if (request.method === 'BYE') return true;
  const state = request.headers.first('Subscription-State') ?? '';
  return dialog.usage === 'SUBSCRIBE' && request.method === 'NOTIFY' && /^terminated/i.test(state);
}
