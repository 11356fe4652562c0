import type { AgentContext } from './agent-context';
import type { Application } from './application';
import type { CdrStopReason } from './cdr-event';
import type { InviteClientTransaction } from './client-transaction';
import { Dialog } from './dialog';
import { HeaderList } from './header-list';
import { parseCSeq } from './header-values';
import { forksMax } from './outgoing-invite';
import { transactionLimitMs } from './retransmitter';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';

interface Ack {
  readonly message: SipRequest;
  readonly flow: Flow;
}

interface PassedOverInviteOptions {
  readonly context: AgentContext;
  readonly application: Application;
  readonly request: SipRequest;
  readonly transaction: InviteClientTransaction;
  sendCancel(): void;
  sendAck(
    dialog: Dialog,
    composing: { template: SipRequest; cseq: number; invite: SipRequest },
    done: (sent: Ack | undefined) => void,
  ): void;
  sendBye(dialog: Dialog, why: { why: string; reason: CdrStopReason }): void;
}

/**
 * An INVITE whose target said nothing for so long that another was asked. Should it wake up it is cancelled, or
 * acknowledged and hung up: its phone would ring, or its user talk to nobody.
 */
export class PassedOverInvite {
  readonly #options: PassedOverInviteOptions;
  /** What was sent to those who answered, by their tag. */
  readonly #acks = new Map<string, Ack | undefined>();
  #isCancelled = false;

  constructor(options: PassedOverInviteOptions) {
    this.#options = options;
    options.transaction.quieten();
  }

  /** Responses of 300 and above have their ACK from the transaction. */
  receive(arrival: Arrival<SipResponse>): void {
    const { status } = arrival.message;
    if (status < 200) this.#cancel();
    else if (status < 300) this.#hangUp(arrival);
  }

  #cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    const { context, transaction } = this.#options;
    this.#options.sendCancel();
    // RFC 3261 section 9.1: a peer that never answers after that is not waited for.
    context.clock.setTimer(transactionLimitMs, () => transaction.fail('timeout'));
  }

  #hangUp(arrival: Arrival<SipResponse>): void {
    const { context, application, request } = this.#options;
    const tag = arrival.essentials.toTag ?? '';
    const ack = this.#acks.get(tag);
    if (ack !== undefined) context.sendOnce(ack.message, ack.flow);
    if (this.#acks.has(tag)) return;
    if (this.#acks.size >= forksMax) {
      context.stats.forksRefused += 1;
      return;
    }
    this.#acks.set(tag, undefined);
    context.stats.extraForksHungUp += 1;
    const dialog = Dialog.ofOutgoing(request, arrival, application);
    // It shares its id with the dialog that is wanted, so it is in no table.
    dialog.end();
    const template: SipRequest = { ...request, method: 'ACK', headers: new HeaderList(), body: emptyBody };
    const cseq = parseCSeq(request.headers.first('CSeq') ?? '')?.number ?? 0;
    this.#options.sendAck(dialog, { template, cseq, invite: request }, (sent) => {
      this.#acks.set(tag, sent);
      const why = 'SIP;cause=200;text="another target was asked"';
      this.#options.sendBye(dialog, { why, reason: 'system-initiated-termination' });
    });
  }
}
