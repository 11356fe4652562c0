import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { AgentSession } from './agent-schema';
import type { ConnectModel, ModelEndpoint } from './model-connection';
import type { RejectedMessage } from './server-events';
import type { SessionTool } from './session-config';
import type { RealtimeSessionListener } from './session-listener';

export interface RealtimeSessionOptions {
  connect: ConnectModel;
  endpoint: ModelEndpoint;
  agent: AgentSession;
  tools: readonly SessionTool[];
  clock: Clock;
  logger: Logger;
  random: Random;
  listener: RealtimeSessionListener;
  /** 20 ms frames in one `input_audio_buffer.append`, 1 to 10. More cost fewer writes and add latency. Default 1. */
  framesPerAppend?: number;
}

/** Counters of one session: plain numbers, read by records and metrics. */
export interface SessionStats {
  messagesReceived: number;
  /** Messages that were not events; by cause in `rejectedFor`. */
  messagesRejected: number;
  rejectedFor: Readonly<Partial<Record<RejectedMessage['reason'], number>>>;
  /** Events of a type that this version does not know. */
  eventsUnknown: number;
  /** Audio and calls of responses that were cancelled, over, out of band or never announced. */
  eventsStale: number;
  errorsBenign: number;
  /** 20 ms frames of the caller that went out, and that were dropped because the connection was slow or not open. */
  framesAppended: number;
  framesDropped: number;
}
