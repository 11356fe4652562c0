import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import type { AudioSource } from '../media/media-leg';
import { waitingTicks } from '../audio/waiting-ticks';
import type { RealtimeSession } from '../realtime/session';
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
import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { CallFacts } from '../tools/tool-run';
import { AgentControl } from './agent-control';
import { AgentTransfer } from './agent-transfer';
import { CallerAudio } from './caller-audio';
import type { LineAgent } from './caller-line';
import type { CallEvent } from './call-observer';
import { Conduct } from './conduct';
import type { EndReason } from './end-reason';
import { Farewell, type Following } from './farewell';
import type { Breach } from './guarantees';
import { ModelUnavailable } from './model-unavailable';
import type { Occupations } from './occupations';
import type { PlayoutListener } from './playout';
import { Playout } from './playout';
import type { PromptName, Prompts } from './prompts';
import type { TransferFailure } from './transfer-outcome';
import type { TransferRequester } from './transfers';
import type { CallTools } from './tool-runner';
import { ToolRunner } from './tool-runner';
import { greetingInWords, wordForWord } from './word-for-word';
import type { GuaranteeRules } from '../dialplan/conversation-rules';
import type { Agent } from '../dialplan/plan';

/** The call that this conversation is held in. */
export interface ConversationHost {
  emit(event: CallEvent): void;
  addResponse(done: ResponseDone): void;
  addTranscription(usage: TranscriptionUsage): void;
  end(reason: EndReason): void;
  /** Sends the caller to a destination of the plan. */
  transfer(destination: string, requester: TransferRequester): void;
  cancelTransfer(): void;
  /** Keeps a note on the call's record. */
  remember(note: string): 'kept' | 'full';
  sendDigits(keys: string): boolean;
}

export interface ConversationOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  agent: Agent;
  tools: CallTools;
  /** What tools may know of the call. */
  facts: CallFacts;
  legRateHz: SampleRateHz;
  prompts: Prompts;
  /** What the route promises the caller. */
  guarantees: GuaranteeRules;
  host: ConversationHost;
  openSession(listener: RealtimeSessionListener): RealtimeSession;
}

export interface SessionReady {
  sessionId: string;
  model: string;
  expiresAtMs: number | undefined;
}

/** Longer answers than this, queued ahead of the caller's ear, are a fault of the model. */
const queuedMsMax = 180_000;

//  talking ─▶ leaving ─▶ closed      leaving: the last words play and the model is gone; talking may go to closed
type Phase = 'talking' | 'leaving' | 'closed';

/** The talk between one caller and one model: the caller's audio up, the agent's audio down, and who interrupts whom. */
export class Conversation implements RealtimeSessionListener, PlayoutListener, LineAgent {
  readonly #agent: Agent;
  readonly #prompts: Prompts;
  readonly #host: ConversationHost;
  readonly #session: RealtimeSession;
  readonly #playout: Playout;
  readonly #callerAudio: CallerAudio;
  readonly #conduct: Conduct;
  readonly #farewell: Farewell;
  readonly #transfer: AgentTransfer;
  /** Why the model was lost while the caller waited for a destination. */
  #lostModel: EndReason | undefined;
  readonly #control: AgentControl;
  readonly #tools: ToolRunner;
  #phase: Phase = 'talking';
  #ready: { resolve(ready: SessionReady): void; reject(cause: Error): void } | undefined;
  /** Resolves at `session.updated`; rejects with `ModelUnavailable`. */
  readonly ready: Promise<SessionReady>;
  readonly #activeResponses = new Map<string, { interrupted: boolean }>();

  constructor(options: ConversationOptions) {
    this.#agent = options.agent;
    this.#prompts = options.prompts;
    this.#host = options.host;
    this.ready = new Promise((resolve, reject) => (this.#ready = { resolve, reject }));
    // Whoever awaits it sees the rejection; a call that ended meanwhile does not care.
    this.ready.catch(() => undefined);
    this.#session = options.openSession(this);
    const { inputRateHz, outputRateHz: modelRateHz } = this.#session;
    this.#playout = new Playout({ modelRateHz, legRateHz: options.legRateHz, queuedMsMax, listener: this });
    this.#callerAudio = new CallerAudio({
      legRateHz: options.legRateHz,
      modelRateHz: inputRateHz,
      sink: (frame) => this.#session.appendAudio(frame),
    });
    this.#farewell = new Farewell({
      clock: options.clock,
      host: {
        isHeard: () => !this.#playout.speaking,
        queuedMs: () => this.#playout.queuedMs,
        isResponding: (responseId) => this.#activeResponses.has(responseId),
        follow: (what) => this.#follow(what),
      },
    });
    this.#conduct = this.#newConduct(options);
    this.#transfer = this.#newTransfer();
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
    const { greeting } = this.#agent.session;
    if (this.#phase !== 'talking') return;
    this.#conduct.start();
    // A caller who speaks already gets an answer instead.
    if (greeting === undefined || this.occupations.has('caller-speaking')) return;
    this.#conduct.ask(greetingInWords(greeting));
  }

  /** 20 ms of the caller. Must not keep the frame. */
  onCallerAudio(frame: PcmFrame): void {
    if (this.#phase !== 'talking' || this.#transfer.isUnderWay) return;
    if (this.#conduct.takesFrame(frame)) this.#callerAudio.push(frame);
  }

  /** What a supervisor says and the caller does not hear, at `inputRateHz`. False when it reaches nobody. */
  onWhisper(speech: PcmFrame): boolean {
    const isHeard = this.#phase === 'talking' && !this.#transfer.isUnderWay;
    if (isHeard) this.#conduct.onWhisper(speech);
    return isHeard;
  }

  /** Of the caller's frames for the model. */
  get inputRateHz(): SampleRateHz {
    return this.#session.inputRateHz;
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
    this.#tools.close();
    this.#conduct.close();
    this.#session.close();
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
    this.#tools.close();
    this.#conduct.close();
    this.#session.close();
  }

  #toolRunner({ clock, random, logger, tools, facts, host }: ConversationOptions): ToolRunner {
    return new ToolRunner({
      clock,
      random,
      logger,
      tools,
      facts,
      agentTools: this.#agent.tools,
      occupations: this.occupations,
      host: {
        submit: (results) => this.#session.submitToolResults(results),
        emit: (event) => host.emit(event),
        controlFor: (call) => this.#control.for(call),
        isQuiet: () => this.#isQuiet(),
        say: (sentence) => this.#session.remark(wordForWord(sentence)),
        waitingSound: (isOn) => this.#playout.fillSilence(isOn ? waitingTicks(this.#session.outputRateHz) : undefined),
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
    this.#host.emit({ kind: 'caller-speech-started', itemId: event.itemId });
    // An observer may have ended the call.
    if (!this.isTalking) return;
    this.#conduct.onSpeechStarted(event.itemId);
    this.#tools.lineChanged();
  }

  onSpeechStopped(event: { itemId: string; audioEndMs: number }): void {
    if (this.#phase !== 'talking') return;
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
    this.#tools.lineChanged();
  }

  onAudio(event: ItemContent & { responseId: string; samples: PcmFrame }): void {
    if (this.#phase !== 'talking') return;
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
    this.#host.addTranscription(usage);
  }

  onRateLimits(limits: readonly RateLimit[]): void {
    this.#conduct.onRateLimits(limits);
  }

  onFunctionCall(call: FunctionCall): void {
    if (this.#phase === 'talking') this.#tools.start(call);
  }

  onServerToolCall({ callId, server, name, failed }: ServerToolCall): void {
    if (this.#phase !== 'talking') return;
    const outcome = failed ? 'failed' : 'done';
    const failure = failed ? 'service-failed' : undefined;
    const tool = `${server}.${name}`.slice(0, 64);
    this.#host.emit({ kind: 'function-call', name: tool, callId, outcome, failure, durationMs: undefined });
  }

  onTranscript(event: { itemId: string; by: 'agent' | 'caller'; text: string }): void {
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
    if (ended.kind === 'closed') return;
    if (this.#transfer.isUnderWay || this.#farewell.pending?.reason.kind === 'transfer') {
      this.#lostModel = ended.kind === 'expired' ? { kind: 'session-limit' } : { kind: 'model-lost', ended };
      if (!this.#transfer.isUnderWay) this.#playout.completeAll();
      return;
    }
    if (this.#farewell.isWhole) {
      this.#phase = 'leaving';
      this.#tools.close();
      this.#conduct.close();
      return;
    }
    if (ended.kind === 'expired') this.leave('session-goodbye', { kind: 'session-limit' });
    else this.leave('apology', { kind: 'model-lost', ended });
  }

  // The caller's ear (PlayoutListener).

  onItemStarted(itemId: string): void {
    this.#conduct.agentHeard();
    this.#host.emit({ kind: 'agent-audio-started', itemId });
  }

  onDrained(): void {
    this.#conduct.drained();
    this.#tools.lineChanged();
    this.#farewell.endIfHeard();
  }

  /** Nobody speaks, and nothing else is awaited: whoever waits for a tool now waits in silence. */
  #isQuiet(): boolean {
    const isTalking = this.#phase === 'talking' && this.#farewell.pending === undefined;
    const isBusy = [...this.occupations.current].some((occupation) => occupation !== 'tool');
    return isTalking && !isBusy && !this.#playout.speaking && this.#activeResponses.size === 0;
  }

  /** On `speech_started`: stop what plays, and tell the model how much of it was heard. */
  #bargeIn({ cancel }: { cancel: boolean }): void {
    if (cancel) this.#session.cancelResponse();
    for (const response of this.#activeResponses.values()) response.interrupted = true;
    let playing: { itemId: string; audioEndMs: number } | undefined;
    for (const unheard of this.#playout.interrupt()) {
      if (unheard.kind === 'truncate') {
        this.#session.truncate(unheard);
        playing ??= unheard;
      } else {
        this.#session.deleteItem(unheard.itemId);
        playing ??= { itemId: unheard.itemId, audioEndMs: 0 };
      }
    }
    if (playing === undefined) return;
    this.#host.emit({ kind: 'barge-in', itemId: playing.itemId, audioEndMs: playing.audioEndMs });
  }

  #play(prompt: PromptName): void {
    this.#playout.playPrompt(this.#prompts[prompt][this.#session.outputRateHz]);
    if (this.#phase !== 'talking') return;
    this.#conduct.queued();
    this.#conduct.announced();
  }

  #follow(what: Following): void {
    if (what.kind !== 'transfer') {
      this.#host.end(what);
      return;
    }
    this.#beginTransfer(what.destination, what.callId);
  }

  #beginTransfer(destination: string, callId: string | undefined): void {
    // Half a sentence from before would be answered when the agent is back.
    if (this.#lostModel === undefined) this.#session.clearInput();
    this.#transfer.begin(destination, callId);
  }

  #onTransferFailed({
    callId,
    output,
  }: {
    callId: string | undefined;
    output: string;
    failure: TransferFailure;
  }): void {
    if (this.#phase !== 'talking') return;
    if (this.#lostModel !== undefined) {
      const prompt = this.#lostModel.kind === 'session-limit' ? 'session-goodbye' : 'apology';
      this.leave(prompt, this.#lostModel);
      return;
    }
    if (callId === undefined) return;
    this.#session.submitToolResult({ callId, output });
    this.#conduct.owe();
  }

  #newControl(): AgentControl {
    return new AgentControl({
      session: this.#session,
      farewell: this.#farewell,
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
      onFailed: (failed) => this.#onTransferFailed(failed),
    });
  }

  #newConduct({ clock, guarantees }: ConversationOptions): Conduct {
    return new Conduct({
      clock,
      agent: this.#agent,
      guarantees,
      host: {
        session: this.#session,
        playout: this.#playout,
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
