import type { DigitRules } from './digit-rules';

/** What came of waiting for keys; `too-late`: the caller stopped before it was complete. */
export interface CollectedDigits {
  readonly outcome: 'complete' | 'too-late' | 'stopped';
  readonly keys: string;
}

/** What a tool may do to the call it runs in. Implemented in `call/`; code decides, the model only proposes. */
export interface CallControl {
  /** Ends the call once everything the agent has said so far was heard. `why` is for the log. */
  hangUpWhenHeard(why: string): void;
  /**
   * Sends the caller to a destination of the plan, by its name, once everything the agent has said so far was heard. The
   * tool's answer follows when nobody is reached. `busy`: the call is being transferred, or ended, already.
   */
  transferWhenHeard(destination: string): 'waiting' | 'busy';
  /**
   * Hands the call over to another agent of the plan, by its name, once everything the agent has said so far was heard or
   * cut off. `limit`: the call was handed over as often as it may be.
   */
  handOffWhenHeard(agent: string): 'waiting' | 'busy' | 'limit' | 'unknown';
  /** Speaks another language (ISO 639-1) from the next answer on; `told` the agent alone, where its session cannot be changed. */
  setLanguage(code: string): Promise<'changed' | 'told' | 'unknown'>;
  /** Keeps a note on the call's record. `full` after as many as a call may have. */
  remember(note: string): 'kept' | 'full';
  /** Waits for keys of the caller. Never rejects; the signal ends it. */
  collectDigits(rules: DigitRules, signal: AbortSignal): Promise<CollectedDigits>;
  /** Keeps secret keys for the tools of this call that the plan gives them to, and tells them to nobody. */
  keepSecureDigits(name: string, keys: string): void;
  secureDigits(name: string): string | undefined;
  /** Presses keys after what is being said; false where the other side takes none. */
  sendDigits(keys: string): boolean;
}
