import type { PercentSplit } from '../dialplan/percent-split';
import type { MediaStats } from '../media/media-leg';
import type { TokenUsage } from '../realtime/session-listener';
import type { ToolFailure } from '../tools/tool-run';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { CallState } from './call-state';
import type { CallCost } from './cost-meter';
import type { Blame, EndReason } from './end-reason';
import type { Breach } from './guarantees';
import type { Handoff } from './handoff-outcome';
import type { SupervisionChange } from './supervision';
import type { SupervisionRecord } from './supervision-record';
import type { TransferAttempt } from './transfer-outcome';

/** What is known of a call at any moment. Plain data: safe to keep and to print under the logger's redaction. */
export interface CallSnapshot {
  /** Ours, a UUID. */
  callId: string;
  sipCallId: string;
  to: string;
  from: string;
  /** Name of the trunk that the caller came through; undefined when none matched. */
  trunk: string | undefined;
  route: string | undefined;
  agent: string | undefined;
  planHash: string | undefined;
  /** Every percentage that was drawn to find the route, in order; empty when none was. */
  splits: readonly PercentSplit[];
  /** The headers that routes asked for; null for one that the INVITE did not have. */
  headers: Readonly<Record<string, string | null>>;
  /** The IP address that the INVITE came from. */
  sourceAddress: string;
  /** `simulator:...` or the API's model name, undefined before a route was found. */
  model: string | undefined;
  /** `api` or `simulator`: a simulator on the line must always be told. */
  modelKind: 'api' | 'simulator' | undefined;
  state: CallState;
  /** Unix milliseconds; undefined for what has not happened. */
  startedAtMs: number;
  answeredAtMs: number | undefined;
  firstAudioAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** Since then nothing of what the caller signals came here: the SIP server was lost, and the call talked on. */
  signallingLostAtMs: number | undefined;
  endReason: EndReason | undefined;
  blame: Blame | undefined;
  /** How often the caller interrupted the agent. */
  interruptions: number;
  /** Pauses in the middle of the agent's words, because the model's audio came late, and their sum. */
  speechGaps: { count: number; totalMs: number };
  /** Sum over all responses. */
  tokens: TokenUsage;
  /** From the start of the connection attempt to `session.updated`. */
  modelConnectMs: number | undefined;
  /** The tools that were called, in the order in which they ended; no arguments, no results. */
  tools: readonly ToolRecord[];
  /** What the agent was asked to remember. */
  notes: readonly string[];
  media: Readonly<MediaStats> | undefined;
  /** Undefined before a route was found. */
  cost: CallCost | undefined;
  /** Promises of the route that were not kept, in order. */
  breaches: readonly Breach[];
  /** Destinations that were tried, in order. */
  transfers: readonly TransferAttempt[];
  /** From agent to agent, in order; `agent` is the one that speaks now. */
  handoffs: readonly Handoff[];
  /** Supervisors who were called, in order. */
  supervisions: readonly SupervisionRecord[];
}

/** One call of a tool. */
export type ToolRecord = Pick<
  Extract<CallEvent, { kind: 'function-call' }>,
  'name' | 'outcome' | 'failure' | 'durationMs'
>;

/** One thing that happened in a call. */
export type CallEvent =
  | { kind: 'state'; from: CallState; to: CallState }
  | { kind: 'model-ready'; connectMs: number; sessionId: string }
  | { kind: 'agent-audio-started'; itemId: string }
  /** The agent fell silent in the middle of a word for so long: the model's audio came late. */
  | { kind: 'speech-gap'; ms: number }
  | { kind: 'caller-speech-started'; itemId: string }
  | { kind: 'caller-speech-stopped'; itemId: string }
  /** The caller spoke over the agent; `audioEndMs` of the item had been heard. */
  | { kind: 'barge-in'; itemId: string; audioEndMs: number }
  /** The caller made a sound while the agent spoke, and the agent went on (reversible barge-in). */
  | { kind: 'murmur' }
  /** The server has heard speech for a minute on end: it is taken for noise, and waited for no longer. */
  | { kind: 'endless-speech' }
  /** The caller opened or closed a turn by the key. */
  | { kind: 'push-to-talk'; pressed: boolean }
  /** Nobody spoke for the idle time. `checkIns` counts this one; `too-early` is a timeout of the server that was refused. */
  | {
      kind: 'idle-timeout';
      decision: 'check-in' | 'goodbye' | 'transfer' | 'too-early';
      by: 'server' | 'bridge';
      checkIns: number;
    }
  | ({ kind: 'guarantee-broken' } & Breach)
  /** An attempt to reach a destination begins (no outcome), was decided, or is over (`endedAtMs`). */
  | ({ kind: 'transfer' } & TransferAttempt)
  /** It is decided whether another agent takes over. */
  | ({ kind: 'handoff' } & Handoff)
  /** A supervisor is called, was reached or not, does something else, or is gone. */
  | ({ kind: 'supervision'; change: SupervisionChange } & SupervisionRecord)
  | { kind: 'transcript'; itemId: string; by: 'agent' | 'caller'; text: string }
  | { kind: 'digit'; digit: string }
  | { kind: 'tool-started'; name: string; callId: string }
  /** A function call has its result, or never gets one. */
  | {
      kind: 'function-call';
      name: string;
      callId: string;
      /** `cancelled`: the call ended first. */
      outcome: 'done' | 'failed' | 'cancelled';
      failure: ToolFailure | undefined;
      /** Undefined for a tool that the API called by itself. */
      durationMs: number | undefined;
    }
  | { kind: 'model-error'; code: string; message: string }
  /** The SIP server was lost: the call talks on, and its end will show in its media. */
  | { kind: 'signalling-lost' }
  | { kind: 'ended'; reason: EndReason; blame: Blame };

/**
 * Watches calls from above: records, metrics, the console. Called synchronously, never per frame; an observer that
 * throws is logged and does not disturb the call.
 */
export interface CallObserver {
  onCallEvent(event: CallEvent, snapshot: CallSnapshot): void;
}

/** Tells each observer; one that throws is logged and keeps nothing from the others. */
export function tellObservers(
  observers: readonly CallObserver[],
  event: CallEvent,
  snapshot: CallSnapshot,
  logger: Logger,
): void {
  for (const observer of observers) {
    try {
      observer.onCallEvent(event, snapshot);
    } catch (cause) {
      logger.error({ error: messageOf(cause), event: event.kind }, 'an observer of calls failed');
    }
  }
}
