import type { Socket } from 'node:net';

import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Random } from '../runtime/random';
import { LegGone, type ReferProgress } from './caller-leg';
import type { Guard } from './guarded';
import { infoMediaTypes, parseInfo } from './info-digit';
import { OfferExchange, type CompletedExchange, type OfferListener } from './offer-exchange';
import { ReferSubscription } from './refer-subscription';
import { allowedMethods, respond } from './respond';
import { reasonHeader, reasonOf, sdpOf } from './sip-text';
import type { InDialogEvent, SipHeaders, SrfDialog, SrfRequest, SrfResponse } from './srf';
import { moveDialog } from './srf-internals';

/** How the far side, or the server on its behalf, ended a dialog. */
export interface DialogEnded {
  kind: 'bye' | 'lost';
  reason: string | undefined;
}

export interface DialogListener extends OfferListener {
  /** The first ACK of a dialog that we answered, with the SDP it carried. */
  onConfirmed(sdp: string | undefined): void;
  onDigit(digit: string): void;
  /** Told at most once, and not when `hangUp` or `abandon` ended it. */
  onEnded(ended: DialogEnded): void;
}

export type ReinviteResult =
  { kind: 'accepted'; sdp: string | undefined } | { kind: 'refused'; status: number; reason: string };

/** How often a re-INVITE is tried when both sides keep sending one at the same time. */
export const reinviteAttemptsMax = 5;

/** Re-INVITEs that wait for the one in progress. */
export const reinvitesWaitingMax = 4;

interface Waiter {
  cancel: () => void;
}

/** A dialog after its 200 OK, on either side: what both kinds of leg have in common. */
export class EstablishedDialog {
  readonly #dialog: SrfDialog;
  readonly #guard: Guard;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #listener: DialogListener;
  readonly #exchange: OfferExchange;
  readonly #callIdIsOurs: boolean;
  readonly #waiters = new Set<Waiter>();
  #confirmed: boolean;
  #over = false;
  #serverLost = false;
  #byeOwed = false;
  #byeHeaders: SipHeaders = {};
  #reinvites: Promise<unknown> = Promise.resolve();
  #reinvitesWaiting = 0;
  #referred: ReferSubscription | undefined;

  /**
   * Must be made inside srf's callback: the far side's BYE may stand right behind the message that made the dialog, and
   * srf tells of it before any promise continues.
   */
  constructor(options: {
    dialog: SrfDialog;
    guard: Guard;
    clock: Clock;
    random: Random;
    listener: DialogListener;
    role: 'uac' | 'uas';
    timersAreOurs: boolean;
    last: CompletedExchange | undefined;
  }) {
    const { dialog, guard, clock, random, listener, role, timersAreOurs, last } = options;
    this.#dialog = dialog;
    this.#guard = guard;
    this.#clock = clock;
    this.#random = random;
    this.#listener = listener;
    this.#confirmed = role === 'uac';
    this.#callIdIsOurs = role === 'uac';
    this.#exchange = new OfferExchange({ dialog, guard, random, listener, timersAreOurs, last });
    this.#subscribe();
  }

  /** BYE, not awaited: its answer may take 32 s. Before the ACK it waits for that (RFC 3261 section 15). */
  hangUp(options: { reason?: string } = {}): void {
    if (this.#over) return;
    if (options.reason !== undefined) this.#byeHeaders = { Reason: reasonHeader(200, options.reason) };
    this.#end();
    if (this.#confirmed) this.#sendBye();
  }

  /** The connection to the server broke, and the dialog goes on without it: requests of ours fail, our BYE waits. */
  loseServer(): void {
    this.#serverLost = true;
    this.#cancelWaiters();
  }

  /** The server may know the dialog still: it takes requests for it on any connection, but tells of it on none. */
  regainServer(socket: Socket): void {
    moveDialog(this.#dialog, socket);
    this.#serverLost = false;
    if (this.#byeOwed) this.#sendBye();
  }

  /** The link to the server is lost, and the dialog with it. */
  abandon(): void {
    this.#end();
  }

  /**
   * Sends our offer, one at a time in order of calling. Does not use srf's `modify`, which waits for ever after one
   * refusal. Rejects with `LegGone` when the dialog ends first.
   */
  reinvite(sdp: string): Promise<ReinviteResult> {
    if (this.#over) return Promise.reject(new LegGone('the dialog is over'));
    if (this.#reinvitesWaiting >= reinvitesWaitingMax) {
      return Promise.resolve({ kind: 'refused', status: 491, reason: 'too many re-INVITEs wait' });
    }
    this.#reinvitesWaiting += 1;
    const result = this.#reinvites.then(() => this.#reinviteUntilDecided(sdp));
    this.#reinvites = result.then(
      () => (this.#reinvitesWaiting -= 1),
      () => (this.#reinvitesWaiting -= 1),
    );
    return result;
  }

  /** Sends INFO and resolves with the status of its answer. Rejects with `LegGone` when the dialog ends first. */
  async sendInfo(contentType: string, body: string): Promise<number> {
    const response = await this.#transact('INFO', { headers: { 'Content-Type': contentType }, body });
    return response.status;
  }

  /** REFER (RFC 3515). Only the newest is followed. */
  refer(uri: string, onProgress: (progress: ReferProgress) => void): void {
    this.#referred?.close();
    const subscription = new ReferSubscription(onProgress);
    this.#referred = subscription;
    const { contact } = this.#dialog.local;
    const headers = { 'Refer-To': `<${uri}>`, ...(contact !== undefined && { 'Referred-By': contact }) };
    this.#transact('REFER', { headers, body: '' }).then(
      this.#guard('REFER answered', (response: SrfResponse) => subscription.onResponse(response)),
      this.#guard('REFER failed', () => subscription.onResponse({ status: 408 })),
    );
  }

  #subscribe(): void {
    this.#dialog.on(
      'destroy',
      this.#guard('dialog.destroy', (bye: SrfRequest) =>
        this.#endedByFarSide({ kind: bye.source === 'application' ? 'lost' : 'bye', reason: reasonOf(bye) }),
      ),
    );
    this.#dialog.on(
      'ack',
      this.#guard('dialog.ack', (ack: SrfRequest) => this.#onAck(ack)),
    );
    // srf answers 200 to whatever nobody listens for: REFER too, and a re-INVITE with the old SDP.
    this.#answer('modify', (req, res) => this.#exchange.take(req, res));
    this.#answer('update', (req, res) => this.#exchange.take(req, res));
    this.#answer('info', (req, res) => this.#onInfo(req, res));
    this.#answer('refer', (_req, res) => this.#respond(res, 403));
    this.#answer('notify', (req, res) => {
      if (this.#referred === undefined) this.#respond(res, 489);
      else this.#referred.onNotify(req, (status) => this.#respond(res, status));
    });
    this.#answer('options', (_req, res) =>
      this.#respond(res, 200, { Allow: allowedMethods, Accept: 'application/sdp' }),
    );
    this.#answer('message', (_req, res) => this.#respond(res, 405, { Allow: allowedMethods }));
    this.#answer('publish', (_req, res) => this.#respond(res, 405, { Allow: allowedMethods }));
  }

  #answer(event: InDialogEvent, answer: (req: SrfRequest, res: SrfResponse) => unknown): void {
    const listener = (req: SrfRequest, res: SrfResponse): unknown =>
      this.#over ? this.#respond(res, 481) : answer(req, res);
    this.#dialog.on(event, this.#guard(`dialog.${event}`, listener));
  }

  #respond(res: SrfResponse, status: number, headers: SipHeaders = {}): void {
    respond(res, status, { guard: this.#guard, headers });
  }

  #onAck(ack: SrfRequest): void {
    if (this.#confirmed) {
      if (!this.#over) this.#exchange.onAck(ack);
      return;
    }
    this.#confirmed = true;
    if (this.#over) {
      this.#sendBye();
      return;
    }
    const content = sdpOf(ack);
    this.#listener.onConfirmed(content === 'unsupported' ? undefined : content.sdp);
  }

  #onInfo(req: SrfRequest, res: SrfResponse): void {
    const content = parseInfo(req.get('Content-Type'), req.body);
    switch (content.kind) {
      case 'digit':
        this.#respond(res, 200);
        this.#listener.onDigit(content.digit);
        break;
      case 'empty':
        this.#respond(res, 200);
        break;
      case 'malformed':
        this.#respond(res, 400);
        break;
      case 'unsupported':
        this.#respond(res, 415, { Accept: infoMediaTypes });
        break;
    }
  }

  #endedByFarSide(ended: DialogEnded): void {
    if (this.#over) return;
    this.#end();
    this.#listener.onEnded(ended);
  }

  #end(): void {
    this.#over = true;
    this.#referred?.close();
    this.#cancelWaiters();
  }

  #cancelWaiters(): void {
    for (const waiter of this.#waiters) waiter.cancel();
    this.#waiters.clear();
  }

  #sendBye(): void {
    this.#byeOwed = this.#serverLost;
    if (this.#serverLost) return;
    // A failure means that the dialog is gone already, which is what was wanted.
    this.#dialog.destroy(
      { headers: this.#byeHeaders },
      this.#guard('BYE', () => undefined),
    );
  }

  async #reinviteUntilDecided(sdp: string): Promise<ReinviteResult> {
    for (let attempt = 1; attempt <= reinviteAttemptsMax; attempt += 1) {
      if (this.#exchange.busy) {
        await this.#pause();
        continue;
      }
      const response = await this.#sendReinvite(sdp);
      if (response.status < 300) {
        const content = sdpOf(response);
        return { kind: 'accepted', sdp: content === 'unsupported' ? undefined : content.sdp };
      }
      if (response.status !== 491) return this.#refused(response);
      if (attempt < reinviteAttemptsMax) await this.#pause();
    }
    return { kind: 'refused', status: 491, reason: 'Request Pending' };
  }

  async #sendReinvite(sdp: string): Promise<SrfResponse> {
    const { contact } = this.#dialog.local;
    const headers = { 'Content-Type': 'application/sdp', ...(contact !== undefined && { Contact: contact }) };
    this.#exchange.ownOfferOpen = true;
    try {
      return await this.#transact('INVITE', { headers, body: sdp });
    } finally {
      this.#exchange.ownOfferOpen = false;
    }
  }

  #refused(response: SrfResponse): ReinviteResult {
    const { status, reason } = response;
    // RFC 3261 section 12.2.1.2: after these two the far side has no such dialog.
    if ((status === 481 || status === 408) && !this.#over) {
      this.hangUp();
      this.#listener.onEnded({ kind: 'lost', reason: `re-INVITE was answered ${status}` });
    }
    return { kind: 'refused', status, reason };
  }

  // RFC 3261 section 14.1: whoever made the Call-ID waits longer, so that the two sides part.
  #pause(): Promise<void> {
    if (this.#over) return Promise.reject(new LegGone('the dialog is over'));
    const steps = this.#callIdIsOurs ? 210 + this.#random.fraction() * 190 : this.#random.fraction() * 200;
    return new Promise((resolve, reject) => {
      const waiter = this.#wait((gone) => {
        timer.cancel();
        reject(gone);
      });
      const timer = this.#clock.setTimer(Math.round(steps) * 10, () => {
        this.#waiters.delete(waiter);
        resolve();
      });
    });
  }

  #transact(method: 'INVITE' | 'INFO' | 'REFER', content: { headers: SipHeaders; body: string }): Promise<SrfResponse> {
    if (this.#over) return Promise.reject(new LegGone('the dialog is over'));
    return new Promise((resolve, reject) => {
      const waiter = this.#wait(reject);
      const onResponse = this.#guard(`dialog.${method}`, (failure: unknown, response?: SrfResponse) => {
        if (response !== undefined && response.status < 200) return;
        this.#waiters.delete(waiter);
        if (response !== undefined) resolve(response);
        else reject(this.#sendFailed(failure));
      });
      this.#dialog.request({ method, ...content }, onResponse);
    });
  }

  #sendFailed(failure: unknown): Error {
    const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
    if (code === 'EDRACHTIO') return new Error(`the SIP server refused the request: ${messageOf(failure)}`);
    // Their BYE may have crossed our request; a broken socket is told by the link.
    if (code === 'ENODIALOG') this.#endedByFarSide({ kind: 'lost', reason: 'the SIP server no longer has the dialog' });
    return new LegGone('the dialog is gone');
  }

  #wait(reject: (gone: LegGone) => void): Waiter {
    const waiter: Waiter = { cancel: () => reject(new LegGone('the dialog ended')) };
    this.#waiters.add(waiter);
    return waiter;
  }
}
