import type { FunctionResult } from '../realtime/function-calls';
import type { FunctionCall } from '../realtime/session-listener';
import type { Agent } from '../dialplan/plan';
import type { CallControl } from '../tools/call-control';
import { AgentControl } from './agent-control';
import type { AgentSeat } from './agent-seat';
import { AgentTransfer } from './agent-transfer';
import type { AgentVoice } from './agent-voice';
import type { Conduct } from './conduct';
import type { ConversationOptions } from './conversation-host';
import type { EndReason } from './end-reason';
import { Farewell, type Following } from './farewell';
import { unavailableSentence } from './handoff-outcome';
import { Handoffs, type HandedOver } from './handoffs';

/** The conversation in which an agent has its last words. */
export interface SuccessionHost {
  /** Neither leaving nor closed. */
  isTalking(): boolean;
  /** Milliseconds since the answer. */
  callMs(): number;
  /** This agent's tools are called from now on. */
  followTools(agent: Agent): void;
  /** Somebody else talks to the caller: the model is not needed any more. */
  close(): void;
  /** The model is lost, and nobody else came. */
  leaveWithoutModel(reason: EndReason): void;
}

export interface SuccessionOptions extends Pick<
  ConversationOptions,
  'clock' | 'logger' | 'handoffs' | 'tools' | 'host'
> {
  seat: AgentSeat;
  voice: AgentVoice;
  conduct: Conduct;
  conversation: SuccessionHost;
}

//  agent ─▶ last words ─▶ nobody (the call ends), a destination, or another agent      the caller may cut the last words off
/**
 * Who talks to the caller after the agent: nobody, a destination, or another agent. What tools ask for waits until the
 * caller has heard the last words; a model that is lost meanwhile is missed only where nobody follows.
 */
export class Succession {
  readonly #options: SuccessionOptions;
  readonly #seat: AgentSeat;
  readonly #voice: AgentVoice;
  readonly #farewell: Farewell;
  readonly #transfer: AgentTransfer;
  readonly #handoffs: Handoffs;
  readonly #control: AgentControl;
  /** Why the model was lost while the caller waited for whoever follows. */
  #lostModel: EndReason | undefined;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#seat = options.seat;
    this.#voice = options.voice;
    this.#farewell = new Farewell({
      clock: options.clock,
      voice: options.voice,
      follow: (what) => this.#follow(what),
    });
    this.#transfer = this.#newTransfer(options);
    this.#handoffs = this.#newHandoffs(options);
    this.#control = this.#newControl(options);
  }

  /** The caller waits for a destination: the agent neither hears nor is asked anything. */
  get isTransferring(): boolean {
    return this.#transfer.isUnderWay;
  }

  /** Nothing more is wanted of the session in force: another one takes its place. */
  get leavesSession(): boolean {
    return this.#handoffs.leavesSession;
  }

  /** Something follows as soon as the caller has heard everything. */
  get isAwaited(): boolean {
    return this.#farewell.pending !== undefined;
  }

  /** What a tool may do to the call, on behalf of one function call. */
  controlFor(call: FunctionCall): CallControl {
    return this.#control.for(call);
  }

  /** The call ends when the caller has heard what was said so far and, where there is one, this response. */
  endWhenHeard(reason: EndReason, responseId?: string): void {
    this.#farewell.begin({ reason, callIds: [], responseId });
  }

  /** The caller speaks during the last words: what is not decided yet is called off. */
  keepCallOpen(): void {
    this.#control.keepCallOpen();
  }

  /** Sends the caller to a destination of the plan, now. `callId` is that of the tool that asked, if one did. */
  transfer(destination: string, callId: string | undefined): void {
    // Half a sentence from before would be answered when the agent is back.
    if (this.#lostModel === undefined) this.#seat.session.clearInput();
    this.#transfer.begin(destination, callId);
  }

  /** Runs now, or when it is decided who speaks: what is for the agent must not get lost between two. */
  whenSettled(act: () => void): void {
    this.#handoffs.whenSettled(act);
  }

  /** Results of tools for whoever speaks when they are there. For each, whether the model gets it. */
  submit(results: readonly FunctionResult[]): boolean[] {
    if (this.#handoffs.isSwitching) {
      this.#handoffs.whenSettled(() => {
        for (const isTaken of this.submit(results)) if (!isTaken) this.#options.tools.discarded('refused');
      });
      return results.map(() => true);
    }
    for (const { callId, output } of results) this.#seat.memory?.answered(callId, output);
    return this.#seat.session.submitToolResults(results);
  }

  /** A response is over: perhaps it was the last that was waited for. */
  responseDone(): void {
    this.#farewell.endIfHeard();
  }

  /** Everything that was queued has been heard. */
  drained(): void {
    this.#farewell.endIfHeard();
    this.#handoffs.proceed();
  }

  /**
   * The model is lost. `goes-on`: somebody is there or on the way; `said-all`: the last words are there and will be heard;
   * `nobody`: the caller is alone.
   */
  modelLost(reason: EndReason): 'goes-on' | 'said-all' | 'nobody' {
    if (this.#handoffs.survivesLoss()) {
      this.#lostModel = reason;
      this.#voice.sessionLost();
      this.#farewell.endIfHeard();
      return 'goes-on';
    }
    if (this.isTransferring || this.#farewell.pending?.reason.kind === 'transfer') {
      this.#lostModel = reason;
      if (!this.isTransferring) this.#voice.playout.completeAll();
      return 'goes-on';
    }
    return this.#farewell.isWhole ? 'said-all' : 'nobody';
  }

  /** The agent is cut off by a goodbye of ours: nobody follows. */
  callOff(): void {
    this.#transfer.cancel();
    this.#handoffs.close();
  }

  /** Twice is fine. */
  close(): void {
    this.#farewell.cancel();
    this.#handoffs.close();
  }

  #follow(what: Following): void {
    if (what.kind === 'transfer') this.transfer(what.destination, what.callId);
    else if (what.kind === 'handoff') this.#handoffs.lastWordsHeard();
    else this.#options.host.end(what);
  }

  /** The agent goes on, and is told why. */
  #onNobodyReached({ callId, output }: { callId: string | undefined; output: string }): void {
    const { conversation, conduct } = this.#options;
    if (!conversation.isTalking()) return;
    if (this.#lostModel !== undefined) {
      conversation.leaveWithoutModel(this.#lostModel);
      return;
    }
    if (callId === undefined) return;
    this.submit([{ callId, output, respond: 'at-once' }]);
    conduct.owe();
  }

  /** Another agent takes over: by its own rules, with everything that was said. */
  #takeOver({ agent, from, callId, next }: HandedOver): void {
    const { conversation, conduct, host } = this.#options;
    if (!conversation.isTalking()) return;
    this.#seat.take(agent, next);
    if (next !== undefined) {
      this.#lostModel = undefined;
      this.#voice.sessionReplaced();
    }
    conduct.follow(agent, { isNewSession: next !== undefined });
    conversation.followTools(agent);
    host.agentChanged(agent, next);
    // First what the caller says: the model must not begin over it.
    if (next !== undefined) this.#seat.ear.listenAgain(next.session);
    const output = JSON.stringify({ handed_off: true, from, to: agent.name, next: 'You are on the line now. Go on.' });
    this.submit([{ callId, output, respond: 'at-once' }]);
    conduct.owe();
  }

  #newTransfer({ conduct, host, conversation }: SuccessionOptions): AgentTransfer {
    return new AgentTransfer({
      occupations: conduct.occupations,
      transfer: (destination, requester) => host.transfer(destination, requester),
      cancelTransfer: () => host.cancelTransfer(),
      onJoined: () => conversation.close(),
      onFailed: (failed) => this.#onNobodyReached(failed),
    });
  }

  #newHandoffs({ clock, logger, handoffs, host, conduct, voice, conversation }: SuccessionOptions): Handoffs {
    return new Handoffs({
      clock,
      logger,
      rules: handoffs ?? { colleagues: new Map(), isSameModel: () => true, deadlineMs: 0 },
      host: {
        seat: this.#seat,
        occupations: conduct.occupations,
        callMs: () => conversation.callMs(),
        maySwitchTo: ({ outputRateHz }) => outputRateHz === voice.playout.modelRateHz || voice.isHeard,
        takeOver: (taken) => this.#takeOver(taken),
        goOn: (callId) => {
          const output = JSON.stringify({ handed_off: false, reason: unavailableSentence });
          this.#onNobodyReached({ callId, output });
        },
        emit: (event) => host.emit(event),
      },
    });
  }

  #newControl({ host, conduct, voice, conversation }: SuccessionOptions): AgentControl {
    return new AgentControl({
      session: { setLanguage: (code) => this.#seat.session.setLanguage(code) },
      farewell: this.#farewell,
      isHandingOff: () => this.#handoffs.isUnderWay,
      beginHandoff: (agent, callId) => this.#handoffs.begin(agent, callId),
      callOffHandoff: () => this.#handoffs.callOff(),
      submit: (result) => void this.submit([result]),
      mayEnd: () => conversation.isTalking(),
      isTransferring: () => this.isTransferring,
      wasInterrupted: (responseId) => voice.wasInterrupted(responseId),
      remember: (note) => host.remember(note),
      sendDigits: (keys) => host.sendDigits(keys),
      collectKeys: (rules, signal) => conduct.collectKeys(rules, signal),
    });
  }
}
