/** Keys and list indices from the top of a file. In a pattern, `*` stands for any one key or index. */
export type PlanPath = readonly (string | number)[];

type Found<T> = (value: T, path: PlanPath) => void;
type Container = Readonly<Record<string | number, unknown>>;

/** Calls `found` for every value that stands where a pattern points to, in the order in which it was written. */
export function visit(root: unknown, pattern: PlanPath, found: Found<unknown>): void {
  visitFrom(root, pattern, [], found);
}

/** Calls `found` for every text in a file, however deep. */
export function visitTexts(root: unknown, found: Found<string>): void {
  visitTextsFrom(root, [], found);
}

/** The path is shared on the way and copied for what is found: large plans are walked often. */
function visitFrom(value: unknown, pattern: PlanPath, path: (string | number)[], found: Found<unknown>): void {
  const segment = pattern[path.length];
  if (segment === undefined) {
    found(value, [...path]);
    return;
  }
  if (!isContainer(value)) return;
  if (segment !== '*') {
    if (Object.hasOwn(value, segment)) visitEntry(value, segment, pattern, path, found);
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) visitEntry(value, index, pattern, path, found);
  } else {
    for (const key of Object.keys(value)) visitEntry(value, key, pattern, path, found);
  }
}

function visitEntry(
  container: object,
  key: string | number,
  pattern: PlanPath,
  path: (string | number)[],
  found: Found<unknown>,
): void {
  path.push(key);
  visitFrom((container as Container)[key], pattern, path, found);
  path.pop();
}

function visitTextsFrom(value: unknown, path: (string | number)[], found: Found<string>): void {
  if (typeof value === 'string') {
    found(value, [...path]);
    return;
  }
  if (!isContainer(value)) return;
  for (const key of keysOf(value)) {
    path.push(key);
    visitTextsFrom((value as Container)[key], path, found);
    path.pop();
  }
}

/** What stands at a path; undefined when nothing does. */
export function valueAt(root: unknown, path: PlanPath): unknown {
  return path.reduce<unknown>(
    (value, segment) => (isContainer(value) ? (value as Container)[segment] : undefined),
    root,
  );
}

/** The nearest key above a list entry says more than an index. */
export function keyName(path: PlanPath): string {
  return path.findLast((segment) => typeof segment === 'string') ?? 'the file';
}

function keysOf(container: object): Iterable<string | number> {
  return Array.isArray(container) ? container.keys() : Object.keys(container);
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
