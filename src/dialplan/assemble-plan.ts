import { createHash } from 'node:crypto';

import { nearestWord } from '../runtime/nearest-word';
import type { Agent, NumberMatch, Plan, Route } from './plan';
import { problemAt, rawAgents, rawRoutes } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import type { AgentEntry, RouteEntry } from './plan-schema';

/** A plan, or all that is wrong; `warnings` do not stop it. */
export type PlanLoad =
  | { kind: 'loaded'; plan: Plan; warnings: readonly PlanProblem[] }
  | { kind: 'refused'; problems: readonly PlanProblem[]; warnings: readonly PlanProblem[] };

const hashLength = 12;

/**
 * Makes one plan of files that stand in the order of their names: agents are one set, routes follow one another.
 * `instructions` holds the text of every `file:` that an agent names, by that name.
 */
export function assemblePlan(files: readonly PlanFile[], instructions: ReadonlyMap<string, string>): PlanLoad {
  const problems = [...files.flatMap((file) => file.problems), ...agentProblems(files), ...routeProblems(files)];
  const readable = files.every((file) => file.document !== undefined);
  if (readable && files.length > 0 && files.every((file) => rawRoutes(file).length === 0) && problems.length === 0) {
    problems.push({ ...wholePlan, message: 'the plan has no routes: no call would be answered' });
  }
  const warnings = [...unreachedRoutes(files), ...(problems.length === 0 ? unreachedAgents(files) : [])];
  const entries = files.map((file) => file.entry).filter((entry) => entry !== undefined);
  if (problems.length > 0 || entries.length < files.length) return { kind: 'refused', problems, warnings };
  const agentEntries = Object.assign({}, ...entries.map((entry) => entry.agents ?? {})) as Record<string, AgentEntry>;
  const routeEntries = entries.flatMap((entry) => entry.routes ?? []);
  const agents = new Map(
    Object.entries(agentEntries).map(([name, entry]) => [name, toAgent(name, entry, instructions)]),
  );
  const routes = routeEntries.flatMap((entry) => toRoute(entry, agents) ?? []);
  const hash = hashOf({ agents: Object.fromEntries(agents), routes: routeEntries });
  return { kind: 'loaded', plan: { hash, files: files.map((file) => file.file), agents, routes }, warnings };
}

const wholePlan = {
  code: problemCodes.noRoutes,
  severity: 'error',
  file: '',
  position: undefined,
  expected: 'at least one route in one of the files',
  nearest: undefined,
} as const;

function agentProblems(files: readonly PlanFile[]): PlanProblem[] {
  const seenIn = new Map<string, string>();
  return files.flatMap((file) =>
    rawAgents(file).flatMap(([name]) => {
      const first = seenIn.get(name);
      seenIn.set(name, first ?? file.file);
      if (first === undefined) return [];
      const message = `agent "${name}" is already defined in ${first}`;
      return [
        problemAt(file, ['agents', name], { code: problemCodes.agentTwice, message, expected: 'another name' }, 'key'),
      ];
    }),
  );
}

function routeProblems(files: readonly PlanFile[]): PlanProblem[] {
  const agents = files.flatMap((file) => rawAgents(file).map(([name]) => name));
  const agentsKnown = files.every((file) => file.document !== undefined);
  const seen = new Set<string>();
  return files.flatMap((file) =>
    rawRoutes(file).flatMap((route, index) => {
      const found: PlanProblem[] = [];
      const { name, answer } = route;
      if (typeof name === 'string' && seen.has(name)) {
        const message = `a route is already called "${name}"`;
        const problem = { code: problemCodes.routeTwice, message, expected: 'another name' };
        found.push(problemAt(file, ['routes', index, 'name'], problem));
      }
      if (typeof name === 'string') seen.add(name);
      if (typeof answer === 'string' && agentsKnown && !agents.includes(answer)) {
        const expected = agents.length === 0 ? 'an agent, but none is defined' : `one of ${agents.join(', ')}`;
        const nearest = nearestWord(answer, agents);
        const problem = {
          code: problemCodes.unknownAgent,
          message: `no agent is called "${answer}"`,
          expected,
          nearest,
        };
        found.push(problemAt(file, ['routes', index, 'answer'], problem));
      }
      return found;
    }),
  );
}

function unreachedAgents(files: readonly PlanFile[]): PlanProblem[] {
  const answering = new Set(files.flatMap((file) => rawRoutes(file).map((route) => route['answer'])));
  return files.flatMap((file) =>
    rawAgents(file)
      .filter(([name]) => !answering.has(name))
      .map(([name]) => {
        const message = `no route answers with agent "${name}"`;
        return problemAt(
          file,
          ['agents', name],
          { code: problemCodes.agentUnreached, message, severity: 'warning' },
          'key',
        );
      }),
  );
}

function unreachedRoutes(files: readonly PlanFile[]): PlanProblem[] {
  let catchAll: string | undefined;
  return files.flatMap((file) =>
    rawRoutes(file).flatMap((route, index) => {
      const name = typeof route['name'] === 'string' ? route['name'] : String(index + 1);
      const before = catchAll;
      if (route['when'] === 'any') catchAll ??= name;
      if (before === undefined) return [];
      const message = `no call reaches route "${name}": "${before}" before it takes any call`;
      return [problemAt(file, ['routes', index], { code: problemCodes.routeUnreached, message, severity: 'warning' })];
    }),
  );
}

function toAgent(name: string, entry: AgentEntry, instructions: ReadonlyMap<string, string>): Agent {
  const { tools, ...session } = entry;
  return {
    name,
    session: { ...session, instructions: instructions.get(session.instructions) ?? session.instructions },
    tools,
  };
}

function toRoute(entry: RouteEntry, agents: ReadonlyMap<string, Agent>): Route | undefined {
  const when = entry.when === 'any' ? {} : entry.when;
  const match = { name: entry.name, to: toMatch(when.to), from: toMatch(when.from) };
  if (entry.reject !== undefined) return { ...match, action: { kind: 'reject', status: entry.reject } };
  const agent = agents.get(entry.answer ?? '');
  if (agent === undefined) return undefined;
  const lengthLimitMs = entry.limits?.length;
  return { ...match, action: { kind: 'answer', agent, lengthLimitMs, unavailable: entry.unavailable } };
}

/** A star at the end stands for any rest; anywhere else it is the key of a telephone (`*97`). */
function toMatch(patterns: string | readonly string[] | undefined): NumberMatch | undefined {
  if (patterns === undefined) return undefined;
  const list = typeof patterns === 'string' ? [patterns] : patterns;
  return {
    exact: new Set(list.filter((pattern) => !pattern.endsWith('*'))),
    prefixes: list.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1)),
  };
}

function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(value)))
    .digest('hex')
    .slice(0, hashLength);
}

/** The order in which keys were written means nothing. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  );
}
