import type { Timer } from '../runtime/clock';
import { Retransmitter, t2Ms, t4Ms, transactionLimitMs } from './retransmitter';
import type { TransactionContext } from './client-transaction';
import { composeReply } from './compose-response';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';
import { responseFlow } from './transport-layer';
import type { Flow } from './transport';
import { isReliable } from './transport';

/** A request of a peer, until its final response needs no more repeating. */
export interface ServerTransaction {
  readonly arrival: Arrival<SipRequest>;
  /** Where responses go. */
  readonly flow: Flow;
  /** Whether any response was sent. */
  readonly isAnswered: boolean;
  /** Sends a response. After a final one nothing is sent, and undefined comes back; else the octets as sent. */
  respond(response: SipResponse): Buffer | undefined;
  /** The peer sent the request again. */
  receiveAgain(): void;
  /** Ends it without a word to the network; timers die with it. */
  terminate(): void;
}

/**
 * An INVITE of a peer. RFC 3261 section 17.2.1 with the Accepted state of RFC 6026 section 7.1.
 *
 *   proceeding ─▶ completed ─▶ confirmed ─▶ terminated     (300-699, until the ACK has come and timer I has run out)
 *        └──────▶ accepted ───────────────▶ terminated     (2xx: its owner repeats it until the ACK)
 */
export class InviteServerTransaction implements ServerTransaction {
  readonly arrival: Arrival<SipRequest>;
  readonly flow: Flow;
  readonly #context: TransactionContext;
  readonly #onTerminated: () => void;
  readonly #timerG: Retransmitter;
  #state: 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated' = 'proceeding';
  #lastResponse: SipResponse | undefined;
  /** H, then I; or L. */
  #timer: Timer | undefined;

  constructor(context: TransactionContext, arrival: Arrival<SipRequest>, onTerminated: () => void) {
    this.arrival = arrival;
    this.flow = responseFlow(arrival.essentials, arrival.flow);
    this.#context = context;
    this.#onTerminated = onTerminated;
    this.#timerG = new Retransmitter(context.clock, { capMs: t2Ms, resend: () => this.#resend() });
  }

  get state(): string {
    return this.#state;
  }

  get isAnswered(): boolean {
    return this.#lastResponse !== undefined;
  }

  /** Whether it had a final response of 300 or above. */
  get isRefused(): boolean {
    return this.#state === 'completed' || this.#state === 'confirmed';
  }

  /** In the accepted state a 2xx may be sent any number of times, as its owner's retransmission asks for. */
  respond(response: SipResponse): Buffer | undefined {
    const repeats2xx = this.#state === 'accepted' && response.status >= 200 && response.status < 300;
    if (this.#state !== 'proceeding' && !repeats2xx) return undefined;
    this.#lastResponse = response;
    if (response.status >= 300) this.#complete();
    else if (response.status >= 200 && !repeats2xx) this.#enter('accepted', transactionLimitMs);
    return this.#context.send(response, this.flow, () => undefined);
  }

  receiveAgain(): void {
    // In the accepted state the owner repeats the 2xx; the peer's repetition is absorbed (RFC 6026 section 7.1).
    if (this.#state !== 'proceeding' && this.#state !== 'completed') return;
    if (this.#lastResponse === undefined) this.respond(composeTrying(this.arrival.message));
    else this.#resend();
  }

  /** Whether the ACK was for a failure response and ends here. */
  receiveAck(): boolean {
    if (this.#state === 'accepted') return false;
    if (this.#state === 'completed') {
      this.#stopTimers();
      this.#enter('confirmed', isReliable(this.flow) ? 0 : t4Ms);
    }
    return true;
  }

  terminate(): void {
    this.#stopTimers();
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#onTerminated();
  }

  #complete(): void {
    this.#enter('completed', transactionLimitMs);
    if (!isReliable(this.flow)) this.#timerG.start();
  }

  #enter(state: 'accepted' | 'completed' | 'confirmed', lingerMs: number): void {
    this.#state = state;
    this.#timer = this.#context.clock.setTimer(lingerMs, () => this.terminate());
  }

  #resend(): void {
    if (this.#lastResponse === undefined) return;
    this.#context.onRetransmission();
    this.#context.send(this.#lastResponse, this.flow, () => undefined);
  }

  #stopTimers(): void {
    this.#timerG.stop();
    this.#timer?.cancel();
  }
}

/**
 * Any other request of a peer. RFC 3261 section 17.2.2.
 *
 *   trying ─▶ proceeding ─▶ completed ─▶ terminated        (trying may skip to completed)
 */
export class NonInviteServerTransaction implements ServerTransaction {
  readonly arrival: Arrival<SipRequest>;
  readonly flow: Flow;
  readonly #context: TransactionContext;
  readonly #onTerminated: () => void;
  #state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';
  #lastResponse: SipResponse | undefined;
  #timerJ: Timer | undefined;

  constructor(context: TransactionContext, arrival: Arrival<SipRequest>, onTerminated: () => void) {
    this.arrival = arrival;
    this.flow = responseFlow(arrival.essentials, arrival.flow);
    this.#context = context;
    this.#onTerminated = onTerminated;
  }

  get state(): string {
    return this.#state;
  }

  get isAnswered(): boolean {
    return this.#lastResponse !== undefined;
  }

  respond(response: SipResponse): Buffer | undefined {
    if (this.#state === 'completed' || this.#state === 'terminated') return undefined;
    this.#lastResponse = response;
    this.#state = response.status < 200 ? 'proceeding' : 'completed';
    if (response.status >= 200) {
      const lingerMs = isReliable(this.flow) ? 0 : transactionLimitMs;
      this.#timerJ = this.#context.clock.setTimer(lingerMs, () => this.terminate());
    }
    return this.#context.send(response, this.flow, () => undefined);
  }

  receiveAgain(): void {
    if (this.#lastResponse === undefined || this.#state === 'terminated') return;
    this.#context.onRetransmission();
    this.#context.send(this.#lastResponse, this.flow, () => undefined);
  }

  terminate(): void {
    this.#timerJ?.cancel();
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#onTerminated();
  }
}

/** RFC 3261 section 8.2.6.1. */
export function composeTrying(request: SipRequest): SipResponse {
  const timestamp = request.headers.first('Timestamp');
  const headers = timestamp === undefined ? [] : ([['Timestamp', timestamp]] as const);
  return composeReply(request, { status: 100, reason: 'Trying', headers });
}
