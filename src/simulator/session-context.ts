import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { BehaviourRun } from './behaviour';
import type { Conversation } from './conversation';
import type { ConversationItem } from './conversation-item';
import type { Fault } from './fault';
import type { IdSource } from './id-source';
import type { ServerEventBody } from './server-events';
import type { SessionSettings } from './session-settings';
import type { Timers } from './timers';

/** How long the simulated service takes for things. */
export interface SimulatorTiming {
  /** From `response.create`, or the end of a turn, to `response.created`. A cancel in between comes too early. */
  responseCreatedMs: number;
  /** From `response.created` to the first output. */
  firstOutputMs: number;
  /** Speech is made this many times faster than it is spoken. */
  audioSpeed: number;
  /** From `response.done` to `rate_limits.updated`. */
  rateLimitsMs: number;
  /** From the creation of a session to `session_expired`. */
  sessionLifeMs: number;
}

export const liveTiming: SimulatorTiming = {
  responseCreatedMs: 10,
  firstOutputMs: 150,
  audioSpeed: 8,
  rateLimitsMs: 40,
  sessionLifeMs: 60 * 60_000,
};

/** For an `error` event; `type` is `invalid_request_error` unless given, `event_id` that of the client's event. */
export interface ErrorReport {
  type?: string;
  code: string | null;
  message: string;
  param?: string | null;
  event_id?: string | null | undefined;
}

/** What the parts of one session share. */
export interface SessionContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdSource;
  readonly timers: Timers;
  readonly timing: SimulatorTiming;
  readonly behaviour: BehaviourRun;
  readonly conversation: Conversation;
  readonly conversationId: string;
  /** The settings as they are now; replaced as a whole by each update. */
  settings(): SessionSettings;
  emit(event: ServerEventBody): void;
  emitError(error: ErrorReport): void;
  /** Appends and announces (`conversation.item.added`). */
  addItem(item: ConversationItem): void;
  /** `conversation.item.done`. */
  finishItem(item: ConversationItem): void;
  /** Lets these faults happen in their time. */
  suffer(faults: readonly Fault[]): void;
}
