import type { Plan } from '../dialplan/plan';
import { conditionsKnownBy, replay } from '../dialplan/replay';
import type { RecordedCall, Replay } from '../dialplan/replay';
import { parseIsoTime } from '../runtime/iso-time';
import { recordedCalls } from '../records/recorded-calls';
import type { RoutedRecord } from '../records/recorded-calls';

/** One recorded call by two plans. */
export interface ReplayedCall {
  readonly callId: string;
  readonly startedAt: string;
  readonly to: string;
  readonly from: string;
  readonly before: string;
  readonly after: string;
  /** Facts that decide and are not on record; empty when where it goes is certain. */
  readonly lacking: readonly string[];
}

/** What became of recorded calls. Lists are cut; counts are not. */
export interface ReplayReport {
  readonly replayed: number;
  /** The same agent, refusal or redirect as before; the route may have another name. */
  readonly same: number;
  readonly elsewhere: number;
  readonly uncertain: number;
  /** Lines that are no record of a call. */
  readonly skipped: number;
  readonly elsewhereCalls: readonly ReplayedCall[];
  readonly uncertainCalls: readonly ReplayedCall[];
}

const listedMax = 10_000;

/** Routes every call of a folder of records by both plans. Rejects when there are none to read. */
export async function replayCalls(path: string, { old, next }: { old: Plan; next: Plan }): Promise<ReplayReport> {
  const elsewhereCalls: ReplayedCall[] = [];
  const uncertainCalls: ReplayedCall[] = [];
  const counts = { replayed: 0, same: 0, elsewhere: 0, uncertain: 0, skipped: 0 };
  for await (const record of recordedCalls(path, () => (counts.skipped += 1))) {
    const call = callOf(record);
    if (call === undefined) {
      counts.skipped += 1;
      continue;
    }
    counts.replayed += 1;
    const known = new Map([...conditionsKnownBy(next, call), ...conditionsKnownBy(old, call)]);
    const before = replay(old, call, known);
    const after = replay(next, call, known);
    const verdict = compared(before, after);
    counts[verdict] += 1;
    const list = verdict === 'elsewhere' ? elsewhereCalls : verdict === 'uncertain' ? uncertainCalls : undefined;
    if (list === undefined || list.length >= listedMax) continue;
    const { callId, startedAt, to, from } = record;
    const lacking = [...new Set([...before.perhaps, ...after.perhaps].flatMap((one) => one.lacking))];
    list.push({ callId, startedAt, to, from, before: textOf(before), after: textOf(after), lacking });
  }
  return { ...counts, elsewhereCalls, uncertainCalls };
}

function compared(before: Replay, after: Replay): 'same' | 'elsewhere' | 'uncertain' {
  if (possibilities(before) === possibilities(after)) return 'same';
  const outcomes = ({ perhaps, otherwise }: Replay) => new Set([...perhaps, otherwise].map((one) => one.outcome));
  const [was, is] = [outcomes(before), outcomes(after)];
  if (was.size === 1 && is.size === 1) return [...was][0] === [...is][0] ? 'same' : 'elsewhere';
  // Whatever the facts were, it did not go where it would go now.
  return [...was].some((outcome) => is.has(outcome)) ? 'uncertain' : 'elsewhere';
}

/** Equal when the same facts lead to the same end. */
function possibilities({ perhaps, otherwise }: Replay): string {
  return JSON.stringify([perhaps.map(({ condition, outcome }) => [condition, outcome]), otherwise.outcome]);
}

function textOf({ perhaps, otherwise }: Replay): string {
  const certain = otherwise.route === undefined ? otherwise.outcome : `${otherwise.outcome} (${otherwise.route})`;
  const texts = perhaps.map(({ route, outcome, lacking }) => `${outcome} (${route}) if ${lacking.join(' and ')} fits`);
  return [...texts, certain].join(', else ');
}

/** Undefined when its time is none. */
function callOf(record: RoutedRecord): RecordedCall | undefined {
  const atMs = parseIsoTime(record.startedAt);
  if (atMs === undefined) return undefined;
  const { to, from, sipCallId, headers, sourceAddress, route, planHash } = record;
  return {
    to,
    from,
    sipCallId,
    atMs,
    headers: typeof headers === 'object' ? headers : {},
    sourceAddress: typeof sourceAddress === 'string' ? sourceAddress : undefined,
    route: route ?? undefined,
    planHash: planHash ?? undefined,
  };
}
