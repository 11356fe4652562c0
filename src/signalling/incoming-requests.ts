import type { Socket } from 'node:net';

import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { CallHandler } from './caller-leg';
import type { Guard, OnSignallingBug } from './guarded';
import { canFormDialog, requiredExtensions, whyUnanswerable } from './invite-checks';
import { allowedMethods, respond, retryAfterSeconds } from './respond';
import { tooShortSession } from './session-timer';
import type { SipServerKind } from './sip-server-address';
import { parseNameAddress, sdpOf } from './sip-text';
import type { RoutedMethod, SipHeaders, Srf, SrfRequest, SrfRequestHandler, SrfResponse } from './srf';
import { SrfCallerLeg } from './srf-caller-leg';
import { forgetDialogs, restorePendingInvite } from './srf-internals';

export interface IncomingRequestsOptions {
  srf: Srf;
  kind: SipServerKind;
  guard: Guard;
  clock: Clock;
  random: Random;
  log: Logger;
  onBug: OnSignallingBug;
  /** Undefined: calls are answered 480. Must not throw. */
  onCall: CallHandler | undefined;
  /** False: new calls and OPTIONS get 503, so that balancers look elsewhere. */
  accepting: () => boolean;
  /** True: OPTIONS get 503; a call is still handed over, and whoever takes it refuses it with a record. */
  full: () => boolean;
  /** Nothing more will come of a request: its answer was written, or the call that it began is over. */
  onDone?: (socket: Socket, began: 'call' | 'nothing') => void;
}

/** Session timers are kept by the server, of either kind. */
const supportedExtensions = ['100rel', 'timer'];

interface KnownLeg {
  leg: SrfCallerLeg;
  req: SrfRequest;
  res: SrfResponse;
}

/** What a SIP server routes to us outside of dialogs: answered here, except for calls, which are handed on. */
export class IncomingRequests {
  readonly #options: IncomingRequestsOptions;
  readonly #legs = new Map<string, KnownLeg>();
  /** Legs whose connection broke while they talked, and which go on without. */
  readonly #orphans = new Set<SrfCallerLeg>();
  #unanswerable = 0;

  /** Registers every handler: before srf gets its first connection, or each would be asked for twice. */
  constructor(options: IncomingRequestsOptions) {
    this.#options = options;
    this.#routeRequests();
  }

  /** Inbound calls that are not over. */
  get legs(): number {
    return this.#legs.size;
  }

  /** Requests that were dropped because no answer to them may go through the server. */
  get unanswerable(): number {
    return this.#unanswerable;
  }

  /** Whether a call that is not over came through this connection. */
  hasCallOn(socket: Socket): boolean {
    return [...this.#legs.values()].some(({ req }) => req.socket === socket);
  }

  /**
   * A connection broke. An embedded server ends what came through it. drachtio-server just no longer tells of it, or is
   * gone itself: a call that was answered talks on, and its end is noticed by its media.
   */
  connectionLost(socket: Socket): void {
    const { guard, srf, kind } = this.#options;
    for (const { leg, req } of [...this.#legs.values()]) {
      if (req.socket !== socket) continue;
      const orphaned = kind === 'drachtio-server' && leg.established;
      if (orphaned) this.#orphans.add(leg);
      guard('link lost', () => (orphaned ? leg.loseServer() : leg.abandon()))();
    }
    forgetDialogs(srf, socket);
  }

  /** The server, or a new one in its place, is there again: a call that it still knows can be hung up. */
  connectionRegained(socket: Socket): void {
    for (const leg of this.#orphans) this.#options.guard('link regained', () => leg.regainServer(socket))();
    this.#orphans.clear();
  }

  /** The link is closed for good, and every call with it. */
  abandonAll(): void {
    const legs = [...this.#legs.values()];
    this.#legs.clear();
    this.#orphans.clear();
    for (const { leg } of legs) this.#options.guard('link closed', () => leg.abandon())();
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
    this.#options.srf.use(this.#options.guard('request', leftOver));
  }

  #route(method: RoutedMethod, handle: (req: SrfRequest, res: SrfResponse) => void): void {
    const where = method.toUpperCase();
    const safely = (req: SrfRequest, res: SrfResponse): void => {
      if (!this.#isAnswerable(req)) return;
      try {
        handle(req, res);
      } catch (cause) {
        this.#respond(res, 500);
        throw cause;
      } finally {
        if (this.#legs.get(req.get('Call-ID') ?? '')?.req !== req) this.#options.onDone?.(req.socket, 'nothing');
      }
    };
    this.#options.srf.use(method, this.#options.guard(where, safely));
  }

  #isAnswerable(req: SrfRequest): boolean {
    const why = whyUnanswerable(req, this.#options.kind);
    if (why === undefined) return true;
    this.#unanswerable += 1;
    const { source_address: sourceAddress, method } = req;
    this.#options.log.warn({ sourceAddress, method, why }, 'dropped a request that must not be answered');
    this.#options.onDone?.(req.socket, 'nothing');
    return false;
  }

  #onOptions(res: SrfResponse): void {
    const { accepting, full } = this.#options;
    if (accepting() && !full()) this.#respond(res, 200, { Allow: allowedMethods, Accept: 'application/sdp' });
    else this.#unavailable(res);
  }

  #onInvite(req: SrfRequest, res: SrfResponse): void {
    const sipCallId = req.get('Call-ID') ?? '';
    const known = this.#legs.get(sipCallId);
    const content = sdpOf(req);
    const required = requiredExtensions(req);
    const unsupported = required.filter((extension) => !supportedExtensions.includes(extension));
    const tooShort = this.#options.kind === 'drachtio-server' ? tooShortSession(req) : undefined;
    const refuse = (status: number, headers?: SipHeaders): void => this.#respond(res, status, headers);

    if (known !== undefined) this.#refuseMerged(res, sipCallId, known);
    else if (parseNameAddress(req.get('To') ?? '')?.params.has('tag')) refuse(481);
    // srf would send a 200 and then fail.
    else if (!canFormDialog(req)) refuse(400);
    else if (!this.#options.accepting()) this.#unavailable(res);
    else if (unsupported.length > 0) refuse(420, { Unsupported: unsupported.join(', ') });
    // The embedded server has its own say in this.
    else if (tooShort !== undefined) refuse(422, tooShort);
    else if (content === 'unsupported') refuse(415, { Accept: 'application/sdp' });
    else if (this.#options.onCall === undefined) refuse(480);
    else this.#takeCall(req, res, { sipCallId, offer: content.sdp, reliableRinging: required.includes('100rel') });
  }

  /** RFC 3261 section 8.2.2.2: the same call by another path. srf tells INVITEs apart by Call-ID alone. */
  #refuseMerged(res: SrfResponse, sipCallId: string, known: KnownLeg): void {
    this.#respond(res, 482);
    if (!known.leg.invited) return;
    restorePendingInvite(this.#options.srf, sipCallId, { req: known.req, res: known.res });
  }

  #takeCall(
    req: SrfRequest,
    res: SrfResponse,
    call: { sipCallId: string; offer: string | undefined; reliableRinging: boolean },
  ): void {
    const { srf, clock, random, log, onBug, onCall, kind, onDone } = this.#options;
    const leg: SrfCallerLeg = new SrfCallerLeg({
      srf,
      req,
      res,
      offer: call.offer,
      reliableRinging: call.reliableRinging,
      timersAreOurs: kind === 'drachtio-server',
      clock,
      random,
      log,
      onBug,
      onOver: () => {
        this.#legs.delete(call.sipCallId);
        onDone?.(req.socket, 'call');
      },
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
    this.#respond(res, 503, { 'Retry-After': retryAfterSeconds(this.#options.random) });
  }

  #respond(res: SrfResponse, status: number, headers: SipHeaders = {}): void {
    respond(res, status, { guard: this.#options.guard, headers });
  }
}
