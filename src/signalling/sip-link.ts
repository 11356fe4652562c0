import { withDeadline, type Clock } from '../runtime/clock';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { CallHandler } from './caller-leg';
import { createGuard, type Guard, type OnSignallingBug } from './guarded';
import { allowedMethods, headerBytesMax, respond, retryAfterSeconds } from './respond';
import { addressLengthMax, parseNameAddress, sdpOf } from './sip-text';
import {
  canParse,
  createSrf,
  forgetDialogs,
  restorePendingInvite,
  sendPing,
  stopSrf,
  type RoutedMethod,
  type SipHeaders,
  type Srf,
  type SrfRequest,
  type SrfRequestHandler,
  type SrfResponse,
} from './srf';
import { SrfCallerLeg } from './srf-caller-leg';

//  idle ─▶ connecting ─▶ connected ◀─▶ lost      refused: the secret is wrong; closed: from any state, for good
export type LinkState = 'idle' | 'connecting' | 'connected' | 'lost' | 'refused' | 'closed';

export type SipLinkErrorCode = 'auth-failed' | 'unreachable' | 'closed';

/** The SIP server could not be used. */
export class SipLinkError extends Error {
  override readonly name = 'SipLinkError';
  constructor(
    readonly code: SipLinkErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Where a SIP server with drachtio-server's admin protocol listens. */
export interface SipServerAddress {
  host: string;
  port: number;
  secret: string;
}

export interface SipLinkOptions {
  server: SipServerAddress;
  clock: Clock;
  random: Random;
  log: Logger;
  onBug: OnSignallingBug;
  /** Undefined: calls are answered 480. Must not throw. */
  onCall?: CallHandler;
  onState?: (state: LinkState) => void;
}

/** Something that lives on the link and dies with it. */
export interface LinkPart {
  abandon(): void;
}

/** Milliseconds between two attempts to get a lost link back, at most: srf's own back-off has no bound. */
const retryDelayMaxMs = 2_000;

/**
 * One connection to one SIP server, embedded or drachtio-server, that comes back when it is lost. Calls in progress die
 * with it: the server ends their dialogs or forgets them.
 */
export class SipLink {
  readonly srf: Srf = createSrf();
  readonly guard: Guard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** While false, new calls and OPTIONS get 503, so that balancers look elsewhere. */
  accepting = true;
  readonly #options: SipLinkOptions;
  readonly #legs = new Map<string, { leg: SrfCallerLeg; req: SrfRequest; res: SrfResponse }>();
  readonly #parts = new Set<LinkPart>();
  #state: LinkState = 'idle';
  #connecting: { resolve: () => void; reject: (error: SipLinkError) => void } | undefined;
  #lastError = 'no answer';
  #unanswerable = 0;
  #closed: Promise<void> | undefined;

  constructor(options: SipLinkOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.random = options.random;
    this.log = options.log;
    this.guard = createGuard(options);
    // Handlers come before `connect`: srf repeats every route to the server for each one that is added later.
    this.#routeRequests();
    this.#watchConnection();
  }

  get state(): LinkState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** Inbound calls that are not over. */
  get legs(): number {
    return this.#legs.size;
  }

  /** Requests whose headers are too long for any answer to pass the server. */
  get unanswerable(): number {
    return this.#unanswerable;
  }

  /**
   * Keeps trying until `deadlineMs`. Rejects with `SipLinkError` (`auth-failed` at once, else `unreachable`), and the link
   * is then closed.
   */
  async connect(options: { deadlineMs: number }): Promise<void> {
    invariant(this.#state === 'idle', 'a link connects once');
    this.#move('connecting');
    const { host, port, secret } = this.#options.server;
    const connected = new Promise<void>((resolve, reject) => (this.#connecting = { resolve, reject }));
    this.srf.connect({ host, port, secret, reconnect: { retryMaxDelay: retryDelayMaxMs } });
    const onTimeout = (): Error =>
      new SipLinkError(
        'unreachable',
        `no SIP server at ${host}:${port} in ${options.deadlineMs} ms: ${this.#lastError}`,
      );
    try {
      await withDeadline(this.clock, options.deadlineMs, connected, onTimeout);
    } catch (cause) {
      await this.close();
      throw cause;
    }
  }

  /** Round trip to the SIP server in milliseconds. Rejects with `SipLinkError` after `deadlineMs` without a sign of life. */
  async ping(options: { deadlineMs: number }): Promise<number> {
    const sentAtMs = this.clock.now();
    const unreachable = (): SipLinkError => new SipLinkError('unreachable', 'the SIP server does not answer pings');
    let detach = (): void => undefined;
    const pong = new Promise<number>((resolve, reject) => {
      detach = this.attach({ abandon: () => reject(unreachable()) });
      const onPong = this.guard('ping', () => resolve(this.clock.now() - sentAtMs));
      if (!this.connected || !sendPing(this.srf, onPong)) reject(unreachable());
    });
    try {
      return await withDeadline(this.clock, options.deadlineMs, pong, unreachable);
    } finally {
      detach();
    }
  }

  /** Tells `part` when the link is lost; returns how to stop that. */
  attach(part: LinkPart): () => void {
    this.#parts.add(part);
    return () => void this.#parts.delete(part);
  }

  /**
   * Asks for no more new calls, so that they go to the server's other applications; those that come meanwhile get 503.
   * Calls in progress go on. For the embedded server: drachtio-server would take back every method.
   */
  leaveRotation(): void {
    this.accepting = false;
    this.guard('leaving the rotation', () => {
      for (const method of ['invite', 'options'] as const) this.srf.unregisterForMessages(method);
    })();
  }

  /**
   * Ends the connection; what still lives on it is told that the server is gone. Resolves when the socket is closed.
   * Twice is fine.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #close(): Promise<void> {
    this.#move('closed');
    this.#connecting?.reject(new SipLinkError('closed', 'the link was closed'));
    this.#connecting = undefined;
    this.#abandonAll();
    return stopSrf(this.srf, this.clock);
  }

  #watchConnection(): void {
    this.srf.on(
      'connect',
      this.guard('connect', (refusal: Error | null | undefined) => this.#onConnect(refusal ?? undefined)),
    );
    // Without this listener an unreachable server would end the process.
    this.srf.on(
      'error',
      this.guard('error', (error: Error) => {
        this.#lastError = error.message;
        this.log.debug({ message: error.message }, 'connection to the SIP server failed');
      }),
    );
    this.srf.on(
      'close',
      this.guard('close', () => this.#onClose()),
    );
  }

  #onConnect(refusal: Error | undefined): void {
    if (this.#state === 'closed') {
      void stopSrf(this.srf, this.clock);
      return;
    }
    const { host, port } = this.#options.server;
    if (refusal !== undefined) {
      if (this.#state !== 'refused') this.log.error({ host, port }, 'the SIP server refused our secret');
      this.#move('refused');
      this.#connecting?.reject(new SipLinkError('auth-failed', `the SIP server at ${host}:${port} refused the secret`));
    } else {
      this.log.info({ host, port }, 'connected to the SIP server');
      this.#move('connected');
      this.#connecting?.resolve();
    }
    this.#connecting = undefined;
  }

  #onClose(): void {
    if (this.#state !== 'connected') return;
    this.log.error({ legs: this.#legs.size, lastError: this.#lastError }, 'lost the SIP server');
    this.#move('lost');
    this.#abandonAll();
  }

  #abandonAll(): void {
    const parts: LinkPart[] = [...[...this.#legs.values()].map(({ leg }) => leg), ...this.#parts];
    this.#legs.clear();
    this.#parts.clear();
    for (const part of parts) this.guard('link lost', () => part.abandon())();
    forgetDialogs(this.srf);
  }

  #move(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState?.(state);
  }

  #routeRequests(): void {
    this.#route('invite', (req, res) => this.#onInvite(req, res));
    this.#route('options', (_req, res) => this.#onOptions(res));
    for (const method of ['register', 'subscribe', 'publish', 'message'] as const) {
      this.#route(method, (_req, res) => this.#respond(res, 405, { Allow: allowedMethods }));
    }
    for (const method of ['info', 'notify', 'update'] as const) {
      this.#route(method, (_req, res) => this.#respond(res, 481));
    }
    // A stranger must not make us place calls.
    this.#route('refer', (_req, res) => this.#respond(res, 403));
    // What remains belongs to dialogs that are gone. An ACK is never answered; srf answers PRACK itself.
    const leftOver: SrfRequestHandler = (req, res, next) => {
      if (req.method === 'PRACK') next();
      else if (req.method !== 'ACK') this.#respond(res, 481);
    };
    this.srf.use(this.guard('request', leftOver));
  }

  #route(method: RoutedMethod, handle: (req: SrfRequest, res: SrfResponse) => void): void {
    const where = method.toUpperCase();
    const safely = (req: SrfRequest, res: SrfResponse): void => {
      if (!this.#answerable(req)) return;
      try {
        handle(req, res);
      } catch (cause) {
        this.#respond(res, 500);
        throw cause;
      }
    };
    this.srf.use(method, this.guard(where, safely));
  }

  /**
   * Every answer repeats these headers, and the server would choke on it. The sender's own transaction times out, as it
   * would with a server that drops oversized messages.
   */
  #answerable(req: SrfRequest): boolean {
    const copied = ['From', 'To', 'Call-ID', 'CSeq'].map((name) => req.get(name) ?? '');
    if (Buffer.byteLength(copied.join('')) <= headerBytesMax) return true;
    this.#unanswerable += 1;
    this.log.warn(
      { sourceAddress: req.source_address, method: req.method },
      'dropped a request with oversized headers',
    );
    return false;
  }

  #onOptions(res: SrfResponse): void {
    if (this.accepting) this.#respond(res, 200, { Allow: allowedMethods, Accept: 'application/sdp' });
    else this.#unavailable(res);
  }

  #onInvite(req: SrfRequest, res: SrfResponse): void {
    const sipCallId = req.get('Call-ID') ?? '';
    const known = this.#legs.get(sipCallId);
    const content = sdpOf(req);
    const required = requiredExtensions(req);
    const unsupported = required.filter((extension) => extension !== '100rel');
    const refuse = (status: number, headers?: SipHeaders): void => this.#respond(res, status, headers);

    if (known !== undefined) this.#refuseMerged(res, sipCallId, known);
    else if (parseNameAddress(req.get('To') ?? '')?.params.has('tag')) refuse(481);
    // srf would send a 200 and then fail.
    else if (!canFormDialog(req)) refuse(400);
    else if (!this.accepting) this.#unavailable(res);
    else if (unsupported.length > 0) refuse(420, { Unsupported: unsupported.join(', ') });
    else if (content === 'unsupported') refuse(415, { Accept: 'application/sdp' });
    else if (this.#options.onCall === undefined) refuse(480);
    else this.#takeCall(req, res, { sipCallId, offer: content.sdp, reliableRinging: required.includes('100rel') });
  }

  /** RFC 3261 section 8.2.2.2: the same call by another path. srf tells INVITEs apart by Call-ID alone. */
  #refuseMerged(
    res: SrfResponse,
    sipCallId: string,
    known: { leg: SrfCallerLeg; req: SrfRequest; res: SrfResponse },
  ): void {
    this.#respond(res, 482);
    if (known.leg.invited) restorePendingInvite(this.srf, sipCallId, { req: known.req, res: known.res });
  }

  #takeCall(
    req: SrfRequest,
    res: SrfResponse,
    call: { sipCallId: string; offer: string | undefined; reliableRinging: boolean },
  ): void {
    const { clock, random, onBug, onCall } = this.#options;
    const leg = new SrfCallerLeg({
      srf: this.srf,
      req,
      res,
      offer: call.offer,
      reliableRinging: call.reliableRinging,
      clock,
      random,
      log: this.log,
      onBug,
      onOver: () => this.#legs.delete(call.sipCallId),
    });
    this.#legs.set(call.sipCallId, { leg, req, res });
    try {
      onCall?.(leg);
    } catch (cause) {
      if (leg.invited) leg.reject(500);
      else leg.hangUp();
      onBug({ where: 'INVITE', cause, leg });
    }
  }

  #unavailable(res: SrfResponse): void {
    this.#respond(res, 503, { 'Retry-After': String(retryAfterSeconds) });
  }

  #respond(res: SrfResponse, status: number, headers: SipHeaders = {}): void {
    respond(res, status, { guard: this.guard, headers });
  }
}

/** RFC 3261 section 12.1.1 needs these; srf reads them when the 200 is already on its way. */
function canFormDialog(invite: SrfRequest): boolean {
  const addresses = ['From', 'To', 'Contact'];
  // srf's own parser takes time that grows with the square of the length.
  const readable = addresses.every((name) => {
    const value = invite.get(name) ?? '';
    return value.length <= addressLengthMax && parseNameAddress(value) !== undefined;
  });
  return readable && canParse(invite, addresses);
}

function requiredExtensions(invite: SrfRequest): string[] {
  const names = (invite.get('Require') ?? '').split(',', 20).map((name) => name.trim().toLowerCase());
  return names.filter((name) => /^[a-z0-9.-]{1,40}$/.test(name));
}
