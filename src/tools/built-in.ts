import type { DigitRules } from './digit-rules';
import type { ToolParameters } from './tool-parameters';
import type { ToolArguments, ToolContext, ToolResult } from './tool-run';

/** A message that a caller leaves. */
export interface TakenMessage {
  callId: string;
  callerNumber: string;
  callerName: string;
  calledNumber: string;
  agent: string;
  /** The model's words for what the caller said. */
  text: string;
  /** Where the caller wants to be reached; undefined for the number they call from. */
  callBack: string | undefined;
}

/** Where messages are kept. */
export interface MessageBook {
  /** Resolves when the message is on the disk; `full` when no more are taken, `failed` when the disk refuses. */
  add(message: TakenMessage): Promise<'kept' | 'full' | 'failed'>;
}

/** What Ringbridge lends to its own tools. */
export interface BuiltInContext extends ToolContext {
  readonly messages: MessageBook;
  /** As the agent knows the tool. */
  readonly toolName: string;
  /** What the plan says of a collection of keys. */
  readonly digits: DigitRules | undefined;
}

/** A tool that every plan may use. One file each; `built-in-tools` lists them. */
export interface BuiltIn {
  readonly description: string;
  /** `choices`: names of the destinations, or agents, that the agent may send callers to. */
  readonly parameters: ToolParameters | ((choices: readonly string[]) => ToolParameters);
  /** How long a run may take; 10 s unless given. */
  readonly timeoutMs?: number;
  run(parsed: ToolArguments, context: BuiltInContext, signal: AbortSignal): Promise<ToolResult> | ToolResult;
}
