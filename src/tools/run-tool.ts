import type { CallControl } from './call-control';
import type { BuiltInTool } from './tool-schema';

/** A function as the model is told of it (API `session.tools[]`). */
export interface ToolDefinition {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
}

/**
 * What becomes of a call to a tool. `output` goes back to the model as `function_call_output`; `pending` means that the
 * tool answers later or never, because the call is about to end.
 */
export type ToolOutcome = { kind: 'output'; output: string; failed: boolean } | { kind: 'pending' };

/** The model's arguments are text made by a machine: bounded before they are parsed. */
const argumentsCharactersMax = 32_000;

/** The definitions of the built-in tools that an agent may use. */
export function toolDefinitions(names: readonly BuiltInTool[]): ToolDefinition[] {
  return names.map((name) => definitions[name]);
}

/** Runs one tool. Whatever the model asks for that the agent was not given is refused and told so. */
export function runTool(options: {
  name: string;
  argumentsText: string;
  allowed: readonly BuiltInTool[];
  control: CallControl;
}): ToolOutcome {
  const tool = options.allowed.find((allowed) => allowed === options.name);
  if (tool === undefined) return failed(`There is no tool named ${JSON.stringify(options.name.slice(0, 64))}.`);
  const parsed = parseArguments(options.argumentsText);
  if (parsed === undefined) return failed('The arguments are not a JSON object.');
  return run[tool](parsed, options.control);
}

const run: Record<BuiltInTool, (parsed: Record<string, unknown>, control: CallControl) => ToolOutcome> = {
  hang_up({ reason }, control) {
    control.hangUpWhenHeard(typeof reason === 'string' ? reason.slice(0, 200) : '');
    return { kind: 'pending' };
  },
};

const definitions: Record<BuiltInTool, ToolDefinition> = {
  hang_up: {
    name: 'hang_up',
    description:
      'End the phone call. Say goodbye first, in the same answer; the line is closed when the caller has heard it.',
    parameters: {
      type: 'object',
      properties: { reason: { type: 'string', description: 'Why the call ends, in a few words.' } },
      required: [],
      additionalProperties: false,
    },
  },
};

function parseArguments(text: string): Record<string, unknown> | undefined {
  if (text.length > argumentsCharactersMax) return undefined;
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function failed(message: string): ToolOutcome {
  return { kind: 'output', output: JSON.stringify({ error: message }), failed: true };
}
