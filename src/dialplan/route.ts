import { agentFor } from './call-variables';
import { agentsAfter } from './handoff';
import type { GuaranteeRules } from './conversation-rules';
import type { IncomingCall } from './incoming-call';
import { matchedTextLengthMax, matchesSet } from './pattern';
import { splitOf } from './percent-split';
import type { PercentSplit } from './percent-split';
import type { Destination } from './destination';
import type { Agent, Plan, Route, Unavailable } from './plan';
import { candidatesFor } from './route-index';
import { scheduleAt } from './schedule';
import type { Schedule } from './schedule';
import { trunkOf } from './trunk';

/** What a plan says about one call. */
export type RouteDecision =
  | (RoutedBy & {
      kind: 'answer';
      route: string;
      /** With the variables of the call filled in. */
      agent: Agent;
      lengthLimitMs: number | undefined;
      /** How many calls may be up on this route at once, this one included. */
      callsLimit: number | undefined;
      costLimitUsd?: number | undefined;
      guarantees?: GuaranteeRules;
      unavailable: Unavailable;
      /** Where this call may be sent. */
      destinations?: ReadonlyMap<string, Destination>;
      /** The agents that the call may be handed over to, with the variables of the call filled in. */
      colleagues?: ReadonlyMap<string, Agent>;
    })
  | (RoutedBy & {
      kind: 'bridge';
      route: string;
      destination: string;
      lengthLimitMs: number | undefined;
      callsLimit: number | undefined;
      destinations: ReadonlyMap<string, Destination>;
    })
  | (RoutedBy & { kind: 'reject'; route: string; status: number })
  /** `contact` is a SIP address. */
  | (RoutedBy & { kind: 'redirect'; route: string; contact: string })
  | (RoutedBy & { kind: 'no-route' });

interface RoutedBy {
  planHash: string;
  /** The trunk that the call came through. */
  trunk: string | undefined;
  /** Every percentage that was drawn on the way, in order: with these a record can be routed again. */
  splits: readonly PercentSplit[];
  /** The headers that routes asked for on the way, in lower case; null for one that the INVITE did not have. */
  headers: Readonly<Record<string, string | null>>;
}

/** The first condition of a route that does not hold. */
export type Mismatch = 'to' | 'from' | 'trunk' | 'header' | 'during' | 'outside' | 'percent';

/** The first route that matches a call which comes at `atMs`, Unix milliseconds. Pure: the same call, the same answer. */
export function route(plan: Plan, call: IncomingCall, { atMs }: { atMs: number }): RouteDecision {
  const facts = new CallFacts(plan, call, () => atMs);
  const found = firstMatch(plan, call, facts);
  const common = { planHash: plan.hash, trunk: facts.trunk, splits: facts.splits, headers: facts.headers };
  if (found === undefined) return { kind: 'no-route', ...common };
  const { action, name } = found;
  switch (action.kind) {
    case 'reject':
      return { kind: 'reject', route: name, ...common, status: action.status };
    case 'redirect':
      return { kind: 'redirect', route: name, ...common, contact: action.contact };
    case 'answer': {
      const { lengthLimitMs, callsLimit, costLimitUsd, guarantees, unavailable } = action;
      const filled = (one: Agent): Agent => agentFor(one, { call, route: name, trunk: facts.trunk });
      const agent = filled(action.agent);
      const colleagues = agentsAfter(plan.agents, action.agent).map((one) => [one.name, filled(one)] as const);
      return {
        kind: 'answer',
        route: name,
        ...common,
        agent,
        lengthLimitMs,
        callsLimit,
        costLimitUsd,
        guarantees,
        unavailable: { ...unavailable },
        ...(plan.destinations.size > 0 && { destinations: plan.destinations }),
        ...(colleagues.length > 0 && { colleagues: new Map(colleagues) }),
      };
    }
    case 'bridge': {
      const { destination, lengthLimitMs, callsLimit } = action;
      const { destinations } = plan;
      return { kind: 'bridge', route: name, ...common, destination, lengthLimitMs, callsLimit, destinations };
    }
  }
}

/** The first condition of a route that a call does not meet; undefined when it matches. */
export function mismatchOf(route: Route, facts: CallFacts): Mismatch | undefined {
  const { call } = facts;
  if (route.to !== undefined && !matchesSet(route.to, call.to)) return 'to';
  if (route.from !== undefined && !matchesSet(route.from, call.from)) return 'from';
  if (route.trunks !== undefined && (facts.trunk === undefined || !route.trunks.has(facts.trunk))) return 'trunk';
  for (const { name, patterns } of route.headers) {
    const value = facts.header(name);
    if (value === undefined || !matchesSet(patterns, value)) return 'header';
  }
  if (route.during?.some((schedule) => facts.isOpen(schedule)) === false) return 'during';
  if (route.outside?.some((schedule) => facts.isOpen(schedule)) === true) return 'outside';
  // Last, so that only a percentage that decides something is drawn.
  if (route.percent !== undefined && !facts.draw(route.name, route.percent)) return 'percent';
  return undefined;
}

/** What is known of one call, each fact found out at most once and only when a route asks. */
export class CallFacts {
  readonly call: IncomingCall;
  readonly #atMs: (schedule: Schedule) => number;
  readonly #open = new Map<Schedule, boolean>();
  readonly #headers = new Map<string, string | undefined>();
  readonly #splits: PercentSplit[] = [];
  readonly trunk: string | undefined;

  /** `atMs` says when the call comes, Unix milliseconds; `explain` may ask for the same hour in each schedule's time zone. */
  constructor(plan: Plan, call: IncomingCall, atMs: (schedule: Schedule) => number) {
    this.call = call;
    this.#atMs = atMs;
    this.trunk = trunkOf(plan.trunks, call.sourceAddress);
  }

  /** What routes have asked for so far; no longer than what is compared. */
  get headers(): Readonly<Record<string, string | null>> {
    const asked = [...this.#headers].map(([name, value]) => [name, value?.slice(0, matchedTextLengthMax + 1) ?? null]);
    return Object.fromEntries(asked) as Record<string, string | null>;
  }

  get splits(): readonly PercentSplit[] {
    return this.#splits;
  }

  isOpen(schedule: Schedule): boolean {
    let open = this.#open.get(schedule);
    if (open === undefined) {
      ({ open } = scheduleAt(schedule, this.#atMs(schedule)));
      this.#open.set(schedule, open);
    }
    return open;
  }

  header(name: string): string | undefined {
    if (!this.#headers.has(name)) this.#headers.set(name, this.call.header(name));
    return this.#headers.get(name);
  }

  /** True when the caller falls into a route's share. */
  draw(route: string, percent: number): boolean {
    const split = splitOf({ route, percent, from: this.call.from, sipCallId: this.call.sipCallId });
    this.#splits.push(split);
    return split.point < percent;
  }
}

function firstMatch(plan: Plan, call: IncomingCall, facts: CallFacts): Route | undefined {
  for (const order of candidatesFor(plan.index, call)) {
    const candidate = plan.routes[order];
    if (candidate !== undefined && mismatchOf(candidate, facts) === undefined) return candidate;
  }
  return undefined;
}
