import { createHash } from 'node:crypto';

/** How a route's percentage fell for one caller: it takes the call when `point` is below `percent`. */
export interface PercentSplit {
  readonly route: string;
  readonly percent: number;
  /** 0 to below 100, two decimals. */
  readonly point: number;
}

const pointsPerPercent = 100;
const points = 100 * pointsPerPercent;

/**
 * Where a caller falls in a route's split: a hash of both, so that the same caller is always treated the same, and that
 * the same record can be split again. Callers who withhold their number are told apart by Call-ID.
 */
export function splitOf(options: { route: string; percent: number; from: string; sipCallId: string }): PercentSplit {
  const { route, percent, from, sipCallId } = options;
  const caller = from === '' || from === 'anonymous' ? `call ${sipCallId}` : `from ${from}`;
  const digest = createHash('sha256').update(`${route}\n${caller}`).digest();
  return { route, percent, point: (digest.readUInt32BE(0) % points) / pointsPerPercent };
}
