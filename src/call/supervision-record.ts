import type { Destination } from '../dialplan/destination';
import type { SupervisionMode } from '../dialplan/destination-schema';
import type { TransferFailure } from './transfer-outcome';

export type SupervisionOutcome =
  | 'answered'
  | TransferFailure
  /** Taken back, or the call ended, before anybody answered. */
  | 'cancelled';

/** One supervisor of a call. Times are Unix milliseconds. */
export interface SupervisionRecord {
  /** Who: the name of a destination. */
  destination: string;
  /** Undefined while it is being called. */
  outcome: SupervisionOutcome | undefined;
  /** The SIP status that decided, or a few words; undefined when there is nothing to add. */
  detail: string | undefined;
  startedAtMs: number;
  answeredAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** Who ended it once it was answered. */
  endedBy: 'supervisor' | 'request' | 'call' | undefined;
  /** In order; the last one has no end while it lasts. */
  modes: readonly { mode: SupervisionMode; fromMs: number; toMs: number | undefined }[];
  /** Utterances that an agent was told, and those that reached none. */
  whispers: { told: number; lost: number };
}

/** What somebody wants of the supervision of one call. */
export type SupervisionOrder =
  | { kind: 'begin'; destination: Destination; mode: SupervisionMode }
  | { kind: 'mode'; mode: SupervisionMode }
  | { kind: 'end' };

/** The same for whoever has neither the call nor the plan. */
export type SupervisionRequest = { callId: string } & (
  { kind: 'begin'; to: string; mode: SupervisionMode } | { kind: 'mode'; mode: SupervisionMode } | { kind: 'end' }
);

/** Why it does not happen: closed, so that each has its answer and its counter. */
export type SupervisionRefusal =
  | 'no-such-call'
  | 'no-such-destination'
  /** The destination is no supervisor. */
  | 'not-a-supervisor'
  | 'mode-not-allowed'
  /** The call is not answered yet, or is ending. */
  | 'call-not-up'
  /** It has a supervisor, or is calling one. */
  | 'supervised-already'
  /** It has none. */
  | 'not-supervised'
  /** The agent is gone: caller and supervisor talk. */
  | 'taken-over'
  /** As many calls of this process are supervised as may be. */
  | 'too-many'
  /** The process that has the call does not answer. */
  | 'no-answer';

export type SupervisionReply =
  /** `waiting`: the caller is keying in a secret, and the mode changes after that. */
  { kind: 'done' | 'waiting' } | { kind: 'refused'; why: SupervisionRefusal };
