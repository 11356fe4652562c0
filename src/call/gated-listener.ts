import type { RealtimeSessionListener, SessionEnded } from '../realtime/session-listener';

/** What is done about a session before it is in force. */
export interface WaitingSession {
  onReady(expiresAtMs: number | undefined): void;
  onEnded(ended: SessionEnded): void;
}

/** Who is told what a session cost that was replaced. */
export type SessionBill = Pick<RealtimeSessionListener, 'onResponseDone' | 'onTranscriptionUsage'>;

//  waiting ─▶ in force ─▶ replaced
/**
 * Lets a conversation hear of one of its sessions only while that one is in force: not before the agent has taken over,
 * and not after another one has, except of what it still costs.
 */
export class GatedListener implements RealtimeSessionListener {
  readonly target: RealtimeSessionListener;
  readonly #waiting: WaitingSession | undefined;
  #state: 'waiting' | 'in force' | 'replaced';
  #bill: SessionBill | undefined;

  /** Without `waiting` the session is in force from its beginning. */
  constructor(target: RealtimeSessionListener, waiting?: WaitingSession) {
    this.target = target;
    this.#waiting = waiting;
    this.#state = waiting === undefined ? 'in force' : 'waiting';
  }

  comeIntoForce(): void {
    if (this.#state === 'waiting') this.#state = 'in force';
  }

  beReplaced(bill?: SessionBill): void {
    this.#state = 'replaced';
    this.#bill = bill;
  }

  onReady(ready: Parameters<RealtimeSessionListener['onReady']>[0]): void {
    if (this.#state === 'waiting') this.#waiting?.onReady(ready.expiresAtMs);
    this.#pass()?.onReady(ready);
  }

  onEnded(ended: SessionEnded): void {
    if (this.#state === 'waiting') this.#waiting?.onEnded(ended);
    this.#pass()?.onEnded(ended);
  }

  onSpeechStarted(event: Parameters<RealtimeSessionListener['onSpeechStarted']>[0]): void {
    this.#pass()?.onSpeechStarted(event);
  }

  onSpeechStopped(event: Parameters<RealtimeSessionListener['onSpeechStopped']>[0]): void {
    this.#pass()?.onSpeechStopped(event);
  }

  onInputCleared(): void {
    this.#pass()?.onInputCleared();
  }

  onIdleTimeout(event: Parameters<RealtimeSessionListener['onIdleTimeout']>[0]): void {
    this.#pass()?.onIdleTimeout(event);
  }

  onAnswerToResultsAsked(): void {
    this.#pass()?.onAnswerToResultsAsked();
  }

  onResponseStarted(event: Parameters<RealtimeSessionListener['onResponseStarted']>[0]): void {
    this.#pass()?.onResponseStarted(event);
  }

  onAudio(event: Parameters<RealtimeSessionListener['onAudio']>[0]): void {
    this.#pass()?.onAudio(event);
  }

  onAudioDone(event: Parameters<RealtimeSessionListener['onAudioDone']>[0]): void {
    this.#pass()?.onAudioDone(event);
  }

  onResponseDone(event: Parameters<RealtimeSessionListener['onResponseDone']>[0]): void {
    (this.#pass() ?? this.#bill)?.onResponseDone(event);
  }

  onFunctionCall(call: Parameters<RealtimeSessionListener['onFunctionCall']>[0]): void {
    this.#pass()?.onFunctionCall(call);
  }

  onServerToolCall(call: Parameters<RealtimeSessionListener['onServerToolCall']>[0]): void {
    this.#pass()?.onServerToolCall(call);
  }

  onTranscript(event: Parameters<RealtimeSessionListener['onTranscript']>[0]): void {
    this.#pass()?.onTranscript(event);
  }

  onTranscriptionUsage(usage: Parameters<RealtimeSessionListener['onTranscriptionUsage']>[0]): void {
    (this.#pass() ?? this.#bill)?.onTranscriptionUsage(usage);
  }

  onRateLimits(limits: Parameters<RealtimeSessionListener['onRateLimits']>[0]): void {
    this.#pass()?.onRateLimits(limits);
  }

  /** Also of a session that is not in force yet: somebody should know. */
  onError(error: Parameters<RealtimeSessionListener['onError']>[0]): void {
    if (this.#state !== 'replaced') this.target.onError(error);
  }

  #pass(): RealtimeSessionListener | undefined {
    return this.#state === 'in force' ? this.target : undefined;
  }
}
