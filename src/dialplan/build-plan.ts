import { CivilClock, parseDay } from '../runtime/civil-time';
import { invariant } from '../runtime/invariant';
import { runSteps } from '../runtime/steps';
import type { Steps } from '../runtime/steps';
import { agentTool, type AgentTool } from '../tools/agent-tool';
import { agentRules, guaranteeRules, usdOf } from './agent-rules';
import { parseClosed, parseOverride, parseWeeklyHours } from './opening-hours';
import type { DaySpan } from './opening-hours';
import { patternSetSteps } from './pattern';
import type { PatternSet } from './pattern';
import { toDestination } from './destination';
import type { Destination } from './destination';
import type { Agent, HeaderMatch, Plan, Route, RouteAction, User } from './plan';
import { listOf, namedEntries, routeEntries as allRouteEntries } from './plan-parts';
import type { EntryOf, PlanParts, PlanSection } from './plan-parts';
import type { AgentEntry, PlanFileEntry } from './plan-schema';
import { secretOf } from './secret-reference';
import type { PlanTexts } from './plan-texts';
import { indexSteps } from './route-index';
import type { RouteEntry } from './route-schema';
import type { Schedule } from './schedule';
import type { ScheduleEntry } from './schedule-schema';
import { toTrunk } from './trunk';

/** Makes a plan of entries that were checked: every name is known, every hour and number well formed. */
export function buildPlan(parts: PlanParts): Plan {
  return runSteps(planSteps({ ...parts, routeEntries: allRouteEntries(parts.entries) }));
}

/**
 * The same in small steps, so that whoever builds a large plan can do other things in between. The routes of `entries` do
 * not count: those that do are taken one by one and let go, for the collector has less to do when little stays.
 */
export function* planSteps({
  hash,
  files,
  entries,
  routeEntries,
  texts,
  secrets,
}: PlanParts & { readonly routeEntries: Iterable<RouteEntry> }): Steps<Plan> {
  const schedules = yield* mapOf(entries, 'schedules', (name, entry) => toSchedule(name, entry, texts.calendars));
  const trunks = yield* mapOf(entries, 'trunks', (name, entry) => toTrunk(name, entry, secrets));
  const users = yield* mapOf(entries, 'users', (name, { password }): User => {
    return { name, password: secretOf(password, secrets) };
  });
  const destinations = yield* mapOf(entries, 'destinations', (name, entry) =>
    toDestination(name, entry, { trunks, recordings: texts.recordings }),
  );
  const tools = new Map(namedEntries(entries, 'tools'));
  const agents = yield* mapOf(entries, 'agents', (name, entry) => toAgent(name, entry, { tools, texts }));
  const limits = yield* mapOf(entries, 'agents', (_name, entry) => entry.limits);
  const routes: Route[] = [];
  for (const entry of routeEntries) {
    routes.push(yield* toRoute(entry, { schedules, destinations, agents, limits }));
    yield;
  }
  const index = yield* indexSteps(routes);
  return { hash, files, schedules, destinations, trunks, users, agents, routes, index };
}

function* mapOf<S extends PlanSection, T>(
  entries: readonly PlanFileEntry[],
  section: S,
  make: (name: string, entry: EntryOf<S>) => T,
): Steps<Map<string, T>> {
  const map = new Map<string, T>();
  for (const [name, entry] of namedEntries(entries, section)) {
    map.set(name, make(name, entry));
    yield;
  }
  return map;
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

function toAgent(
  name: string,
  entry: AgentEntry,
  named: { tools: ReadonlyMap<string, EntryOf<'tools'>>; texts: PlanTexts },
): Agent {
  const { tools, transfers, handoffs, limits: _l, idle: _i, barge_in: _b, push_to_talk: _p, ...session } = entry;
  const textOf = (text: string | undefined): string | undefined => named.texts.instructions.get(text ?? '') ?? text;
  const { detection, idle, turns } = agentRules(entry, textOf);
  const instructions = textOf(session.instructions);
  return {
    name,
    session: {
      ...session,
      turn_detection: detection,
      ...(instructions === undefined ? {} : { instructions }),
    },
    tools: tools.flatMap((tool): AgentTool[] => {
      const known = agentTool(tool, named.tools.get(tool), named.texts.modules);
      if (known === undefined) return [];
      if (known.kind !== 'builtin') return [known];
      const choices = new Map([
        ['transfer_call', transfers],
        ['hand_off', handoffs],
      ]).get(known.builtIn);
      return [choices === undefined ? known : { ...known, choices }];
    }),
    ...(handoffs !== undefined && { handoffs }),
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

function* toRoute(entry: RouteEntry, named: Named): Steps<Route> {
  const when = entry.when === 'any' ? {} : entry.when;
  const headers: HeaderMatch[] = [];
  for (const [name, patterns] of Object.entries(when.header ?? {})) {
    headers.push({ name: name.toLowerCase(), patterns: yield* patternSetSteps(patterns) });
  }
  return {
    name: entry.name,
    to: yield* patternsOf(when.to),
    from: yield* patternsOf(when.from),
    trunks: when.trunk === undefined ? undefined : new Set(listOf(when.trunk)),
    headers,
    during: schedulesOf(when.during, named),
    outside: schedulesOf(when.outside, named),
    percent: when.percent,
    action: toAction(entry, named),
  };
}

function* patternsOf(texts: string | readonly string[] | undefined): Steps<PatternSet | undefined> {
  return texts === undefined ? undefined : yield* patternSetSteps(texts);
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
  if (entry.bridge !== undefined) {
    const { bridge: destination } = entry;
    return { kind: 'bridge', destination, lengthLimitMs: limits?.length, callsLimit: limits?.calls };
  }
  const agent = agents.get(answer);
  invariant(agent !== undefined, 'names of agents were checked');
  const ofAgent = agentLimits.get(answer);
  return {
    kind: 'answer',
    agent,
    lengthLimitMs: smaller(limits?.length, ofAgent?.length),
    callsLimit: limits?.calls,
    costLimitUsd: smaller(usdOf(limits?.cost), usdOf(ofAgent?.cost)),
    guarantees: guaranteeRules(entry.guarantees),
    unavailable: typeof unavailable === 'string' ? { bridge: unavailable } : unavailable,
  };
}

/** Of two limits the smaller one holds; undefined is none. */
function smaller(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
