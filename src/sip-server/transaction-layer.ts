import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { ClientTransaction, ClientTransactionUser, TransactionContext } from './client-transaction';
import { InviteClientTransaction, NonInviteClientTransaction } from './client-transaction';
import { composeReply } from './compose-response';
import type { Essentials } from './essentials';
import { formatHostPort } from './uri';
import type { Limits } from './limits';
import { OwnRequest } from './own-request';
import { knownMethods } from './request-rules';
import type { ServerTransaction } from './server-transaction';
import { InviteServerTransaction, NonInviteServerTransaction, composeTrying } from './server-transaction';
import type { SipRequest, SipResponse } from './sip-message';
import type { StatelessTags } from './stateless-tags';
import type { SipServerStats } from './stats';
import type { Arrival, TransportUser } from './transport-layer';
import { responseFlow } from './transport-layer';
import type { Flow } from './transport';

/** RFC 3261 section 8.1.1.7: branches that begin so are unique by themselves. */
export const magicCookie = 'z9hG4bK';

/** INVITE first: hardly anybody cancels anything else. */
const cancellableMethods = [
  'INVITE',
  ...[...knownMethods].filter((method) => !['INVITE', 'ACK', 'CANCEL'].includes(method)),
];

/** What the layer above is told. Must not throw. */
export interface TransactionUser {
  /** A request that belongs to no transaction yet. An INVITE that is not answered at once gets 100 Trying. */
  onRequest(transaction: ServerTransaction): void;
  /** A CANCEL with the request it names, undefined when there is none. It has a meaning for an INVITE only. */
  onCancel(transaction: ServerTransaction, named: ServerTransaction | undefined): void;
  /** An ACK that ended no failed INVITE: for a 2xx, or a stray. */
  onAck(arrival: Arrival<SipRequest>): void;
}

export interface TransactionLayerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: SipServerStats;
  readonly tags: StatelessTags;
  readonly limits: Limits;
  readonly user: TransactionUser;
  send(message: SipRequest | SipResponse, flow: Flow, onFailure: (cause: string) => void): Buffer;
}

/** Matches messages to transactions (RFC 3261 sections 17.1.3 and 17.2.3) and makes new ones, within limits. */
export class TransactionLayer implements TransportUser {
  readonly #options: TransactionLayerOptions;
  readonly #context: TransactionContext;
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #clients = new Map<string, { transaction: ClientTransaction; request: OwnRequest }>();
  /** Requests outside dialogs by Call-ID, From tag and CSeq, to know a second path of one request (section 8.2.2.2). */
  readonly #unmerged = new Map<string, string>();

  constructor(options: TransactionLayerOptions) {
    this.#options = options;
    const { clock, stats } = options;
    this.#context = {
      clock,
      send: (message, flow, onFailure) => options.send(message, flow, onFailure),
      onRetransmission: () => {
        stats.retransmissionsSent += 1;
      },
    };
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  get serverCount(): number {
    return this.#servers.size;
  }

  onRequest(arrival: Arrival<SipRequest>): void {
    const { method } = arrival.message;
    const key = serverKey(arrival, method === 'ACK' ? 'INVITE' : method);
    const known = this.#servers.get(key);
    if (method === 'ACK') {
      const absorbed = known instanceof InviteServerTransaction && known.receiveAck();
      if (!absorbed) this.#options.user.onAck(arrival);
    } else if (known !== undefined) {
      this.#options.stats.retransmissionsAbsorbed += 1;
      known.receiveAgain();
    } else {
      this.#begin(key, arrival);
    }
  }

  onResponse(arrival: Arrival<SipResponse>): void {
    const client = this.#clients.get(clientKey(arrival.essentials));
    if (client?.request.isAnsweredBy(arrival) === true) client.transaction.receive(arrival);
    else this.#options.stats.strayResponsesDropped += 1;
  }

  /** Whether it repeats a request that has its transaction. */
  isRepetition(arrival: Arrival<SipRequest>): boolean {
    return this.#servers.has(serverKey(arrival, arrival.message.method));
  }

  /** A branch of our own for a request that is about to be sent. */
  newBranch(): string {
    return `${magicCookie}${this.#options.random.bytes(12).toString('hex')}`;
  }

  /** Whether a request of ours may be sent. Counts it when not. */
  admitsClient(): boolean {
    if (this.#clients.size < this.#options.limits.clientTransactions) return true;
    this.#options.stats.requestsRefusedOverload += 1;
    return false;
  }

  /** Sends an INVITE whose top Via holds `branch`. */
  startInvite(request: SipRequest, branch: string, flow: Flow, user: ClientTransactionUser): InviteClientTransaction {
    const key = `${branch} INVITE`;
    const transaction = new InviteClientTransaction(this.#context, request, flow, this.#forgetting(key, user));
    this.#clients.set(key, { transaction, request: new OwnRequest(request) });
    return transaction;
  }

  /** Sends any other request but ACK. */
  startRequest(
    request: SipRequest,
    branch: string,
    flow: Flow,
    user: ClientTransactionUser,
  ): NonInviteClientTransaction {
    const key = `${branch} ${request.method}`;
    const transaction = new NonInviteClientTransaction(this.#context, request, flow, this.#forgetting(key, user));
    this.#clients.set(key, { transaction, request: new OwnRequest(request) });
    return transaction;
  }

  /** Ends everything without a word to the network. */
  close(): void {
    for (const { transaction } of [...this.#clients.values()]) transaction.terminate();
    for (const transaction of [...this.#servers.values()]) transaction.terminate();
  }

  #begin(key: string, arrival: Arrival<SipRequest>): void {
    const { message, essentials } = arrival;
    if (this.#servers.size >= this.#options.limits.serverTransactions) {
      this.#options.stats.refusedOverload += 1;
      this.#replyStateless(arrival, 503, 'Service Unavailable');
      return;
    }
    const mergeKey = `${essentials.callId} ${essentials.fromTag ?? ''} ${essentials.cseq.number} ${message.method}`;
    const mayMerge = message.method !== 'CANCEL' && essentials.toTag === undefined;
    const isMerged = mayMerge && this.#isOngoing(this.#unmerged.get(mergeKey));
    if (mayMerge && !isMerged) this.#unmerged.set(mergeKey, key);
    const onTerminated = (): void => {
      this.#servers.delete(key);
      if (this.#unmerged.get(mergeKey) === key) this.#unmerged.delete(mergeKey);
    };
    const Transaction = message.method === 'INVITE' ? InviteServerTransaction : NonInviteServerTransaction;
    const transaction = new Transaction(this.#context, arrival, onTerminated);
    this.#servers.set(key, transaction);
    if (isMerged) this.#refuseMerged(transaction);
    else this.#handOver(transaction);
  }

  #refuseMerged(transaction: ServerTransaction): void {
    this.#options.stats.refusedMerged += 1;
    const { message } = transaction.arrival;
    const toTag = this.#options.tags.of(message);
    transaction.respond(composeReply(message, { status: 482, reason: 'Loop Detected', toTag }));
  }

  #handOver(transaction: ServerTransaction): void {
    const { arrival } = transaction;
    const { user } = this.#options;
    if (arrival.message.method === 'CANCEL') {
      user.onCancel(transaction, this.#findCancelled(arrival));
      return;
    }
    user.onRequest(transaction);
    if (transaction instanceof InviteServerTransaction && !transaction.isAnswered) {
      transaction.respond(composeTrying(arrival.message));
    }
  }

  /** An INVITE that was refused is over: a proxy that tries one target after the other may come to us again. */
  #isOngoing(key: string | undefined): boolean {
    const transaction = key === undefined ? undefined : this.#servers.get(key);
    return transaction !== undefined && !(transaction instanceof InviteServerTransaction && transaction.isRefused);
  }

  /** The request that a CANCEL names, whatever its method (RFC 3261 section 9.2). */
  #findCancelled(cancel: Arrival<SipRequest>): ServerTransaction | undefined {
    for (const method of cancellableMethods) {
      const named = this.#servers.get(serverKey(cancel, method));
      if (named !== undefined) return named;
    }
    return undefined;
  }

  #replyStateless(arrival: Arrival<SipRequest>, status: number, reason: string): void {
    const toTag = this.#options.tags.of(arrival.message);
    const reply = composeReply(arrival.message, { status, reason, toTag });
    this.#options.send(reply, responseFlow(arrival.essentials, arrival.flow), () => undefined);
  }

  #forgetting(key: string, user: ClientTransactionUser): ClientTransactionUser {
    return {
      onResponse: (arrival) => user.onResponse(arrival),
      onFailure: (failure) => {
        if (failure === 'timeout') this.#options.stats.clientTimeouts += 1;
        user.onFailure(failure);
      },
      onTerminated: () => {
        this.#clients.delete(key);
        user.onTerminated();
      },
    };
  }
}

function clientKey({ via, cseq }: Essentials): string {
  return `${via.params.get('branch') ?? ''} ${cseq.method}`;
}

/** RFC 3261 section 17.2.3; peers of RFC 2543 are told apart by the whole identity of the request. */
function serverKey({ message, essentials }: Arrival<SipRequest>, method: string): string {
  const { via, callId, cseq, fromTag } = essentials;
  const branch = via.params.get('branch') ?? '';
  const sentBy = formatHostPort(via.host, via.port);
  if (branch.startsWith(magicCookie) && branch.length > magicCookie.length) return `${branch} ${sentBy} ${method}`;
  return `2543 ${message.uri} ${callId} ${fromTag ?? ''} ${cseq.number} ${sentBy} ${branch} ${method}`;
}
