import { covers, matchesSet, patternText } from './pattern';
import type { Pattern, PatternSet } from './pattern';
import type { Plan, Route } from './plan';
import { NumberIndex } from './route-index';
import { noRouteText, outcomeText } from './route-outcome';

/** A number, prefix, range or expression that a plan names, and who takes calls to it in each of two plans. */
export interface NumberChange {
  /** As it stands in a plan. */
  readonly number: string;
  readonly before: string;
  readonly after: string;
}

export interface NumberDiff {
  readonly changes: readonly NumberChange[];
  /** How many different numbers were compared. */
  readonly compared: number;
  /** Numbers that were not, because comparing all would take too long. */
  readonly leftOut: number;
}

/** Routes looked at in one comparison: some seconds. */
const looksMax = 10_000_000;

/**
 * Which of the called numbers that either plan names would be taken otherwise. Numbers are compared by the routes that may
 * take them, with the conditions of each by name: hours that changed within a schedule are a change of that schedule.
 */
export function diffNumbers(old: Plan, next: Plan): NumberDiff {
  const takersBefore = new Takers(old);
  const takersAfter = new Takers(next);
  const changes: NumberChange[] = [];
  let compared = 0;
  let leftOut = 0;
  for (const [number, pattern] of namedNumbers([old, next])) {
    if (takersBefore.looks + takersAfter.looks > looksMax) {
      leftOut += 1;
      continue;
    }
    compared += 1;
    const before = takersBefore.of(pattern);
    const after = takersAfter.of(pattern);
    if (before !== after) changes.push({ number, before, after });
  }
  return { changes, compared, leftOut };
}

function namedNumbers(plans: readonly Plan[]): Map<string, Pattern> {
  const named = new Map<string, Pattern>();
  for (const { routes } of plans) {
    for (const { to } of routes) for (const pattern of to?.patterns ?? []) named.set(patternText(pattern), pattern);
  }
  return named;
}

/** Who takes the calls to a number, whatever else is known of them. */
class Takers {
  /** How many routes were looked at so far. */
  looks = 0;
  readonly #routes: readonly Route[];
  readonly #byNumber = new NumberIndex();
  /** Routes for any number, and those with expressions. */
  readonly #generic: number[] = [];

  constructor({ routes }: Plan) {
    this.#routes = routes;
    for (const [order, { to }] of routes.entries()) {
      if (to === undefined || to.patterns.some(({ kind }) => kind === 'regex')) this.#generic.push(order);
      else this.#byNumber.add(to, order);
    }
    this.#byNumber.finish();
  }

  /** `agent sales during office, else reject 404`. */
  of(pattern: Pattern): string {
    const takers: string[] = [];
    const orders = new Set([...this.#byNumber.covering(pattern).flat(), ...this.#generic]);
    for (const order of [...orders].sort((one, other) => one - other)) {
      this.looks += 1;
      const route = this.#routes[order];
      if (route === undefined || !takesAll(route.to, pattern)) continue;
      const conditions = conditionsText(route);
      const outcome = outcomeText(route.action);
      if (conditions === '') return [...takers, outcome].join(', else ');
      takers.push(`${outcome} ${conditions}`);
    }
    return [...takers, noRouteText].join(', else ');
  }
}

function takesAll(to: PatternSet | undefined, pattern: Pattern): boolean {
  if (to === undefined) return true;
  if (pattern.kind === 'exact') return matchesSet(to, pattern.text);
  return covers(to, { patterns: [pattern], many: undefined });
}

/** Everything but the number that was called. A percentage is drawn by the route's name, so that is part of it. */
function conditionsText({ name, from, trunks, headers, during, outside, percent }: Route): string {
  const texts: string[] = [];
  if (from !== undefined) texts.push(`from ${listed(from)}`);
  if (trunks !== undefined) texts.push(`through ${[...trunks].join(' or ')}`);
  for (const header of headers) texts.push(`with ${header.name} ${listed(header.patterns)}`);
  if (during !== undefined) texts.push(`during ${during.map((schedule) => schedule.name).join(' or ')}`);
  if (outside !== undefined) texts.push(`outside ${outside.map((schedule) => schedule.name).join(' and ')}`);
  if (percent !== undefined) texts.push(`for ${percent} % by "${name}"`);
  return texts.join(' and ');
}

function listed({ patterns }: PatternSet): string {
  return patterns.map(patternText).join(' or ');
}
