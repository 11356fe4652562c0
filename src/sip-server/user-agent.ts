import type { AgentContext } from './agent-context';
import { newTag } from './agent-context';
import type { Application, Refusal, Sent } from './application';
import { refusals } from './application';
import type { ReplyOptions } from './compose-response';
import { composeReply } from './compose-response';
import type { CdrStopReason } from './cdr-event';
import { Dialog } from './dialog';
import { findOrderFault } from './dialog-order';
import { composeLastNotify, composeUnsentBye } from './end-of-subscription';
import type { ProxyOptions } from './forking-proxy';
import { formatNameAddr, parseNameAddr } from './header-values';
import { IncomingInvite } from './incoming-invite';
import type { Incoming, IncomingOptions } from './incoming-request';
import { IncomingRequest } from './incoming-request';
import type { Limits } from './limits';
import type { Cancellable, ProxyTeller } from './proxy-core';
import { contactOf } from './local-side';
import { ProxyCore } from './proxy-core';
import { findUnclear } from './request-rules';
import { RequestSender } from './request-sender';
import type { ServerTransaction } from './server-transaction';
import { InviteServerTransaction } from './server-transaction';
import { isIntervalTooSmall } from './session-expires';
import type { SipRequest, SipResponse } from './sip-message';
import type { TransactionUser } from './transaction-layer';
import type { Arrival } from './transport-layer';
import { plainUri } from './uri';

interface UserAgentOptions {
  readonly limits: Limits;
  /** The application for a new request of this method, undefined when none wants it. */
  selectApplication(method: string): Application | undefined;
}

/** These make a dialog. */
type MakingMethod = 'INVITE' | 'SUBSCRIBE';
/** Without a dialog these mean nothing. */
const dialogMethods = new Set(['BYE', 'PRACK', 'UPDATE']);
const retryAfterSeconds = 10;

/** The rules of RFC 3261 sections 8 to 15 between transactions and applications. */
export class UserAgent implements TransactionUser {
  readonly sender: RequestSender;
  readonly #context: AgentContext;
  readonly #options: UserAgentOptions;
  readonly #incoming = new Map<string, Incoming>();
  /** A CANCEL names its INVITE by transaction, also when the answer is already on its way. */
  readonly #cancellable = new WeakMap<ServerTransaction, Cancellable>();
  readonly #proxies: ProxyCore;
  /** Requests without a final answer that may make a dialog. */
  readonly #pending = { INVITE: 0, SUBSCRIBE: 0 };
  /** The ids that the INVITEs among them will have as dialogs. */
  readonly #pendingCalls = new Set<string>();
  #closed = false;

  constructor(context: AgentContext, options: UserAgentOptions) {
    this.#context = context;
    this.#options = options;
    this.sender = new RequestSender(context);
    this.#proxies = new ProxyCore(context, options.limits);
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
      const waits = dialog.ackWaiters.size > 0 && dialog.defer(() => this.#drop(dialog, text));
      if (!waits && dialog.state === 'confirmed') this.#drop(dialog, text);
    }
  }

  /**
   * Sends a BYE of our own and tells the application. Does nothing when the dialog has ended, nor to a subscription, which
   * outlives a session that fails in its dialog (RFC 5057 section 4.1).
   */
  hangUp(dialog: Dialog, text: string, reason: CdrStopReason = 'system-initiated-termination'): void {
    if (dialog.state === 'ended' || dialog.usage === 'SUBSCRIBE') return;
    this.#context.dialogs.remove(dialog);
    this.sender.sendBye(dialog, { why: byeReason(text), reason }, (bye) => {
      dialog.application.onDialogEnded({ dialogId: dialog.id, bye });
    });
  }

  /** Sends a BYE to a fork that shares its id with the one that the application talks to, and which goes on. */
  hangUpUnheard(dialog: Dialog, text: string): void {
    if (dialog.state === 'ended') return;
    this.#context.dialogs.remove(dialog);
    const why = { why: byeReason(text), reason: 'system-initiated-termination' } as const;
    this.sender.sendBye(dialog, why, () => undefined);
  }

  /**
   * Ends a subscription that nobody refreshed or that the peer has lost, and tells the application. Whoever subscribed with
   * us gets a last NOTIFY (RFC 6665 section 4.2.2). Does nothing to a call.
   */
  endSubscription(dialog: Dialog, text: string): void {
    if (dialog.state === 'ended' || dialog.usage === 'INVITE') return;
    this.#context.dialogs.remove(dialog);
    if (!dialog.isCaller) this.sender.sendOwn(dialog, composeLastNotify(dialog));
    const bye = composeUnsentBye(this.#context, dialog, text);
    dialog.application.onDialogEnded({ dialogId: dialog.id, bye });
  }

  /** Hangs up what is left, acknowledged or not, and refuses what waits. Applications were dropped before. */
  close(): void {
    this.#closed = true;
    for (const incoming of [...this.#incoming.values()]) {
      incoming.refuse({ status: 503, reason: 'Service Unavailable' });
    }
    this.#proxies.close();
    for (const dialog of this.#context.dialogs.all()) {
      this.#drop(dialog, 'server is closing');
    }
  }

  /** Nobody is there for it any more. */
  #drop(dialog: Dialog, text: string): void {
    if (dialog.state === 'confirmed') this.hangUp(dialog, text);
    this.#context.dialogs.remove(dialog);
  }

  onRequest(transaction: ServerTransaction): void {
    if (transaction.arrival.essentials.toTag === undefined) this.#onOutsideRequest(transaction);
    else this.#onDialogRequest(transaction);
  }

  onCancel(transaction: ServerTransaction, named: ServerTransaction | undefined): void {
    if (named === undefined) {
      this.#refuseUnknown(transaction);
      return;
    }
    const target = named instanceof InviteServerTransaction ? this.#cancellable.get(named) : undefined;
    this.#reply(transaction, {
      status: 200,
      reason: 'OK',
      ...(target?.localTag !== undefined && { toTag: target.localTag }),
    });
    target?.cancel(transaction.arrival);
  }

  onAck(arrival: Arrival<SipRequest>): void {
    const { essentials } = arrival;
    const waiter = this.#context.dialogs.ofRequest(essentials)?.ackWaiters.get(essentials.cseq.number);
    if (waiter !== undefined) waiter.receiveAck(arrival);
    else if (!this.#proxies.forwardAck(arrival)) this.#context.stats.strayAcksDropped += 1;
  }

  #onOutsideRequest(transaction: ServerTransaction): void {
    const { message, essentials } = transaction.arrival;
    const { method } = message;
    if (dialogMethods.has(method)) {
      this.#refuseUnknown(transaction);
      return;
    }
    if (makesDialog(method) && this.#isTaken(method, Dialog.idOf(essentials.callId, essentials.fromTag))) {
      this.#context.stats.refusedMerged += 1;
      this.#reply(transaction, { status: 482, reason: 'Loop Detected' });
      return;
    }
    const intervalRefusal = this.#findIntervalRefusal(message);
    if (intervalRefusal !== undefined) {
      this.#reply(transaction, intervalRefusal);
      return;
    }
    const unclear = findUnclear(message);
    const application = this.#closed ? undefined : this.#options.selectApplication(method);
    if (method === 'INVITE') this.#context.cdr.attempt('network', message);
    if (application === undefined) this.#refuseUnwanted(transaction);
    else if (makesDialog(method) && this.#isFull(method)) this.#refuseOverload(transaction);
    else if (unclear !== undefined) this.#reply(transaction, this.#countUnclear(unclear));
    else {
      if (makesDialog(method)) supplyContact(transaction.arrival);
      if (method === 'SUBSCRIBE') writePlainTo(message);
      this.#deliver(transaction, application, undefined);
    }
  }

  /**
   * Whether the dialog would have the id of a call that is up, or may be: the application could not tell them apart. A
   * phone that starts anew may well subscribe again.
   */
  #isTaken(method: MakingMethod, dialogId: string): boolean {
    const usage = this.#context.dialogs.usageOf(dialogId);
    const isCall = this.#pendingCalls.has(dialogId) || this.sender.hasInvite(dialogId) || usage === 'INVITE';
    return isCall || (method === 'INVITE' && usage !== undefined);
  }

  #onDialogRequest(transaction: ServerTransaction): void {
    const { message, essentials, flow } = transaction.arrival;
    const dialog = this.#context.dialogs.ofRequest(essentials);
    if (dialog === undefined) {
      this.#forwardOrRefuse(transaction);
      return;
    }
    const refusal = this.#findDialogRefusal(dialog, transaction.arrival);
    if (refusal !== undefined) {
      this.#reply(transaction, refusal);
      return;
    }
    dialog.peerFlow = flow;
    // It names us, whatever the peer makes of it; drachtio-srf compares it with what began the subscription.
    if (dialog.usage === 'SUBSCRIBE') message.headers.set('To', dialog.localIdentity);
    if (message.method === 'PRACK' && this.#acknowledgeProvisional(dialog, transaction) !== 'application') return;
    if (message.method === 'BYE') {
      dialog.pendingInvite?.endByBye(transaction.arrival);
      this.#context.cdr.stopDialog(dialog, 'network', 'normal-release', message);
      this.#context.dialogs.remove(dialog);
    }
    if (this.#isUnheard(dialog)) this.#answerUnheard(transaction);
    else this.#deliver(transaction, dialog.application, dialog);
    if (endsSubscription(dialog, message)) this.#context.dialogs.remove(dialog);
    else if (message.method === 'NOTIFY') this.#context.subscriptions.noteNotify(dialog, message);
  }

  /** Nobody is there to answer in this dialog: its application is gone, or talks to another fork. */
  #isUnheard(dialog: Dialog): boolean {
    return dialog.isUnheard || this.sender.hasLost(dialog.application);
  }

  #answerUnheard(transaction: ServerTransaction): void {
    if (transaction.arrival.message.method === 'BYE') this.#reply(transaction, { status: 200, reason: 'OK' });
    else this.#refuseUnknown(transaction);
  }

  /** A request in a dialog that is not ours may belong to one that passes through us. */
  #forwardOrRefuse(transaction: ServerTransaction): void {
    const forwarded = this.#proxies.forward(transaction);
    if (forwarded === undefined) this.#refuseUnknown(transaction);
    else if (!('refused' in forwarded)) this.#cancellable.set(transaction, forwarded);
  }

  #countUnclear(reason: string): ReplyOptions {
    this.#context.stats.refusedMalformed += 1;
    return { status: 400, reason };
  }

  #findDialogRefusal(dialog: Dialog, arrival: Arrival<SipRequest>): ReplyOptions | undefined {
    const { stats, random } = this.#context;
    const unclear = findUnclear(arrival.message);
    switch (findOrderFault(dialog, arrival)) {
      case undefined:
        return unclear === undefined ? this.#findIntervalRefusal(arrival.message) : this.#countUnclear(unclear);
      case 'out-of-order':
        stats.refusedOutOfOrder += 1;
        return { status: 500, reason: 'CSeq Out Of Order' };
      case 'busy': {
        stats.refusedGlare += 1;
        const headers = [['Retry-After', String(Math.floor(random.fraction() * 11))]] as const;
        return { status: 500, reason: 'Request In Progress', headers };
      }
      case 'glare':
        stats.refusedGlare += 1;
        return { status: 491, reason: 'Request Pending' };
    }
  }

  /** RFC 4028 section 9. */
  #findIntervalRefusal(message: SipRequest): ReplyOptions | undefined {
    const { sessions, stats } = this.#context;
    const refreshes = message.method === 'INVITE' || message.method === 'UPDATE';
    if (!refreshes || !isIntervalTooSmall(message, sessions.settings)) return undefined;
    stats.refusedSessionInterval += 1;
    const headers = [['Min-SE', String(sessions.settings.minSeconds)]] as const;
    return { status: 422, reason: 'Session Interval Too Small', headers };
  }

  #acknowledgeProvisional(dialog: Dialog, transaction: ServerTransaction): 'application' | 'ourselves' | undefined {
    const answeredBy = dialog.prackReceiver?.receivePrack(transaction.arrival);
    if (answeredBy === undefined) this.#refuseUnknown(transaction);
    else if (answeredBy === 'ourselves') this.#reply(transaction, { status: 200, reason: 'OK' });
    return answeredBy;
  }

  /** Sends a request that the application was given on to targets; the reporter is told of their answers. */
  proxy(
    application: Application,
    { transactionId, ...options }: ProxyOptions & { transactionId: string },
    teller: ProxyTeller,
  ): Refusal | undefined {
    const incoming = this.#incoming.get(transactionId);
    if (incoming?.application !== application) return { refused: refusals.unknownTransaction };
    if (!this.#context.transactions.admitsClient()) return { refused: refusals.tooManyTransactions };
    const transaction = incoming.release();
    if (transaction === undefined) return { refused: refusals.notProxied };
    const proxied = this.#proxies.proxy(transaction, options, teller);
    if ('refused' in proxied) return proxied;
    this.#cancellable.set(transaction, proxied);
    return undefined;
  }

  #deliver(transaction: ServerTransaction, application: Application, dialog: Dialog | undefined): void {
    const { method } = transaction.arrival.message;
    const isInvite = method === 'INVITE';
    const making = dialog === undefined && makesDialog(method) ? method : undefined;
    const { callId, fromTag } = transaction.arrival.essentials;
    const callMade = making === 'INVITE' ? Dialog.idOf(callId, fromTag) : undefined;
    const options: IncomingOptions = {
      context: this.#context,
      transaction,
      application,
      dialog,
      onFinished: (transactionId) => {
        if (!this.#incoming.delete(transactionId)) return;
        if (making !== undefined) this.#pending[making] -= 1;
        if (callMade !== undefined) this.#pendingCalls.delete(callMade);
      },
    };
    const incoming = isInvite ? new IncomingInvite(options) : new IncomingRequest(options);
    if (incoming instanceof IncomingInvite) this.#cancellable.set(transaction, incoming);
    this.#incoming.set(incoming.event.transactionId, incoming);
    if (making !== undefined) this.#pending[making] += 1;
    if (callMade !== undefined) this.#pendingCalls.add(callMade);
    application.onRequest(incoming.event);
  }

  /** Calls and subscriptions have limits of their own: neither takes the other's room. */
  #isFull(method: MakingMethod): boolean {
    const { size, subscriptions } = this.#context.dialogs;
    const { limits } = this.#options;
    if (method === 'SUBSCRIBE') return subscriptions + this.#pending.SUBSCRIBE >= limits.subscriptions;
    return size - subscriptions + this.#pending.INVITE + this.#proxies.load >= limits.dialogs;
  }

  /** No application wants the method. */
  #refuseUnwanted(transaction: ServerTransaction): void {
    this.#context.stats.refusedNoApplication += 1;
    this.#replyUnavailable(transaction);
  }

  #refuseOverload(transaction: ServerTransaction): void {
    const isSubscribe = transaction.arrival.message.method === 'SUBSCRIBE';
    this.#context.stats[isSubscribe ? 'refusedSubscriptions' : 'refusedOverload'] += 1;
    this.#replyUnavailable(transaction);
  }

  #replyUnavailable(transaction: ServerTransaction): void {
    const headers = [['Retry-After', String(retryAfterSeconds)]] as const;
    const reply = this.#reply(transaction, { status: 503, reason: 'Service Unavailable', headers });
    if (transaction.arrival.message.method === 'INVITE') {
      this.#context.cdr.stop('application', 'call-rejected', reply);
    }
  }

  #refuseUnknown(transaction: ServerTransaction): void {
    this.#context.stats.refusedNoTransaction += 1;
    this.#reply(transaction, { status: 481, reason: 'Call/Transaction Does Not Exist' });
  }

  #reply(transaction: ServerTransaction, reply: ReplyOptions): SipResponse {
    const response = composeReply(transaction.arrival.message, { toTag: newTag(this.#context.random), ...reply });
    transaction.respond(response);
    return response;
  }
}

function byeReason(text: string): string {
  return `SIP;cause=200;text="${text}"`;
}

function makesDialog(method: string): method is MakingMethod {
  return method === 'INVITE' || method === 'SUBSCRIBE';
}

/** A peer of RFC 2543 may leave it out, and drachtio-srf makes no dialog without it: where the request came from will do. */
function supplyContact({ message, flow }: Arrival<SipRequest>): void {
  if (message.headers.has('Contact')) return;
  const { remoteAddress: host, remotePort: port, transport } = flow;
  message.headers.add('Contact', contactOf({ host, port, transport: transport.name }));
}

/** The same address in the form that every application reads. */
function writePlainTo({ headers }: SipRequest): void {
  const to = parseNameAddr(headers.first('To') ?? '');
  if (to !== undefined) headers.set('To', formatNameAddr({ ...to, uri: plainUri(to.uri) ?? to.uri }));
}

/** The peer's last NOTIFY of a subscription. */
function endsSubscription(dialog: Dialog, { method, headers }: SipRequest): boolean {
  const state = headers.first('Subscription-State') ?? '';
  return dialog.usage === 'SUBSCRIBE' && method === 'NOTIFY' && /^terminated/i.test(state);
}
