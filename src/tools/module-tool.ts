import type { Logger } from '../runtime/logger';
import { messageOf } from '../runtime/errors';
import type { AgentTool } from './agent-tool';
import { isObject } from './json-value';
import { fencedOutside } from './outside-text';
import type { ToolModule } from './sdk';
import type { ToolParameter } from './tool-parameters';
import { argumentsFault, parametersSchema } from './tool-parameters';
import type { RunnableTool, ToolContext, ToolArguments, ToolResult } from './tool-run';
import { done, failed } from './tool-run';

const timeoutMsDefault = 8_000;
const timeoutMsMax = 60_000;
const parametersMax = 64;
const parameterTypes: readonly unknown[] = ['string', 'number', 'integer', 'boolean'] satisfies ToolParameter['type'][];

/** The tool that a file exports; a text says what is wrong with it. */
export function readModule(exported: unknown): ToolModule | string {
  const tool = defaultOf(exported);
  if (tool === undefined) return 'the file has no default export that is an object';
  const { description, parameters, timeoutMs, run } = tool;
  if (typeof description !== 'string' || description === '' || description.length > 1_000) {
    return '"description" is not a text of 1 to 1000 characters';
  }
  if (typeof run !== 'function') return '"run" is not a function';
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 100 && timeoutMs <= timeoutMsMax)) {
    return `"timeoutMs" is not a number from 100 to ${timeoutMsMax}`;
  }
  return parametersFault(parameters) ?? (tool as unknown as ToolModule);
}

/** A tool that is code of the plan's author. It runs in this process: it is trusted as Ringbridge itself is. */
export function moduleTool(
  tool: Extract<AgentTool, { kind: 'module' }>,
  module: ToolModule,
  { logger }: { logger: Logger },
): RunnableTool {
  const { parameters } = module;
  return {
    definition: {
      name: tool.name,
      description: tool.description ?? module.description,
      parameters: parametersSchema(parameters),
    },
    timeoutMs: module.timeoutMs ?? timeoutMsDefault,
    whileWaiting: tool.whileWaiting,
    faultIn: (parsed) => argumentsFault(parsed, parameters),
    run: (parsed, context, signal) => runModule(module, { parsed, context, signal, logger }),
  };
}

async function runModule(
  module: ToolModule,
  {
    parsed,
    context,
    signal,
    logger,
  }: { parsed: ToolArguments; context: ToolContext; signal: AbortSignal; logger: Logger },
): Promise<ToolResult> {
  const { call, runId } = context;
  try {
    const progress = (sentence: unknown): void => context.progress(String(sentence));
    const value = await module.run(parsed as Parameters<ToolModule['run']>[0], { call, runId, signal, progress });
    return done(textOf(value));
  } catch (cause) {
    // The author's own class may come from another copy of the SDK.
    if (cause instanceof Error && cause.name === 'ToolError')
      return failed('service-failed', cause.message.slice(0, 500));
    logger.error({ error: messageOf(cause), stack: cause instanceof Error ? cause.stack : undefined }, 'a tool threw');
    return failed('broken', 'The tool failed.');
  }
}

/** What an author returns often comes from elsewhere, so that it is fenced as a service's words are. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '{"done":true}';
  // Undefined for a function or a symbol, which JSON leaves out.
  const text = typeof value === 'string' ? value : (JSON.stringify(value) as string | undefined);
  return fencedOutside(text ?? '');
}

/** CommonJS compiled from a default export has it one deeper. */
function defaultOf(exported: unknown): Readonly<Record<string, unknown>> | undefined {
  let value: unknown = exported;
  for (let depth = 0; depth < 2 && isObject(value) && value['default'] !== undefined; depth += 1) {
    value = value['default'];
  }
  return isObject(value) ? value : undefined;
}

function parametersFault(parameters: unknown): string | undefined {
  if (!isObject(parameters)) return '"parameters" is not an object';
  const entries = Object.entries(parameters);
  if (entries.length > parametersMax) return `there are more than ${parametersMax} parameters`;
  for (const [name, parameter] of entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) return `parameter "${name.slice(0, 64)}" has no usable name`;
    if (!isObject(parameter) || !parameterTypes.includes(parameter['type'])) return `parameter "${name}" has no type`;
    const values = parameter['enum'];
    if (values !== undefined && !(Array.isArray(values) && values.every((value) => typeof value === 'string'))) {
      return `"enum" of parameter "${name}" is not a list of texts`;
    }
  }
  return undefined;
}
