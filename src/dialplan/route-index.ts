import type { Steps } from '../runtime/steps';
import { patternText } from './pattern';
import type { Pattern, PatternSet } from './pattern';

/**
 * Routes by the numbers that they name, so that a call is compared with few of them. Each route stands under its called
 * numbers or under its callers, whichever tells it better from the others, or else among those that every call tries.
 */
export interface RouteIndex {
  readonly byTo: NumberIndex;
  readonly byFrom: NumberIndex;
  readonly others: readonly number[];
}

/** The numbers that a route names. */
export interface NumberedRoute {
  readonly to: PatternSet | undefined;
  readonly from: PatternSet | undefined;
}

/** Places of routes in the plan, ascending. */
type Orders = readonly number[];

export function* indexSteps(routes: readonly NumberedRoute[]): Steps<RouteIndex> {
  const crowdsTo = new Crowds();
  const crowdsFrom = new Crowds();
  for (const { to, from } of routes) {
    crowdsTo.add(to);
    crowdsFrom.add(from);
    yield;
  }
  const byTo = new NumberIndex();
  const byFrom = new NumberIndex();
  const others: number[] = [];
  for (const [order, { to, from }] of routes.entries()) {
    const toCrowd = crowdsTo.of(to);
    const fromCrowd = crowdsFrom.of(from);
    if (to !== undefined && toCrowd <= fromCrowd && Number.isFinite(toCrowd)) byTo.add(to, order);
    else if (from !== undefined && Number.isFinite(fromCrowd)) byFrom.add(from, order);
    else others.push(order);
    yield;
  }
  byTo.finish();
  yield;
  byFrom.finish();
  return { byTo, byFrom, others };
}

/** Orders of the routes that may match, ascending, each once. */
export function candidatesFor(index: RouteIndex, { to, from }: { to: string; from: string }): Iterable<number> {
  return merged([...index.byTo.candidates(to), ...index.byFrom.candidates(from), index.others]);
}

/** Orders of the routes that may take every call of a route with these numbers, ascending. */
export function coveringCandidates(index: RouteIndex, { to, from }: NumberedRoute): Iterable<number> {
  const [toFirst] = to?.patterns ?? [];
  const [fromFirst] = from?.patterns ?? [];
  return merged([
    ...(toFirst === undefined ? [] : index.byTo.covering(toFirst)),
    ...(fromFirst === undefined ? [] : index.byFrom.covering(fromFirst)),
    index.others,
  ]);
}

/** Exact numbers, prefixes and ranges, each with the orders of its routes. */
export class NumberIndex {
  readonly #exact = new Map<string, number[]>();
  readonly #prefixes = new Map<string, number[]>();
  /** By length and plus sign; within one, numbers are in the order of their texts. */
  readonly #ranges = new Map<string, RangeList>();
  #prefixLengths: readonly number[] = [];

  add(set: PatternSet, order: number): void {
    for (const pattern of set.patterns) {
      switch (pattern.kind) {
        case 'exact':
          append(this.#exact, pattern.text, order);
          break;
        case 'prefix':
          append(this.#prefixes, pattern.text, order);
          break;
        case 'range':
          this.#rangesLike(pattern.first).add(pattern.first, pattern.last, order);
          break;
        case 'regex':
          // Routes with expressions do not come here.
          break;
      }
    }
  }

  /** After the last `add`. */
  finish(): void {
    this.#prefixLengths = [...new Set([...this.#prefixes.keys()].map((prefix) => prefix.length))].sort((a, b) => a - b);
    for (const ranges of this.#ranges.values()) ranges.finish();
  }

  candidates(number: string): Orders[] {
    const found = this.#ofPrefixes(number);
    const exact = this.#exact.get(number);
    if (exact !== undefined) found.push(exact);
    const ranges = this.#ranges.get(rangeKey(number))?.holding(number, number) ?? [];
    if (ranges.length > 0) found.push(ranges);
    return found;
  }

  /** Lists of routes of which one pattern covers the given one. */
  covering(pattern: Pattern): Orders[] {
    switch (pattern.kind) {
      case 'exact':
        return this.candidates(pattern.text);
      case 'prefix':
        return this.#ofPrefixes(pattern.text);
      case 'range': {
        const { first, last } = pattern;
        return [...this.#ofPrefixes(first), this.#ranges.get(rangeKey(first))?.holding(first, last) ?? []];
      }
      case 'regex':
        return [];
    }
  }

  #ofPrefixes(number: string): Orders[] {
    const found: Orders[] = [];
    for (const length of this.#prefixLengths) {
      if (length > number.length) break;
      const orders = this.#prefixes.get(number.slice(0, length));
      if (orders !== undefined) found.push(orders);
    }
    return found;
  }

  #rangesLike(number: string): RangeList {
    const key = rangeKey(number);
    const ranges = this.#ranges.get(key) ?? new RangeList();
    this.#ranges.set(key, ranges);
    return ranges;
  }
}

/** Ranges sorted by their first number, with the furthest end so far, so that a search knows when to stop. */
class RangeList {
  #ranges: { first: string; last: string; order: number; furthest: string }[] = [];

  add(first: string, last: string, order: number): void {
    this.#ranges.push({ first, last, order, furthest: last });
  }

  finish(): void {
    this.#ranges.sort((one, other) => compare(one.first, other.first));
    let furthest = '';
    for (const range of this.#ranges) {
      if (range.last > furthest) furthest = range.last;
      range.furthest = furthest;
    }
  }

  /** Orders, ascending, of the ranges that hold both numbers. */
  holding(first: string, last: string): number[] {
    const orders: number[] = [];
    for (let at = this.#lastStartingAtOrBefore(first); at >= 0; at -= 1) {
      const range = this.#ranges[at];
      if (range === undefined || range.furthest < last) break;
      if (range.last >= last) orders.push(range.order);
    }
    return orders.sort((a, b) => a - b);
  }

  #lastStartingAtOrBefore(number: string): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.first ?? '') <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Walks lists of ascending orders as one, without sorting them. */
function* merged(lists: readonly Orders[]): Generator<number> {
  const heads = lists.map(() => 0);
  for (;;) {
    let next = Number.POSITIVE_INFINITY;
    for (const [at, list] of lists.entries()) next = Math.min(next, list[heads[at] ?? 0] ?? next);
    if (next === Number.POSITIVE_INFINITY) return;
    yield next;
    for (const [at, list] of lists.entries()) {
      let head = heads[at] ?? 0;
      while (list[head] === next) head += 1;
      heads[at] = head;
    }
  }
}

/** Counts how many routes name the same pattern. */
class Crowds {
  readonly #exact = new Map<string, number>();
  readonly #others = new Map<string, number>();

  add(set: PatternSet | undefined): void {
    for (const pattern of set?.patterns ?? []) {
      const [counts, key] = this.#placeOf(pattern);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }

  /** How many other routes a call may have to try beside one of these; infinite when its numbers cannot be looked up. */
  of(set: PatternSet | undefined): number {
    if (set === undefined) return Number.POSITIVE_INFINITY;
    let most = -Infinity;
    for (const pattern of set.patterns) {
      if (pattern.kind === 'regex') return Number.POSITIVE_INFINITY;
      const [counts, key] = this.#placeOf(pattern);
      most = Math.max(most, counts.get(key) ?? 0);
    }
    return most;
  }

  #placeOf(pattern: Pattern): [Map<string, number>, string] {
    return pattern.kind === 'exact' ? [this.#exact, pattern.text] : [this.#others, patternText(pattern)];
  }
}

function rangeKey(number: string): string {
  return `${number.startsWith('+') ? '+' : ''}${number.length}`;
}

function append(map: Map<string, number[]>, key: string, order: number): void {
  const orders = map.get(key);
  if (orders === undefined) map.set(key, [order]);
  else if (orders.at(-1) !== order) orders.push(order);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
