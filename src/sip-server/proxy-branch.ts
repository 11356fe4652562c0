import type { Timer } from '../runtime/clock';
import type { AgentContext } from './agent-context';
import type { ClientFailure, ClientTransactionUser, InviteClientTransaction } from './client-transaction';
import { composeCancel } from './compose-ack';
import { HeaderList } from './header-list';
import { composeFailure } from './outgoing-request';
import { timerCMs, transactionLimitMs } from './retransmitter';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';

export interface BranchTimeouts {
  /** Without any response by then the next target has its turn; undefined: never. */
  readonly provisionalMs: number | undefined;
  /** Without a final response by then the request is cancelled and the next target has its turn; undefined: never. */
  readonly finalMs: number | undefined;
}

export interface BranchUser {
  /** 101 to 199. */
  onProvisional(arrival: Arrival<SipResponse>): void;
  /** Every 2xx, repetitions included; also after `onSettled`. */
  onSuccess(arrival: Arrival<SipResponse>): void;
  /** A final response of 300 or above, or what stands for one. Once; not after a 2xx. */
  onSettled(response: SipResponse, arrival: Arrival<SipResponse> | undefined): void;
  /** The target has had its time. Once; its response may still come. */
  onGivenUp(): void;
}

interface BranchOptions {
  readonly context: AgentContext;
  readonly request: SipRequest;
  /** In the top Via of `request`. */
  readonly branch: string;
  readonly flow: Flow;
  readonly timeouts: BranchTimeouts;
  readonly user: BranchUser;
}

/**
 * One target of a proxied request (RFC 3261 sections 16.6 to 16.10).
 *
 *   calling ─▶ proceeding ─▶ settled        (settled: a final response, or given up before there was any response)
 *      └────────────────────▶ settled
 */
export class ProxyBranch implements ClientTransactionUser {
  readonly #options: BranchOptions;
  #state: 'calling' | 'proceeding' | 'settled' = 'calling';
  #cancel: { state: 'none' } | { state: 'wanted'; extra: HeaderList } | { state: 'sent' } = { state: 'none' };
  #invite: InviteClientTransaction | undefined;
  #timeoutTimers: Timer[] = [];
  /** Timer C, then the wait for the end of a cancelled INVITE. */
  #limitTimer: Timer | undefined;

  constructor(options: BranchOptions) {
    this.#options = options;
  }

  start(): void {
    const { context, request, branch, flow, timeouts } = this.#options;
    this.#startTimeouts(timeouts);
    if (request.method !== 'INVITE') {
      context.transactions.startRequest(request, branch, flow, this);
      return;
    }
    this.#invite = context.transactions.startInvite(request, branch, flow, this);
    this.#restartTimerC();
  }

  /** Cancels an INVITE, at once or with its first provisional response (section 9.1). `extra` goes into the CANCEL. */
  cancel(extra: HeaderList): void {
    if (this.#state === 'settled' || this.#cancel.state !== 'none' || this.#invite === undefined) return;
    this.#stopTimeouts();
    this.#cancel = { state: 'wanted', extra };
    if (this.#state === 'proceeding') this.#sendCancel(extra);
  }

  onResponse(arrival: Arrival<SipResponse>): void {
    const { user } = this.#options;
    const { message } = arrival;
    if (message.status < 200) {
      this.#onProvisional(arrival);
    } else if (message.status < 300) {
      this.#settle();
      user.onSuccess(arrival);
    } else if (this.#state !== 'settled') {
      this.#settle();
      user.onSettled(message, arrival);
    }
  }

  onFailure(failure: ClientFailure): void {
    if (this.#state === 'settled') return;
    this.#settle();
    this.#options.user.onSettled(composeFailure(this.#options.request, failure), undefined);
  }

  onTerminated(): void {
    this.#settle();
  }

  #onProvisional(arrival: Arrival<SipResponse>): void {
    if (this.#cancel.state === 'wanted') this.#sendCancel(this.#cancel.extra);
    if (this.#state === 'settled') return;
    this.#state = 'proceeding';
    if (this.#invite !== undefined) this.#restartTimerC();
    if (arrival.message.status > 100) this.#options.user.onProvisional(arrival);
  }

  #startTimeouts({ provisionalMs, finalMs }: BranchTimeouts): void {
    const { clock } = this.#options.context;
    if (provisionalMs !== undefined) {
      this.#timeoutTimers.push(clock.setTimer(provisionalMs, () => this.#state === 'calling' && this.#abandon()));
    }
    if (finalMs === undefined) return;
    const giveUp = (): void => (this.#state === 'calling' ? this.#abandon() : this.#giveUp());
    this.#timeoutTimers.push(clock.setTimer(finalMs, giveUp));
  }

  /** A target that has not even said 100 is taken for dead; were it to ring after all, it is cancelled. */
  #abandon(): void {
    const { request, user } = this.#options;
    if (this.#invite !== undefined) this.#cancel = { state: 'wanted', extra: new HeaderList() };
    this.#settle();
    user.onSettled(composeFailure(request, 'timeout'), undefined);
  }

  #giveUp(): void {
    this.cancel(new HeaderList());
    this.#options.user.onGivenUp();
  }

  #sendCancel(extra: HeaderList): void {
    const { context, request, branch, flow } = this.#options;
    this.#cancel = { state: 'sent' };
    // Its answer tells nothing: the INVITE's own final response does.
    const ignore = { onResponse: () => undefined, onFailure: () => undefined, onTerminated: () => undefined };
    context.transactions.startRequest(composeCancel(request, extra), branch, flow, ignore);
    this.#limitTimer?.cancel();
    this.#limitTimer = context.clock.setTimer(transactionLimitMs, () => this.#invite?.fail('timeout'));
  }

  #restartTimerC(): void {
    if (this.#cancel.state === 'sent') return;
    this.#limitTimer?.cancel();
    this.#limitTimer = this.#options.context.clock.setTimer(timerCMs, () => this.cancel(new HeaderList()));
  }

  #settle(): void {
    this.#state = 'settled';
    this.#stopTimeouts();
    this.#limitTimer?.cancel();
  }

  #stopTimeouts(): void {
    for (const timer of this.#timeoutTimers) timer.cancel();
    this.#timeoutTimers = [];
  }
}
