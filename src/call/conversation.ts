import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import { waitingTicks } from '../audio/waiting-ticks';
import type { AudioSource } from '../media/media-leg';
import type { FunctionResult } from '../realtime/function-calls';
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
import { AgentControl } from './agent-control';
import { AgentSeat } from './agent-seat';
import { AgentTransfer } from './agent-transfer';
import type { LineAgent } from './caller-line';
import { Conduct } from './conduct';
import type { ConversationHost, ConversationOptions, SessionReady } from './conversation-host';
import type { EndReason } from './end-reason';
import { Farewell, type Following } from './farewell';
import type { Breach } from './guarantees';
import { unavailableSentence } from './handoff-outcome';
import { Handoffs, type HandedOver } from './handoffs';
import { ModelUnavailable } from './model-unavailable';
import type { Occupations } from './occupations';
import type { PlayoutListener } from './playout';
import { Playout } from './playout';
import type { PromptName, Prompts } from './prompts';
import { ToolRunner } from './tool-runner';
import { greetingInWords, wordForWord } from './word-for-word';

/** Longer answers than this, queued ahead of the caller's ear, are a fault of the model. */
const queuedMsMax = 180_000;

//  talking ─▶ leaving ─▶ closed      leaving: the last words play and the model is gone; talking may go to closed
type Phase = 'talking' | 'leaving' | 'closed';

/** The talk between one caller and one model: the caller's audio up, the agent's audio down, and who interrupts whom. */
export class Conversation implements RealtimeSessionListener, PlayoutListener, LineAgent {
  readonly #options: ConversationOptions;
  readonly #prompts: Prompts;
  readonly #host: ConversationHost;
  readonly #seat: AgentSeat;
  readonly #playout: Playout;
  readonly #conduct: Conduct;
  readonly #farewell: Farewell;
  readonly #transfer: AgentTransfer;
  /** Why the model was lost while the caller waited for a destination. */
  #lostModel: EndReason | undefined;
  readonly #handoffs: Handoffs;
  #answeredAtMs: number | undefined;
  readonly #control: AgentControl;
  readonly #tools: ToolRunner;
  #phase: Phase = 'talking';
  #ready: { resolve(ready: SessionReady): void; reject(cause: Error): void } | undefined;
  /** Resolves at `session.updated`; rejects with `ModelUnavailable`. */
  readonly ready: Promise<SessionReady>;
  readonly #activeResponses = new Map<string, { interrupted: boolean }>();

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#prompts = options.prompts;
    this.#host = options.host;
    this.ready = new Promise((resolve, reject) => (this.#ready = { resolve, reject }));
    // Whoever awaits it sees the rejection; a call that ended meanwhile does not care.
    this.ready.catch(() => undefined);
    this.#seat = new AgentSeat({ ...options, listener: this, isShared: options.handoffs !== undefined });
    this.#playout = new Playout({
      modelRateHz: this.#seat.session.outputRateHz,
      legRateHz: options.legRateHz,
      queuedMsMax,
      listener: this,
    });
    this.#farewell = new Farewell({
      clock: options.clock,
      host: {
        isHeard: () => !this.#playout.speaking,
        queuedMs: () => this.#playout.queuedMs,
        isResponding: (responseId) => this.#activeResponses.has(responseId),
        isRespondingAtAll: () => this.#activeResponses.size > 0,
        follow: (what) => this.#follow(what),
      },
    });
    this.#conduct = this.#newConduct(options);
    this.#transfer = this.#newTransfer();
    this.#handoffs = this.#newHandoffs(options);
    this.#control = this.#newControl();
    this.#tools = this.#toolRunner(options);
  }

  /** What the media leg pulls from. */
  get source(): AudioSource {
    return this.#playout;
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
    if (this.#phase !== 'talking' || this.#transfer.isUnderWay) return;
    if (!this.#conduct.takesFrame(frame)) return;
    this.#seat.ear.push(frame, { isSpeaking: this.occupations.has('caller-speaking') });
  }

  /** What a supervisor says and the caller does not hear, at `inputRateHz`. False when it reaches nobody. */
  onWhisper(speech: PcmFrame): boolean {
    const isHeard = this.#phase === 'talking' && !this.#transfer.isUnderWay;
    if (isHeard) this.#conduct.onWhisper(speech);
    return isHeard;
  }

  /** Of the caller's frames for the model. */
  get inputRateHz(): SampleRateHz {
    return this.#seat.session.inputRateHz;
  }

  /** While it is true nothing of the caller's line may be told to anybody. */
  get isSecure(): boolean {
    return this.#phase === 'talking' && this.#conduct.isSecure;
  }

  /** A key, by RTP or INFO. */
  onDigit(digit: string): void {
    if (this.#phase === 'talking' && !this.#transfer.isUnderWay) this.#conduct.onDigit(digit);
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
    this.#transfer.cancel();
    this.#phase = 'leaving';
    this.#handoffs.close();
    this.#tools.close();
    this.#conduct.close();
    this.#seat.session.close();
    if (letFinish) this.#playout.completeAll();
    else this.#playout.silence();
    this.#play(prompt);
    this.#farewell.begin({ reason, callIds: [], responseId: undefined });
  }

  /** A promise of the route that the call itself watches over was not kept. */
  breached(breach: Omit<Breach, 'atMs'>): void {
    this.#conduct.breached(breach);
  }

  /** Twice is fine. */
  close(): void {
    this.#phase = 'closed';
    this.#farewell.cancel();
    this.#handoffs.close();
    this.#tools.close();
    this.#conduct.close();
    this.#seat.session.close();
  }

  #toolRunner({ clock, random, logger, tools, facts, host }: ConversationOptions): ToolRunner {
    return new ToolRunner({
      clock,
      random,
      logger,
      tools,
      facts,
      agentTools: this.#seat.agent.tools,
      occupations: this.occupations,
      host: {
        submit: (results) => this.#submit(results),
        emit: (event) => host.emit(event),
        controlFor: (call) => this.#control.for(call),
        isQuiet: () => this.#isQuiet(),
        say: (sentence) => this.#seat.session.remark(wordForWord(sentence)),
        waitingSound: (isOn) => this.#playout.fillSilence(isOn ? waitingTicks(this.#playout.modelRateHz) : undefined),
      },
    });
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
    this.#activeResponses.set(event.responseId, { interrupted: false });
    if (this.#phase !== 'talking') return;
    this.#conduct.onResponseStarted(event);
    // The other agent will answer.
    if (this.#handoffs.leavesSession) this.#seat.session.cancelResponse();
    this.#tools.lineChanged();
  }

  onAudio(event: ItemContent & { responseId: string; samples: PcmFrame }): void {
    if (this.#phase !== 'talking' || this.#handoffs.leavesSession) return;
    this.#seat.memory?.agentSounded(event.itemId, (event.samples.length * 1_000) / this.#playout.modelRateHz);
    if (this.#playout.enqueue(event) !== 'full') this.#conduct.queued();
    else {
      this.leave('apology', { kind: 'model-too-fast', queuedMs: Math.round(this.#playout.queuedMs) });
    }
  }

  onAudioDone(event: ItemContent & { responseId: string }): void {
    if (this.#phase === 'talking') this.#playout.complete(event);
  }

  onResponseDone(done: ResponseDone): void {
    this.#activeResponses.delete(done.responseId);
    this.#host.addResponse(done);
    if (this.#phase !== 'talking') return;
    this.#conduct.onResponseDone(done);
    this.#tools.lineChanged();
    this.#farewell.endIfHeard();
  }

  onTranscriptionUsage(usage: TranscriptionUsage): void {
    this.#host.addTranscription(this.#seat.agent.session.transcription?.model, usage);
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
    if (this.#handoffs.survivesLoss()) {
      this.#loseModel(ended);
      this.#activeResponses.clear();
      this.#playout.completeAll();
      this.#farewell.endIfHeard();
      return;
    }
    if (this.#transfer.isUnderWay || this.#farewell.pending?.reason.kind === 'transfer') {
      this.#loseModel(ended);
      if (!this.#transfer.isUnderWay) this.#playout.completeAll();
      return;
    }
    if (this.#farewell.isWhole) {
      this.#phase = 'leaving';
      this.#tools.close();
      this.#conduct.close();
      return;
    }
    this.#loseModel(ended);
    this.#leaveWithoutModel();
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
    this.#farewell.endIfHeard();
    this.#handoffs.proceed();
  }

  /** Nobody speaks, and nothing else is awaited: whoever waits for a tool now waits in silence. */
  #isQuiet(): boolean {
    const isTalking = this.#phase === 'talking' && this.#farewell.pending === undefined;
    const isBusy = [...this.occupations.current].some((occupation) => occupation !== 'tool');
    return isTalking && !isBusy && !this.#playout.speaking && this.#activeResponses.size === 0;
  }

  /** On `speech_started`: stop what plays, and tell the model how much of it was heard. */
  #bargeIn({ cancel }: { cancel: boolean }): void {
    if (cancel) this.#seat.session.cancelResponse();
    for (const response of this.#activeResponses.values()) response.interrupted = true;
    let playing: { itemId: string; audioEndMs: number } | undefined;
    for (const unheard of this.#playout.interrupt()) {
      if (unheard.kind === 'truncate') {
        this.#seat.session.truncate(unheard);
        this.#seat.memory?.agentHeard(unheard.itemId, unheard.audioEndMs);
        playing ??= unheard;
      } else {
        // What a session before this one said is nothing that this one could forget.
        if (this.#seat.session.hasMade(unheard.itemId)) this.#seat.session.deleteItem(unheard.itemId);
        this.#seat.memory?.forget(unheard.itemId);
        playing ??= { itemId: unheard.itemId, audioEndMs: 0 };
      }
    }
    if (playing === undefined) return;
    this.#host.emit({ kind: 'barge-in', itemId: playing.itemId, audioEndMs: playing.audioEndMs });
  }

  #play(prompt: PromptName): void {
    this.#playout.playPrompt(this.#prompts[prompt][this.#playout.modelRateHz]);
    if (this.#phase !== 'talking') return;
    this.#conduct.queued();
    this.#conduct.announced();
  }

  #follow(what: Following): void {
    if (what.kind === 'transfer') this.#beginTransfer(what.destination, what.callId);
    else if (what.kind === 'handoff') this.#handoffs.lastWordsHeard();
    else this.#host.end(what);
  }

  #beginTransfer(destination: string, callId: string | undefined): void {
    // Half a sentence from before would be answered when the agent is back.
    if (this.#lostModel === undefined) this.#seat.session.clearInput();
    this.#transfer.begin(destination, callId);
  }

  #onNobodyReached({ callId, output }: { callId: string | undefined; output: string }): void {
    if (this.#phase !== 'talking') return;
    if (this.#lostModel !== undefined) {
      this.#leaveWithoutModel();
      return;
    }
    if (callId === undefined) return;
    this.#submit([{ callId, output, respond: 'at-once' }]);
    this.#conduct.owe();
  }

  /** Results of tools for whoever speaks when they are there. For each, whether the model gets it. */
  #submit(results: readonly FunctionResult[]): boolean[] {
    if (this.#handoffs.isSwitching) {
      this.#handoffs.whenSettled(() => {
        for (const isTaken of this.#submit(results)) if (!isTaken) this.#options.tools.discarded('refused');
      });
      return results.map(() => true);
    }
    for (const { callId, output } of results) this.#seat.memory?.answered(callId, output);
    return this.#seat.session.submitToolResults(results);
  }

  #loseModel(ended: SessionEnded): void {
    this.#lostModel = ended.kind === 'expired' ? { kind: 'session-limit' } : { kind: 'model-lost', ended };
  }

  #leaveWithoutModel(): void {
    const reason = this.#lostModel;
    if (reason !== undefined) this.leave(reason.kind === 'session-limit' ? 'session-goodbye' : 'apology', reason);
  }

  /** Another agent takes over: by its own rules, with everything that was said. */
  #takeOver({ agent, from, callId, next }: HandedOver): void {
    if (this.#phase !== 'talking') return;
    this.#seat.take(agent, next);
    if (next !== undefined) {
      this.#lostModel = undefined;
      this.#activeResponses.clear();
      this.#playout.changeRate(next.session.outputRateHz);
    }
    this.#conduct.follow(agent, { isNewSession: next !== undefined });
    this.#tools.follow(agent);
    this.#host.agentChanged(agent, next);
    // First what the caller says: the model must not begin over it.
    if (next !== undefined) this.#seat.ear.listenAgain(next.session);
    const output = JSON.stringify({ handed_off: true, from, to: agent.name, next: 'You are on the line now. Go on.' });
    this.#submit([{ callId, output, respond: 'at-once' }]);
    this.#conduct.owe();
  }

  #newHandoffs({ clock, logger, handoffs, host }: ConversationOptions): Handoffs {
    return new Handoffs({
      clock,
      logger,
      rules: handoffs ?? { colleagues: new Map(), isSameModel: () => true, deadlineMs: 0 },
      host: {
        seat: this.#seat,
        occupations: this.occupations,
        callMs: () => clock.now() - (this.#answeredAtMs ?? clock.now()),
        maySwitchTo: ({ outputRateHz }) => outputRateHz === this.#playout.modelRateHz || !this.#playout.speaking,
        takeOver: (taken) => this.#takeOver(taken),
        goOn: (callId) => {
          const output = JSON.stringify({ handed_off: false, reason: unavailableSentence });
          this.#onNobodyReached({ callId, output });
        },
        emit: (event) => host.emit(event),
      },
    });
  }

  #newControl(): AgentControl {
    return new AgentControl({
      session: { setLanguage: (code) => this.#seat.session.setLanguage(code) },
      farewell: this.#farewell,
      isHandingOff: () => this.#handoffs.isUnderWay,
      beginHandoff: (agent, callId) => this.#handoffs.begin(agent, callId),
      callOffHandoff: () => this.#handoffs.callOff(),
      submit: (result) => void this.#submit([result]),
      mayEnd: () => this.#phase === 'talking',
      isTransferring: () => this.#transfer.isUnderWay,
      wasInterrupted: (responseId) => this.#activeResponses.get(responseId)?.interrupted === true,
      remember: (note) => this.#host.remember(note),
      sendDigits: (keys) => this.#host.sendDigits(keys),
      collectKeys: (rules, signal) => this.#conduct.collectKeys(rules, signal),
    });
  }

  #newTransfer(): AgentTransfer {
    return new AgentTransfer({
      occupations: this.occupations,
      transfer: (destination, requester) => this.#host.transfer(destination, requester),
      cancelTransfer: () => this.#host.cancelTransfer(),
      onJoined: () => this.close(),
      onFailed: (failed) => this.#onNobodyReached(failed),
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
        playout: this.#playout,
        tell: (act) => this.#handoffs.whenSettled(act),
        note: (text) => this.#seat.memory?.noted(text),
        discardTurn: (itemId) => {
          this.#seat.memory?.forget(itemId);
          this.#seat.session.discardTurn(itemId);
        },
        emit: (event) => this.#host.emit(event),
        announce: (prompt) => this.announce(prompt),
        leave: (prompt, reason) => this.leave(prompt, reason),
        interrupt: (how) => this.#bargeIn(how),
        keepCallOpen: () => this.#control.keepCallOpen(),
        transfer: (destination) => this.#beginTransfer(destination, undefined),
        endAfter: (responseId, reason) => this.#farewell.begin({ reason, callIds: [], responseId }),
      },
    });
  }
}
