import type { Socket } from 'node:net';

import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import { readCallerInfo } from './caller-info';
import {
  LegGone,
  type CallerHangUp,
  type CallerInfo,
  type CallerLeg,
  type CallerLegListener,
  type OfferReply,
  type ReferProgress,
} from './caller-leg';
import { EstablishedDialog } from './established-dialog';
import { createGuard, type Guard, type OnSignallingBug } from './guarded';
import { allowedMethods, headerBytesMax, messageBytesMax, respond, retryAfterSeconds, safeHeaders } from './respond';
import { sessionTimerHeaders } from './session-timer';
import { reasonHeader } from './sip-text';
import type { SipHeaders, Srf, SrfDialog, SrfRequest, SrfResponse } from './srf';

//  invited ─▶ answering ─▶ established ─▶ over      (any of the first three may go to over)
type Phase =
  | { state: 'invited' }
  | { state: 'answering'; settle: AnswerSettler; dialog: EstablishedDialog | undefined }
  | { state: 'established'; dialog: EstablishedDialog }
  | { state: 'over' };

interface AnswerSettler {
  resolve(sdp: string | undefined): void;
  reject(gone: Error): void;
}

/** `CallerLeg` over drachtio-srf. */
export class SrfCallerLeg implements CallerLeg {
  readonly info: CallerInfo;
  readonly offer: string | undefined;
  readonly #srf: Srf;
  readonly #req: SrfRequest;
  readonly #res: SrfResponse;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #guard: Guard;
  readonly #onOver: () => void;
  readonly #reliableRinging: boolean;
  readonly #timersAreOurs: boolean;
  #listener: CallerLegListener | undefined;
  #phase: Phase = { state: 'invited' };
  #untold: CallerHangUp | undefined;
  #byeOptions: { reason?: string } = {};
  /** Also after the end: its BYE may be owed. */
  #lastDialog: EstablishedDialog | undefined;

  /** Call it first thing in the INVITE's handler: a CANCEL may stand right behind the INVITE. */
  constructor(options: {
    srf: Srf;
    req: SrfRequest;
    res: SrfResponse;
    offer: string | undefined;
    /** The INVITE says `Require: 100rel` (RFC 3262 section 3). */
    reliableRinging: boolean;
    /** We ask the caller for session timers, because the server leaves that to its application. */
    timersAreOurs: boolean;
    clock: Clock;
    random: Random;
    log: Logger;
    onBug: OnSignallingBug;
    /** The leg needs its link no more. */
    onOver: () => void;
  }) {
    this.#guard = createGuard({ log: options.log, onBug: options.onBug, leg: this });
    this.#srf = options.srf;
    this.#req = options.req;
    this.#res = options.res;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onOver = options.onOver;
    this.#reliableRinging = options.reliableRinging;
    this.#timersAreOurs = options.timersAreOurs;
    this.info = readCallerInfo(options.req);
    this.offer = options.offer;
    options.req.on(
      'cancel',
      this.#guard('CANCEL', () => this.#endedByCaller({ kind: 'cancel' })),
    );
  }

  listen(listener: CallerLegListener): void {
    this.#listener = listener;
    if (this.#untold === undefined) return;
    listener.onHangUp(this.#untold);
    this.#untold = undefined;
  }

  ring(): void {
    if (this.#phase.state !== 'invited') return;
    respond(this.#res, 180, { guard: this.#guard, ...(this.#reliableRinging && { headers: { Require: '100rel' } }) });
  }

  answer(sdp: string): Promise<string | undefined> {
    if (this.#phase.state === 'over') return Promise.reject(new LegGone('the call is over'));
    invariant(this.#phase.state === 'invited', 'a call is answered once');
    invariant(Buffer.byteLength(sdp) <= messageBytesMax, 'an answer fits in one frame of the SIP server');
    return new Promise((resolve, reject) => {
      this.#phase = { state: 'answering', settle: { resolve, reject }, dialog: undefined };
      const timer = this.#timersAreOurs ? sessionTimerHeaders(this.#req) : {};
      const headers = { 'Content-Type': 'application/sdp', Allow: allowedMethods, ...timer };
      const onSent = this.#guard('answer', (failure: unknown, dialog?: SrfDialog) => {
        if (dialog === undefined) this.#notSent(failure);
        else this.#established(dialog, sdp);
      });
      this.#srf.createUAS(this.#req, this.#res, { localSdp: sdp, headers }, onSent);
    });
  }

  reject(status: number, options: { reason?: string; headers?: Record<string, string> } = {}): void {
    invariant(status >= 300 && status < 700, 'a rejection is a final answer other than 2xx');
    if (this.#phase.state === 'over') return;
    invariant(this.#phase.state === 'invited', 'an answered call is hung up, not rejected');
    const headerBytes = Buffer.byteLength(Object.entries(options.headers ?? {}).join(''));
    invariant(headerBytes <= headerBytesMax, 'the headers of a rejection fit in one frame of the SIP server');
    this.#move({ state: 'over' });
    // RFC 3261 section 21.5.4.
    const retry = status === 503 ? { 'Retry-After': retryAfterSeconds(this.#random) } : {};
    respond(this.#res, status, { guard: this.#guard, ...options, headers: { ...retry, ...options.headers } });
  }

  refer(uri: string, onProgress: (progress: ReferProgress) => void): void {
    if (this.#phase.state === 'established') this.#phase.dialog.refer(uri, onProgress);
    else queueMicrotask(this.#guard('REFER', () => onProgress({ kind: 'refused', status: 481 })));
  }

  sendInfo(contentType: string, body: string): Promise<number> {
    if (this.#phase.state !== 'established') return Promise.reject(new LegGone('the call is not answered'));
    return this.#phase.dialog.sendInfo(contentType, body);
  }

  hangUp(options: { reason?: string } = {}): void {
    switch (this.#phase.state) {
      case 'invited': {
        const headers: SipHeaders =
          options.reason === undefined ? {} : safeHeaders({ Reason: reasonHeader(480, options.reason) });
        this.reject(480, { headers });
        return;
      }
      case 'answering': {
        const { settle, dialog } = this.#phase;
        this.#byeOptions = options;
        this.#move({ state: 'over' });
        settle.reject(new LegGone('the call was hung up before the ACK'));
        dialog?.hangUp(options);
        return;
      }
      case 'established':
        this.#phase.dialog.hangUp(options);
        this.#move({ state: 'over' });
        return;
      case 'over':
        return;
    }
  }

  /** The link to the SIP server broke: every dialog that it held is gone. */
  abandon(): void {
    if (this.#phase.state === 'established') this.#phase.dialog.abandon();
    if (this.#phase.state === 'answering') this.#phase.dialog?.abandon();
    this.#endedByCaller({ kind: 'server-gone' });
  }

  /** The connection broke that the dialog was on; what the caller does is no longer told, but it can still be heard. */
  loseServer(): void {
    if (this.#phase.state !== 'established') return;
    this.#phase.dialog.loseServer();
    this.#listener?.onServerLost?.();
  }

  /** There is a connection to its server again; a BYE that could not be sent goes out on it. */
  regainServer(socket: Socket): void {
    this.#lastDialog?.regainServer(socket);
  }

  /** True from the ACK to the end. */
  get established(): boolean {
    return this.#phase.state === 'established';
  }

  /** True until a final answer was sent: srf then still looks for this leg's CANCEL. */
  get invited(): boolean {
    return this.#phase.state === 'invited';
  }

  #established(dialog: SrfDialog, sdp: string): void {
    const established = new EstablishedDialog({
      dialog,
      guard: this.#guard,
      clock: this.#clock,
      random: this.#random,
      role: 'uas',
      timersAreOurs: this.#timersAreOurs,
      last: this.offer === undefined ? undefined : { offer: this.offer, answer: sdp },
      listener: {
        onConfirmed: (answer) => this.#confirmed(established, answer),
        onOffer: (offer) => this.#askForAnswer(offer),
        onAnswer: (answer) => this.#listener?.onAnswer(answer),
        onDigit: (digit) => this.#listener?.onDigit(digit),
        onEnded: (ended) => this.#endedByCaller(ended),
      },
    });
    this.#lastDialog = established;
    if (this.#phase.state === 'answering') this.#phase = { ...this.#phase, dialog: established };
    // The call was hung up while the 200 was on its way: the BYE follows the ACK.
    else established.hangUp(this.#byeOptions);
  }

  #confirmed(dialog: EstablishedDialog, answer: string | undefined): void {
    if (this.#phase.state !== 'answering') return;
    const { settle } = this.#phase;
    this.#phase = { state: 'established', dialog };
    settle.resolve(answer);
  }

  #askForAnswer(offer: string | undefined): Promise<OfferReply> {
    return this.#listener?.onOffer(offer) ?? Promise.resolve({ status: 488 });
  }

  // A CANCEL that crossed our 200 shows only as a refusal to send: srf no longer looks for the INVITE by then.
  #notSent(failure: unknown): void {
    const why = messageOf(failure);
    if (/unknown transaction|Request Terminated|487/i.test(why)) this.#endedByCaller({ kind: 'cancel' });
    else this.#endedByCaller({ kind: 'lost', reason: `the 200 OK could not be sent: ${why}` });
  }

  #endedByCaller(how: CallerHangUp): void {
    const phase = this.#phase;
    if (phase.state === 'over') return;
    this.#move({ state: 'over' });
    if (phase.state === 'answering') phase.settle.reject(new LegGone(`the call is over: ${how.kind}`));
    if (this.#listener === undefined) this.#untold = how;
    else this.#listener.onHangUp(how);
  }

  #move(phase: { state: 'over' }): void {
    this.#phase = phase;
    this.#onOver();
  }
}
