/** Keys and list indices from the top of a file. In a pattern, `*` stands for any one key or index. */
export type PlanPath = readonly (string | number)[];

type Found<T> = (value: T, path: PlanPath) => void;

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
  if (segment === undefined) found(value, [...path]);
  else if (isContainer(value)) {
    eachEntry(value, segment, (inner, key) => {
      path.push(key);
      visitFrom(inner, pattern, path, found);
      path.pop();
    });
  }
}

function visitTextsFrom(value: unknown, path: (string | number)[], found: Found<string>): void {
  if (typeof value === 'string') found(value, [...path]);
  else if (isContainer(value)) {
    eachEntry(value, '*', (inner, key) => {
      path.push(key);
      visitTextsFrom(inner, path, found);
      path.pop();
    });
  }
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

function eachEntry(
  container: object,
  segment: string | number,
  each: (inner: unknown, key: string | number) => void,
): void {
  if (segment !== '*') {
    if (Object.hasOwn(container, segment)) each((container as Record<string | number, unknown>)[segment], segment);
  } else if (Array.isArray(container)) {
    container.forEach(each);
  } else {
    for (const key of Object.keys(container)) each((container as Record<string, unknown>)[key], key);
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
