import type { Buckets } from '../observability/buckets-metric';
import type { LatenessCounts } from './messages';

/** Sum of counts with the same bounds. */
export function totalLateness(parts: readonly LatenessCounts[]): Buckets {
  const boundsMs = parts[0]?.boundsMs ?? [];
  const sum = (read: (part: LatenessCounts) => number): number => parts.reduce((all, part) => all + read(part), 0);
  return {
    boundsMs,
    counts: boundsMs.map((_, bucket) => sum(({ counts }) => counts[bucket] ?? 0)),
    total: sum(({ total }) => total),
    sumMs: sum(({ sumMs }) => sumMs),
  };
}
