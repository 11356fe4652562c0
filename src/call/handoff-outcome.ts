import type { NewSessionReason } from '../realtime/agent-change';

/** What came of a hand-over. */
export type HandoffOutcome =
  | 'handed-off'
  /** The model's service did not give the other agent a session, or not in time. */
  | 'model-unavailable'
  /** The call was handed over as often as it may be. */
  | 'limit-reached'
  /** The agent ended the call instead. */
  | 'called-off'
  /** The call ended first. */
  | 'call-ended';

/** One hand-over from an agent to another, as the call's record has it. */
export interface Handoff {
  readonly from: string;
  readonly to: string;
  /** When the agent asked for it, milliseconds since the answer. */
  readonly atMs: number;
  readonly outcome: HandoffOutcome;
  /** `same`: the other agent went on in the same session of the model; `new`: it got one of its own; null: it never came to it. */
  readonly session: 'same' | 'new' | null;
  /** Why it could not be the same one. */
  readonly why: NewSessionReason | 'model' | 'refused' | 'session-lost' | null;
  /** From the last word of one agent until the other one could speak, milliseconds; null when it never could. */
  readonly switchMs: number | null;
}

/** What an agent is told whose hand-over came to nothing. */
export const unavailableSentence = 'The colleague cannot be reached now. Tell the caller, and go on yourself.';
