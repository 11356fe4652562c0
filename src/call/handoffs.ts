import type { Agent } from '../dialplan/plan';
import { whyNewSession } from '../realtime/agent-change';
import type { RealtimeSession } from '../realtime/session';
import type { SessionEnded } from '../realtime/session-listener';
import type { UpdateAnswer } from '../realtime/session-updates';
import type { Clock, Timer } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { AgentSeat, NextSession } from './agent-seat';
import type { CallEvent } from './call-observer';
import type { GatedListener } from './gated-listener';
import type { Handoff, HandoffOutcome } from './handoff-outcome';
import { describeEnded } from './model-unavailable';
import type { Occupations } from './occupations';

/** The agents that a call may come to, and how they get their model. */
export interface HandoffRules {
  readonly colleagues: ReadonlyMap<string, Agent>;
  isSameModel(one: Agent, other: Agent): boolean;
  /** How long the model may take until it is ready for another agent. */
  readonly deadlineMs: number;
}

/** The conversation in which agents hand over. */
export interface HandoffHost {
  readonly seat: AgentSeat;
  readonly occupations: Occupations;
  /** Milliseconds since the answer. */
  callMs(): number;
  /** Whether what the caller still hears allows the switch to this session now. */
  maySwitchTo(session: RealtimeSession): boolean;
  /** Another agent speaks from now on; without `next` in the session in force. `callId` is that of the tool that asked. */
  takeOver(taken: HandedOver): void;
  /** The agent goes on, and is told. */
  goOn(callId: string): void;
  emit(event: CallEvent): void;
}

export interface HandedOver {
  readonly agent: Agent;
  readonly from: string;
  readonly callId: string;
  readonly next: NextSession | undefined;
}

/** More would be two agents who hand a caller to and fro. */
export const handoffsMax = 10;

interface Opening {
  readonly session: RealtimeSession;
  readonly gate: GatedListener;
  readonly deadline: Timer;
  state: { kind: 'opening' } | { kind: 'ready'; expiresAtMs: number | undefined } | { kind: 'failed' };
}

interface Current {
  readonly to: Agent;
  readonly from: string;
  readonly callId: string;
  readonly atMs: number;
  why: Handoff['why'];
  opening: Opening | undefined;
  /** When the last words were heard; undefined before. */
  switchingSinceMs: number | undefined;
  endOccupation: () => void;
  answerDeadline: Timer | undefined;
}

//  none ─▶ leaving ─▶ switching ─▶ none
//          leaving: the agent's last words are heard, and a session that is needed is opened meanwhile
//          switching: they were heard; the session is being changed, or the other one awaited
/** Hands a call from one agent to another, one at a time: in the same session where the API can do it, else in a new one. */
export class Handoffs {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #rules: HandoffRules;
  readonly #host: HandoffHost;
  #current: Current | undefined;
  #done = 0;
  readonly #afterwards: (() => void)[] = [];

  constructor({
    clock,
    logger,
    rules,
    host,
  }: {
    clock: Clock;
    logger: Logger;
    rules: HandoffRules;
    host: HandoffHost;
  }) {
    this.#clock = clock;
    this.#logger = logger;
    this.#rules = rules;
    this.#host = host;
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  /** The agent in force has been heard to the end, and nobody speaks for us before the other one does. */
  get isSwitching(): boolean {
    return this.#current?.switchingSinceMs !== undefined;
  }

  /** Nothing more is wanted of the session in force: another one takes its place. */
  get leavesSession(): boolean {
    return this.isSwitching && this.#current?.opening !== undefined;
  }

  /** The session in force is lost. True when the hand-over goes on: another one is there, or on its way. */
  survivesLoss(): boolean {
    const current = this.#current;
    if (current === undefined) return false;
    if (current.opening === undefined) {
      current.why = 'session-lost';
      this.#open(current);
    }
    return current.opening?.state.kind !== 'failed';
  }

  /** An agent wants to hand over. `waiting`: `lastWordsHeard` must follow. */
  begin(name: string, callId: string): 'waiting' | 'limit' | 'unknown' {
    const { agent: from, session } = this.#host.seat;
    const to = this.#rules.colleagues.get(name);
    if (to === undefined) return 'unknown';
    const why = this.#rules.isSameModel(from, to)
      ? whyNewSession(from.session, to.session, { maySetVoice: !session.hasSpoken })
      : ('model' as const);
    const current: Current = {
      to,
      from: from.name,
      callId,
      atMs: Math.round(this.#host.callMs()),
      why: why ?? null,
      opening: undefined,
      switchingSinceMs: undefined,
      endOccupation: () => undefined,
      answerDeadline: undefined,
    };
    if (this.#done >= handoffsMax) {
      this.#tell(current, { outcome: 'limit-reached', session: null, switchMs: null });
      return 'limit';
    }
    if (why !== undefined) this.#open(current);
    this.#current = current;
    return 'waiting';
  }

  /** The caller has heard the last words, or cut them off. */
  lastWordsHeard(): void {
    const current = this.#current;
    if (current === undefined || this.isSwitching) return;
    current.switchingSinceMs = this.#clock.now();
    current.endOccupation = this.#host.occupations.begin('handoff');
    if (current.opening !== undefined) {
      this.#host.seat.ear.wait();
      this.proceed();
      return;
    }
    current.answerDeadline = this.#clock.setTimer(this.#rules.deadlineMs, () =>
      this.#sessionChanged(current, 'refused'),
    );
    this.#host.seat.change(current.to, (answer) => this.#sessionChanged(current, answer));
  }

  /** Something was heard to its end: perhaps the other session may begin now. */
  proceed(): void {
    const current = this.#current;
    const opening = current?.opening;
    if (current === undefined || opening === undefined || !this.isSwitching) return;
    if (opening.state.kind === 'failed') this.#fail(current);
    else if (opening.state.kind === 'ready' && this.#host.maySwitchTo(opening.session)) {
      const { session, gate } = opening;
      this.#finish(current, { session, gate, expiresAtMs: opening.state.expiresAtMs });
    }
  }

  /** Runs now, or when it is decided who speaks: what is for the agent must not get lost between two. */
  whenSettled(act: () => void): void {
    if (this.isSwitching) this.#afterwards.push(act);
    else act();
  }

  /** The agent ends the call instead. */
  callOff(): void {
    this.#abandon('called-off');
  }

  /** The call is over. Twice is fine. */
  close(): void {
    this.#afterwards.length = 0;
    this.#abandon('call-ended');
  }

  #open(current: Current): void {
    const { session, gate } = this.#host.seat.openNext(current.to, {
      onReady: (expiresAtMs) => {
        opening.deadline.cancel();
        if (opening.state.kind === 'opening') opening.state = { kind: 'ready', expiresAtMs };
        this.proceed();
      },
      onEnded: (ended) => this.#openingFailed(opening, describeEnded(ended), ended.kind),
    });
    const deadline = this.#clock.setTimer(this.#rules.deadlineMs, () => {
      this.#openingFailed(opening, `the model was not ready within ${this.#rules.deadlineMs} ms`, 'lost');
    });
    const opening: Opening = { session, gate, deadline, state: { kind: 'opening' } };
    current.opening = opening;
  }

  #openingFailed(opening: Opening, message: string, kind: SessionEnded['kind']): void {
    opening.deadline.cancel();
    if (opening.state.kind === 'failed') return;
    opening.state = { kind: 'failed' };
    opening.gate.beReplaced();
    opening.session.close();
    if (this.#current?.opening !== opening) return;
    this.#logger.warn({ message, refused: kind === 'refused' }, 'no model for the agent that takes over');
    this.proceed();
  }

  #sessionChanged(current: Current, answer: UpdateAnswer): void {
    if (this.#current !== current || current.opening !== undefined) return;
    current.answerDeadline?.cancel();
    if (answer === 'accepted') {
      this.#finish(current, undefined);
      return;
    }
    // A session of its own has no past that could forbid anything.
    current.why = answer === 'lost' ? 'session-lost' : 'refused';
    this.#host.seat.ear.wait();
    this.#open(current);
  }

  #finish(current: Current, next: NextSession | undefined): void {
    this.#done += 1;
    const { to: agent, from, callId } = current;
    const switchMs = this.#clock.now() - (current.switchingSinceMs ?? this.#clock.now());
    this.#current = undefined;
    this.#host.takeOver({ agent, from, callId, next });
    this.#tell(current, { outcome: 'handed-off', session: next === undefined ? 'same' : 'new', switchMs });
    this.#settle(current);
  }

  #fail(current: Current): void {
    this.#current = undefined;
    this.#tell(current, { outcome: 'model-unavailable', session: null, switchMs: null });
    this.#host.seat.ear.goOn();
    this.#host.goOn(current.callId);
    this.#settle(current);
  }

  #abandon(outcome: HandoffOutcome): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    current.answerDeadline?.cancel();
    const { opening } = current;
    if (opening !== undefined && opening.state.kind !== 'failed') {
      opening.deadline.cancel();
      opening.state = { kind: 'failed' };
      opening.gate.beReplaced();
      opening.session.close();
    }
    this.#tell(current, { outcome, session: null, switchMs: null });
    this.#settle(current);
  }

  /** Last, so that the caller is waited for without a gap. */
  #settle(current: Current): void {
    for (const act of this.#afterwards.splice(0)) act();
    current.endOccupation();
  }

  #tell(
    { from, to, atMs, why }: Current,
    result: Pick<Handoff, 'outcome' | 'session'> & { switchMs: number | null },
  ): void {
    const switchMs = result.switchMs === null ? null : Math.round(result.switchMs);
    this.#host.emit({ kind: 'handoff', from, to: to.name, atMs, why, ...result, switchMs });
  }
}
