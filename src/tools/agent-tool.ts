import { parseDurationMs } from '../runtime/duration';
import type { BuiltInTool } from './built-in-tools';
import type { DigitRules } from './digit-rules';
import { isBuiltInTool, secretInHeader, type ToolEntry } from './tool-schema';
import type { ToolParameters } from './tool-parameters';
import type { WhileWaiting } from './while-waiting';

/** A header as the plan has it: a text in which variables of the call may stand, or a secret behind its scheme. */
export type HeaderSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'secret'; readonly scheme: string; readonly reference: string };

export interface HttpSource {
  readonly method: string;
  /** `{{argument}}` stands for an argument of the tool, in the path or the query. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: HeaderSource])[];
  readonly bearer: string | undefined;
  /** References to the secrets that sign; two while one is being replaced. */
  readonly sign: readonly string[];
  readonly timeoutMs: number;
  readonly allowPrivate: boolean;
  readonly ports: readonly number[];
  /** Collections whose secret keys go into the body, under their names. */
  readonly secureDigits: readonly string[];
}

export interface McpSource {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly allowedTools: readonly string[] | undefined;
  /** Who calls the server: the API, which must be able to reach it, or this bridge. */
  readonly calledBy: 'api' | 'bridge';
  readonly timeoutMs: number;
  readonly allowPrivate: boolean;
  readonly ports: readonly number[];
}

/** A tool as an agent has it: plain data of the plan. */
export type AgentTool = {
  readonly name: string;
  /** Undefined where the tool brings its own. */
  readonly description: string | undefined;
  readonly whileWaiting: WhileWaiting | undefined;
} &
  /** `choices`: names of the destinations, or agents, that the agent may send callers to. */
  (
    | {
        readonly kind: 'builtin';
        readonly builtIn: BuiltInTool;
        readonly digits: DigitRules | undefined;
        readonly choices?: readonly string[];
      }
    | { readonly kind: 'http'; readonly parameters: ToolParameters; readonly http: HttpSource }
    /** `file` lies inside the dialplan folder; `version` changes with what it holds. */
    | { readonly kind: 'module'; readonly file: string; readonly version: string }
    | { readonly kind: 'mcp'; readonly mcp: McpSource }
  );

/** A tool of the plan under a name that an agent uses; undefined when neither the plan nor Ringbridge has one. */
export function agentTool(
  name: string,
  entry: ToolEntry | undefined,
  moduleVersions: ReadonlyMap<string, string>,
): AgentTool | undefined {
  if (entry === undefined) return isBuiltInTool(name) ? plainBuiltIn(name) : undefined;
  const common = { name, description: entry.description, whileWaiting: whileWaitingOf(entry.while_waiting) };
  const { http, builtin, module: file, mcp } = entry;
  if (builtin !== undefined)
    return isBuiltInTool(builtin)
      ? { ...common, kind: 'builtin', builtIn: builtin, digits: digitRules(entry.digits) }
      : undefined;
  if (http !== undefined) {
    return { ...common, kind: 'http', parameters: entry.parameters ?? {}, http: httpSource(http) };
  }
  if (file !== undefined) {
    return { ...common, kind: 'module', file: file.slice('file:'.length), version: moduleVersions.get(file) ?? '' };
  }
  return mcp === undefined ? undefined : { ...common, kind: 'mcp', mcp: mcpSource(mcp) };
}

/** One of Ringbridge's own tools as it is. */
export function plainBuiltIn(name: BuiltInTool): AgentTool {
  return { name, description: undefined, whileWaiting: undefined, kind: 'builtin', builtIn: name, digits: undefined };
}

/** The text of `header` with variables of the call filled in by `fill`; secrets are left alone. */
export function withFilledHeaders(tool: AgentTool, fill: (text: string) => string): AgentTool {
  if (tool.kind !== 'http' || tool.http.headers.length === 0) return tool;
  const headers = tool.http.headers.map(([name, value]) => {
    return [name, value.kind === 'text' ? { ...value, text: fill(value.text) } : value] as const;
  });
  return { ...tool, http: { ...tool.http, headers } };
}

function httpSource(http: NonNullable<ToolEntry['http']>): HttpSource {
  return {
    method: http.method,
    url: http.url,
    headers: Object.entries(http.headers ?? {}).map(([name, text]) => [name, headerSource(text)] as const),
    bearer: http.bearer,
    sign: http.sign === undefined ? [] : [http.sign].flat(),
    timeoutMs: parseDurationMs(http.timeout) ?? 0,
    allowPrivate: http.allow_private,
    ports: http.ports,
    secureDigits: http.secure_digits,
  };
}

/** Decided on what the plan says, before a stranger's words are filled in: a caller must not be able to name a secret. */
function headerSource(text: string): HeaderSource {
  const secret = secretInHeader.exec(text);
  if (secret === null) return { kind: 'text', text };
  return { kind: 'secret', scheme: secret[1] ?? '', reference: secret[2] ?? '' };
}

function mcpSource(mcp: NonNullable<ToolEntry['mcp']>): McpSource {
  return {
    url: mcp.url,
    authorization: mcp.authorization,
    allowedTools: mcp.allowed_tools,
    calledBy: mcp.called_by,
    timeoutMs: parseDurationMs(mcp.timeout) ?? 0,
    allowPrivate: mcp.allow_private,
    ports: mcp.ports,
  };
}

function whileWaitingOf(waiting: ToolEntry['while_waiting']): WhileWaiting | undefined {
  if (waiting === undefined) return undefined;
  if (typeof waiting === 'string') return { afterMs: defaultAfterMs, say: waiting, sound: undefined };
  return { afterMs: waiting.after, say: waiting.say, sound: waiting.sound };
}

function digitRules(entry: ToolEntry['digits']): DigitRules | undefined {
  if (entry === undefined) return undefined;
  return {
    keysMax: entry.length,
    endKey: entry.end === 'none' ? undefined : entry.end,
    firstKeyMs: entry.first,
    nextKeyMs: entry.next,
    secure: entry.secure,
  };
}

const defaultAfterMs = 1_000;
