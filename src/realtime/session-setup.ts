import { createsResponse, formatsOf, interruptsResponse, type AgentSession } from './agent-schema';
import type { SessionFacts } from './server-events';
import {
  languageUpdate,
  sessionConfig,
  turnDetectionUpdate,
  type SessionConfig,
  type SessionPatch,
  type SessionTool,
} from './session-config';
import { takeOverUpdate, type TakeOverUpdate } from './session-takeover';
import { SessionUpdates, type UpdateAnswer } from './session-updates';

/** Who speaks in a session, and with which tools. */
export interface SessionAgent {
  agent: AgentSession;
  tools: readonly SessionTool[];
}

/** Sends a `session.update`; undefined when nothing can be sent. */
export type SendUpdate = (session: SessionConfig | SessionPatch | TakeOverUpdate) => string | undefined;

/** What a session is asked to be, and what its server says that it is. */
export class SessionSetup {
  readonly #send: SendUpdate;
  readonly #updates = new SessionUpdates();
  readonly #modelAsked: string;
  #current: SessionAgent;
  #firstEventId: string | undefined;
  #model: string | undefined;
  /** The model has made a sound. */
  hasSpoken = false;
  sessionId = '';
  /** Unix milliseconds. */
  expiresAtMs: number | undefined;
  interruptResponse: boolean;
  createResponse: boolean;

  constructor({ agent, tools, model, send }: SessionAgent & { model: string; send: SendUpdate }) {
    this.#current = { agent, tools };
    this.#modelAsked = model;
    this.#send = send;
    this.interruptResponse = interruptsResponse(agent.turn_detection);
    this.createResponse = createsResponse(agent.turn_detection);
  }

  get agent(): AgentSession {
    return this.#current.agent;
  }

  /** The server commits silence, and answers it. */
  get hasIdleTimeout(): boolean {
    const { turn_detection: detection } = this.agent;
    return detection.type === 'server_vad' && detection.idle_timeout !== undefined;
  }

  get model(): string {
    return this.#model ?? this.#modelAsked;
  }

  /** The first configuration. */
  begin(): void {
    this.#firstEventId = this.#send(sessionConfig(this.#current));
  }

  /** Whether an error answers the first configuration. */
  isFirst(eventId: string | undefined): boolean {
    return eventId !== undefined && eventId === this.#firstEventId;
  }

  /** `session.created` and `session.updated` hold the whole session. */
  learn(session: SessionFacts): void {
    this.sessionId = session.id ?? this.sessionId;
    this.expiresAtMs = session.expiresAtMs ?? this.expiresAtMs;
    this.#model = session.model ?? this.#model;
  }

  /** `session.updated`. What is wrong with it, if its audio is not what was asked for. */
  updated(session: SessionFacts): string | undefined {
    this.learn(session);
    this.interruptResponse = session.interruptResponse ?? this.interruptResponse;
    this.createResponse = session.createResponse ?? this.createResponse;
    const wanted = formatsOf(this.agent);
    // `pcm` is what the API uses when nothing is said.
    const input = session.inputFormat ?? 'pcm';
    const output = session.outputFormat ?? 'pcm';
    if (input === wanted.input && output === wanted.output) return undefined;
    const asked = `asked for ${wanted.input} in and ${wanted.output} out`;
    return `${asked}, the session has ${input} in and ${output} out`;
  }

  /** A later update was accepted: updates are answered in order. */
  accepted(): void {
    this.#updates.accepted();
  }

  /** An `error`; false when it is about something else. */
  refused(eventId: string | undefined): boolean {
    return this.#updates.refused(eventId);
  }

  /** Resolves with false when nothing could be told or the server refused. */
  setLanguage(language: string): Promise<boolean> {
    const update = languageUpdate(this.agent, language);
    if (update === undefined) return Promise.resolve(false);
    return new Promise((resolve) => this.#ask(update, (answer) => resolve(answer === 'accepted')));
  }

  /** The idle timeout of `server_vad`; undefined switches it off. */
  setIdleTimeout(idleTimeoutMs: number | undefined): void {
    const detection = this.agent.turn_detection;
    if (detection.type !== 'server_vad') return;
    this.#ask(turnDetectionUpdate({ ...detection, idle_timeout: idleTimeoutMs }), () => undefined);
  }

  /**
   * Another agent speaks from now on. `answered` is told, in the order of the server's events, whether the server agrees;
   * if it does not, the agent stays who it was.
   */
  takeOver(
    next: SessionAgent,
    { maySetVoice }: { maySetVoice: boolean },
    answered: (answer: UpdateAnswer) => void,
  ): void {
    const from = this.agent;
    this.#ask(takeOverUpdate({ from, to: next, maySetVoice }), (answer) => {
      if (answer === 'accepted') this.#current = next;
      answered(answer);
    });
  }

  /** Nothing will be answered any more. */
  close(): void {
    this.#updates.close();
  }

  /** Every update is answered, and in order: none may be left out of the count. */
  #ask(session: SessionPatch | TakeOverUpdate, answered: (answer: UpdateAnswer) => void): void {
    const eventId = this.#send(session);
    if (eventId === undefined) answered('lost');
    else this.#updates.awaitAnswer(eventId, answered);
  }
}
