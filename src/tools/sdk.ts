// What a module tool is written against: `import { defineTool } from 'ringbridge/tools'` (docs/tools.md).
import type { ToolParameter, ToolParameters } from './tool-parameters';
import type { CallFacts } from './tool-run';

export { checkSignature, signatureHeaders, signatureToleranceMs } from './signature';
export type { SignatureCheck } from './signature';
export type { CallFacts, ToolParameter, ToolParameters };

/** The default export of a tool's file. */
export interface ToolModule<P extends ToolParameters = ToolParameters> {
  /** What the tool does and when to use it, for the model. A `description` in the plan takes its place. */
  description: string;
  parameters: P;
  /** How long a run may take, 100 to 60,000; 8,000 unless given. Then it is given up and its signal aborted. */
  timeoutMs?: number;
  /**
   * Runs the tool, at once or by a promise. The arguments fit the parameters. What is returned goes to the model as JSON, a text as it is; what is
   * thrown is told to the model as a failure, in words only if it is a `ToolError`.
   */
  run(given: ArgumentsOf<P>, context: ModuleContext): unknown;
}

export interface ModuleContext {
  readonly call: CallFacts;
  /** Of this run, a UUID: a key by which a service may recognise a request that it got before. */
  readonly runId: string;
  /** Aborts when the time is over or the caller hung up: what is still under way is not wanted any more. */
  readonly signal: AbortSignal;
  /** A sentence that the caller may hear while the tool still runs, if nobody else speaks. */
  progress(sentence: string): void;
}

type ValueOf<P extends ToolParameter> = P['enum'] extends readonly (infer V)[]
  ? V
  : P['type'] extends 'string'
    ? string
    : P['type'] extends 'boolean'
      ? boolean
      : number;
type OptionalNames<P extends ToolParameters> = {
  [Name in keyof P]: P[Name]['required'] extends false ? Name : never;
}[keyof P];

/** The arguments of a tool, by its parameters. */
export type ArgumentsOf<P extends ToolParameters> = {
  readonly [Name in Exclude<keyof P, OptionalNames<P>>]: ValueOf<P[Name]>;
} & { readonly [Name in OptionalNames<P>]?: ValueOf<P[Name]> };

/** Gives a tool its types; it is returned as it is. */
export function defineTool<const P extends ToolParameters>(tool: ToolModule<P>): ToolModule<P> {
  return tool;
}

/** A failure whose message is for the model: short, true, and without anything that the caller must not hear. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}
