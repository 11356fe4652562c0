export interface PortRange {
  /** Both ends included. */
  first: number;
  last: number;
}

/**
 * Parts of a range that share no port and hold whole pairs of an even port and the odd one after it; their sizes differ
 * by one pair at most. Undefined when there are fewer pairs than parts.
 */
export function portSlices({ first, last }: PortRange, parts: number): PortRange[] | undefined {
  const start = first + (first % 2);
  const pairs = Math.floor((last + 1 - start) / 2);
  if (pairs < parts) return undefined;
  const boundary = (part: number): number => start + 2 * Math.floor((pairs * part) / parts);
  return Array.from({ length: parts }, (_, part) => ({ first: boundary(part), last: boundary(part + 1) - 1 }));
}
