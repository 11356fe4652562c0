/** What a tool may do to the call it runs in. Implemented in `call/`; code decides, the model only proposes. */
export interface CallControl {
  /** Ends the call once everything the agent has said so far was heard. `why` is for the log. */
  hangUpWhenHeard(why: string): void;
  /**
   * Sends the caller to a destination of the plan, by its name, once everything the agent has said so far was heard. The
   * tool's answer follows when nobody is reached. `busy`: the call is being transferred, or ended, already.
   */
  transferWhenHeard(destination: string): 'waiting' | 'busy';
  /** Speaks another language (ISO 639-1) from the next answer on; `told` the agent alone, where its session cannot be changed. */
  setLanguage(code: string): Promise<'changed' | 'told' | 'unknown'>;
  /** Keeps a note on the call's record. `full` after as many as a call may have. */
  remember(note: string): 'kept' | 'full';
}
