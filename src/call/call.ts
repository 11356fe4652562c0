import type { MediaLeg } from '../media/media-leg';
import type { ResponseDone, TranscriptionUsage } from '../realtime/session-listener';
import type { Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { InvariantError } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import type { CallerHangUp, CallerLeg, CallerLegListener, OfferReply } from '../signalling/caller-leg';
import type { CallEvent, CallSnapshot } from './call-observer';
import { CallHistory } from './call-history';
import type { CallServices } from './call-services';
import type { CallState } from './call-state';
import { moveCall } from './call-state';
import { CallerMedia } from './caller-media';
import type { Conversation } from './conversation';
import { DigitStream } from './digit-stream';
import { CallUsage } from './call-usage';
import { EventQueue } from './event-queue';
import type { Blame, EndReason } from './end-reason';
import { blameFor } from './end-reason';
import { endSignalling } from './end-signalling';
import type { ModelChoice } from './model-choice';
import type { Agent } from '../dialplan/plan';
import type { RouteDecision } from '../dialplan/route';
import type { Supervisions } from './supervisions';
import { TimeLimits } from './time-limits';
import type { Transfers, TransferRequester } from './transfers';

/** A caller with broken audio or manners must not keep the clean-up from being noticed. */
const endWatchdogMs = 5_000;

/**
 * One call. It exists before its parts, so that a failure anywhere has one clean-up: `end(reason)`.
 *
 * Children report, the call decides; the first reason wins.
 */
export class Call implements CallerLegListener {
  readonly callId: string;
  readonly leg: CallerLeg;
  readonly services: CallServices;
  readonly logger: Logger;
  readonly #onEnded: (call: Call) => void;
  readonly #startedAtMs: number;
  readonly #digits: DigitStream;
  readonly #media: CallerMedia;
  #state: CallState = 'ringing';
  #decision: RouteDecision | undefined;
  /** Who answers, and later who has taken over. */
  #agent: Agent | undefined;
  #model: ModelChoice | undefined;
  #conversation: Conversation | undefined;
  #timeLimits: TimeLimits | undefined;
  #watchdog: Timer | undefined;
  #endReason: EndReason | undefined;
  #answeredAtMs: number | undefined;
  #endedAtMs: number | undefined;
  #modelConnectMs: number | undefined;
  readonly #usage = new CallUsage();
  #transfers: Transfers | undefined;
  #supervisions: Supervisions | undefined;
  readonly #history = new CallHistory();
  readonly #events: EventQueue;
  #lastEmitted = false;

  constructor(options: { callId: string; leg: CallerLeg; services: CallServices; onEnded: (call: Call) => void }) {
    this.callId = options.callId;
    this.leg = options.leg;
    this.services = options.services;
    this.logger = options.services.logger.child({ callId: options.callId });
    this.#events = new EventQueue({ observers: options.services.observers, logger: this.logger });
    this.#onEnded = options.onEnded;
    this.#digits = new DigitStream({ clock: options.services.clock, onDigit: (digit) => this.#pressed(digit) });
    this.#media = new CallerMedia({
      logger: this.logger,
      host: {
        isEnding: () => this.isEnding(),
        end: (reason) => this.end(reason),
        onHold: (isOnHold) => this.#conversation?.onHold(isOnHold),
      },
    });
    this.#startedAtMs = options.services.clock.wallTimeMs();
  }

  /** From here on the caller is heard. One who has left already is told at once, and that ends the call. */
  listen(): void {
    this.leg.listen(this);
  }

  get state(): CallState {
    return this.#state;
  }

  /** Name of the route that took the call; undefined before, and when none did. */
  get route(): string | undefined {
    return this.#decision === undefined || this.#decision.kind === 'no-route' ? undefined : this.#decision.route;
  }

  /** Undefined before there is a line to listen in on. */
  get supervisions(): Supervisions | undefined {
    return this.#supervisions;
  }

  /** True once an end was decided: whatever is still on its way is not wanted any more. */
  isEnding(): boolean {
    return this.#endReason !== undefined;
  }

  /**
   * Ends the call; the first reason wins. When it returns, everything is closed and observers know; one that ended the
   * call itself is told when it has returned. A model that is cut off has 2 s to tell what that cost before it is `ended`.
   */
  end(reason: EndReason): void {
    if (this.#endReason !== undefined) return;
    this.#endReason = reason;
    this.#close(reason);
  }

  /** The same, and waits for nothing. */
  endAtOnce(reason: EndReason): void {
    this.end(reason);
    this.#finish(this.#endReason ?? reason);
  }

  /** Ends the call with a recorded goodbye when there is somebody to hear it, else at once. */
  leave(reason: EndReason): void {
    if (this.#state === 'active' && this.#conversation !== undefined)
      this.#conversation.leave('session-goodbye', reason);
    else this.end(reason);
  }

  /** A bug of ours: this call ends, the others do not notice. */
  fail(cause: unknown): void {
    this.logger.error(
      { error: messageOf(cause), stack: cause instanceof Error ? cause.stack : undefined },
      cause instanceof InvariantError ? 'an invariant of the call does not hold' : 'the call failed',
    );
    this.end({ kind: 'internal-error', message: messageOf(cause) });
  }

  snapshot(): CallSnapshot {
    const decision = this.#decision;
    return {
      callId: this.callId,
      sipCallId: this.leg.info.sipCallId,
      to: this.leg.info.to,
      from: this.leg.info.from,
      trunk: decision?.trunk,
      route: this.route,
      agent: this.#agent?.name,
      planHash: decision?.planHash,
      splits: decision?.splits ?? [],
      headers: decision?.headers ?? {},
      sourceAddress: this.leg.info.sourceAddress,
      model: this.#model?.name,
      modelKind: this.#model?.kind,
      state: this.#state,
      startedAtMs: this.#startedAtMs,
      answeredAtMs: this.#answeredAtMs,
      endedAtMs: this.#endedAtMs,
      endReason: this.#endReason,
      blame: this.#blame(),
      tokens: this.#usage.tokens,
      modelConnectMs: this.#modelConnectMs,
      media: this.#media.stats,
      cost: this.#usage.cost,
      transfers: this.#transfers?.attempts ?? [],
      supervisions: this.#supervisions?.records ?? [],
      ...this.#history.remembered,
    };
  }

  // The answer script (call/answer) tells what it has made; from then on the call owns it.

  adoptDecision(decision: RouteDecision): void {
    this.#decision = decision;
    if (decision.kind !== 'answer') return;
    this.#useAgent(decision.agent);
  }

  /** Another agent has taken over; `session` when its session of the model is another one, too. */
  agentChanged(agent: Agent, session: { expiresAtMs: number | undefined } | undefined): void {
    this.#useAgent(agent);
    if (session !== undefined) this.#timeLimits?.sessionReplaced(session.expiresAtMs);
  }

  adoptMedia(media: MediaLeg): void {
    this.#media.adopt(media);
  }

  adoptConversation(conversation: Conversation): void {
    this.#conversation = conversation;
    if (this.isEnding()) conversation.close();
  }

  adoptTransfers(transfers: Transfers): void {
    this.#transfers = transfers;
    if (this.isEnding()) transfers.close('over', { callerLeft: false });
  }

  adoptSupervisions(supervisions: Supervisions): void {
    this.#supervisions = supervisions;
  }

  modelReady(ready: { connectMs: number; sessionId: string }): void {
    this.#modelConnectMs = ready.connectMs;
    this.emit({ kind: 'model-ready', ...ready });
  }

  /** All is there: the 200 goes out next. Observers see `answering` before the caller does. */
  answering(): void {
    this.#move('answering');
  }

  /** The 200 is on its way, unless the caller left before it could be. */
  answered(): void {
    if (!this.isEnding()) this.#answeredAtMs = this.services.clock.wallTimeMs();
  }

  /** The ACK came. */
  active(limits: { sessionExpiresAtMs: number | undefined; lengthLimitMs: number | undefined }): void {
    this.#move('active');
    // Observers have been told, and one of them may have ended the call.
    if (this.isEnding()) return;
    this.#timeLimits = new TimeLimits({
      clock: this.services.clock,
      ...limits,
      warningLeadMs: this.services.timeWarningMs,
      onWarning: () => this.#conversation?.announce('session-warning'),
      onLimit: (kind) => {
        if (this.#transfers?.isJoined === true || this.#supervisions?.hasTakenOver === true) {
          this.end({ kind });
          return;
        }
        if (kind === 'length-limit') this.#conversation?.breached({ guarantee: 'length', remedy: 'goodbye' });
        this.#conversation?.leave('session-goodbye', { kind });
      },
    });
  }

  /** Each event goes to every observer before the next one does, also when an observer causes it; none follows `ended`. */
  emit(event: CallEvent): void {
    if (this.#lastEmitted) return;
    this.#lastEmitted = event.kind === 'ended';
    this.#history.add(event, this.services.clock.wallTimeMs());
    this.#events.tell(event, this.snapshot());
  }

  /** `by` is the agent in whose session it was made. */
  addResponse(done: ResponseDone, by: Agent): void {
    this.#usage.addResponse(done, this.services.modelFor(by));
    this.#endWhenTooDear();
  }

  /** `by` is the agent who heard it. */
  addTranscription(usage: TranscriptionUsage, by: Agent): void {
    this.#usage.addTranscription(by.session.transcription?.model, usage, this.services.modelFor(by));
    this.#endWhenTooDear();
  }

  /** Presses keys on the caller's side; false when they cannot be. */
  sendDigits(keys: string): boolean {
    return this.#media.sendDigits(keys);
  }

  /** Sends the caller to a destination of the plan; without any there is none to send to. */
  transfer(destination: string, requester: TransferRequester): void {
    const onJoined = (): void => {
      requester.onJoined();
      this.#timeLimits?.sessionIsOver();
    };
    if (this.#transfers === undefined) requester.onFailed('failed');
    else {
      const isAnswered = this.#answeredAtMs !== undefined;
      this.#transfers.begin(destination, { ...requester, onJoined }, { isAnswered });
    }
  }

  /** A supervisor listens in, or does no longer. */
  listenedIn(isOn: boolean): void {
    this.#transfers?.listenedIn(isOn);
  }

  /** A supervisor talks to the caller in place of whoever did. */
  takenOver(): void {
    this.#transfers?.cancel();
    this.#timeLimits?.sessionIsOver();
  }

  cancelTransfer(): void {
    this.#transfers?.cancel();
  }

  /** Keeps a note on the call's record. */
  remember(note: string): 'kept' | 'full' {
    return this.#history.note(note);
  }

  // The caller's side (CallerLegListener).

  onHangUp(how: CallerHangUp): void {
    // A CANCEL that crossed our 200 won: the caller never saw an answer.
    if (how.kind === 'cancel') this.#answeredAtMs = undefined;
    this.end({ kind: 'caller-hung-up', how });
  }

  onServerLost(): void {
    if (this.isEnding() || this.#history.remembered.signallingLostAtMs !== undefined) return;
    this.emit({ kind: 'signalling-lost' });
  }

  onOffer(offer: string | undefined): Promise<OfferReply> {
    return this.#media.onOffer(offer);
  }

  onAnswer(answer: string): void {
    this.#media.onAnswer(answer);
  }

  /** A key by INFO; those of the media leg come through `onMediaDigit`. */
  onDigit(digit: string): void {
    this.#digits.receive(digit, 'info');
  }

  onMediaDigit(digit: string): void {
    this.#digits.receive(digit, 'media');
  }

  #pressed(digit: string): void {
    if (this.isEnding()) return;
    if (this.#conversation?.isSecure !== true) this.emit({ kind: 'digit', digit });
    const isForPerson = this.#supervisions?.onDigit(digit) === true || this.#transfers?.onDigit(digit) === true;
    if (!isForPerson) this.#conversation?.onDigit(digit);
  }

  /** What was said already is paid for: the caller hears it, and then a goodbye. */
  #endWhenTooDear(): void {
    const decision = this.#decision;
    const limitUsd = decision?.kind === 'answer' ? decision.costLimitUsd : undefined;
    if (limitUsd === undefined || (this.#usage.cost?.usd ?? 0) < limitUsd || this.isEnding()) return;
    const conversation = this.#conversation;
    if (conversation?.isTalking !== true) return;
    conversation.breached({ guarantee: 'cost', remedy: 'goodbye' });
    conversation.leave('goodbye', { kind: 'cost-limit' }, { letFinish: true });
  }

  #close(reason: EndReason): void {
    const { clock } = this.services;
    this.#move('ending');
    this.#watchdog = clock.setTimer(endWatchdogMs, () => {
      this.logger.error({ reason: reason.kind }, 'a call has not ended in time');
      this.#finish(reason);
    });
    // BYE first, and its answer is not awaited: it may take 32 s.
    const isAnswered = this.#answeredAtMs !== undefined;
    this.#guard('signalling', () => endSignalling(this.leg, reason, { isAnswered }));
    this.#guard('time limits', () => this.#timeLimits?.cancel());
    this.#guard('supervision', () => this.#supervisions?.close());
    const callerLeft = reason.kind === 'caller-hung-up' && reason.how.kind === 'bye';
    this.#guard('transfer', () => this.#transfers?.close(reason.kind, { callerLeft }));
    this.#guard('media', () => this.#media.close());
    this.#guard('conversation', () => this.#conversation?.close());
    this.#endedAtMs = clock.wallTimeMs();
    if (this.#conversation === undefined) this.#finish(reason);
    else this.#conversation.whenBilled(() => this.#finish(reason));
  }

  /** All is closed, and what it cost is known as far as it ever will be. Twice is fine. */
  #finish(reason: EndReason): void {
    if (this.#endedAtMs === undefined || this.#state === 'ended') return;
    this.#move('ended');
    this.emit({ kind: 'ended', reason, blame: blameFor(reason) });
    this.#watchdog?.cancel();
    this.#onEnded(this);
  }

  #move(to: CallState): void {
    const from = this.#state;
    this.#state = moveCall({ from, to });
    this.emit({ kind: 'state', from, to });
  }

  #useAgent(agent: Agent): void {
    this.#agent = agent;
    this.#model = this.services.modelFor(agent);
    this.#usage.priceBy(this.services);
  }

  #blame(): Blame | undefined {
    return this.#endReason === undefined ? undefined : blameFor(this.#endReason);
  }

  /** One part that fails to close must not keep the others open. */
  #guard(part: string, close: () => void): void {
    try {
      close();
    } catch (cause) {
      this.logger.error({ part, error: messageOf(cause) }, 'a part of the call failed to close');
    }
  }
}
