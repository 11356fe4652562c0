import { nearestWord } from '../runtime/nearest-word';
import { urlFault } from '../tools/outgoing-address';
import { enumValue } from '../tools/tool-parameters';
import { argumentsInUrl, parsedUrl } from '../tools/url-template';
import type { PlanPath } from './plan-path';
import { problemCodes } from './plan-problem';
import type { ProblemCode } from './plan-problem';
import { isMap, type RawMap } from './raw-map';

/** What is wrong with one tool beyond the shape of its keys. */
export interface ToolProblem {
  readonly code: ProblemCode;
  /** From the tool down. */
  readonly path: PlanPath;
  readonly message: string;
  readonly expected: string;
  readonly nearest?: string | undefined;
  readonly at?: 'key' | 'value';
}

/** Looks at one tool as it was written; what has the wrong kind is passed over, for that is told elsewhere. */
export function toolProblems(tool: RawMap): ToolProblem[] {
  return [
    ...argumentProblems(tool),
    ...enumProblems(tool),
    ...addressProblems(tool),
    ...effectProblems(tool),
    ...headerProblems(tool),
    ...digitProblems(tool),
  ];
}

/** `{{name}}` in an address that is no argument of the tool, or one that the model may leave out. */
function argumentProblems({ http, parameters }: RawMap): ToolProblem[] {
  if (!isMap(http) || typeof http['url'] !== 'string') return [];
  const { url } = http;
  const path = ['http', 'url'];
  const names = isMap(parameters) ? Object.keys(parameters) : [];
  const expected = names.length === 0 ? 'an argument, but "parameters" has none' : `one of ${names.join(', ')}`;
  const code = problemCodes.unknownArgument;
  const used = argumentsInUrl(url);
  const found = used.flatMap((name): ToolProblem[] => {
    if (!names.includes(name)) {
      const message = `there is no argument "${name}"`;
      return [{ code, path, message, expected, nearest: nearestWord(name, names) }];
    }
    const parameter = isMap(parameters) ? parameters[name] : undefined;
    if (!isMap(parameter) || parameter['required'] !== false) return [];
    return [{ code, path, message: `argument "${name}" may be missing`, expected: 'a required argument' }];
  });
  const rest = url.replace(/\{\{[A-Za-z_][A-Za-z0-9_]{0,63}\}\}/g, '');
  if (/[{}]{2}/.test(rest)) {
    found.push({ code, path, message: 'braces that hold no argument', expected: '{{NAME}}, without spaces' });
  }
  return found;
}

/** Values that no argument of the type can have: the model would find none that is allowed. */
function enumProblems({ parameters }: RawMap): ToolProblem[] {
  if (!isMap(parameters)) return [];
  return Object.entries(parameters).flatMap(([name, parameter]) => {
    if (!isMap(parameter) || !Array.isArray(parameter['enum'])) return [];
    const type = parameterTypes.find((one) => one === parameter['type']);
    if (type === undefined) return [];
    return parameter['enum'].flatMap((value: unknown, index): ToolProblem[] => {
      if (typeof value !== 'string' || enumValue(value, type) !== undefined) return [];
      const message = `no ${type} is "${value.slice(0, 60)}"`;
      const path = ['parameters', name, 'enum', index];
      return [{ code: problemCodes.badForm, path, message, expected: enumExpected[type] }];
    });
  });
}

const parameterTypes = ['string', 'number', 'integer', 'boolean'] as const;
const enumExpected = {
  string: 'a text',
  number: 'a number such as "2.5"',
  integer: 'a whole number such as "2"',
  boolean: '"true" or "false"',
};

/** What the bridge would refuse to connect to, as far as the plan shows it. */
function addressProblems(tool: RawMap): ToolProblem[] {
  return ['http', 'mcp'].flatMap((kind): ToolProblem[] => {
    const source = tool[kind];
    if (!isMap(source) || typeof source['url'] !== 'string') return [];
    const url = parsedUrl(source['url'].replace(/\{\{[^{}]*\}\}/g, 'x'));
    const expected = 'https on port 443 or one of "ports", or "allow_private: true"';
    const code = problemCodes.unsafeAddress;
    const path = [kind, 'url'];
    if (url === undefined) return [{ code, path, message: 'that is no address of a service', expected }];
    const allowPrivate = source['allow_private'] === true;
    const ports = Array.isArray(source['ports']) ? source['ports'].filter((port) => typeof port === 'number') : [];
    const fault = urlFault(url, { allowPrivate, ports });
    if (fault !== undefined) return [{ code, path, message: `the service may not be reached: ${fault}`, expected }];
    if (kind !== 'mcp' || source['called_by'] === 'bridge') return [];
    return apiReachProblems(source);
  });
}

/** Only this bridge can reach into its own network. */
function apiReachProblems(mcp: RawMap): ToolProblem[] {
  return ['allow_private', 'ports', 'timeout']
    .filter((key) => key in mcp)
    .map((key) => ({
      code: problemCodes.noEffect,
      path: ['mcp', key],
      message: `"${key}" has no effect on a server that the API calls`,
      expected: 'to be left out, or "called_by: bridge"',
      at: 'key',
    }));
}

/** Built-in tools that have done their part before anybody could wait. */
const atOnce: ReadonlySet<string> = new Set(['hang_up', 'hand_off', 'transfer_call', 'remember']);

function effectProblems(tool: RawMap): ToolProblem[] {
  const kind = ['builtin', 'module', 'mcp'].find((one) => one in tool);
  const found: ToolProblem[] = [];
  const add = (key: string, why: string): void => {
    if (!(key in tool)) return;
    const message = `"${key}" has no effect: ${why}`;
    found.push({ code: problemCodes.noEffect, path: [key], message, expected: 'to be left out', at: 'key' });
  };
  const builtin = tool['builtin'];
  if (typeof builtin === 'string' && atOnce.has(builtin)) add('while_waiting', `nobody waits for ${builtin}`);
  if (kind !== undefined) add('parameters', kind === 'mcp' ? 'the server has its own' : `the ${kind} has its own`);
  for (const source of ['http', 'mcp'].filter((key) => isMap(tool[key]))) {
    const { allow_private: allowPrivate, ports } = tool[source] as RawMap;
    if (allowPrivate !== true || !Array.isArray(ports) || ports.length === 0) continue;
    const message = '"ports" has no effect: with allow_private any port is allowed';
    found.push({
      code: problemCodes.noEffect,
      path: [source, 'ports'],
      message,
      expected: 'to be left out',
      at: 'key',
    });
  }
  const mcp = tool['mcp'];
  if (isMap(mcp) && mcp['called_by'] !== 'bridge') add('while_waiting', 'the API calls the server by itself');
  if (isMap(mcp) && mcp['called_by'] === 'bridge') add('description', 'each tool of the server has its own');
  return found;
}

/** Headers that a request gets anyway, whatever the plan says. */
function headerProblems({ http }: RawMap): ToolProblem[] {
  if (!isMap(http) || !isMap(http['headers'])) return [];
  return Object.keys(http['headers']).flatMap((name): ToolProblem[] => {
    const why = whyOurs(name.toLowerCase(), http);
    if (why === undefined) return [];
    const message = `"${name.slice(0, 60)}" has no effect: ${why}`;
    const path = ['http', 'headers', name];
    return [{ code: problemCodes.noEffect, path, message, expected: 'to be left out', at: 'key' }];
  });
}

function whyOurs(header: string, http: RawMap): string | undefined {
  if (header === 'authorization') return 'bearer' in http ? '"bearer" is sent in its place' : undefined;
  if (header === 'content-type') {
    return http['method'] === 'GET' || http['method'] === 'DELETE' ? undefined : 'the body of the request is JSON';
  }
  if (header === 'idempotency-key' || /^ringbridge-(?:id|timestamp|signature)$/.test(header))
    return 'Ringbridge writes it';
  return undefined;
}

/** Secret keys must not stand in an address, which every server on the way writes down. */
function digitProblems(tool: RawMap): ToolProblem[] {
  const { http, builtin, parameters } = tool;
  const found: ToolProblem[] = [];
  if ('digits' in tool && builtin !== 'collect_digits') {
    const message = '"digits" has no effect: only collect_digits collects keys';
    const expected = 'to be left out, or "builtin: collect_digits"';
    found.push({ code: problemCodes.noEffect, path: ['digits'], message, expected, at: 'key' });
  }
  if (!isMap(http) || !Array.isArray(http['secure_digits']) || http['secure_digits'].length === 0) return found;
  for (const name of http['secure_digits']) {
    if (typeof name !== 'string' || !isMap(parameters) || !(name in parameters)) continue;
    const message = `secret keys of "${name}" would stand where the argument of that name does`;
    const expected = 'an argument of another name, or none: the model learns no secret keys';
    found.push({ code: problemCodes.contradiction, path: ['parameters', name], message, expected, at: 'key' });
  }
  if (http['method'] === 'GET' || http['method'] === 'DELETE') {
    const message = 'secret keys would stand in the address of the request';
    const expected = 'POST, PUT or PATCH, whose body holds them';
    found.push({ code: problemCodes.unsafeAddress, path: ['http', 'method'], message, expected });
  }
  return found;
}
