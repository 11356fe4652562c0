import type { CallControl } from './call-control';
import type { WhileWaiting } from './while-waiting';

/** The call that a tool runs in. */
export interface CallFacts {
  /** Ours, a UUID: the one on the call's record. */
  readonly callId: string;
  readonly sipCallId: string;
  /** Written by the caller's side: data, never proof of who calls. */
  readonly callerNumber: string;
  readonly callerName: string;
  readonly calledNumber: string;
  readonly route: string;
  readonly agent: string;
}

export interface ToolContext {
  /** Of this run, a UUID. It stays the same when a request is repeated, so that a service can tell. */
  readonly runId: string;
  readonly call: CallFacts;
  readonly control: CallControl;
  /** A sentence that the caller may hear while the tool still runs, if nobody else speaks; the latest one counts. */
  progress(sentence: string): void;
}

/** Arguments that were checked against the tool's parameters. */
export type ToolArguments = Readonly<Record<string, unknown>>;

/**
 * What comes of a run. `output` is for the model; `respond` says whether it shall speak about it (`unless-spoken`: if it
 * said nothing when it called the tool). `pending`: the tool answers through the call itself, or never.
 */
export type ToolResult =
  | { kind: 'done'; output: string; respond: boolean | 'unless-spoken' }
  | { kind: 'failed'; output: string; why: ToolFailure }
  | { kind: 'pending' };

/** Why a tool could not do what it was asked to, for logs and metrics: a closed list, no words of strangers. */
export type ToolFailure =
  | 'unknown-tool'
  | 'bad-arguments'
  | 'too-many'
  | 'timed-out'
  | 'not-configured'
  | 'address-refused'
  | 'unreachable'
  | 'service-failed'
  | 'service-refused'
  | 'unusable-answer'
  | 'circuit-open'
  | 'full'
  | 'broken';

/** A tool that an agent may call, whatever stands behind it. */
export interface RunnableTool {
  readonly definition: ToolDefinition;
  /** After this long the run is given up, and its signal aborted. */
  readonly timeoutMs: number;
  readonly whileWaiting: WhileWaiting | undefined;
  /** `undefined` for arguments that fit. */
  faultIn(parsed: ToolArguments): string | undefined;
  /** May reject, may ignore the signal: whoever runs it is prepared for both. */
  run(parsed: ToolArguments, context: ToolContext, signal: AbortSignal): Promise<ToolResult> | ToolResult;
}

/** A function as the model is told of it (API `session.tools[]`). */
export interface ToolDefinition {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Readonly<Record<string, unknown>>;
}

/** An MCP server that the API itself calls (API tool type `mcp`). */
export interface ServerDefinition {
  serverLabel: string;
  serverUrl: string;
  description: string | undefined;
  authorization: string | undefined;
  allowedTools: readonly string[] | undefined;
}

export function done(output: string, { respond = true }: { respond?: boolean | 'unless-spoken' } = {}): ToolResult {
  return { kind: 'done', output, respond };
}

/** A short, honest sentence for the model. */
export function failed(why: ToolFailure, sentence: string): ToolResult {
  return { kind: 'failed', why, output: JSON.stringify({ error: sentence }) };
}
