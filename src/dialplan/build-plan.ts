import { createHash } from 'node:crypto';

import { CivilClock, parseDay } from '../runtime/civil-time';
import { invariant } from '../runtime/invariant';
import type { BuiltInTool } from '../tools/tool-schema';
import { isBuiltInTool } from '../tools/tool-schema';
import { agentRules, guaranteeRules, usdOf } from './agent-rules';
import { parseClosed, parseOverride, parseWeeklyHours } from './opening-hours';
import type { DaySpan } from './opening-hours';
import { patternSet } from './pattern';
import { toDestination } from './destination';
import type { Destination } from './destination';
import type { Agent, Plan, Route, RouteAction, User } from './plan';
import type { AgentEntry, PlanFileEntry } from './plan-schema';
import { secretOf } from './secret-reference';
import type { PlanSecrets } from './secret-reference';
import type { PlanTexts } from './plan-texts';
import { indexRoutes } from './route-index';
import type { RouteEntry } from './route-schema';
import type { Schedule } from './schedule';
import type { ScheduleEntry } from './schedule-schema';
import { toTrunk } from './trunk';

const hashLength = 12;

/** Makes a plan of entries that were checked: every name is known, every hour and number well formed. */
export function buildPlan(options: {
  files: readonly string[];
  entries: readonly PlanFileEntry[];
  texts: PlanTexts;
  secrets: PlanSecrets;
}): Plan {
  const { files, entries, texts, secrets } = options;
  const schedules = mapOf(entries, 'schedules', (name, entry) => toSchedule(name, entry, texts.calendars));
  const trunks = mapOf(entries, 'trunks', (name, entry) => toTrunk(name, entry, secrets));
  const users = mapOf(entries, 'users', (name, entry): User => ({ name, password: secretOf(entry.password, secrets) }));
  const destinations = mapOf(entries, 'destinations', (name, entry) => toDestination(name, entry, trunks));
  const agents = mapOf(entries, 'agents', (name, entry) => toAgent(name, entry, texts.instructions));
  const limits = mapOf(entries, 'agents', (_name, entry) => entry.limits);
  const routeEntries = entries.flatMap((entry) => entry.routes ?? []);
  const routes = routeEntries.map((entry) => toRoute(entry, { schedules, destinations, agents, limits }));
  return {
    hash: hashOf(entries, routeEntries, texts),
    files,
    schedules,
    destinations,
    trunks,
    users,
    agents,
    routes,
    index: indexRoutes(routes),
  };
}

type Section = Exclude<keyof PlanFileEntry, 'routes'>;
type EntryOf<S extends Section> = NonNullable<PlanFileEntry[S]>[string];

function mapOf<S extends Section, T>(
  entries: readonly PlanFileEntry[],
  section: S,
  make: (name: string, entry: EntryOf<S>) => T,
): Map<string, T> {
  const named = entries.flatMap((entry) => Object.entries(entry[section] ?? {}) as [string, EntryOf<S>][]);
  return new Map(named.map(([name, entry]) => [name, make(name, entry)]));
}

function toSchedule(name: string, entry: ScheduleEntry, calendars: PlanTexts['calendars']): Schedule {
  const clock = CivilClock.in(entry.timezone);
  invariant(clock !== undefined, 'time zones were checked');
  const week: DaySpan[][] = Array.from({ length: 7 }, () => []);
  for (const text of listOf(entry.open)) {
    const hours = parseWeeklyHours(text);
    for (const day of hours?.days ?? []) week[day]?.push(...(hours?.spans ?? []));
  }
  const closedDays = new Set<number>();
  const closedYearly = new Set<string>();
  for (const text of listOf(entry.closed ?? [])) {
    for (const day of calendars.get(text) ?? []) closedDays.add(day);
    const closed = parseClosed(text);
    if (closed?.kind === 'days') for (const day of closed.days) closedDays.add(day);
    if (closed?.kind === 'yearly') closedYearly.add(closed.monthAndDay);
  }
  const overrides = new Map(
    Object.entries(entry.overrides ?? {}).map(([date, hours]) => [parseDay(date) ?? 0, parseOverride(hours) ?? []]),
  );
  return { name, clock, week, closedDays, closedYearly, overrides };
}

function toAgent(name: string, entry: AgentEntry, texts: PlanTexts['instructions']): Agent {
  const { tools, limits: _l, idle: _i, barge_in: _b, push_to_talk: _p, ...session } = entry;
  const textOf = (text: string | undefined): string | undefined => texts.get(text ?? '') ?? text;
  const { detection, idle, turns } = agentRules(entry, textOf);
  const instructions = textOf(session.instructions);
  return {
    name,
    session: {
      ...session,
      turn_detection: detection,
      ...(instructions === undefined ? {} : { instructions }),
    },
    tools: tools.filter((tool): tool is BuiltInTool => isBuiltInTool(tool)),
    idle,
    turns,
  };
}

interface Named {
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly destinations: ReadonlyMap<string, Destination>;
  readonly agents: ReadonlyMap<string, Agent>;
  /** Of each agent. */
  readonly limits: ReadonlyMap<string, AgentEntry['limits']>;
}

function toRoute(entry: RouteEntry, named: Named): Route {
  const when = entry.when === 'any' ? {} : entry.when;
  return {
    name: entry.name,
    to: when.to === undefined ? undefined : patternSet(when.to),
    from: when.from === undefined ? undefined : patternSet(when.from),
    trunks: when.trunk === undefined ? undefined : new Set(listOf(when.trunk)),
    headers: Object.entries(when.header ?? {}).map(([name, patterns]) => {
      return { name: name.toLowerCase(), patterns: patternSet(patterns) };
    }),
    during: schedulesOf(when.during, named),
    outside: schedulesOf(when.outside, named),
    percent: when.percent,
    action: toAction(entry, named),
  };
}

function schedulesOf(names: string | readonly string[] | undefined, { schedules }: Named): Schedule[] | undefined {
  if (names === undefined) return undefined;
  return listOf(names).map((name) => {
    const schedule = schedules.get(name);
    invariant(schedule !== undefined, 'names of schedules were checked');
    return schedule;
  });
}

function toAction(entry: RouteEntry, { agents, destinations, limits: agentLimits }: Named): RouteAction {
  if (entry.reject !== undefined) return { kind: 'reject', status: entry.reject };
  if (entry.redirect !== undefined) {
    const destination = destinations.get(entry.redirect);
    invariant(destination?.target.kind === 'address', 'names and kinds of destinations were checked');
    return { kind: 'redirect', contact: destination.target.uri };
  }
  const { answer = '', limits, unavailable } = entry;
  const agent = agents.get(answer);
  invariant(agent !== undefined && typeof unavailable !== 'string', 'what is not built was refused');
  const ofAgent = agentLimits.get(answer);
  return {
    kind: 'answer',
    agent,
    lengthLimitMs: smaller(limits?.length, ofAgent?.length),
    callsLimit: limits?.calls,
    costLimitUsd: smaller(usdOf(limits?.cost), usdOf(ofAgent?.cost)),
    guarantees: guaranteeRules(entry.guarantees),
    unavailable,
  };
}

/** Of two limits the smaller one holds; undefined is none. */
function smaller(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function idleTexts(
  { check_in, goodbye }: NonNullable<AgentEntry['idle']>,
  texts: PlanTexts['instructions'],
): (string | undefined)[] {
  return [texts.get(check_in ?? ''), texts.get(goodbye ?? '')];
}

/** Of what the plan says, in whichever files it says it: names are sets, routes and trunks have an order. */
function hashOf(entries: readonly PlanFileEntry[], routes: readonly RouteEntry[], texts: PlanTexts): string {
  const said = {
    schedules: mapOf(entries, 'schedules', (_name, entry) => ({
      ...entry,
      closed: listOf(entry.closed ?? []).map((closed) => texts.calendars.get(closed) ?? closed),
    })),
    destinations: mapOf(entries, 'destinations', (_name, entry) => entry),
    agents: mapOf(entries, 'agents', (_name, entry) => ({
      ...entry,
      instructions: texts.instructions.get(entry.instructions ?? '') ?? entry.instructions,
      idle: entry.idle && { ...entry.idle, texts: idleTexts(entry.idle, texts.instructions) },
    })),
    trunks: [...mapOf(entries, 'trunks', (_name, entry) => entry)],
    users: mapOf(entries, 'users', (_name, entry) => entry),
    routes,
  };
  return createHash('sha256')
    .update(JSON.stringify(canonical(said)))
    .digest('hex')
    .slice(0, hashLength);
}

/** The order in which keys were written means nothing. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value instanceof Map) return canonical(Object.fromEntries(value as Map<string, unknown>));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  );
}
