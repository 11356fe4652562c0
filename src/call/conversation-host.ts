import type { SampleRateHz } from '../audio/pcm';
import type { GuaranteeRules } from '../dialplan/conversation-rules';
import type { Agent } from '../dialplan/plan';
import type { RealtimeSession } from '../realtime/session';
import type { RealtimeSessionListener } from '../realtime/session-listener';
import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { CallFacts } from '../tools/tool-run';
import type { UsageHost } from './agent-seat';
import type { CallEvent } from './call-observer';
import type { EndReason } from './end-reason';
import type { HandoffRules } from './handoffs';
import type { Prompts } from './prompts';
import type { CallTools } from './tool-runner';
import type { TransferRequester } from './transfers';

/** The call that this conversation is held in. */
export interface ConversationHost extends UsageHost {
  emit(event: CallEvent): void;
  /** Another agent speaks from now on; `sessionExpiresAtMs` (Unix) where its session is another one, too. */
  agentChanged(agent: Agent, session: { expiresAtMs: number | undefined } | undefined): void;
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
  /** Who begins. */
  agent: Agent;
  /** To whom the call may be handed over; undefined: to nobody. */
  handoffs?: HandoffRules | undefined;
  tools: CallTools;
  /** What tools may know of the call. */
  facts: CallFacts;
  legRateHz: SampleRateHz;
  prompts: Prompts;
  /** What the route promises the caller. */
  guarantees: GuaranteeRules;
  host: ConversationHost;
  openSession(agent: Agent, listener: RealtimeSessionListener): RealtimeSession;
}

export interface SessionReady {
  sessionId: string;
  model: string;
  expiresAtMs: number | undefined;
}
