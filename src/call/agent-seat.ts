import type { SampleRateHz } from '../audio/pcm';
import type { Agent } from '../dialplan/plan';
import type { RealtimeSession } from '../realtime/session';
import type { RealtimeSessionListener, ResponseDone, TranscriptionUsage } from '../realtime/session-listener';
import type { UpdateAnswer } from '../realtime/session-updates';
import { CallerEar } from './caller-ear';
import { ConversationMemory } from './conversation-memory';
import { GatedListener, type WaitingSession } from './gated-listener';
import type { CallTools } from './tool-runner';

/** A session that another agent will speak in. */
export interface NextSession {
  readonly session: RealtimeSession;
  readonly gate: GatedListener;
  readonly expiresAtMs: number | undefined;
}

/** Who pays for the agents. */
export interface UsageHost {
  /** `by` is the agent in whose session it was made. */
  addResponse(done: ResponseDone, by: Agent): void;
  /** `by` is the agent who heard it. */
  addTranscription(usage: TranscriptionUsage, by: Agent): void;
}

export interface AgentSeatOptions {
  /** Who begins. */
  agent: Agent;
  tools: CallTools;
  legRateHz: SampleRateHz;
  /** Another agent may take over: what it must know is kept. */
  isShared: boolean;
  /** Hears of each session while it is in force. */
  listener: RealtimeSessionListener;
  openSession(agent: Agent, listener: RealtimeSessionListener): RealtimeSession;
  /** Told what a session cost after it was replaced. */
  host: UsageHost;
}

/** Who speaks with the caller, in which session of the model, and what another agent would have to know. */
export class AgentSeat {
  readonly #options: AgentSeatOptions;
  #agent: Agent;
  #session: RealtimeSession;
  #gate: GatedListener;
  /** Sessions of which nothing more is wanted, while they may still tell what they cost. */
  readonly #retiring = new Set<RealtimeSession>();
  readonly #whenBilled: (() => void)[] = [];
  readonly ear: CallerEar;
  /** Undefined where nobody can take over. */
  readonly memory: ConversationMemory | undefined;

  constructor(options: AgentSeatOptions) {
    const { agent, legRateHz, isShared, listener } = options;
    this.#options = options;
    this.#agent = agent;
    this.#gate = new GatedListener(listener);
    this.#session = options.openSession(agent, this.#gate);
    this.memory = isShared ? new ConversationMemory() : undefined;
    this.ear = new CallerEar({ legRateHz, session: this.#session, isKept: isShared });
  }

  get agent(): Agent {
    return this.#agent;
  }

  /** In force. */
  get session(): RealtimeSession {
    return this.#session;
  }

  /** Opens a session for another agent, of which nobody else hears before it is in force. */
  openNext(agent: Agent, waiting: WaitingSession): Omit<NextSession, 'expiresAtMs'> {
    const gate = new GatedListener(this.#options.listener, waiting);
    return { gate, session: this.#options.openSession(agent, gate) };
  }

  /** Asks the session in force for another agent. */
  change(agent: Agent, answered: (answer: UpdateAnswer) => void): void {
    const tools = this.#options.tools.definitions(agent.tools);
    this.#session.takeOver({ agent: agent.session, tools }, answered);
  }

  /** Another agent sits down: with `next` in that session, which is told what was said; without it in the one in force. */
  take(agent: Agent, next: NextSession | undefined): void {
    if (next !== undefined) this.#retire();
    this.#agent = agent;
    if (next === undefined) return;
    this.#session = next.session;
    this.#gate = next.gate;
    this.#gate.comeIntoForce();
    this.memory?.forgetOpenTurn();
    if (this.memory !== undefined) this.#session.adoptConversation(this.memory.recall());
  }

  /** Nothing more is wanted of the model but what it still costs. Twice is fine. */
  close(): void {
    this.#retire();
  }

  /** After `close`: runs when no session tells any more what it costs. That is at once, or 2 s later at most. */
  whenBilled(act: () => void): void {
    if (this.#retiring.size === 0) act();
    else this.#whenBilled.push(act);
  }

  #retire(): void {
    const { host } = this.#options;
    const [agent, session] = [this.#agent, this.#session];
    this.#gate.beReplaced({
      onResponseDone: (done) => host.addResponse(done, agent),
      onTranscriptionUsage: (usage) => host.addTranscription(usage, agent),
    });
    this.#retiring.add(session);
    session.retire(() => {
      this.#retiring.delete(session);
      if (this.#retiring.size > 0) return;
      for (const act of this.#whenBilled.splice(0)) act();
    });
  }
}
