import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import type { AudioSource } from '../media/media-leg';
import { waitingTicks } from '../audio/waiting-ticks';
import { interruptsResponse, languageName } from '../realtime/agent-schema';
import type { RealtimeSession } from '../realtime/session';
import type {
  FunctionCall,
  ItemContent,
  RealtimeSessionListener,
  ResponseDone,
  ServerToolCall,
  SessionEnded,
} from '../realtime/session-listener';
import type { Clock, Timer } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { CallControl } from '../tools/call-control';
import type { CallFacts } from '../tools/tool-run';
import { CallerAudio } from './caller-audio';
import type { CallEvent } from './call-observer';
import type { EndReason } from './end-reason';
import type { PlayoutListener } from './playout';
import { Playout } from './playout';
import type { PromptName, Prompts } from './prompts';
import { Occupations } from './occupations';
import type { CallTools } from './tool-runner';
import { ToolRunner } from './tool-runner';
import type { Agent } from '../dialplan/plan';

/** The call that this conversation is held in. */
export interface ConversationHost {
  emit(event: CallEvent): void;
  addResponse(done: ResponseDone): void;
  end(reason: EndReason): void;
  /** Keeps a note on the call's record. */
  remember(note: string): 'kept' | 'full';
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
  host: ConversationHost;
  openSession(listener: RealtimeSessionListener): RealtimeSession;
}

export interface SessionReady {
  sessionId: string;
  model: string;
  expiresAtMs: number | undefined;
}

/** The model ended before it was ever ready. */
export class ModelUnavailable extends Error {
  override readonly name = 'ModelUnavailable';
  constructor(readonly ended: SessionEnded) {
    super(describeEnded(ended));
  }
}

/** Longer answers than this, queued ahead of the caller's ear, are a fault of the model. */
const queuedMsMax = 180_000;

/** Phones hold some frames in their own buffer and drop them at a BYE: let the last words out. */
const hangUpTailMs = 200;

/** How long a goodbye may make no progress towards the caller's ear. */
const hangUpPatienceMs = 5_000;

/** An end that waits until the caller has heard everything. */
interface PendingEnd {
  reason: EndReason;
  /** The tool calls that asked for it; none when we did. */
  callIds: readonly string[];
  /** Of the last of them. */
  responseId: string | undefined;
}

//  talking ─▶ leaving ─▶ closed      leaving: the last words play and the model is gone; talking may go to closed
type Phase = 'talking' | 'leaving' | 'closed';

/** The talk between one caller and one model: the caller's audio up, the agent's audio down, and who interrupts whom. */
export class Conversation implements RealtimeSessionListener, PlayoutListener {
  readonly #clock: Clock;
  readonly #agent: Agent;
  readonly #prompts: Prompts;
  readonly #host: ConversationHost;
  readonly #session: RealtimeSession;
  readonly #playout: Playout;
  readonly #callerAudio: CallerAudio;
  readonly #tools: ToolRunner;
  readonly #occupations = new Occupations();
  #phase: Phase = 'talking';
  #ready: { resolve(ready: SessionReady): void; reject(cause: Error): void } | undefined;
  /** Resolves at `session.updated`; rejects with `ModelUnavailable`. */
  readonly ready: Promise<SessionReady>;
  #ending: PendingEnd | undefined;
  #endTimer: Timer | undefined;
  readonly #activeResponses = new Map<string, { interrupted: boolean }>();
  #callerSpeaks = false;

  constructor(options: ConversationOptions) {
    this.#clock = options.clock;
    this.#agent = options.agent;
    this.#prompts = options.prompts;
    this.#host = options.host;
    this.ready = new Promise((resolve, reject) => (this.#ready = { resolve, reject }));
    // Whoever awaits it sees the rejection; a call that ended meanwhile does not care.
    this.ready.catch(() => undefined);
    this.#session = options.openSession(this);
    const { rateHz } = this.#session;
    this.#playout = new Playout({ modelRateHz: rateHz, legRateHz: options.legRateHz, queuedMsMax, listener: this });
    this.#callerAudio = new CallerAudio({
      legRateHz: options.legRateHz,
      modelRateHz: rateHz,
      sink: (frame) => this.#session.appendAudio(frame),
    });
    this.#tools = this.#toolRunner(options);
  }

  /** What the media leg pulls from. */
  get source(): AudioSource {
    return this.#playout;
  }

  /** The caller can hear us now: the agent begins, if it has a greeting. */
  greet(): void {
    const { greeting } = this.#agent.session;
    if (this.#phase !== 'talking' || greeting === undefined) return;
    this.#session.createResponse({
      instructions: `Greet the caller with exactly these words, and add nothing: ${JSON.stringify(greeting)}`,
      metadata: { purpose: 'greeting' },
    });
  }

  /** 20 ms of the caller. Must not keep the frame. */
  onCallerAudio(frame: PcmFrame): void {
    if (this.#phase === 'talking') this.#callerAudio.push(frame);
  }

  /** Says something of our own between the agent's sentences. */
  announce(prompt: PromptName): void {
    if (this.#phase === 'talking') this.#playout.playPrompt(this.#prompts[prompt][this.#session.rateHz]);
  }

  /** Cuts the agent off, says a recorded goodbye, and ends the call when it was heard. */
  leave(prompt: PromptName, reason: EndReason): void {
    if (this.#phase !== 'talking') return;
    this.#phase = 'leaving';
    this.#tools.close();
    this.#session.close();
    this.#playout.silence();
    this.#playout.playPrompt(this.#prompts[prompt][this.#session.rateHz]);
    this.#endWhenHeard({ reason, callIds: [], responseId: undefined });
  }

  /** Twice is fine. */
  close(): void {
    this.#phase = 'closed';
    this.#ending = undefined;
    this.#endTimer?.cancel();
    this.#tools.close();
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
      occupations: this.#occupations,
      host: {
        submit: (results) => this.#session.submitToolResults(results),
        emit: (event) => host.emit(event),
        controlFor: (call) => this.#controlFor(call),
        isQuiet: () => this.#isQuiet(),
        say: (sentence) => this.#session.remark(wordForWord(sentence)),
        waitingSound: (isOn) => this.#playout.fillSilence(isOn ? waitingTicks(this.#session.rateHz) : undefined),
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
    this.#callerSpeaks = true;
    this.#keepCallOpen();
    this.#tools.lineChanged();
    if (interruptsResponse(this.#agent.session.turn_detection)) this.#bargeIn();
  }

  onSpeechStopped(event: { itemId: string; audioEndMs: number }): void {
    if (this.#phase !== 'talking') return;
    this.#callerSpeaks = false;
    this.#tools.lineChanged();
    this.#host.emit({ kind: 'caller-speech-stopped', itemId: event.itemId });
  }

  onIdleTimeout(event: { itemId: string }): void {
    if (this.#phase === 'talking') this.#host.emit({ kind: 'idle-timeout', itemId: event.itemId });
  }

  onResponseStarted({ responseId }: { responseId: string }): void {
    this.#activeResponses.set(responseId, { interrupted: false });
    this.#tools.lineChanged();
  }

  onAudio(event: ItemContent & { responseId: string; samples: PcmFrame }): void {
    if (this.#phase !== 'talking') return;
    if (this.#playout.enqueue(event) === 'full') {
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
    this.#tools.lineChanged();
    this.#endIfHeard();
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
    if (this.#isGoodbyeWhole()) {
      this.#phase = 'leaving';
      this.#tools.close();
      return;
    }
    if (ended.kind === 'expired') this.leave('session-goodbye', { kind: 'session-limit' });
    else this.leave('apology', { kind: 'model-lost', ended });
  }

  // The caller's ear (PlayoutListener).

  onItemStarted(itemId: string): void {
    this.#host.emit({ kind: 'agent-audio-started', itemId });
  }

  onDrained(): void {
    this.#tools.lineChanged();
    this.#endIfHeard();
  }

  // The tools.

  #controlFor(call: FunctionCall): CallControl {
    return {
      hangUpWhenHeard: () => this.#hangUpWhenHeard(call),
      setLanguage: (code) => this.#setLanguage(code),
      remember: (note) => this.#host.remember(note),
    };
  }

  /** Nobody speaks, and no answer is on its way: whoever waits now waits in silence. */
  #isQuiet(): boolean {
    const isBusy = this.#callerSpeaks || this.#playout.speaking || this.#activeResponses.size > 0;
    return this.#phase === 'talking' && this.#ending === undefined && !isBusy;
  }

  #hangUpWhenHeard({ callId, responseId }: FunctionCall): void {
    if (this.#phase !== 'talking') return;
    const callIds = [...(this.#ending?.callIds ?? []), callId];
    this.#endWhenHeard({ reason: { kind: 'agent-hung-up' }, callIds, responseId });
    // Decided before the caller spoke and told after it: the two crossed on the way.
    if (this.#activeResponses.get(responseId)?.interrupted === true) this.#keepCallOpen();
  }

  async #setLanguage(code: string): Promise<'changed' | 'told' | 'unknown'> {
    if (languageName(code) === undefined) return 'unknown';
    return (await this.#session.setLanguage(code)) ? 'changed' : 'told';
  }

  /** On `speech_started`: stop what plays, and tell the model how much of it was heard. */
  #bargeIn(): void {
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

  /** A caller who speaks during the agent's goodbye has something to say: the agent is told that the line stays open. */
  #keepCallOpen(): void {
    const ending = this.#ending;
    if (ending === undefined) return;
    this.#ending = undefined;
    this.#endTimer?.cancel();
    this.#endTimer = undefined;
    const output = JSON.stringify({ hung_up: false, reason: 'The caller spoke before the line was closed.' });
    for (const callId of ending.callIds) this.#session.submitToolResult({ callId, output, respond: false });
  }

  /** The call ends as soon as what was received is heard: the model has nothing to add. */
  #isGoodbyeWhole(): boolean {
    const ending = this.#ending;
    return ending?.responseId !== undefined && !this.#activeResponses.has(ending.responseId);
  }

  #endWhenHeard(ending: PendingEnd): void {
    this.#ending = ending;
    this.#endWhenStuck(ending.reason);
    this.#endIfHeard();
  }

  /** A leg that no longer pulls (hold) must not keep a finished call: without any progress the call ends unheard. */
  #endWhenStuck(reason: EndReason): void {
    const queuedMs = this.#playout.queuedMs;
    this.#endTimer?.cancel();
    this.#endTimer = this.#clock.setTimer(hangUpPatienceMs, () => {
      if (this.#playout.queuedMs !== queuedMs) this.#endWhenStuck(reason);
      else this.#host.end(reason);
    });
  }

  #endIfHeard(): void {
    const ending = this.#ending;
    if (ending === undefined || this.#playout.speaking) return;
    // The response that asked for the end may still have words to come.
    if (ending.responseId !== undefined && this.#activeResponses.has(ending.responseId)) return;
    this.#endTimer?.cancel();
    this.#endTimer = this.#clock.setTimer(hangUpTailMs, () => this.#host.end(ending.reason));
  }
}

/** A sentence of the plan, or of a tool's progress: the model is its voice and nothing else. */
function wordForWord(sentence: string): { instructions: string; metadata: Record<string, string> } {
  const instructions = `Say exactly these words to the caller, and add nothing: ${JSON.stringify(sentence)}`;
  return { instructions, metadata: { purpose: 'while-waiting' } };
}

/** One line about why a session is over. */
export function describeEnded(ended: SessionEnded): string {
  switch (ended.kind) {
    case 'closed':
      return 'the session was closed by us';
    case 'expired':
      return 'the session reached its maximum length';
    case 'refused':
      return `the model refused the session: ${ended.code}`;
    case 'lost':
      return `the connection to the model was lost (${ended.closeCode}): ${ended.message}`;
  }
}
