import type { CallEvent, CallSnapshot } from '../call/call-observer';
import type { CallerSaw } from '../signalling/memory-caller';
import type { ScenarioExpectation } from './scenario-schema';

/** What was seen of a rehearsed call. */
export interface Seen {
  readonly snapshot: CallSnapshot;
  readonly events: readonly CallEvent[];
  readonly saw: readonly CallerSaw[];
  readonly lengthMs: number;
  /** Every message to the model. */
  readonly told: readonly string[];
}

/** One sentence for each expectation that was not met, in the order in which a person would ask. Pure. */
export function unmetExpectations(expected: ScenarioExpectation, seen: Seen): string[] {
  const { snapshot, lengthMs } = seen;
  const unmet: string[] = [];
  const compare = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(got)) return;
    unmet.push(`${what}: expected ${show(wanted)}, got ${show(got)}`);
  };
  const { end, rejected, redirected } = outcomeOf(seen);
  compare('route', expected.route, snapshot.route);
  compare('agent', expected.agent, snapshot.agent);
  compare('rejected', expected.rejected, rejected);
  compare('redirected', expected.redirected, redirected);
  compare('tools', expected.tools?.map(toolText), toolsOf(seen.events, expected.tools));
  compare('transferred_to', expected.transferred_to, snapshot.transfers.find(isReached)?.destination);
  const handedTo = snapshot.handoffs.filter(({ outcome }) => outcome === 'handed-off').map(({ to }) => to);
  compare('handoffs', expected.handoffs, handedTo);
  for (const secret of expected.never_told ?? []) {
    // Sound is not text: what it holds is another matter.
    const places = [
      ...seen.told.filter((text) => !text.includes('input_audio_buffer.append')),
      ...seen.events.map((event) => JSON.stringify(event)),
    ];
    if (places.some((text) => text.includes(secret))) unmet.push(`never_told: "${secret}" was told`);
  }
  compare('check_ins', expected.check_ins, seen.events.filter(isCheckIn).length);
  compare(
    'promises_broken',
    expected.promises_broken,
    snapshot.breaches.map(({ guarantee }) => guarantee),
  );
  compare('interruptions', expected.interruptions, snapshot.interruptions);
  compare('ends', expected.ends, end ?? 'the call is still up');
  const { at_least: least = 0, at_most: most = Infinity } = expected.lasts ?? {};
  if (lengthMs < least) unmet.push(`lasts: expected at least ${least} ms, got ${Math.round(lengthMs)} ms`);
  if (lengthMs > most) unmet.push(`lasts: expected at most ${most} ms, got ${Math.round(lengthMs)} ms`);
  return unmet;
}

function outcomeOf({ snapshot, saw }: Seen): {
  end: string | undefined;
  rejected: number | undefined;
  redirected: string | undefined;
} {
  const refusal = saw.find((one) => one.kind === 'rejected');
  const reason = snapshot.endReason;
  const redirected = reason?.kind === 'redirected-by-plan' ? reason.contact : undefined;
  return { end: reason?.kind, rejected: redirected === undefined ? refusal?.status : undefined, redirected };
}

function isCheckIn(event: CallEvent): boolean {
  return event.kind === 'idle-timeout' && event.decision === 'check-in';
}

/** The caller was joined with the destination, or sent there. */
export function isReached({ outcome }: CallSnapshot['transfers'][number]): boolean {
  return outcome === 'joined' || outcome === 'referred';
}

/** Told in as much detail as was asked for. */
function toolsOf(events: readonly CallEvent[], expected: ScenarioExpectation['tools']): string[] {
  const ran = events.filter((event) => event.kind === 'function-call');
  return ran.map(({ name, outcome }, index) => {
    return typeof expected?.[index] === 'string' ? name : `${name} ${outcome}`;
  });
}

function toolText(tool: NonNullable<ScenarioExpectation['tools']>[number]): string {
  return typeof tool === 'string' ? tool : `${tool.tool} ${tool.outcome}`;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
