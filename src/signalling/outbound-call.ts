import type { Socket } from 'node:net';

import type { Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { CalleeLeg, OutboundCallListener, OutboundFailure, PlaceCallOptions } from './callee-leg';
import { LegGone } from './caller-leg';
import { EstablishedDialog, type DialogEnded, type ReinviteResult } from './established-dialog';
import { numericNextHop } from './next-hop';
import { allowedMethods, messageBytesMax, safeHeaders } from './respond';
import type { SipLink } from './sip-link';
import { cleanText, sdpOf } from './sip-text';
import type { SipHeaders, SrfDialog, SrfRequest, SrfResponse } from './srf';

//  calling ─▶ talking ─▶ over       (calling may go to over)
type Phase = { state: 'calling'; timer: Timer } | { state: 'talking'; dialog: EstablishedDialog } | { state: 'over' };

/** Sends an INVITE. Whatever happens is told to `listener`, after this has returned. */
export function placeCall(link: SipLink, options: PlaceCallOptions, listener: OutboundCallListener): OutboundCall {
  return new OutboundCall(link, options, listener);
}

/** A call that we place: one INVITE until the end of its dialog. Made by `placeCall`. */
export class OutboundCall implements CalleeLeg {
  readonly #link: SipLink;
  readonly #listener: OutboundCallListener;
  #detach: () => void;
  #phase: Phase;
  #invite: SrfRequest | undefined;
  #lastDialog: EstablishedDialog | undefined;
  #serverLost = false;
  #sipCallId = '';

  constructor(link: SipLink, options: PlaceCallOptions, listener: OutboundCallListener) {
    invariant(Buffer.byteLength(options.sdp) <= messageBytesMax, 'an offer fits in one frame of the SIP server');
    this.#link = link;
    this.#listener = listener;
    this.#detach = link.attach(this);
    const onTimeout = link.guard('INVITE timeout', () => this.#timedOut());
    this.#phase = { state: 'calling', timer: link.clock.setTimer(options.timeoutMs, onTimeout) };
    if (link.kind === 'embedded' || options.proxy !== undefined) this.#sendNow(options);
    else this.#sendToAddress(options).catch((cause: unknown) => this.#notSent(cause));
  }

  /** Made by the SIP server; an empty string until the INVITE was sent. */
  get sipCallId(): string {
    return this.#sipCallId;
  }

  /** CANCEL before the answer, BYE after it; neither is awaited, and the listener hears nothing more. Twice is fine. */
  hangUp(options: { reason?: string } = {}): void {
    const phase = this.#phase;
    if (phase.state === 'over') return;
    this.#end();
    if (phase.state === 'talking') phase.dialog.hangUp(options);
    else this.#cancel();
  }

  /** A re-INVITE with our offer, after those before it. Rejects with `LegGone` when the call is over or not yet answered. */
  reinvite(sdp: string): Promise<ReinviteResult> {
    invariant(Buffer.byteLength(sdp) <= messageBytesMax, 'an offer fits in one frame of the SIP server');
    if (this.#phase.state !== 'talking') return Promise.reject(new LegGone('the call is not answered'));
    return this.#phase.dialog.reinvite(sdp);
  }

  /** INFO; resolves with the status of its answer. Rejects with `LegGone` when the call is over or not yet answered. */
  sendInfo(contentType: string, body: string): Promise<number> {
    if (this.#phase.state !== 'talking') return Promise.reject(new LegGone('the call is not answered'));
    return this.#phase.dialog.sendInfo(contentType, body);
  }

  /** The link is lost. A call that is talked on outlives it with drachtio-server, as inbound ones do. */
  abandon(): void {
    const phase = this.#phase;
    if (phase.state === 'over') return;
    if (phase.state === 'talking' && this.#link.kind === 'drachtio-server' && this.#link.state !== 'closed') {
      this.#serverLost = true;
      phase.dialog.loseServer();
      this.#detach = this.#link.attach(this);
      return;
    }
    this.#end();
    if (phase.state === 'talking') {
      phase.dialog.abandon();
      this.#listener.onHangUp({ kind: 'server-gone' });
    } else {
      this.#listener.onFailed({ kind: 'server-gone' });
    }
  }

  /** The link is back: a BYE that could not be sent goes out. */
  regain(socket: Socket): void {
    this.#serverLost = false;
    this.#lastDialog?.regainServer(socket);
    if (this.#phase.state === 'over') this.#detach();
  }

  async #sendToAddress(options: PlaceCallOptions): Promise<void> {
    const proxy = await numericNextHop(options.uri);
    if (this.#phase.state === 'calling') this.#sendNow({ ...options, ...(proxy !== undefined && { proxy }) });
  }

  #sendNow(options: PlaceCallOptions): void {
    try {
      this.#send(options);
    } catch (cause) {
      this.#notSent(cause);
    }
  }

  // srf throws when it has no connection.
  #notSent(cause: unknown): void {
    const failure: OutboundFailure = this.#link.connected
      ? { kind: 'not-sent', message: messageOf(cause) }
      : { kind: 'server-gone' };
    queueMicrotask(this.#link.guard('INVITE', () => this.#fail(failure)));
  }

  #send({ uri, sdp, from, headers, proxy }: PlaceCallOptions): void {
    const { srf, guard } = this.#link;
    const allHeaders: SipHeaders = {
      ...safeHeaders(headers ?? {}),
      ...(from !== undefined && safeHeaders({ From: /[<:]/.test(from) ? from : `<sip:${from}@localhost>` })),
      Allow: allowedMethods,
      'Content-Type': 'application/sdp',
    };
    const options = { localSdp: sdp, headers: allHeaders, ...(proxy !== undefined && { proxy }) };
    const progress = {
      cbRequest: guard('INVITE sent', (_failure: unknown, invite?: SrfRequest) => this.#sent(invite)),
      cbProvisional: guard('provisional', (response: SrfResponse) => this.#provisional(response)),
    };
    srf.createUAC(
      uri,
      options,
      progress,
      guard('INVITE answered', (failure: unknown, dialog?: SrfDialog) => {
        if (dialog !== undefined) this.#answered(dialog);
        else this.#fail(failureOf(failure));
      }),
    );
  }

  #sent(invite: SrfRequest | undefined): void {
    this.#invite = invite;
    this.#sipCallId = cleanText(invite?.get('Call-ID') ?? '');
    // It was hung up before there was anything to cancel.
    if (this.#phase.state === 'over') this.#cancel();
  }

  #provisional(response: SrfResponse): void {
    if (this.#phase.state !== 'calling') return;
    const content = sdpOf(response);
    this.#listener.onProvisional(response.status, content === 'unsupported' ? undefined : content.sdp);
  }

  #answered(dialog: SrfDialog): void {
    const established = new EstablishedDialog({
      dialog,
      guard: this.#link.guard,
      clock: this.#link.clock,
      random: this.#link.random,
      role: 'uac',
      timersAreOurs: this.#link.kind === 'drachtio-server',
      last: undefined,
      listener: {
        onConfirmed: () => undefined,
        onOffer: (offer) => this.#listener.onOffer(offer),
        onAnswer: (answer) => this.#listener.onAnswer(answer),
        onDigit: (digit) => this.#listener.onDigit(digit),
        onEnded: (ended) => this.#endedByFarSide(ended),
      },
    });
    this.#lastDialog = established;
    // The 200 crossed our CANCEL (RFC 3261 section 9.1).
    if (this.#phase.state !== 'calling') {
      established.hangUp();
      return;
    }
    const sdp = dialog.remote.sdp ?? '';
    if (sdp.trim() === '') {
      established.hangUp();
      this.#fail({ kind: 'no-sdp' });
      return;
    }
    this.#phase.timer.cancel();
    this.#phase = { state: 'talking', dialog: established };
    this.#listener.onAnswered(sdp);
  }

  #endedByFarSide(ended: DialogEnded): void {
    if (this.#phase.state !== 'talking') return;
    this.#end();
    this.#listener.onHangUp(ended);
  }

  #timedOut(): void {
    this.#cancel();
    this.#fail({ kind: 'timeout' });
  }

  #cancel(): void {
    // A refusal means that the final answer is already here or on its way.
    this.#invite?.cancel(this.#link.guard('CANCEL', () => undefined));
  }

  #fail(failure: OutboundFailure): void {
    if (this.#phase.state !== 'calling') return;
    this.#end();
    this.#listener.onFailed(failure);
  }

  #end(): void {
    if (this.#phase.state === 'calling') this.#phase.timer.cancel();
    this.#phase = { state: 'over' };
    if (!this.#serverLost) this.#detach();
  }
}

function failureOf(failure: unknown): OutboundFailure {
  if (failure instanceof Error && 'status' in failure && typeof failure.status === 'number') {
    const reason = 'reason' in failure && typeof failure.reason === 'string' ? cleanText(failure.reason) : '';
    return { kind: 'rejected', status: failure.status, reason };
  }
  return { kind: 'not-sent', message: messageOf(failure) };
}
