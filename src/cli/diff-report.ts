import type { NumberChange, NumberDiff } from '../dialplan/number-takers';
import type { SectionDiff } from '../dialplan/plan-diff';
import type { ReplayedCall, ReplayReport } from './replay-calls';

/** Everything that `ringbridge diff` found; with --json this is what is printed. */
export interface PlanDiffReport {
  readonly old: { readonly name: string; readonly hash: string };
  readonly new: { readonly name: string; readonly hash: string };
  readonly same: boolean;
  readonly sections: readonly SectionDiff[];
  readonly numbers: NumberDiff;
  readonly calls: ReplayReport | undefined;
}

const namesMax = 10;
const handsMax = 30;
const callsMax = 50;

/** For a person; lists are cut. */
export function describeDiff(report: PlanDiffReport): string {
  const { old, new: next, same, sections, numbers, calls } = report;
  const lines = [`old  ${old.hash}  ${old.name}`, `new  ${next.hash}  ${next.name}`, ''];
  if (same) lines.push('the plans say the same');
  else lines.push(...sections.flatMap(describeSection), '', ...describeNumbers(numbers));
  if (calls !== undefined) lines.push('', ...describeCalls(calls));
  return `${lines.join('\n')}\n`;
}

function describeSection({ section, added, removed, changed, moved }: SectionDiff): string[] {
  const kinds = Object.entries({ added, removed, changed, moved }).filter(([, names]) => names.length > 0);
  return kinds.map(([kind, names]) => `${section.padEnd(12)} ${kind.padEnd(8)} ${cut(names, namesMax)}`);
}

function describeNumbers({ changes, compared, leftOut }: NumberDiff): string[] {
  const notCompared = leftOut === 0 ? '' : `; ${leftOut} more were not compared, it would take too long`;
  const head = `numbers that changed hands: ${changes.length} of ${compared} that the plans name${notCompared}`;
  const hands = new Map<string, NumberChange[]>();
  for (const change of changes) {
    const key = JSON.stringify([change.before, change.after]);
    hands.set(key, [...(hands.get(key) ?? []), change]);
  }
  const groups = [...hands.values()].slice(0, handsMax).flatMap((group) => {
    const [{ before, after } = { before: '', after: '' }] = group;
    const numbers = group.map(({ number }) => number);
    return [`  ${cut(numbers, namesMax)}`, `    was  ${before}`, `    now  ${after}`];
  });
  const more = hands.size > handsMax ? [`  ... and ${hands.size - handsMax} more changes (--json has all)`] : [];
  return [head, ...groups, ...more];
}

function describeCalls({ replayed, same, elsewhere, uncertain, skipped, ...lists }: ReplayReport): string[] {
  const lines = [
    `recorded calls: ${replayed} routed again`,
    `  ${same} end up where they did`,
    `  ${elsewhere} would go elsewhere`,
    ...lists.elsewhereCalls.slice(0, callsMax).flatMap(describeCall),
    ...moreThan(elsewhere),
  ];
  if (uncertain > 0) {
    lines.push(
      `  ${uncertain} cannot be told: their records lack what a route asks for`,
      ...lists.uncertainCalls.slice(0, callsMax).flatMap(describeCall),
      ...moreThan(uncertain),
    );
  }
  if (skipped > 0) lines.push(`  ${skipped} lines are no record of a call`);
  return lines;
}

function describeCall({ callId, startedAt, to, from, before, after, lacking }: ReplayedCall): string[] {
  const unknown = lacking.length === 0 ? [] : [`      not on record: ${lacking.join(', ')}`];
  return [
    `    ${startedAt}  ${from} to ${to}, call ${callId}`,
    `      was  ${before}`,
    `      now  ${after}`,
    ...unknown,
  ];
}

function moreThan(count: number): string[] {
  return count > callsMax ? [`    ... and ${count - callsMax} more (--json has the first 10000)`] : [];
}

function cut(names: readonly string[], most: number): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}
