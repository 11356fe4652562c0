import type { PcmFrame } from '../audio/pcm';
import type { Recording } from '../audio/recording';
import type { GuaranteeRules } from '../dialplan/conversation-rules';
import type { Agent } from '../dialplan/plan';
import { interruptsResponse } from '../realtime/agent-schema';
import type { RealtimeSession } from '../realtime/session';
import type { RateLimit, RequestedResponse, ResponseDone } from '../realtime/session-listener';
import type { Clock } from '../runtime/clock';
import type { CollectedDigits } from '../tools/call-control';
import type { DigitRules } from '../tools/digit-rules';
import type { CallEvent } from './call-observer';
import { CallerVoice } from './caller-voice';
import type { EndReason } from './end-reason';
import type { Breach } from './guarantees';
import { Guarantees } from './guarantees';
import { IdlePolicy } from './idle-policy';
import { KeyInput } from './key-input';
import { ModelGoodbye } from './model-goodbye';
import { Occupations } from './occupations';
import { OwedAnswer } from './owed-answer';
import type { Playout } from './playout';
import type { PromptName } from './prompts';
import { ResponseRetry } from './response-retry';
import { TurnTaking } from './turn-taking';

/** Nobody but us can write a text into the conversation: a caller who claims to be a supervisor only speaks. */
const supervisorSays =
  '(Your supervisor speaks to you; the caller does not hear it. Do what is said, go on talking to the caller, and do not mention it.)';

/** What the conversation lends to its conduct. */
export interface ConductHost {
  /** In force now: it may be another one later. */
  readonly session: RealtimeSession;
  readonly playout: Playout;
  emit(event: CallEvent): void;
  announce(prompt: PromptName): void;
  leave(prompt: PromptName, reason: EndReason): void;
  /** Stops what plays and tells the model how much of it was heard. */
  interrupt(options: { cancel: boolean }): void;
  keepCallOpen(): void;
  /** A turn of the caller that says nothing. */
  discardTurn(itemId: string): void;
  /** Sends the caller to a destination, now. */
  transfer(destination: string): void;
  /** The model is told something that the caller did; perhaps a little later, when another agent is about to take over. */
  tell(act: () => void): void;
  note(text: string): void;
  /** The call ends when this response was heard. */
  endAfter(responseId: string, reason: EndReason): void;
}

/**
 * How a conversation is conducted: whose turn it is, what happens when nobody speaks, what the caller was promised, and
 * what is done when the model does not answer. It wires these together over what the call is busy with.
 */
export class Conduct {
  readonly occupations: Occupations;
  readonly #host: ConductHost;
  readonly #clock: Clock;
  #turns: TurnTaking;
  #idle: IdlePolicy | undefined;
  #hasStarted = false;
  readonly #guarantees: Guarantees;
  readonly #owed: OwedAnswer;
  readonly #keys: KeyInput;
  readonly #goodbye: ModelGoodbye;
  readonly #retry: ResponseRetry;
  readonly #voice = new CallerVoice();
  readonly #requests = new Map<string, RequestedResponse | undefined>();
  #endSpeaking: (() => void) | undefined;
  #endAnnouncement: (() => void) | undefined;
  #endHold: (() => void) | undefined;

  constructor(options: { clock: Clock; agent: Agent; guarantees: GuaranteeRules; host: ConductHost }) {
    const { clock, agent, host } = options;
    const silentMs = (): number => host.playout.silentMs;
    this.#host = host;
    this.#clock = clock;
    this.occupations = new Occupations((current) => {
      this.#idle?.onOccupations(current);
      this.#guarantees.onOccupations(current);
    });
    this.#owed = new OwedAnswer({ clock, occupations: this.occupations });
    this.#keys = new KeyInput({
      clock,
      occupations: this.occupations,
      host: {
        isAgentBusy: () => this.#isAgentBusy(),
        // The menu is known: whoever keys in the middle of it goes on.
        began: () => this.#isAgentBusy() && host.interrupt({ cancel: true }),
        entered: (keys) => this.#tellKeys(keys),
      },
    });
    this.#retry = new ResponseRetry({ clock });
    this.#guarantees = new Guarantees({
      clock,
      rules: options.guarantees,
      host: {
        silentMs,
        fill: () => host.announce('please-wait'),
        giveUp: () => host.leave('apology', { kind: 'guarantee-broken', guarantee: 'silence' }),
        breached: (breach) => host.emit({ kind: 'guarantee-broken', ...breach }),
      },
    });
    this.#goodbye = new ModelGoodbye({
      clock,
      host: {
        ask: (request) => this.ask(request),
        endAfter: (responseId) => host.endAfter(responseId, { kind: 'caller-idle' }),
        sayRecorded: () => host.leave('goodbye', { kind: 'caller-idle' }),
      },
    });
    this.#turns = this.#newTurns(agent);
    this.#idle = this.#newIdle(agent);
  }

  /** The caller can hear us. */
  start(): void {
    this.#hasStarted = true;
    this.#guarantees.start();
    this.#idle?.start();
  }

  /**
   * Another agent speaks from now on, by its own rules. What the route promises and the keys being pressed go on; with
   * `isNewSession` what was asked of the old one is over, and a turn that went on is heard again from its beginning.
   */
  follow(agent: Agent, { isNewSession }: { isNewSession: boolean }): void {
    this.#goodbye.cancel();
    this.#retry.cancel();
    this.#idle?.close();
    const turn = this.#turns.handOver();
    if (isNewSession) {
      this.#owed.forget();
      this.#requests.clear();
    }
    this.#turns = this.#newTurns(agent);
    this.#turns.takeUp(isNewSession && turn === 'speaking' ? 'none' : turn);
    this.#idle = this.#newIdle(agent);
    this.#idle?.onOccupations(this.occupations.current);
    if (this.#hasStarted) this.#idle?.start();
  }

  /** Asks the model for a response; the caller waits for it from now on. */
  ask(request: { instructions?: string; metadata?: Readonly<Record<string, string>> }): void {
    this.#host.session.createResponse(request);
    this.#owed.owe();
  }

  /** The model owes the caller an answer, asked for by others. */
  owe(): void {
    this.#owed.owe();
  }

  /** Whether this frame of the caller is for the model. Must not keep it. */
  takesFrame(frame: PcmFrame): boolean {
    this.#voice.push(frame);
    // What is keyed in secret must not be heard either: the model's clock goes on over silence.
    if (this.#keys.isSecure) frame.fill(0);
    return this.#turns.takesFrame();
  }

  /** While it is true nothing of the caller's line may be told to anybody. */
  get isSecure(): boolean {
    return this.#keys.isSecure;
  }

  /** A supervisor says something to the agent that the caller does not hear: it acts on it in its next response. */
  onWhisper(speech: Recording): void {
    this.#host.tell(() => {
      this.#host.session.createSpeechItem({ text: supervisorSays, speech });
      // A caller who speaks gets an answer anyway, and that takes it up.
      if (!this.occupations.has('caller-speaking')) this.ask({ metadata: { purpose: 'whisper' } });
    });
  }

  onDigit(digit: string): void {
    this.#idle?.callerIsThere();
    if (this.#keys.isSecure || !this.#turns.onDigit(digit)) this.#keys.press(digit);
  }

  /** Keys for a tool, and not for the model. Never rejects; `signal` ends it. */
  collectKeys(rules: DigitRules, signal: AbortSignal): Promise<CollectedDigits> {
    if (signal.aborted) return Promise.resolve({ outcome: 'stopped', keys: '' });
    const collected = this.#keys.collect(rules);
    signal.addEventListener('abort', () => this.#keys.stopCollecting(), { once: true });
    return collected;
  }

  onHold(isOnHold: boolean): void {
    if (isOnHold) this.#endHold ??= this.occupations.begin('hold');
    else {
      this.#endHold?.();
      this.#endHold = undefined;
    }
  }

  // What the model tells.

  onSpeechStarted(itemId: string): void {
    this.#idle?.callerIsThere();
    this.#turns.onSpeechStarted(itemId);
  }

  onSpeechStopped(itemId: string): void {
    this.#turns.onSpeechStopped(itemId);
  }

  onInputCleared(): void {
    this.#turns.onInputCleared();
  }

  onIdleTimeout(): void {
    if (this.#idle !== undefined) this.#idle.onServerTimeout();
    else this.#host.emit({ kind: 'idle-timeout', decision: 'check-in', by: 'server', checkIns: 1 });
  }

  onResponseStarted({ responseId, request }: { responseId: string; request: RequestedResponse | undefined }): void {
    this.#requests.set(responseId, request);
    this.#owed.started(responseId);
    this.#goodbye.responseStarted(responseId, request);
  }

  onResponseDone(done: ResponseDone): void {
    const request = this.#requests.get(done.responseId);
    this.#requests.delete(done.responseId);
    const fate = this.#retry.onResponseDone(done, () =>
      this.ask({
        ...(request?.metadata && { metadata: request.metadata }),
        ...(request?.instructions !== undefined && { instructions: request.instructions }),
      }),
    );
    if (fate === 'will-retry') {
      this.#owed.owe();
      this.#guarantees.breached({ guarantee: 'answer', remedy: 'filler' });
      this.#host.announce('please-wait');
    }
    this.#owed.ended(done.responseId);
    if (fate === 'gave-up') {
      this.#guarantees.breached({ guarantee: 'answer', remedy: 'apology' });
      this.#host.leave('apology', { kind: 'model-failing', code: done.reason ?? 'unknown' });
      return;
    }
    if (fate === 'over') this.#goodbye.responseDone(done);
  }

  onRateLimits(limits: readonly RateLimit[]): void {
    this.#retry.onRateLimits(limits);
  }

  // What the caller hears.

  /** Something was queued. */
  queued(): void {
    if (this.#host.playout.speaking) this.#endSpeaking ??= this.occupations.begin('agent-speaking');
  }

  announced(): void {
    this.#guarantees.heard('recording');
    this.#endAnnouncement ??= this.occupations.begin('announcement');
  }

  agentHeard(): void {
    this.#guarantees.heard('agent');
  }

  drained(): void {
    this.#keys.heard();
    this.#endSpeaking?.();
    this.#endSpeaking = undefined;
    this.#endAnnouncement?.();
    this.#endAnnouncement = undefined;
  }

  /** A promise that the call itself watches over. */
  breached(breach: Omit<Breach, 'atMs'>): void {
    this.#guarantees.breached(breach);
  }

  /** Twice is fine. */
  close(): void {
    this.#idle?.close();
    this.#guarantees.close();
    this.#goodbye.cancel();
    this.#retry.cancel();
    this.#turns.close();
    this.#owed.close();
    this.#keys.close();
  }

  #isAgentBusy(): boolean {
    return this.#host.playout.speaking || this.occupations.has('responding');
  }

  /** Keys that no tool asked for are a turn of the caller. */
  #tellKeys(keys: string): void {
    const text = `(The caller pressed on the telephone: ${keys})`;
    this.#host.tell(() => {
      this.#host.session.createItem({ role: 'user', text });
      this.#host.note(text);
      this.ask({ metadata: { purpose: 'keys' } });
    });
  }

  #newTurns(agent: Agent): TurnTaking {
    const host = this.#host;
    return new TurnTaking({
      clock: this.#clock,
      rules: agent.turns ?? { kind: 'server', interrupts: interruptsResponse(agent.session.turn_detection) },
      occupations: this.occupations,
      host: {
        isAgentBusy: () => this.#isAgentBusy(),
        isCallerAudible: () => this.#voice.isAudible,
        interrupt: (how) => host.interrupt(how),
        keepCallOpen: () => {
          this.#goodbye.cancel();
          host.keepCallOpen();
        },
        hold: () => host.playout.hold(),
        resume: () => host.playout.resume(),
        answer: () => this.ask({}),
        waitNoLonger: () => host.session.callerStopped(),
        owe: () => this.#owed.owe(),
        forgive: () => {
          this.#retry.cancel();
          this.#owed.forgive();
        },
        discardTurn: (itemId) => host.discardTurn(itemId),
        clearInput: () => host.session.clearInput(),
        commitInput: () => host.session.commitInput(),
        emit: (event) => host.emit(event),
      },
    });
  }

  #newIdle({ idle: rules }: Agent): IdlePolicy | undefined {
    if (rules === undefined) return undefined;
    const host = this.#host;
    return new IdlePolicy({
      clock: this.#clock,
      rules,
      host: {
        silentMs: () => host.playout.silentMs,
        isCallerAudible: () => this.#voice.isAudible,
        setServerTimeout: (timeoutMs) => host.session.setIdleTimeout(timeoutMs),
        clearInput: () => host.session.clearInput(),
        refuseServerAnswer: () => host.session.refuseNextResponse(),
        checkIn: (instructions) => this.ask({ instructions, metadata: { purpose: 'idle-check-in' } }),
        sayGoodbye: (instructions) => this.#goodbye.ask(instructions),
        transfer: (destination) => host.transfer(destination),
        emit: (decision) => host.emit({ kind: 'idle-timeout', ...decision }),
      },
    });
  }
}
