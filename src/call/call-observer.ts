import type { PercentSplit } from '../dialplan/percent-split';
import type { MediaStats } from '../media/media-leg';
import type { TokenUsage } from '../realtime/session-listener';
import type { CallState } from './call-state';
import type { Blame, EndReason } from './end-reason';

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
  /** Sum over all responses. */
  tokens: TokenUsage;
  /** From the start of the connection attempt to `session.updated`. */
  modelConnectMs: number | undefined;
  media: Readonly<MediaStats> | undefined;
}

/** One thing that happened in a call. */
export type CallEvent =
  | { kind: 'state'; from: CallState; to: CallState }
  | { kind: 'model-ready'; connectMs: number; sessionId: string }
  | { kind: 'agent-audio-started'; itemId: string }
  | { kind: 'caller-speech-started'; itemId: string }
  | { kind: 'caller-speech-stopped'; itemId: string }
  /** The caller spoke over the agent; `audioEndMs` of the item had been heard. */
  | { kind: 'barge-in'; itemId: string; audioEndMs: number }
  /** Nobody spoke for the idle timeout; the model checks in. */
  | { kind: 'idle-timeout'; itemId: string }
  | { kind: 'transcript'; itemId: string; by: 'agent' | 'caller'; text: string }
  | { kind: 'digit'; digit: string }
  | { kind: 'function-call'; name: string; callId: string; outcome: 'done' | 'failed' }
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
