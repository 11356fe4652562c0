/** Keys and list indices from the top of a file. In a pattern, `*` stands for any one key or index. */
export type PlanPath = readonly (string | number)[];

/** Calls `found` for every value that stands where a pattern points to, in the order in which it was written. */
export function visit(root: unknown, pattern: PlanPath, found: (value: unknown, path: PlanPath) => void): void {
  const path: (string | number)[] = [];
  const walk = (value: unknown, depth: number): void => {
    const segment = pattern[depth];
    if (segment === undefined) {
      found(value, [...path]);
      return;
    }
    for (const [key, inner] of entriesOf(value, segment)) {
      path.push(key);
      walk(inner, depth + 1);
      path.pop();
    }
  };
  walk(root, 0);
}

/** Calls `found` for every text in a file, however deep. */
export function visitTexts(root: unknown, found: (text: string, path: PlanPath) => void): void {
  const path: (string | number)[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') found(value, [...path]);
    for (const [key, inner] of entriesOf(value, '*')) {
      path.push(key);
      walk(inner);
      path.pop();
    }
  };
  walk(root);
}

/** What stands at a path; undefined when nothing does. */
export function valueAt(root: unknown, path: PlanPath): unknown {
  return path.reduce<unknown>(
    (value, segment) => (isContainer(value) ? (value as Record<string | number, unknown>)[segment] : undefined),
    root,
  );
}

/** The nearest key above a list entry says more than an index. */
export function keyName(path: PlanPath): string {
  return path.findLast((segment) => typeof segment === 'string') ?? 'the file';
}

function* entriesOf(value: unknown, segment: string | number): Iterable<[string | number, unknown]> {
  if (!isContainer(value)) return;
  if (segment === '*') yield* Array.isArray(value) ? value.entries() : Object.entries(value);
  else if (segment in value) yield [segment, (value as Record<string | number, unknown>)[segment]];
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
