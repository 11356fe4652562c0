import type { Clock, Timer } from '../runtime/clock';
import { composeAckForFailure } from './compose-ack';
import { Retransmitter, t2Ms, t4Ms, timerDMs, transactionLimitMs } from './retransmitter';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';
import { isReliable } from './transport';

/** What a client transaction tells its owner. Must not throw. */
export interface ClientTransactionUser {
  /** Provisional and final responses; of an INVITE also every repetition and fork of a 2xx. */
  onResponse(arrival: Arrival<SipResponse>): void;
  /** No response came in time (timer B or F), or none can: it could not be sent. At most once, and nothing after it. */
  onFailure(failure: ClientFailure): void;
  /** The transaction is gone. Always the last word. */
  onTerminated(): void;
}

export type ClientFailure = 'timeout' | 'not-sent';

/** What every transaction needs of the layers around it. */
export interface TransactionContext {
  readonly clock: Clock;
  /** Returns the octets as sent. `onFailure` comes later, at most once. */
  send(message: SipRequest | SipResponse, flow: Flow, onFailure: () => void): Buffer;
  /** For statistics. */
  onRetransmission(): void;
}

export interface ClientTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly sentBytes: Buffer;
  receive(arrival: Arrival<SipResponse>): void;
  /** Ends it without a word to the network; timers die with it. */
  terminate(): void;
}

/**
 * An INVITE of ours. RFC 3261 section 17.1.1 with the Accepted state of RFC 6026 section 7.2.
 *
 *   calling ─▶ proceeding ─▶ completed ─▶ terminated       (completed: 300-699, accepted: 2xx;
 *      └────────────┴──────▶ accepted  ──▶ terminated        calling and proceeding lead to both)
 */
export class InviteClientTransaction implements ClientTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly sentBytes: Buffer;
  readonly #context: TransactionContext;
  readonly #user: ClientTransactionUser;
  readonly #timerA: Retransmitter;
  #state: 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated' = 'calling';
  /** B, then D or M. */
  #timer: Timer | undefined;

  constructor(context: TransactionContext, request: SipRequest, flow: Flow, user: ClientTransactionUser) {
    this.request = request;
    this.flow = flow;
    this.#context = context;
    this.#user = user;
    this.#timerA = new Retransmitter(context.clock, { capMs: Infinity, resend: () => this.#resend() });
    if (!isReliable(flow)) this.#timerA.start();
    this.#timer = context.clock.setTimer(transactionLimitMs, () => this.fail('timeout'));
    this.sentBytes = context.send(request, flow, () => this.fail('not-sent'));
  }

  get state(): string {
    return this.#state;
  }

  receive(arrival: Arrival<SipResponse>): void {
    const { status } = arrival.message;
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
        this.#timerA.stop();
        this.#timer?.cancel();
        if (status < 200) this.#state = 'proceeding';
        else if (status < 300) this.#enter('accepted', transactionLimitMs);
        else this.#complete(arrival);
        this.#user.onResponse(arrival);
        return;
      case 'accepted':
        if (status >= 200 && status < 300) this.#user.onResponse(arrival);
        return;
      case 'completed':
        if (status >= 300) this.#acknowledge(arrival);
        return;
      case 'terminated':
        return;
    }
  }

  /** Asks no more, but still listens until it would have given up. */
  quieten(): void {
    this.#timerA.stop();
  }

  /** Gives up as if no response had come. Only before a final response; else does nothing. */
  fail(failure: ClientFailure): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return;
    this.#stopTimers();
    this.#state = 'terminated';
    this.#user.onFailure(failure);
    this.#user.onTerminated();
  }

  terminate(): void {
    this.#stopTimers();
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#user.onTerminated();
  }

  #complete(arrival: Arrival<SipResponse>): void {
    this.#acknowledge(arrival);
    this.#enter('completed', isReliable(this.flow) ? 0 : timerDMs);
  }

  #enter(state: 'accepted' | 'completed', lingerMs: number): void {
    this.#state = state;
    this.#timer = this.#context.clock.setTimer(lingerMs, () => this.terminate());
  }

  #acknowledge({ message }: Arrival<SipResponse>): void {
    this.#context.send(composeAckForFailure(this.request, message), this.flow, () => undefined);
  }

  #resend(): void {
    this.#context.onRetransmission();
    this.#context.send(this.request, this.flow, () => this.fail('not-sent'));
  }

  #stopTimers(): void {
    this.#timerA.stop();
    this.#timer?.cancel();
  }
}

/**
 * Any other request of ours. RFC 3261 section 17.1.2.
 *
 *   trying ─▶ proceeding ─▶ completed ─▶ terminated        (trying may skip to completed)
 */
export class NonInviteClientTransaction implements ClientTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly sentBytes: Buffer;
  readonly #context: TransactionContext;
  readonly #user: ClientTransactionUser;
  readonly #timerE: Retransmitter;
  #state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';
  /** F, then K. */
  #timer: Timer | undefined;

  constructor(context: TransactionContext, request: SipRequest, flow: Flow, user: ClientTransactionUser) {
    this.request = request;
    this.flow = flow;
    this.#context = context;
    this.#user = user;
    this.#timerE = new Retransmitter(context.clock, { capMs: t2Ms, resend: () => this.#resend() });
    if (!isReliable(flow)) this.#timerE.start();
    this.#timer = context.clock.setTimer(transactionLimitMs, () => this.#fail('timeout'));
    this.sentBytes = context.send(request, flow, () => this.#fail('not-sent'));
  }

  get state(): string {
    return this.#state;
  }

  receive(arrival: Arrival<SipResponse>): void {
    if (this.#state === 'completed' || this.#state === 'terminated') return;
    if (arrival.message.status < 200) {
      // In Proceeding timer E goes on at T2 (section 17.1.2.2).
      if (this.#state === 'trying' && !isReliable(this.flow)) this.#timerE.start(t2Ms);
      this.#state = 'proceeding';
    } else {
      this.#stopTimers();
      this.#state = 'completed';
      this.#timer = this.#context.clock.setTimer(isReliable(this.flow) ? 0 : t4Ms, () => this.terminate());
    }
    this.#user.onResponse(arrival);
  }

  terminate(): void {
    this.#stopTimers();
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#user.onTerminated();
  }

  #fail(failure: ClientFailure): void {
    if (this.#state === 'completed' || this.#state === 'terminated') return;
    this.#stopTimers();
    this.#state = 'terminated';
    this.#user.onFailure(failure);
    this.#user.onTerminated();
  }

  #resend(): void {
    this.#context.onRetransmission();
    this.#context.send(this.request, this.flow, () => this.#fail('not-sent'));
  }

  #stopTimers(): void {
    this.#timerE.stop();
    this.#timer?.cancel();
  }
}
