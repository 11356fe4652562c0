import type { AgentContext } from './agent-context';
import { newTag } from './agent-context';
import type { Application, Refusal, Sent } from './application';
import { refusals } from './application';
import type { ReplyOptions } from './compose-response';
import { composeReply } from './compose-response';
import type { Dialog } from './dialog';
import { IncomingInvite } from './incoming-invite';
import type { Incoming, IncomingOptions } from './incoming-request';
import { IncomingRequest } from './incoming-request';
import type { Limits } from './limits';
import { RequestSender } from './request-sender';
import type { InviteServerTransaction, ServerTransaction } from './server-transaction';
import type { SipRequest, SipResponse } from './sip-message';
import type { TransactionUser } from './transaction-layer';
import type { Arrival } from './transport-layer';

interface UserAgentOptions {
  readonly limits: Limits;
  /** The application for a new request of this method, undefined when none wants it. */
  selectApplication(method: string): Application | undefined;
}

/** These make a dialog. */
const makingMethods = new Set(['INVITE', 'SUBSCRIBE']);
/** Without a dialog these mean nothing. */
const dialogMethods = new Set(['BYE', 'PRACK', 'UPDATE']);
/** Their Contact replaces the remote target (RFC 3261 section 12.2, RFC 3311, RFC 6665). */
const refreshMethods = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY']);
const retryAfterSeconds = 10;

/** The rules of RFC 3261 sections 8 to 15 between transactions and applications. */
export class UserAgent implements TransactionUser {
  readonly sender: RequestSender;
  readonly #context: AgentContext;
  readonly #options: UserAgentOptions;
  readonly #incoming = new Map<string, Incoming>();
  /** A CANCEL names its INVITE by transaction, also when the answer is already on its way. */
  readonly #invites = new WeakMap<ServerTransaction, IncomingInvite>();
  #pendingInvites = 0;
  #closed = false;

  constructor(context: AgentContext, options: UserAgentOptions) {
    this.#context = context;
    this.#options = options;
    this.sender = new RequestSender(context);
  }

  /** The application's answer to a request it was given. */
  respond(application: Application, transactionId: string, template: SipResponse): Sent | Refusal {
    const incoming = this.#incoming.get(transactionId);
    if (incoming?.application !== application) return { refused: refusals.unknownTransaction };
    return incoming.respond(template);
  }

  /** The application is gone for good: its calls end. */
  dropApplication(application: Application): void {
    const text = 'application disconnected';
    for (const incoming of [...this.#incoming.values()]) {
      if (incoming.application === application) incoming.refuse({ status: 503, reason: 'Service Unavailable' });
    }
    this.sender.orphan(application, text);
    for (const dialog of this.#context.dialogs.ownedBy(application)) {
      // The peer may not have a BYE before its ACK (section 15).
      if (dialog.ackWaiter !== undefined) dialog.defer(() => this.hangUp(dialog, text));
      else if (dialog.state === 'confirmed') this.hangUp(dialog, text);
    }
  }

  /** Sends a BYE of our own and tells the application. Does nothing when the dialog has ended. */
  hangUp(dialog: Dialog, text: string): void {
    if (dialog.state === 'ended') return;
    this.#context.dialogs.remove(dialog);
    if (dialog.usage === 'SUBSCRIBE') return;
    this.sender.sendBye(dialog, `SIP;cause=200;text="${text}"`, (bye) => {
      dialog.application.onDialogEnded({ dialogId: dialog.id, bye });
    });
  }

  /** Hangs up what is left, acknowledged or not, and refuses what waits. Applications were dropped before. */
  close(): void {
    this.#closed = true;
    for (const incoming of [...this.#incoming.values()]) {
      incoming.refuse({ status: 503, reason: 'Service Unavailable' });
    }
    for (const dialog of this.#context.dialogs.all()) {
      if (dialog.state === 'confirmed') this.hangUp(dialog, 'server is closing');
      else this.#context.dialogs.remove(dialog);
    }
  }

  onRequest(transaction: ServerTransaction): void {
    if (transaction.arrival.essentials.toTag === undefined) this.#onOutsideRequest(transaction);
    else this.#onDialogRequest(transaction);
  }

  onCancel(transaction: ServerTransaction, invite: InviteServerTransaction | undefined): void {
    if (invite === undefined) {
      this.#refuseUnknown(transaction);
      return;
    }
    const target = this.#invites.get(invite);
    this.#reply(transaction, { status: 200, reason: 'OK', ...(target && { toTag: target.localTag }) });
    target?.cancel(transaction.arrival);
  }

  onAck(arrival: Arrival<SipRequest>): void {
    const waiter = this.#context.dialogs.ofRequest(arrival.essentials)?.ackWaiter;
    if (waiter?.cseq === arrival.essentials.cseq.number) waiter.receiveAck(arrival);
    else this.#context.stats.strayAcksDropped += 1;
  }

  #onOutsideRequest(transaction: ServerTransaction): void {
    const { method } = transaction.arrival.message;
    if (dialogMethods.has(method)) {
      this.#refuseUnknown(transaction);
      return;
    }
    const application = this.#closed ? undefined : this.#options.selectApplication(method);
    if (application === undefined) this.#refuseUnwanted(transaction);
    else if (makingMethods.has(method) && this.#isFull) this.#refuseOverload(transaction);
    else this.#deliver(transaction, application, undefined);
  }

  #onDialogRequest(transaction: ServerTransaction): void {
    const { message, essentials, flow } = transaction.arrival;
    const dialog = this.#context.dialogs.ofRequest(essentials);
    if (dialog === undefined) {
      this.#refuseUnknown(transaction);
      return;
    }
    const refusal = this.#findDialogRefusal(dialog, transaction.arrival);
    if (refusal !== undefined) {
      this.#reply(transaction, refusal);
      return;
    }
    dialog.peerFlow = flow;
    if (refreshMethods.has(message.method)) dialog.refreshTarget(message.headers);
    if (message.method === 'BYE') {
      dialog.pendingInvite?.endByBye(transaction.arrival);
      this.#context.dialogs.remove(dialog);
    }
    this.#deliver(transaction, dialog.application, dialog);
    if (endsSubscription(dialog, message)) this.#context.dialogs.remove(dialog);
  }

  /** What the order of requests within a dialog forbids (RFC 3261 sections 12.2.2 and 14.2, RFC 3262 section 3). */
  #findDialogRefusal(dialog: Dialog, arrival: Arrival<SipRequest>): ReplyOptions | undefined {
    const { stats, random } = this.#context;
    const { method } = arrival.message;
    if (!dialog.acceptRemoteCSeq(arrival.essentials.cseq.number)) {
      stats.refusedOutOfOrder += 1;
      return { status: 500, reason: 'CSeq Out Of Order' };
    }
    if (method === 'INVITE' && dialog.pendingInvite !== undefined) {
      stats.refusedGlare += 1;
      const headers = [['Retry-After', String(Math.floor(random.fraction() * 11))]] as const;
      return { status: 500, reason: 'INVITE In Progress', headers };
    }
    if (method === 'INVITE' && dialog.outgoingInvitePending) {
      stats.refusedGlare += 1;
      return { status: 491, reason: 'Request Pending' };
    }
    if (method === 'PRACK' && dialog.pendingInvite?.receivePrack(arrival) !== true) {
      stats.refusedNoTransaction += 1;
      return { status: 481, reason: 'Call/Transaction Does Not Exist' };
    }
    return undefined;
  }

  #deliver(transaction: ServerTransaction, application: Application, dialog: Dialog | undefined): void {
    const isInvite = transaction.arrival.message.method === 'INVITE';
    const options: IncomingOptions = {
      context: this.#context,
      transaction,
      application,
      dialog,
      onFinished: (transactionId) => {
        if (this.#incoming.delete(transactionId) && isInvite && dialog === undefined) this.#pendingInvites -= 1;
      },
    };
    const incoming = isInvite ? new IncomingInvite(options) : new IncomingRequest(options);
    if (incoming instanceof IncomingInvite) this.#invites.set(transaction, incoming);
    this.#incoming.set(incoming.event.transactionId, incoming);
    if (isInvite && dialog === undefined) this.#pendingInvites += 1;
    application.onRequest(incoming.event);
  }

  get #isFull(): boolean {
    return this.#context.dialogs.size + this.#pendingInvites >= this.#options.limits.dialogs;
  }

  /** No application wants the method. */
  #refuseUnwanted(transaction: ServerTransaction): void {
    this.#context.stats.refusedNoApplication += 1;
    this.#replyUnavailable(transaction);
  }

  #refuseOverload(transaction: ServerTransaction): void {
    this.#context.stats.refusedOverload += 1;
    this.#replyUnavailable(transaction);
  }

  #replyUnavailable(transaction: ServerTransaction): void {
    const headers = [['Retry-After', String(retryAfterSeconds)]] as const;
    this.#reply(transaction, { status: 503, reason: 'Service Unavailable', headers });
  }

  #refuseUnknown(transaction: ServerTransaction): void {
    this.#context.stats.refusedNoTransaction += 1;
    this.#reply(transaction, { status: 481, reason: 'Call/Transaction Does Not Exist' });
  }

  #reply(transaction: ServerTransaction, reply: ReplyOptions): void {
    transaction.respond(composeReply(transaction.arrival.message, { toTag: newTag(this.#context.random), ...reply }));
  }
}

/** The peer's last NOTIFY of a subscription. */
function endsSubscription(dialog: Dialog, { method, headers }: SipRequest): boolean {
  const state = headers.first('Subscription-State') ?? '';
  return dialog.usage === 'SUBSCRIBE' && method === 'NOTIFY' && /^terminated/i.test(state);
}
