import type { Clock, Timer } from '../runtime/clock';
import type { ClientTransaction, ClientTransactionUser } from './client-transaction';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';

/** A request as it goes to one place. */
export interface Outgoing {
  readonly request: SipRequest;
  /** Of its top Via. */
  readonly branch: string;
  readonly flow: Flow;
}

/** A place to send a request to. */
export interface Target {
  /** What it has as Request-URI there; undefined: its own. */
  readonly uri: string | undefined;
  readonly flow: Flow;
}

type LateListener = (arrival: Arrival<SipResponse>) => void;

export interface AttemptsOptions<Transaction extends ClientTransaction> {
  readonly clock: Clock;
  /** Where else it may go, in order. */
  readonly alternatives: readonly Target[];
  /** Sends one of them. */
  start(outgoing: Outgoing, user: ClientTransactionUser): Transaction;
  /** The same request for another place. */
  retarget(target: Target): Outgoing;
  /** The same request with our answer to a challenge; undefined when it is none of those that we answer. */
  answer(outgoing: Outgoing, challenge: SipResponse): { outgoing: Outgoing; stale: boolean } | undefined;
  /** False when nobody wants the request to succeed any more. */
  isWanted(): boolean;
  /** It said nothing, and another place is asked now. Ends the transaction, or returns what gets its late responses. */
  passOver(outgoing: Outgoing, transaction: Transaction): LateListener | undefined;
}

/** Who began it sees one request only. */
interface AttemptsUser<Transaction extends ClientTransaction> extends ClientTransactionUser {
  /** It was sent once more, by this transaction. */
  onAttempt(transaction: Transaction): void;
}

/** A place that says nothing at all in this time is passed over while there are others (timer B would take 32 s). */
const silenceLimitMs = 4_000;
/** One answer to a challenge, and one more when its nonce had become too old. */
const answersMax = 2;

/**
 * One request of ours, sent until somebody takes it: to the next place after 503, silence or failure to send (RFC 3263
 * section 4.3), and with credentials after a challenge (RFC 3261 section 22.2). What does not end the search is not told.
 */
export class Attempts<Transaction extends ClientTransaction> {
  readonly #options: AttemptsOptions<Transaction>;
  readonly #alternatives: Target[];
  #user: AttemptsUser<Transaction> | undefined;
  #current: Outgoing;
  #answers = 0;
  #silenceTimer: Timer | undefined;

  constructor(first: Outgoing, options: AttemptsOptions<Transaction>) {
    this.#current = first;
    this.#options = options;
    this.#alternatives = [...options.alternatives];
  }

  /** What was sent last. */
  get current(): Outgoing {
    return this.#current;
  }

  /** Sends the first. Called once. */
  start(user: AttemptsUser<Transaction>): Transaction {
    this.#user = user;
    return this.#send(this.#current);
  }

  #send(outgoing: Outgoing): Transaction {
    this.#current = outgoing;
    const isCurrent = (): boolean => this.#current === outgoing;
    let onLateResponse: LateListener | undefined;
    const transaction = this.#options.start(outgoing, {
      onResponse: (arrival) => {
        if (isCurrent()) this.#onResponse(arrival);
        else onLateResponse?.(arrival);
      },
      onFailure: (failure) => {
        if (isCurrent() && !this.#goElsewhere()) this.#user?.onFailure(failure);
      },
      onTerminated: () => {
        if (!isCurrent()) return;
        this.#silenceTimer?.cancel();
        this.#user?.onTerminated();
      },
    });
    if (this.#alternatives.length > 0) {
      this.#silenceTimer = this.#options.clock.setTimer(silenceLimitMs, () => {
        if (isCurrent() && this.#goElsewhere()) onLateResponse = this.#options.passOver(outgoing, transaction);
      });
    }
    return transaction;
  }

  #onResponse(arrival: Arrival<SipResponse>): void {
    this.#silenceTimer?.cancel();
    const { status } = arrival.message;
    if (status === 503 && this.#goElsewhere()) return;
    if ((status === 401 || status === 407) && this.#sendAnswer(arrival.message)) return;
    this.#user?.onResponse(arrival);
  }

  #goElsewhere(): boolean {
    this.#silenceTimer?.cancel();
    const target = this.#options.isWanted() ? this.#alternatives.shift() : undefined;
    if (target === undefined) return false;
    this.#sendAgain(this.#options.retarget(target));
    return true;
  }

  #sendAnswer(challenge: SipResponse): boolean {
    if (this.#answers >= answersMax || !this.#options.isWanted()) return false;
    const answer = this.#options.answer(this.#current, challenge);
    if (answer === undefined || (this.#answers > 0 && !answer.stale)) return false;
    this.#answers += 1;
    this.#sendAgain(answer.outgoing);
    return true;
  }

  #sendAgain(outgoing: Outgoing): void {
    this.#user?.onAttempt(this.#send(outgoing));
  }
}
