import type { Agent, NumberMatch, Plan } from './plan';

/** What a plan says about one call. */
export type RouteDecision =
  | {
      kind: 'answer';
      route: string;
      planHash: string;
      agent: Agent;
      lengthLimitMs: number | undefined;
      unavailable: { reject: number };
    }
  | { kind: 'reject'; route: string; planHash: string; status: number }
  | { kind: 'no-route'; planHash: string };

/** The first route that matches the dialled number `to` and the caller's number `from`. Pure. */
export function route(plan: Plan, { to, from }: { to: string; from: string }): RouteDecision {
  const planHash = plan.hash;
  const found = plan.routes.find((one) => matches(one.to, to) && matches(one.from, from));
  if (found === undefined) return { kind: 'no-route', planHash };
  const { action } = found;
  if (action.kind === 'reject') return { kind: 'reject', route: found.name, planHash, status: action.status };
  const { agent, lengthLimitMs, unavailable } = action;
  return { kind: 'answer', route: found.name, planHash, agent, lengthLimitMs, unavailable: { ...unavailable } };
}

function matches(match: NumberMatch | undefined, number: string): boolean {
  if (match === undefined || match.exact.has(number)) return true;
  return match.prefixes.some((prefix) => number.startsWith(prefix));
}
