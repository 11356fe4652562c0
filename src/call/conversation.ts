import type { PcmFrame } from '../audio/pcm';
import type { Recording } from '../audio/recording';
import type { AudioSource } from '../media/media-leg';
import type {
  FunctionCall,
  ItemContent,
  RateLimit,
  RealtimeSessionListener,
  RequestedResponse,
  ResponseDone,
  ServerToolCall,
  SessionEnded,
  TranscriptionUsage,
} from '../realtime/session-listener';
import { AgentSeat } from './agent-seat';
import { AgentVoice } from './agent-voice';
import type { LineAgent } from './caller-line';
import { Conduct } from './conduct';
import type { ConversationHost, ConversationOptions, SessionReady } from './conversation-host';
import type { EndReason } from './end-reason';
import type { Breach } from './guarantees';
import { ModelUnavailable } from './model-unavailable';
import type { Occupations } from './occupations';
import type { PlayoutListener } from './playout';
import type { PromptName } from './prompts';
import { Succession } from './succession';
import { ToolRunner } from './tool-runner';
import { greetingInWords, wordForWord } from './word-for-word';

//  talking ─▶ leaving ─▶ closed      leaving: the last words play and the model is gone; talking may go to closed
type Phase = 'talking' | 'leaving' | 'closed';

/** The talk between one caller and one model: the caller's audio up, the agent's audio down, and who interrupts whom. */
export class Conversation implements RealtimeSessionListener, PlayoutListener, LineAgent {
  readonly #options: ConversationOptions;
  readonly #host: ConversationHost;
  readonly #seat: AgentSeat;
  readonly #voice: AgentVoice;
  readonly #conduct: Conduct;
  readonly #succession: Succession;
  readonly #tools: ToolRunner;
  #phase: Phase = 'talking';
  #answeredAtMs: number | undefined;
  #ready: { resolve(ready: SessionReady): void; reject(cause: Error): void } | undefined;
  /** Resolves at `session.updated`; rejects with `ModelUnavailable`. */
  readonly ready: Promise<SessionReady>;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#host = options.host;
    this.ready = new Promise((resolve, reject) => (this.#ready = { resolve, reject }));
    // Whoever awaits it sees the rejection; a call that ended meanwhile does not care.
    this.ready.catch(() => undefined);
    this.#seat = new AgentSeat({ ...options, listener: this, isShared: options.handoffs !== undefined });
    this.#voice = new AgentVoice({ ...options, seat: this.#seat, listener: this });
    this.#conduct = this.#newConduct(options);
    this.#succession = this.#newSuccession(options);
    this.#tools = this.#newTools(options);
  }

  /** What the media leg pulls from. */
  get source(): AudioSource {
    return this.#voice.playout;
  }

  /** Neither leaving nor closed. */
  get isTalking(): boolean {
    return this.#phase === 'talking';
  }

  /** What the call is busy with. */
  get occupations(): Occupations {
    return this.#conduct.occupations;
  }

  /** The caller can hear us now: the agent begins, if it has a greeting. */
  greet(): void {
    const { greeting } = this.#seat.agent.session;
    if (this.#phase !== 'talking') return;
    this.#answeredAtMs = this.#options.clock.now();
    this.#conduct.start();
    // A caller who speaks already gets an answer instead.
    if (greeting === undefined || this.occupations.has('caller-speaking')) return;
    this.#conduct.ask(greetingInWords(greeting));
  }

  /** 20 ms of the caller. Must not keep the frame. */
  onCallerAudio(frame: PcmFrame): void {
    if (this.#phase !== 'talking' || this.#succession.isTransferring) return;
    if (!this.#conduct.takesFrame(frame)) return;
    this.#seat.ear.push(frame, { isSpeaking: this.occupations.has('caller-speaking') });
  }

  /** What a supervisor says and the caller does not hear. False when it reaches nobody. */
  onWhisper(speech: Recording): boolean {
    const isHeard = this.#phase === 'talking' && !this.#succession.isTransferring;
    if (isHeard) this.#conduct.onWhisper(speech);
    return isHeard;
  }

  /** While it is true nothing of the caller's line may be told to anybody. */
  get isSecure(): boolean {
    return this.#phase === 'talking' && this.#conduct.isSecure;
  }

  /** A key, by RTP or INFO. */
  onDigit(digit: string): void {
    if (this.#phase === 'talking' && !this.#succession.isTransferring) this.#conduct.onDigit(digit);
  }

  /** The caller has put us on hold, or is back. */
  onHold(isOnHold: boolean): void {
    if (this.#phase === 'talking') this.#conduct.onHold(isOnHold);
  }

  /** Says something of our own between the agent's sentences. */
  announce(prompt: PromptName): void {
    if (this.#phase === 'talking') this.#play(prompt);
  }

  /**
   * Says a recorded goodbye, and ends the call when it was heard. The agent is cut off, or with `letFinish` heard to the
   * end of what it has said so far.
   */
  leave(prompt: PromptName, reason: EndReason, { letFinish = false } = {}): void {
    if (this.#phase !== 'talking') return;
    this.#phase = 'leaving';
    this.#succession.callOff();
    this.#tools.close();
    this.#conduct.close();
    this.#seat.close();
    if (letFinish) this.#voice.playout.completeAll();
    else this.#voice.playout.silence();
    this.#play(prompt);
    this.#succession.endWhenHeard(reason);
  }

  /** A promise of the route that the call itself watches over was not kept. */
  breached(breach: Omit<Breach, 'atMs'>): void {
    this.#conduct.breached(breach);
  }

  /** Twice is fine. */
  close(): void {
    this.#phase = 'closed';
    this.#ready?.reject(new ModelUnavailable({ kind: 'closed' }));
    this.#ready = undefined;
    this.#succession.close();
    this.#tools.close();
    this.#conduct.close();
    this.#seat.close();
  }

  /** After `close`: runs when the model has told what it cost to the end, or 2 s later at most. */
  whenBilled(act: () => void): void {
    this.#seat.whenBilled(act);
  }

  // The model (RealtimeSessionListener).

  onReady(ready: SessionReady): void {
    this.#ready?.resolve(ready);
    this.#ready = undefined;
  }

  onSpeechStarted(event: { itemId: string; audioStartMs: number }): void {
    if (this.#phase !== 'talking') return;
    this.#seat.memory?.callerBegan(event.itemId);
    this.#host.emit({ kind: 'caller-speech-started', itemId: event.itemId });
    // An observer may have ended the call.
    if (!this.isTalking) return;
    this.#conduct.onSpeechStarted(event.itemId);
    this.#tools.lineChanged();
  }

  onSpeechStopped(event: { itemId: string; audioEndMs: number }): void {
    if (this.#phase !== 'talking') return;
    this.#seat.memory?.callerStopped(event.itemId);
    this.#host.emit({ kind: 'caller-speech-stopped', itemId: event.itemId });
    // An observer may have ended the call.
    if (!this.isTalking) return;
    this.#conduct.onSpeechStopped(event.itemId);
    this.#tools.lineChanged();
  }

  onInputCleared(): void {
    if (this.#phase === 'talking') this.#conduct.onInputCleared();
  }

  onIdleTimeout(): void {
    if (this.#phase === 'talking') this.#conduct.onIdleTimeout();
  }

  onAnswerToResultsAsked(): void {
    if (this.#phase === 'talking') this.#conduct.owe();
  }

  onResponseStarted(event: { responseId: string; request: RequestedResponse | undefined }): void {
    this.#voice.responseStarted(event.responseId);
    if (this.#phase !== 'talking') return;
    this.#conduct.onResponseStarted(event);
    // The other agent will answer.
    if (this.#succession.leavesSession) this.#seat.session.cancelResponse();
    this.#tools.lineChanged();
  }

  onAudio(event: ItemContent & { responseId: string; samples: PcmFrame }): void {
    if (this.#phase !== 'talking' || this.#succession.leavesSession) return;
    if (this.#voice.speak(event) !== 'full') this.#conduct.queued();
    else {
      this.leave('apology', { kind: 'model-too-fast', queuedMs: Math.round(this.#voice.playout.queuedMs) });
    }
  }

  onAudioDone(event: ItemContent & { responseId: string }): void {
    if (this.#phase === 'talking') this.#voice.playout.complete(event);
  }

  onResponseDone(done: ResponseDone): void {
    this.#voice.responseDone(done.responseId);
    this.#host.addResponse(done, this.#seat.agent);
    if (this.#phase !== 'talking') return;
    this.#conduct.onResponseDone(done);
    this.#tools.lineChanged();
    this.#succession.responseDone();
  }

  onTranscriptionUsage(usage: TranscriptionUsage): void {
    this.#host.addTranscription(usage, this.#seat.agent);
  }

  onRateLimits(limits: readonly RateLimit[]): void {
    this.#conduct.onRateLimits(limits);
  }

  onFunctionCall(call: FunctionCall): void {
    if (this.#phase !== 'talking') return;
    this.#seat.memory?.called(call);
    this.#tools.start(call);
  }

  onServerToolCall({ callId, server, name, failed }: ServerToolCall): void {
    if (this.#phase !== 'talking') return;
    const outcome = failed ? 'failed' : 'done';
    const failure = failed ? 'service-failed' : undefined;
    const tool = `${server}.${name}`.slice(0, 64);
    this.#host.emit({ kind: 'function-call', name: tool, callId, outcome, failure, durationMs: undefined });
  }

  onTranscript(event: { itemId: string; by: 'agent' | 'caller'; text: string }): void {
    if (event.by === 'caller') this.#seat.memory?.callerSaid(event.itemId, event.text);
    else this.#seat.memory?.agentSaid(event.itemId, event.text);
    this.#host.emit({ kind: 'transcript', ...event });
  }

  onError(error: { code: string; message: string }): void {
    this.#host.emit({ kind: 'model-error', ...error });
  }

  onEnded(ended: SessionEnded): void {
    if (this.#ready !== undefined) {
      this.#ready.reject(new ModelUnavailable(ended));
      this.#ready = undefined;
      return;
    }
    if (ended.kind === 'closed' || this.#phase === 'closed') return;
    const reason: EndReason = ended.kind === 'expired' ? { kind: 'session-limit' } : { kind: 'model-lost', ended };
    switch (this.#succession.modelLost(reason)) {
      case 'goes-on':
        return;
      case 'said-all':
        this.#phase = 'leaving';
        this.#tools.close();
        this.#conduct.close();
        return;
      case 'nobody':
        this.#leaveWithoutModel(reason);
    }
  }

  // The caller's ear (PlayoutListener).

  onItemStarted(itemId: string): void {
    this.#conduct.agentHeard();
    this.#host.emit({ kind: 'agent-audio-started', itemId });
  }

  onGap(ms: number): void {
    this.#host.emit({ kind: 'speech-gap', ms });
  }

  onDrained(): void {
    this.#conduct.drained();
    this.#tools.lineChanged();
    this.#succession.drained();
  }

  /** Nobody speaks, and nothing else is awaited: whoever waits for a tool now waits in silence. */
  #isQuiet(): boolean {
    const isTalking = this.#phase === 'talking' && !this.#succession.isAwaited;
    const isBusy = [...this.occupations.current].some((occupation) => occupation !== 'tool');
    return isTalking && !isBusy && this.#voice.isHeard && !this.#voice.isRespondingAtAll;
  }

  /** The caller speaks over the agent. */
  #bargeIn(how: { cancel: boolean }): void {
    const cutOff = this.#voice.cutOff(how);
    if (cutOff !== undefined) this.#host.emit({ kind: 'barge-in', ...cutOff });
  }

  #play(prompt: PromptName): void {
    this.#voice.play(prompt);
    if (this.#phase !== 'talking') return;
    this.#conduct.queued();
    this.#conduct.announced();
  }

  #leaveWithoutModel(reason: EndReason): void {
    this.leave(reason.kind === 'session-limit' ? 'session-goodbye' : 'apology', reason);
  }

  #newSuccession(options: ConversationOptions): Succession {
    const { clock } = options;
    return new Succession({
      ...options,
      seat: this.#seat,
      voice: this.#voice,
      conduct: this.#conduct,
      conversation: {
        isTalking: () => this.isTalking,
        callMs: () => clock.now() - (this.#answeredAtMs ?? clock.now()),
        followTools: (agent) => this.#tools.follow(agent),
        close: () => this.close(),
        leaveWithoutModel: (reason) => this.#leaveWithoutModel(reason),
      },
    });
  }

  #newTools({ clock, random, logger, tools, facts, host }: ConversationOptions): ToolRunner {
    return new ToolRunner({
      clock,
      random,
      logger,
      tools,
      facts,
      agentTools: this.#seat.agent.tools,
      occupations: this.occupations,
      host: {
        submit: (results) => this.#succession.submit(results),
        emit: (event) => host.emit(event),
        controlFor: (call) => this.#succession.controlFor(call),
        isQuiet: () => this.#isQuiet(),
        say: (sentence) => this.#seat.session.remark(wordForWord(sentence)),
        waitingSound: (isOn) => this.#voice.waitingSound(isOn),
      },
    });
  }

  #newConduct({ clock, guarantees }: ConversationOptions): Conduct {
    const seat = this.#seat;
    return new Conduct({
      clock,
      agent: this.#seat.agent,
      guarantees,
      host: {
        get session() {
          return seat.session;
        },
        playout: this.#voice.playout,
        tell: (act) => this.#succession.whenSettled(act),
        note: (text) => this.#seat.memory?.noted(text),
        discardTurn: (itemId) => {
          this.#seat.memory?.forget(itemId);
          this.#seat.session.discardTurn(itemId);
        },
        emit: (event) => this.#host.emit(event),
        announce: (prompt) => this.announce(prompt),
        leave: (prompt, reason) => this.leave(prompt, reason),
        interrupt: (how) => this.#bargeIn(how),
        keepCallOpen: () => this.#succession.keepCallOpen(),
        transfer: (destination) => this.#succession.transfer(destination, undefined),
        endAfter: (responseId, reason) => this.#succession.endWhenHeard(reason, responseId),
      },
    });
  }
}
