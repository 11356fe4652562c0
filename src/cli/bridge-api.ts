import { parseArgs } from 'node:util';

import { loadSettings, SettingsError } from '../config/settings';
import type { PlanProblem } from '../dialplan/plan-problem';
import { formatProblems } from '../dialplan/plan-problem';
import { messageOf } from '../runtime/errors';
import type { CommandIo, ExitCode } from './io';

// What the commands have in common that ask a running bridge for something over its HTTP API.

/** Where the bridge is and what it is shown; the same settings as those of `ringbridge serve` lead to it. */
export interface BridgeAddress {
  readonly url: string;
  readonly token: string | undefined;
}

export interface ApiRequest {
  readonly help: boolean;
  readonly json: boolean;
  readonly words: readonly string[];
  /** Of the command's own options; empty strings for flags that are set. */
  readonly options: Readonly<Record<string, string>>;
  readonly bridge: BridgeAddress;
}

/** The lines about where the bridge is found, for the usage of each command. */
export const addressUsage = `  --url URL   where the bridge is, without it RINGBRIDGE_HTTP_LISTEN (http://127.0.0.1:8080)
  --json      the answer of the bridge, as JSON
  --help      this text

RINGBRIDGE_HTTP_TOKEN is shown to the bridge when it is set.
`;

/** No answer of the API takes longer than the largest plan does. */
const answerMsMax = 60_000;

/** A bridge that answers with what it should not, or none at all. */
class BridgeAway extends Error {
  override readonly name = 'BridgeAway';
}

export interface ApiCommand {
  readonly name: string;
  readonly usage: string;
  /** How many stand after the command. */
  readonly words: number;
  /** What they are, for those who forget them. */
  readonly wordName?: string;
  /** Options beside those that all have, and whether each takes a value. */
  readonly options?: Readonly<Record<string, { type: 'string' | 'boolean' }>>;
  readonly run: (request: ApiRequest) => Promise<ExitCode>;
}

/** Arguments that cannot be meant. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse';
}

/** Reads the arguments, asks, and prints; 1 when there is no bridge, 2 for wrong use. */
export async function runApiCommand(argv: readonly string[], io: CommandIo, command: ApiCommand): Promise<ExitCode> {
  let request: ApiRequest;
  try {
    request = readArguments(argv, io.env, command.options ?? {});
    if (!request.help && request.words.length !== command.words) {
      throw new Error(
        command.words === 0 ? 'nothing stands after the command' : `give one ${command.wordName ?? 'hash'}`,
      );
    }
  } catch (cause) {
    const fault = cause instanceof SettingsError ? cause.message : messageOf(cause);
    io.stderr(`ringbridge ${command.name}: ${fault}\n\n${command.usage}`);
    return 2;
  }
  if (request.help) {
    io.stdout(command.usage);
    return 0;
  }
  try {
    return await command.run(request);
  } catch (cause) {
    if (cause instanceof WrongUse) {
      io.stderr(`ringbridge ${command.name}: ${cause.message}\n\n${command.usage}`);
      return 2;
    }
    if (!(cause instanceof BridgeAway)) throw cause;
    io.stderr(`ringbridge ${command.name}: ${cause.message}\n`);
    return 1;
  }
}

/** Asks the bridge; a body makes it a POST. Statuses other than those of `expected` are an error with the bridge's own words. */
export async function askBridge(
  { url, token }: BridgeAddress,
  path: string,
  { body, expected }: { body?: object; expected: readonly number[] },
): Promise<{ status: number; answer: Readonly<Record<string, unknown>> }> {
  const headers = {
    'X-Ringbridge': '1',
    Connection: 'close',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
  };
  let status: number;
  let answer: unknown;
  try {
    const init = { headers, signal: AbortSignal.timeout(answerMsMax), redirect: 'error' } as const;
    const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, { ...init, ...post });
    status = response.status;
    answer = await response.json();
  } catch (cause) {
    const why = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
    throw new BridgeAway(`no bridge answers at ${url}: ${why}`, { cause });
  }
  const told = typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  if (!expected.includes(status)) {
    throw new BridgeAway(`the bridge at ${url} answers ${status}: ${textIn(told, 'error') ?? 'nothing more'}`);
  }
  return { status, answer: told };
}

/** Prints what a reload or a restore came to; 1 when the plan was refused. */
export function reportOutcome(
  io: CommandIo,
  { json }: ApiRequest,
  answer: Readonly<Record<string, unknown>>,
): ExitCode {
  const isRefused = answer['outcome'] === 'refused';
  if (json) {
    io.stdout(`${JSON.stringify(answer, null, 2)}\n`);
    return isRefused ? 1 : 0;
  }
  const folder = textIn(answer, 'folder') ?? '';
  const told = [...problemsIn(answer, 'problems'), ...problemsIn(answer, 'warnings')];
  if (told.length > 0) io.stdout(`${formatProblems(told, { folder, printedMax: 100 })}\n`);
  const inForce = textIn(answer, 'hash') ?? 'none';
  if (isRefused) {
    io.stdout(`refused (${String(answer['problemCount'])} to mend): plan ${inForce} stays in force\n`);
    return 1;
  }
  const isSame = answer['before'] === answer['hash'];
  io.stdout(`plan ${inForce} is in force${isSame ? ', as before' : `, was ${textIn(answer, 'before') ?? 'none'}`}\n`);
  return 0;
}

export function textIn(answer: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = answer[key];
  return typeof value === 'string' ? value : undefined;
}

/** The bridge is of the same release; what else may answer there must not make this one fall over. */
function problemsIn(answer: Readonly<Record<string, unknown>>, key: string): PlanProblem[] {
  const list = answer[key];
  return Array.isArray(list) ? list.filter((one): one is PlanProblem => isProblem(one)) : [];
}

function isProblem(value: unknown): boolean {
  const { code, message, file } = (value ?? {}) as Partial<Record<string, unknown>>;
  return [code, message, file].every((text) => typeof text === 'string');
}

function readArguments(
  argv: readonly string[],
  env: CommandIo['env'],
  ownOptions: NonNullable<ApiCommand['options']>,
): ApiRequest {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      ...ownOptions,
      url: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { RINGBRIDGE_HTTP_LISTEN, RINGBRIDGE_HTTP_TOKEN } = env;
  const settings = loadSettings({ RINGBRIDGE_HTTP_LISTEN, RINGBRIDGE_HTTP_TOKEN });
  const url = (values.url ?? urlOf(settings.httpListen)).replace(/\/+$/, '');
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new Error(`--url ${url} is no address such as http://127.0.0.1:8080`);
  const options = Object.fromEntries(
    Object.keys(ownOptions).flatMap((name) => {
      const value = (values as Readonly<Record<string, string | boolean | undefined>>)[name];
      return value === undefined || value === false ? [] : [[name, value === true ? '' : value]];
    }),
  );
  const bridge = { url, token: settings.httpToken };
  return { help: values.help, json: values.json, words: positionals, options, bridge };
}

/** A bridge that listens everywhere is found on this machine. */
function urlOf({ host, port }: { host: string; port: number }): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (!host.includes(':')) return `http://${host}:${port}`;
  return new URL(`http://[${host}]/`).hostname === '[::]' ? `http://[::1]:${port}` : `http://[${host}]:${port}`;
}
