import { covers } from './pattern';
import type { PatternSet } from './pattern';
import type { Plan, Route } from './plan';
import { coveringCandidates } from './route-index';

/** A route that no call reaches. */
export interface ShadowedRoute {
  /** Its place in the plan. */
  readonly order: number;
  readonly message: string;
}

/** Comparisons in one plan. Ten thousand routes with numbers of their own need some ten thousand. */
const comparisonsMax = 2_000_000;
/** More of them tell nothing new, and all that is told must pass through the thread with the calls. */
const foundMax = 100;

/**
 * Finds routes before which another one takes all of their calls. Numbers are compared by what they match; every other
 * condition counts only when both routes have the same. What several earlier routes take together is not found.
 */
export function shadowedRoutes({ routes, index }: Pick<Plan, 'routes' | 'index'>): ShadowedRoute[] {
  const found: ShadowedRoute[] = [];
  let comparisons = 0;
  for (const [order, route] of routes.entries()) {
    if (found.length === foundMax) {
      found.push({
        order,
        message: `${foundMax} routes before this one are never reached; the others were not looked at`,
      });
      break;
    }
    if (contradicts(route)) {
      const message = `no call reaches route "${route.name}": it wants the same schedule open and closed`;
      found.push({ order, message });
      continue;
    }
    for (const earlier of coveringCandidates(index, route)) {
      if (earlier >= order) break;
      comparisons += 1;
      if (comparisons > comparisonsMax) return found;
      const before = routes[earlier];
      if (before === undefined || !coversRoute(before, route)) continue;
      const taken = takesAll(before) ? 'takes any call' : 'takes all of its calls';
      const message = `no call reaches route "${route.name}": "${before.name}" before it ${taken}`;
      found.push({ order, message });
      break;
    }
  }
  return found;
}

function coversRoute(wide: Route, narrow: Route): boolean {
  return (
    wide.percent === undefined &&
    coversNumbers(wide.to, narrow.to) &&
    coversNumbers(wide.from, narrow.from) &&
    coversTrunks(wide, narrow) &&
    wide.headers.every((header) =>
      narrow.headers.some((other) => other.name === header.name && covers(header.patterns, other.patterns)),
    ) &&
    (wide.during === undefined || same(wide.during, narrow.during)) &&
    (wide.outside === undefined || same(wide.outside, narrow.outside))
  );
}

function coversNumbers(wide: PatternSet | undefined, narrow: PatternSet | undefined): boolean {
  return wide === undefined || (narrow !== undefined && covers(wide, narrow));
}

function coversTrunks({ trunks: wide }: Route, { trunks: narrow }: Route): boolean {
  return wide === undefined || (narrow !== undefined && [...narrow].every((name) => wide.has(name)));
}

function takesAll({ to, from, trunks, headers, during, outside }: Route): boolean {
  return headers.length === 0 && [to, from, trunks, during, outside].every((condition) => condition === undefined);
}

function contradicts({ during, outside }: Route): boolean {
  return during?.every((schedule) => outside?.includes(schedule) === true) === true;
}

function same<T>(one: readonly T[], other: readonly T[] | undefined): boolean {
  return other !== undefined && one.length === other.length && one.every((value) => other.includes(value));
}
