import type { Timer } from '../runtime/clock';
import type { Application } from './application';
import type { HeaderList } from './header-list';
import { listValues, parseCSeq, parseNameAddr } from './header-values';
import type { SessionTimer } from './session-timer';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';
import { formatHostPort, parseSipUri } from './uri';

/** Requests that wait in one dialog for an INVITE to settle; more are refused. */
export const deferredRequestsMax = 8;

/** Whoever repeats a 2xx until its ACK comes. */
export interface AckWaiter {
  receiveAck(arrival: Arrival<SipRequest>): void;
  /** The dialog is over: no ACK is wanted any more. */
  abandon(): void;
}

/** Whoever sent reliable provisional responses that the peer acknowledges. */
export interface PrackReceiver {
  /**
   * Who answers a PRACK: the application, or we because we made the response reliable; undefined when it names none that
   * waits for it (RFC 3262 section 3).
   */
  receivePrack(arrival: Arrival<SipRequest>): 'application' | 'ourselves' | undefined;
}

/** An INVITE of the peer's that has no final response yet. */
export interface PendingInvite {
  /** The peer has ended the dialog with a BYE instead of a CANCEL: 487 (RFC 3261 section 15.1.2). */
  endByBye(arrival: Arrival<SipRequest>): void;
  /** We have ended the dialog: 487 as well. */
  endWithDialog(): void;
}

interface DialogFields {
  readonly id: string;
  readonly application: Application;
  readonly usage: 'INVITE' | 'SUBSCRIBE';
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From of our requests, with its tag. */
  readonly localIdentity: string;
  /** To of our requests, with its tag. */
  readonly remoteIdentity: string;
  readonly localCSeq: number;
  readonly remoteCSeq: number | undefined;
  readonly routeSet: readonly string[];
  readonly remoteTarget: string;
  readonly localContact: string | undefined;
  readonly peerFlow: Flow;
  readonly isCaller: boolean;
  readonly peerTakesUpdate: boolean;
  readonly event: string | undefined;
}

/** One dialog of RFC 3261 section 12, either side. */
export class Dialog {
  readonly id: string;
  readonly application: Application;
  readonly usage: 'INVITE' | 'SUBSCRIBE';
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly localIdentity: string;
  readonly remoteIdentity: string;
  readonly localContact: string | undefined;
  /** What a subscription is to (RFC 6665 section 8.2.1). */
  readonly event: string | undefined;
  /** Whether we began it. */
  readonly isCaller: boolean;
  /** Whether the peer has shown that it gets what we send: it answered our INVITE, or acknowledged our answer to its. */
  isAcknowledged: boolean;
  /** The application talks to another fork of the same INVITE, and is told nothing of this one. */
  isUnheard = false;
  /** How the peer reached us last; a stream is used again while it is open. */
  peerFlow: Flow;
  state: 'early' | 'confirmed' | 'ended' = 'early';
  pendingInvite: PendingInvite | undefined;
  /** An INVITE of ours that has no final response yet. */
  outgoingInvitePending = false;
  /** UPDATEs of the peer's that have no final response yet. */
  pendingUpdates = 0;
  /** A session description that waits for its answer, by who made it (RFC 3264 section 4). */
  unansweredOffer: 'ours' | 'theirs' | undefined;
  prackReceiver: PrackReceiver | undefined;
  /** The session must be refreshed within this interval (RFC 4028). */
  session: SessionTimer | undefined;
  /** The subscription must be refreshed before it fires (RFC 6665). */
  subscriptionTimer: Timer | undefined;
  /** The body that describes our side now. */
  localDescription: Buffer | undefined;
  /** Whether the peer's Allow has UPDATE. */
  peerTakesUpdate: boolean;
  /** 2xx of ours that have no ACK yet, by CSeq: a re-INVITE may overtake the ACK before it. */
  readonly ackWaiters = new Map<number, AckWaiter>();
  /** The application has asked for a BYE that waits in `defer`. */
  byeDeferred = false;
  #localCSeq: number;
  #remoteCSeq: number | undefined;
  #routeSet: readonly string[];
  #remoteTarget: string;
  #deferred: (() => void)[] = [];
  readonly #timers: Timer[] = [];

  constructor(fields: DialogFields) {
    this.id = fields.id;
    this.application = fields.application;
    this.usage = fields.usage;
    this.callId = fields.callId;
    this.localTag = fields.localTag;
    this.remoteTag = fields.remoteTag;
    this.localIdentity = fields.localIdentity;
    this.remoteIdentity = fields.remoteIdentity;
    this.localContact = fields.localContact;
    this.peerFlow = fields.peerFlow;
    this.isCaller = fields.isCaller;
    this.isAcknowledged = fields.isCaller;
    this.peerTakesUpdate = fields.peerTakesUpdate;
    this.event = fields.event;
    this.#localCSeq = fields.localCSeq;
    this.#remoteCSeq = fields.remoteCSeq;
    this.#routeSet = fields.routeSet;
    this.#remoteTarget = fields.remoteTarget;
  }

  /** What the application calls it: Call-ID and the From tag of the request that began it. */
  static idOf(callId: string, fromTag: string | undefined): string {
    return `${callId};from-tag=${fromTag ?? ''}`;
  }

  /** The dialog that a response of ours to `arrival` makes (section 12.1.1). `sent` is that response. */
  static ofIncoming(arrival: Arrival<SipRequest>, application: Application, sent: SipResponse): Dialog {
    const { message, essentials, flow } = arrival;
    const to = sent.headers.first('To') ?? '';
    return new Dialog({
      id: Dialog.idOf(essentials.callId, essentials.fromTag),
      application,
      usage: message.method === 'SUBSCRIBE' ? 'SUBSCRIBE' : 'INVITE',
      callId: essentials.callId,
      localTag: tagOf(to),
      remoteTag: essentials.fromTag ?? '',
      localIdentity: to,
      remoteIdentity: message.headers.first('From') ?? '',
      localCSeq: 0,
      remoteCSeq: essentials.cseq.number,
      routeSet: recordedRoutes(message.headers),
      remoteTarget: contactUri(message.headers) ?? `sip:${formatHostPort(flow.remoteAddress, flow.remotePort)}`,
      localContact: sent.headers.first('Contact'),
      peerFlow: flow,
      isCaller: false,
      peerTakesUpdate: allowsUpdate(message.headers),
      event: message.headers.first('Event'),
    });
  }

  /** The dialog that a response to our `request` makes (section 12.1.2). */
  static ofOutgoing(request: SipRequest, arrival: Arrival<SipResponse>, application: Application): Dialog {
    const from = request.headers.first('From') ?? '';
    const { headers } = arrival.message;
    return new Dialog({
      id: Dialog.idOf(arrival.essentials.callId, arrival.essentials.fromTag),
      application,
      usage: request.method === 'SUBSCRIBE' ? 'SUBSCRIBE' : 'INVITE',
      callId: arrival.essentials.callId,
      localTag: tagOf(from),
      remoteTag: arrival.essentials.toTag ?? '',
      localIdentity: from,
      remoteIdentity: headers.first('To') ?? '',
      localCSeq: parseCSeq(request.headers.first('CSeq') ?? '')?.number ?? 0,
      remoteCSeq: undefined,
      routeSet: recordedRoutes(headers).reverse(),
      remoteTarget: contactUri(headers) ?? request.uri,
      localContact: request.headers.first('Contact'),
      peerFlow: arrival.flow,
      isCaller: true,
      peerTakesUpdate: allowsUpdate(headers),
      event: request.headers.first('Event'),
    });
  }

  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  /** Where a request goes first: the first route, else the remote target. */
  get nextHop(): string {
    const route = this.#routeSet[0];
    return (route === undefined ? undefined : parseNameAddr(route)?.uri) ?? this.#remoteTarget;
  }

  /** Request-URI and Route of a request (section 12.2.1.1); `uri` overrides the remote target. */
  requestRoute(uri = this.#remoteTarget): { uri: string; routes: readonly string[] } {
    const firstUri = this.#routeSet.length === 0 ? undefined : this.nextHop;
    const parsed = firstUri === undefined ? undefined : parseSipUri(firstUri);
    const strict = typeof parsed === 'object' && !parsed.params.has('lr');
    if (firstUri === undefined || !strict) return { uri, routes: this.#routeSet };
    return { uri: firstUri, routes: [...this.#routeSet.slice(1), `<${uri}>`] };
  }

  nextLocalCSeq(): number {
    this.#localCSeq += 1;
    return this.#localCSeq;
  }

  /** Whether a request with this number comes in order (section 12.2.2); it is remembered when it does. */
  acceptRemoteCSeq(number: number): boolean {
    if (this.#remoteCSeq !== undefined && number < this.#remoteCSeq) return false;
    this.#remoteCSeq = number;
    return true;
  }

  /** A target refresh: the peer now wants requests elsewhere (section 12.2). A Contact that is no SIP URI is ignored. */
  refreshTarget(headers: HeaderList): void {
    this.#remoteTarget = contactUri(headers) ?? this.#remoteTarget;
  }

  /** Section 13.2.2.4: the 2xx that confirms an early dialog sets the route set and target anew. */
  confirm(response: Arrival<SipResponse>): void {
    this.state = 'confirmed';
    this.#routeSet = recordedRoutes(response.message.headers).reverse();
    this.refreshTarget(response.message.headers);
    this.peerFlow = response.flow;
    this.peerTakesUpdate ||= allowsUpdate(response.message.headers);
  }

  /**
   * Whether a request of ours must wait: INVITEs and offers for each other (section 14.1, RFC 3311 section 5.1), a BYE for
   * the ACK (section 15).
   */
  mustWait({ method, body }: Pick<SipRequest, 'method' | 'body'>): boolean {
    if (this.state === 'ended') return false;
    if (method === 'BYE') return this.ackWaiters.size > 0;
    const isOffer = method === 'UPDATE' && body.length > 0 && this.state === 'confirmed';
    if (method !== 'INVITE' && !isOffer) return false;
    const inviting = this.ackWaiters.size > 0 || this.pendingInvite !== undefined || this.outgoingInvitePending;
    return inviting || this.unansweredOffer !== undefined;
  }

  /** Runs `task` when an INVITE has settled or the dialog has ended. False when too many wait already. */
  defer(task: () => void): boolean {
    if (this.#deferred.length >= deferredRequestsMax) return false;
    this.#deferred.push(task);
    return true;
  }

  /** The timer dies with the dialog. */
  own(timer: Timer): void {
    this.#timers.push(timer);
  }

  /** Nothing more is sent or awaited; those that wait learn of it. Called by the table, once. */
  end(): void {
    this.state = 'ended';
    this.session?.stop();
    this.subscriptionTimer?.cancel();
    this.pendingInvite?.endWithDialog();
    for (const waiter of [...this.ackWaiters.values()]) waiter.abandon();
    for (const timer of this.#timers) timer.cancel();
    this.release();
  }

  /** An INVITE has settled: those that waited try again, in order. */
  release(): void {
    const tasks = this.#deferred;
    this.#deferred = [];
    this.byeDeferred = false;
    for (const task of tasks) task();
  }
}

/** The tag of a From or To value, else an empty string. */
export function tagOf(value: string): string {
  return parseNameAddr(value)?.params.get('tag') ?? '';
}

function allowsUpdate(headers: HeaderList): boolean {
  return listValues(headers, 'Allow').includes('UPDATE');
}

/** A route that cannot be read leads nowhere. */
function recordedRoutes(headers: HeaderList): string[] {
  return listValues(headers, 'Record-Route').filter((route) => parseNameAddr(route) !== undefined);
}

/** The URI of the first Contact when it is one we can send to. */
function contactUri(headers: HeaderList): string | undefined {
  const uri = parseNameAddr(listValues(headers, 'Contact')[0] ?? '')?.uri;
  return uri !== undefined && typeof parseSipUri(uri) !== 'string' ? uri : undefined;
}
