import { canonicalJson, whatIsSaid } from './plan-parts';
import type { PlanParts } from './plan-parts';
import { namedSections } from './plan-schema';
import type { NamedSection } from './plan-schema';

/** Names of one section, by what became of them from one plan to the other. */
export interface SectionDiff {
  readonly section: NamedSection | 'routes';
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  /** Routes that stand before others that they stood behind, or the other way round. */
  readonly moved: readonly string[];
}

/** What one plan says and the other does not, section by section; sections that say the same are left out. Pure. */
export function diffSections(old: PlanParts, next: PlanParts): SectionDiff[] {
  const before = whatIsSaid(old.entries, old.texts);
  const after = whatIsSaid(next.entries, next.texts);
  const routesBefore = new Map(before.routes.map((route) => [route.name, route]));
  const routesAfter = new Map(after.routes.map((route) => [route.name, route]));
  return [
    ...namedSections.map((section) => sectionDiff(section, before[section], after[section])),
    { ...sectionDiff('routes', routesBefore, routesAfter), moved: movedNames(routesBefore, routesAfter) },
  ].filter(({ added, removed, changed, moved }) => [added, removed, changed, moved].some((names) => names.length > 0));
}

function sectionDiff(
  section: SectionDiff['section'],
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): SectionDiff {
  const both = [...before.keys()].filter((name) => after.has(name));
  return {
    section,
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: both.filter((name) => canonicalJson(before.get(name)) !== canonicalJson(after.get(name))),
    moved: [],
  };
}

/** The fewest names that must move to come from one order to the other: all but a longest run that keeps its order. */
function movedNames(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): string[] {
  const places = new Map([...before.keys()].map((name, place) => [name, place]));
  const names = [...after.keys()].filter((name) => places.has(name));
  const placeOf = (at: number): number => places.get(names[at] ?? '') ?? -1;
  // `ends[n]`: of all ascending runs of n + 1 names, the one that ends lowest; found by halving.
  const ends: number[] = [];
  const previous: (number | undefined)[] = [];
  for (const at of names.keys()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (placeOf(ends[middle] ?? 0) < placeOf(at)) low = middle + 1;
      else high = middle;
    }
    previous[at] = low === 0 ? undefined : ends[low - 1];
    ends[low] = at;
  }
  const kept = new Set<number>();
  for (let at = ends.at(-1); at !== undefined; at = previous[at]) kept.add(at);
  return names.filter((_name, at) => !kept.has(at));
}
