import type { Timer } from '../runtime/clock';
import type { AgentContext } from './agent-context';
import type { Application } from './application';
import type { ClientFailure, ClientTransactionUser, InviteClientTransaction } from './client-transaction';
import { composeReply } from './compose-response';
import { Dialog, tagOf } from './dialog';
import { parseCSeq } from './header-values';
import type { OutgoingOptions } from './outgoing-request';
import { composeFailure, losesSession, lostSessionText } from './outgoing-request';
import { timerCMs, transactionLimitMs } from './retransmitter';
import { parseDecimal } from './scanner';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';
import { HeaderList } from './header-list';

/** Parties that may answer one INVITE: every further one would be a dialog of a stranger's making. */
export const forksMax = 16;

/** One answer to the INVITE: forking proxies make several (section 13.2.2.4). */
interface Fork {
  readonly dialog: Dialog;
  /** The last reliable provisional response that was passed on (RFC 3262 section 4). */
  rseq: number | undefined;
  answered: boolean;
  /** The application was told that it answered; it is never told of another. */
  isReported?: boolean;
  /** Its 2xx names no place to send requests to, which srf takes for a failure. */
  lacksContact?: boolean;
  ack: { message: SipRequest; flow: Flow } | undefined;
}

interface OutgoingInviteOptions extends OutgoingOptions {
  readonly application: Application;
  readonly flow: Flow;
  /** Sends a CANCEL for the request, with headers of the application's. */
  sendCancel(extra: HeaderList): void;
  /** Composes and sends an ACK for a 2xx in `dialog`; `done` gets what was sent, unless it has nowhere to go. */
  sendAck(
    dialog: Dialog,
    template: SipRequest,
    cseq: number,
    done: (sent: { message: SipRequest; bytes: Buffer; flow: Flow } | undefined) => void,
  ): void;
}

/**
 * An INVITE of the application's, new or in a dialog, until its transaction is gone.
 *
 *   pending ─▶ answered        (a 2xx; its repetitions get the ACK again)
 *      └─────▶ failed
 */
export class OutgoingInvite implements ClientTransactionUser {
  readonly dialogId: string;
  readonly application: Application;
  readonly #options: OutgoingInviteOptions;
  readonly #context: AgentContext;
  readonly #forks = new Map<string, Fork>();
  #transaction: InviteClientTransaction | undefined;
  #state: 'pending' | 'answered' | 'failed' = 'pending';
  /** `wanted` waits for a provisional response (section 9.1). */
  #cancel: { state: 'none' } | { state: 'wanted'; extra: HeaderList } | { state: 'sent' } = { state: 'none' };
  /** Nobody is there to ACK: whatever answers is acknowledged and hung up. */
  #orphanText: string | undefined;
  #timer: Timer | undefined;

  constructor(options: OutgoingInviteOptions) {
    const { request, dialog } = options;
    this.#options = options;
    this.#context = options.context;
    this.application = options.application;
    if (dialog !== undefined) {
      dialog.outgoingInvitePending = true;
      dialog.unansweredOffer = this.#hasOffer ? 'ours' : undefined;
      this.#forks.set(dialog.remoteTag, { dialog, rseq: undefined, answered: false, ack: undefined });
    }
    this.dialogId =
      dialog?.id ?? Dialog.idOf(request.headers.first('Call-ID') ?? '', tagOf(request.headers.first('From') ?? ''));
  }

  /** False for a re-INVITE. */
  get #isFirst(): boolean {
    return this.#options.dialog === undefined;
  }

  get #hasOffer(): boolean {
    return this.request.body.length > 0;
  }

  get state(): 'pending' | 'answered' | 'failed' {
    return this.#state;
  }

  get request(): SipRequest {
    return this.#options.request;
  }

  get flow(): Flow {
    return this.#options.flow;
  }

  /** Whether the application still waits for an answer to it. */
  get isWanted(): boolean {
    return this.#state === 'pending' && this.#cancel.state === 'none' && this.#orphanText === undefined;
  }

  get #cseq(): number {
    return parseCSeq(this.request.headers.first('CSeq') ?? '')?.number ?? 0;
  }

  /** Called right after the transaction was started; again when the request was sent once more. */
  attach(transaction: InviteClientTransaction): void {
    this.#transaction = transaction;
    this.#removeUnanswered();
    this.#restartTimerC();
  }

  onResponse(arrival: Arrival<SipResponse>): void {
    const { status } = arrival.message;
    if (status < 200) this.#onProvisional(arrival);
    else if (status < 300) this.#onAnswer(arrival);
    else this.#fail(arrival.message, arrival);
  }

  onFailure(failure: ClientFailure): void {
    this.#fail(composeFailure(this.request, failure), undefined);
  }

  onTerminated(): void {
    this.#timer?.cancel();
    this.#removeUnanswered();
    for (const { dialog, answered, isReported, ack } of this.#forks.values()) {
      // Without an ACK the peer has given up by now, or will never know that we have.
      if (!answered || ack !== undefined) continue;
      if (isReported === true) this.#context.hangUp(dialog, 'no ACK from application');
      else this.#context.hangUpUnheard(dialog, 'no ACK was sent');
    }
    this.#options.onTerminated(this.#options.transactionId);
  }

  /** Sends a CANCEL, at once or with the first provisional response. False when it is too late. */
  cancel(extra: HeaderList): boolean {
    if (this.#state !== 'pending') return false;
    if (this.#cancel.state !== 'none') return true;
    this.#cancel = { state: 'wanted', extra };
    if (this.#transaction?.state === 'proceeding') this.#sendCancel(extra);
    return true;
  }

  /** The application is gone: cancel, or acknowledge and hang up what has answered. */
  orphan(text: string): void {
    this.#orphanText = text;
    this.cancel(new HeaderList());
    for (const fork of this.#forks.values()) {
      if (fork.answered && fork.ack === undefined) this.#acknowledgeAndHangUp(fork.dialog, text);
    }
  }

  /** The dialog whose provisional response a PRACK of the application acknowledges, or the one that was answered. */
  dialogForPrack(rseq: number | undefined): Dialog | undefined {
    const forks = [...this.#forks.values()].reverse();
    return (forks.find((fork) => rseq !== undefined && fork.rseq === rseq) ?? forks[0])?.dialog;
  }

  /** Sends the application's ACK for the 2xx, and keeps it for repetitions of that 2xx. */
  acknowledge(template: SipRequest, done: (sent: { bytes: Buffer; flow: Flow } | undefined) => void): void {
    const fork = [...this.#forks.values()].find((candidate) => candidate.isReported === true);
    if (fork === undefined) {
      done(undefined);
      return;
    }
    this.#options.sendAck(fork.dialog, template, this.#cseq, (sent) => {
      if (sent !== undefined) fork.ack = sent;
      fork.dialog.unansweredOffer = undefined;
      if (template.body.length > 0) fork.dialog.localDescription = template.body;
      done(sent);
      fork.dialog.release();
      // Also when the 2xx came before there was anything to cancel.
      if (this.#cancel.state !== 'none') this.#context.hangUp(fork.dialog, 'ACK-BYE due to cancel race condition');
      else if (fork.lacksContact === true) this.#context.hangUp(fork.dialog, 'no Contact in answer');
    });
  }

  #onProvisional(arrival: Arrival<SipResponse>): void {
    if (this.#cancel.state === 'wanted') this.#sendCancel(this.#cancel.extra);
    else this.#restartTimerC();
    if (arrival.message.status === 100) return;
    const fork = this.#forkOf(arrival);
    const rseq = parseDecimal(arrival.message.headers.first('RSeq') ?? '', 0xffff_ffff);
    if (fork !== undefined && rseq !== undefined) {
      // RFC 3262 section 4: repetitions are absorbed, and so is what comes out of order.
      if (fork.rseq !== undefined && rseq !== fork.rseq + 1) return;
      fork.rseq = rseq;
      this.#noteDescription(fork.dialog, arrival.message);
    }
    this.#report(arrival.message, arrival);
  }

  #onAnswer(arrival: Arrival<SipResponse>): void {
    const fork = this.#forkOf(arrival);
    if (fork === undefined) return;
    if (fork.answered) {
      if (fork.ack !== undefined) this.#context.sendOnce(fork.ack.message, fork.ack.flow);
      return;
    }
    fork.answered = true;
    fork.lacksContact = this.#isFirst && !arrival.message.headers.has('Contact');
    this.#noteDescription(fork.dialog, arrival.message);
    const hasEnded = fork.dialog.state === 'ended';
    if (this.#isFirst && !hasEnded) fork.dialog.confirm(arrival);
    else fork.dialog.refreshTarget(arrival.message.headers);
    if (this.#state !== 'pending') {
      this.#context.stats.extraForksHungUp += 1;
      this.#acknowledgeAndHangUp(fork.dialog, 'another branch answered');
      return;
    }
    // A BYE has overtaken the answer, which wants its ACK all the same (section 13.2.2.4).
    if (hasEnded) this.#acknowledgeAndHangUp(fork.dialog, 'call has ended');
    if (hasEnded && this.#isFirst) {
      // For the application there was no call that the BYE could have ended.
      this.#fail(composeReply(this.request, { status: 487, reason: 'Request Terminated' }), undefined);
      return;
    }
    this.#timer?.cancel();
    this.#state = 'answered';
    fork.isReported = true;
    for (const other of this.#forks.values()) other.dialog.isUnheard = other !== fork;
    this.#context.dialogs.prefer(fork.dialog);
    if (this.#isFirst) this.#context.cdr.startDialog(fork.dialog, 'network', 'uac', arrival.message);
    if (this.#hasOffer) fork.dialog.localDescription = this.request.body;
    this.#context.sessions.noteAnswer(fork.dialog, this.request, arrival.message);
    if (this.#orphanText !== undefined) this.#acknowledgeAndHangUp(fork.dialog, this.#orphanText);
    else this.#report(arrival.message, arrival);
    this.#settleDialog();
  }

  #fail(response: SipResponse, arrival: Arrival<SipResponse> | undefined): void {
    this.#timer?.cancel();
    this.#state = 'failed';
    this.#removeUnanswered();
    if (this.#isFirst) {
      const source = arrival === undefined ? 'application' : 'network';
      this.#context.cdr.stop(source, response.status === 487 ? 'call-canceled' : 'call-rejected', response);
    }
    this.#report(response, arrival);
    this.#settleDialog();
    const { dialog } = this.#options;
    if (dialog !== undefined && losesSession(response.status)) this.#context.hangUp(dialog, lostSessionText);
  }

  /** The fork of a response, made when it is new and has a tag or is a 2xx. */
  #forkOf(arrival: Arrival<SipResponse>): Fork | undefined {
    const { essentials, message } = arrival;
    const tag = essentials.toTag ?? '';
    // Inside a dialog there is one answer only, whatever tag a poor peer gives it.
    const known = this.#forks.get(this.#options.dialog?.remoteTag ?? tag);
    if (known !== undefined || (tag === '' && message.status < 200)) return known;
    if (this.#forks.size >= forksMax && !(message.status >= 200 && this.#makeRoom())) {
      this.#context.stats.forksRefused += 1;
      return undefined;
    }
    const dialog = Dialog.ofOutgoing(this.request, arrival, this.application);
    const fork: Fork = { dialog, rseq: undefined, answered: false, ack: undefined };
    dialog.unansweredOffer = this.#hasOffer ? 'ours' : undefined;
    this.#forks.set(tag, fork);
    dialog.isUnheard = this.#state !== 'pending';
    this.#context.dialogs.add(dialog);
    return fork;
  }

  /** Who has answered matters more than who only rings. */
  #makeRoom(): boolean {
    for (const [tag, { answered, dialog }] of this.#forks) {
      if (answered) continue;
      this.#forks.delete(tag);
      this.#context.dialogs.remove(dialog);
      return true;
    }
    return false;
  }

  /** Our own ACK, then BYE. The application is gone, or talks to another fork. */
  #acknowledgeAndHangUp(dialog: Dialog, text: string): void {
    const template: SipRequest = {
      kind: 'request',
      method: 'ACK',
      uri: '',
      headers: new HeaderList(),
      body: emptyBody,
    };
    const fork = this.#forks.get(dialog.remoteTag);
    this.#options.sendAck(dialog, template, this.#cseq, (sent) => {
      if (fork !== undefined) fork.ack = sent;
      this.#context.hangUpUnheard(dialog, text);
    });
  }

  #sendCancel(extra: HeaderList): void {
    if (this.#transaction === undefined) return;
    this.#cancel = { state: 'sent' };
    this.#options.sendCancel(extra);
    // Section 9.1: a peer that never answers the INVITE after its CANCEL is not waited for longer than this.
    this.#timer?.cancel();
    this.#timer = this.#context.clock.setTimer(transactionLimitMs, () => this.#transaction?.fail('timeout'));
  }

  #restartTimerC(): void {
    if (this.#cancel.state === 'sent') return;
    this.#timer?.cancel();
    this.#timer = this.#context.clock.setTimer(timerCMs, () => this.cancel(new HeaderList()));
  }

  #removeUnanswered(): void {
    if (this.#options.dialog !== undefined) return;
    for (const [tag, fork] of this.#forks) {
      if (fork.answered) continue;
      this.#forks.delete(tag);
      this.#context.dialogs.remove(fork.dialog);
    }
  }

  /** A re-INVITE has settled: what waits in the dialog may go on. */
  #settleDialog(): void {
    const { dialog } = this.#options;
    if (dialog === undefined) return;
    dialog.outgoingInvitePending = false;
    if (this.#state === 'failed') dialog.unansweredOffer = undefined;
    dialog.release();
  }

  /** What came reliably: the answer to our offer, or an offer that our PRACK or ACK answers. */
  #noteDescription(dialog: Dialog, { status, body }: SipResponse): void {
    if (this.#hasOffer) {
      if (body.length > 0 || status >= 200) dialog.unansweredOffer = undefined;
    } else if (body.length > 0) {
      dialog.unansweredOffer = 'theirs';
    }
  }

  #report(response: SipResponse, arrival: Arrival<SipResponse> | undefined): void {
    if (this.#orphanText !== undefined) return;
    this.application.onResponse({
      transactionId: this.#options.transactionId,
      dialogId: this.dialogId,
      response,
      from: arrival && { flow: arrival.flow, bytes: arrival.bytes },
    });
  }
}
