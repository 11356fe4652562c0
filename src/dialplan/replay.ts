import type { IncomingCall } from './incoming-call';
import { patternText } from './pattern';
import type { Plan, Route } from './plan';
import { CallFacts, mismatchOf } from './route';
import { candidatesFor } from './route-index';
import { noRouteText, outcomeText } from './route-outcome';

/** What is on record of a call that routing depends on; undefined for what the record does not say. */
export interface RecordedCall {
  readonly to: string;
  readonly from: string;
  readonly sipCallId: string;
  /** When the INVITE came, Unix milliseconds. */
  readonly atMs: number;
  /** By lower-case name; null for one that the INVITE did not have. Others than these are not known. */
  readonly headers: Readonly<Record<string, string | null>>;
  readonly sourceAddress: string | undefined;
  /** Which route of which plan took it. */
  readonly route: string | undefined;
  readonly planHash: string | undefined;
}

/** Where a recorded call goes by a plan. */
export interface Replay {
  /** Routes that take the call if a fact that is not on record is as they ask, in order. */
  readonly perhaps: readonly PerhapsTaken[];
  /** Where it goes if none of them does. `route` is undefined when no route is left. */
  readonly otherwise: { readonly route: string | undefined; readonly outcome: string };
}

export interface PerhapsTaken {
  readonly route: string;
  readonly outcome: string;
  /** The facts that the record lacks: `header x-level`, `source address`. */
  readonly lacking: readonly string[];
  /** Equal for conditions that the same call meets or does not meet alike. */
  readonly condition: string;
}

/** What is known of conditions by the route that the call really took. */
export type KnownConditions = ReadonlyMap<string, boolean>;

const nothingKnown: KnownConditions = new Map();

/** Routes a recorded call again, by the conditions and percentages that `route` has. Guesses nothing. Pure. */
export function replay(plan: Plan, call: RecordedCall, known: KnownConditions = nothingKnown): Replay {
  const facts = new CallFacts(plan, incomingCall(call), () => call.atMs);
  const perhaps: PerhapsTaken[] = [];
  for (const order of candidatesFor(plan.index, call)) {
    const route = plan.routes[order];
    if (route === undefined) continue;
    const lacking = lackingFacts(route, call);
    if (mismatchOf(lacking.length === 0 ? route : withoutUnknown(route, call), facts) !== undefined) continue;
    const outcome = outcomeText(route.action);
    const condition = lacking.length === 0 ? '' : conditionText(plan, route, call);
    const holds = lacking.length === 0 ? true : known.get(condition);
    if (holds === true) return { perhaps, otherwise: { route: route.name, outcome } };
    if (holds === undefined) perhaps.push({ route: route.name, outcome, lacking, condition });
  }
  return { perhaps, otherwise: { route: undefined, outcome: noRouteText } };
}

/** What the route that a call took tells of the facts that its record lacks; `plan` is the one that it was routed by. */
export function conditionsKnownBy(plan: Plan, call: RecordedCall): KnownConditions {
  if (call.planHash !== plan.hash) return nothingKnown;
  const { perhaps, otherwise } = replay(plan, call);
  const known = new Map<string, boolean>();
  for (const { route, condition } of perhaps) {
    const isTaken = route === call.route;
    known.set(condition, isTaken);
    if (isTaken) return known;
  }
  // A record that does not fit its plan tells nothing.
  return otherwise.route === call.route ? known : nothingKnown;
}

function incomingCall({ to, from, sipCallId, sourceAddress, headers }: RecordedCall): IncomingCall {
  return {
    to,
    from,
    fromName: '',
    sipCallId,
    sourceAddress: sourceAddress ?? '',
    header: (name) => headers[name.toLowerCase()] ?? undefined,
  };
}

function lackingFacts({ headers, trunks }: Route, call: RecordedCall): string[] {
  const lacking = headers.filter(({ name }) => !Object.hasOwn(call.headers, name)).map(({ name }) => `header ${name}`);
  return trunks !== undefined && call.sourceAddress === undefined ? [...lacking, 'source address'] : lacking;
}

/** The route with those conditions alone that the record can answer. */
function withoutUnknown(route: Route, call: RecordedCall): Route {
  return {
    ...route,
    headers: route.headers.filter(({ name }) => Object.hasOwn(call.headers, name)),
    trunks: call.sourceAddress === undefined ? undefined : route.trunks,
  };
}

/** Trunks of the same name may have other addresses in another plan, so theirs is a condition of that plan alone. */
function conditionText(plan: Plan, route: Route, call: RecordedCall): string {
  const headers = route.headers
    .filter(({ name }) => !Object.hasOwn(call.headers, name))
    .map(({ name, patterns }) => [name, patterns.patterns.map(patternText)]);
  const trunks = call.sourceAddress === undefined && route.trunks !== undefined ? [plan.hash, ...route.trunks] : [];
  return JSON.stringify([headers, trunks]);
}
