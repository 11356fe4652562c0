import type { Clock, Timer } from '../runtime/clock';
import { responseCancel, responseCreate, type ClientEvent } from './client-events';
import { RecentIds } from './recent-ids';
import type { ResponseFacts, ServerError } from './server-events';

/** A response that we want. */
export interface ResponseRequest {
  instructions: string | undefined;
  metadata: Readonly<Record<string, string>>;
  /**
   * `tool-results` asks for the answer to results that were sent; one such request answers any number of them. A
   * `passing` remark is worth saying now or not at all, and calls no tools.
   */
  origin: 'asked' | 'tool-results' | 'passing';
}

/** What the sequencer does to the outside. */
export interface SequencerActions {
  nextEventId(): string;
  send(event: ClientEvent): void;
  /** The answer to tool results was asked for. */
  onAnswerToResultsAsked(): void;
  /** A response of the conversation has begun, whoever asked for it. */
  onStarted(responseId: string, request: ResponseRequest | undefined): void;
  /** A response is over although the server never said so. */
  onAbandoned(abandoned: { responseId: string; reason: 'superseded' | 'no_response_done' }): void;
  /** A response that was asked for will not come. */
  onFailed(error: { code: string; message: string }): void;
  /** Nothing is asked for or active, and the next request is about to be sent. */
  onIdle(): void;
}

/** Only of an `active` response is audio for the caller; `stale` ones belong to nothing that goes on. */
export type ResponsePhase = 'active' | 'cancelled' | 'over' | 'out-of-band' | 'stale';

/** Requests that wait for their turn; a call needs two or three. */
const queuedRequestsMax = 16;
/** From `response.create` to `response.created`. */
const createdDeadlineMs = 10_000;
/** From a cancellation to its `response.done`. */
const cancelledDeadlineMs = 5_000;
/** Wait after a conflict with a response that we know nothing of, and for the one that turn detection makes. */
const conflictRetryMs = 1_000;
const attemptsMax = 3;
/** From the end of a turn to the `response.created` of the answer that the server makes by itself. */
const answerDeadlineMs = 1_500;

interface Request extends ResponseRequest {
  eventId: string;
  attempts: number;
  /** The server has the results that this request is about: whatever answer it begins by itself speaks of them. */
  resultsSeen: boolean;
}

//  The conversation has one response at a time. Ours go    queued ─▶ requested ─▶ active ─▶ over
//  those that turn detection makes go                                             active ─▶ over
//  a conflict sends ours back                              queued ◀─ requested
/**
 * Lets at most one response of the default conversation be asked for or active, whoever made it: the API refuses a
 * second one. It sends `response.create` and `response.cancel`, and nobody else does.
 */
export class ResponseSequencer {
  readonly #clock: Clock;
  readonly #actions: SequencerActions;
  #started = false;
  #queue: Request[] = [];
  /** Sent, and neither created nor refused yet. */
  #requested: Request | undefined;
  #active: { responseId: string; cancelled: boolean } | undefined;
  /** Requests that were cancelled before their response had an id. */
  readonly #cancelOnArrival = new RecentIds(queuedRequestsMax);
  /** The next response that we did not ask for is not wanted. */
  #refusesNext = false;
  /** With `interrupts` nothing is said over the caller. */
  #callerSpeaks: { interrupts: boolean } | undefined;
  readonly #over = new RecentIds(64);
  readonly #outOfBand = new RecentIds(64);
  #createdDeadline: Timer | undefined;
  #cancelledDeadline: Timer | undefined;
  #conflictRetry: Timer | undefined;
  /** Runs while the answer that turn detection makes of the caller's turn is about to begin. */
  #answerDue: Timer | undefined;

  constructor({ clock, actions }: { clock: Clock; actions: SequencerActions }) {
    this.#clock = clock;
    this.#actions = actions;
  }

  /** The session is configured: what was asked for so far may go out. */
  start(): void {
    this.#started = true;
    this.sendNext();
  }

  /** True when nothing is asked for or active. */
  isIdle(): boolean {
    return this.#requested === undefined && this.#active === undefined && this.#conflictRetry === undefined;
  }

  /** Asks for a response as soon as none is active; a `passing` one only if that is now. False when it is dropped. */
  request(request: ResponseRequest): boolean {
    if (request.origin === 'passing' && !this.#isFree()) return false;
    const asked = this.#queue.find(({ origin }) => origin === 'tool-results');
    if (request.origin === 'tool-results' && asked !== undefined) {
      asked.resultsSeen = false;
      return true;
    }
    if (this.#queue.length >= queuedRequestsMax) {
      this.#actions.onFailed({ code: 'response_queue_full', message: 'too many responses wait for their turn' });
      return false;
    }
    this.#queue.push({ ...request, eventId: this.#actions.nextEventId(), attempts: 0, resultsSeen: false });
    this.sendNext();
    return true;
  }

  /** The server has taken up all tool results that were sent. */
  resultsSeen(): void {
    for (const request of this.#queue) request.resultsSeen ||= request.origin === 'tool-results';
  }

  /**
   * Cancels what is being said and what was asked for. Answers to tool results that still wait are kept: without them
   * the model would never speak of the result.
   */
  cancel(): void {
    this.#queue = this.#queue.filter(({ origin }) => origin === 'tool-results');
    // Nothing is active for the server before `response.created`: a cancel sent now would be lost.
    if (this.#requested !== undefined) this.#cancelOnArrival.add(this.#requested.eventId);
    this.#cancelActive();
  }

  /**
   * The caller speaks: nothing is asked for until the turn is over. With `interrupts` the server cancels the active
   * response by itself (`interrupt_response`), its last deltas may be on their way, and what was asked for and has not
   * begun would be said over the caller: it is not wanted any more.
   */
  callerSpeaks({ interrupts }: { interrupts: boolean }): void {
    this.#callerSpeaks = { interrupts };
    this.#refusesNext = false;
    this.#forgetAnswerDue();
    if (this.#requested?.origin === 'passing') this.#cancelOnArrival.add(this.#requested.eventId);
    if (!interrupts) return;
    this.#queue = this.#queue.filter(({ origin }) => origin === 'tool-results');
    if (this.#active !== undefined && !this.#active.cancelled) this.#markCancelled();
  }

  /** The caller's turn is over; `answered` when turn detection answers it by itself: that answer comes first. */
  callerStopped({ answered }: { answered: boolean }): void {
    this.#callerSpeaks = undefined;
    this.#refusesNext = false;
    if (!answered || this.#active !== undefined) return;
    this.#forgetAnswerDue();
    this.#answerDue = this.#clock.setTimer(answerDeadlineMs, () => {
      this.#answerDue = undefined;
      this.sendNext();
    });
    if (this.#queue.length > 0) this.#waitForOther();
  }

  /** The next response that turn detection makes is cancelled as soon as it begins. */
  refuseNext(): void {
    this.#refusesNext = true;
  }

  /** `response.created`. */
  created({ responseId, requestId, outOfBand }: ResponseFacts): void {
    if (this.#over.has(responseId) || this.#active?.responseId === responseId) return;
    const isRequested = requestId !== undefined && requestId === this.#requested?.eventId;
    if (outOfBand && !isRequested) {
      this.#outOfBand.add(responseId);
      return;
    }
    const request = isRequested ? this.#requested : undefined;
    const isRefused = isRequested ? this.#callerSpeaks?.interrupts === true : this.#refusesNext;
    if (isRequested) this.#forgetRequested();
    else this.#answeredByItself({ isRefused });
    if (this.#active !== undefined) this.#abandon(this.#active.responseId, 'superseded');
    this.#active = { responseId, cancelled: false };
    this.#actions.onStarted(responseId, request);
    if (isRefused || (requestId !== undefined && this.#cancelOnArrival.has(requestId))) this.#cancelActive();
  }

  /**
   * Where the response of some event stands. Of several events for a response that was never announced, the first one
   * begins it, unless another is active: then it is `stale`.
   */
  follow(responseId: string): ResponsePhase {
    if (this.#over.has(responseId)) return 'over';
    if (this.#outOfBand.has(responseId)) return 'out-of-band';
    if (this.#active === undefined) this.created({ responseId, requestId: undefined, outOfBand: false });
    if (this.#active?.responseId !== responseId) return 'stale';
    return this.#active.cancelled ? 'cancelled' : 'active';
  }

  /**
   * A `response.done`, with or without a `response.created` before it. True when it is news of the default conversation;
   * then `sendNext` must follow.
   */
  done({ responseId, requestId, outOfBand }: ResponseFacts): boolean {
    const isRequested = requestId !== undefined && requestId === this.#requested?.eventId;
    if (this.#outOfBand.has(responseId) || (outOfBand && !isRequested)) return false;
    if (!this.#over.add(responseId)) return false;
    // A server that does not echo metadata leaves our request unmatched; it would have refused it before this `done`.
    if (isRequested || this.#active?.responseId === responseId) this.#forgetRequested();
    if (this.#active?.responseId === responseId) this.#forgetActive();
    this.#conflictRetry?.cancel();
    this.#conflictRetry = undefined;
    return true;
  }

  /** True when the error is the answer to our `response.create` and is dealt with. */
  refused(error: ServerError): boolean {
    const requested = this.#requested;
    const isConflict = error.code === 'conversation_already_has_active_response';
    if (requested === undefined) return false;
    if (error.eventId !== requested.eventId && !(isConflict && error.eventId === undefined)) return false;
    this.#forgetRequested();
    if (requested.origin === 'passing') return true;
    if (isConflict && requested.attempts < attemptsMax) this.#retry(requested);
    else this.#fail({ code: error.code ?? 'response_create_refused', message: error.message });
    return true;
  }

  /** Sends the next request if nothing is asked for or active. */
  sendNext(): void {
    if (!this.#started || !this.isIdle()) return;
    this.#actions.onIdle();
    // What was done about it may have asked for a response.
    if (!this.isIdle() || this.#callerSpeaks !== undefined) return;
    const place = this.#queue.findIndex(({ origin }) => origin !== 'tool-results' || this.#answerDue === undefined);
    const [next] = place === -1 ? [] : this.#queue.splice(place, 1);
    if (next === undefined) return;
    next.attempts += 1;
    this.#requested = next;
    this.#createdDeadline = this.#clock.setTimer(createdDeadlineMs, () => {
      this.#forgetRequested();
      this.#fail({ code: 'response_create_unanswered', message: 'the server did not answer response.create' });
    });
    this.#actions.send(responseCreate(next.eventId, { ...next, withoutTools: next.origin === 'passing' }));
    if (next.origin === 'tool-results') this.#actions.onAnswerToResultsAsked();
  }

  /** Cancels everything, and asks for nothing more; what goes on is followed to its end. */
  stop(): void {
    this.cancel();
    this.#queue = [];
    this.#started = false;
  }

  /** Forgets everything; nothing is sent afterwards. */
  close(): void {
    this.#started = false;
    this.#queue = [];
    this.#forgetRequested();
    this.#forgetActive();
    this.#forgetAnswerDue();
    this.#conflictRetry?.cancel();
  }

  #isFree(): boolean {
    const isAwaited = this.#callerSpeaks !== undefined || this.#answerDue !== undefined;
    return this.#started && this.isIdle() && this.#queue.length === 0 && !isAwaited;
  }

  /** The server began an answer of its own: unless it is not wanted, it speaks of every result that it had by then. */
  #answeredByItself({ isRefused }: { isRefused: boolean }): void {
    this.#refusesNext = false;
    this.#forgetAnswerDue();
    if (!isRefused) this.#queue = this.#queue.filter(({ resultsSeen }) => !resultsSeen);
  }

  #forgetAnswerDue(): void {
    this.#answerDue?.cancel();
    this.#answerDue = undefined;
  }

  #cancelActive(): void {
    const active = this.#active;
    if (active === undefined || active.cancelled) return;
    this.#actions.send(responseCancel(this.#actions.nextEventId(), active.responseId));
    this.#markCancelled();
  }

  #markCancelled(): void {
    const active = this.#active;
    if (active === undefined) return;
    active.cancelled = true;
    this.#cancelledDeadline = this.#clock.setTimer(cancelledDeadlineMs, () => {
      this.#abandon(active.responseId, 'no_response_done');
      this.sendNext();
    });
  }

  #abandon(responseId: string, reason: 'superseded' | 'no_response_done'): void {
    this.#over.add(responseId);
    this.#forgetActive();
    this.#actions.onAbandoned({ responseId, reason });
  }

  /** Back to the front of the queue, unless it was cancelled meanwhile. The end of the other response sends it. */
  #retry(request: Request): void {
    if (this.#cancelOnArrival.has(request.eventId)) {
      this.sendNext();
      return;
    }
    this.#queue.unshift({ ...request, eventId: this.#actions.nextEventId() });
    if (this.#active === undefined) this.#waitForOther();
  }

  /** Some response is about to begin, or to end, that we were not told of. */
  #waitForOther(): void {
    this.#conflictRetry?.cancel();
    this.#conflictRetry = this.#clock.setTimer(conflictRetryMs, () => {
      this.#conflictRetry = undefined;
      this.sendNext();
    });
  }

  #fail(error: { code: string; message: string }): void {
    this.#actions.onFailed(error);
    this.sendNext();
  }

  #forgetRequested(): void {
    this.#requested = undefined;
    this.#createdDeadline?.cancel();
    this.#createdDeadline = undefined;
  }

  #forgetActive(): void {
    this.#active = undefined;
    this.#cancelledDeadline?.cancel();
    this.#cancelledDeadline = undefined;
  }
}
