import { addressOfHost } from './destination-schema';
import { problemAt, rawEntries } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import type { NamedSection } from './plan-schema';
import { eachReference } from './references';

/** Users are of use by being there. */
const unused: Record<Exclude<NamedSection, 'users'>, { code: ProblemCode; message: (name: string) => string }> = {
  agents: {
    code: problemCodes.agentUnreached,
    message: (name) => `no route answers with agent "${name}", and no agent that answers hands calls over to it`,
  },
  tools: { code: problemCodes.toolUnused, message: (name) => `no agent uses tool "${name}"` },
  schedules: { code: problemCodes.scheduleUnused, message: (name) => `no route uses schedule "${name}"` },
  destinations: { code: problemCodes.destinationUnused, message: (name) => `nothing leads to destination "${name}"` },
  trunks: {
    code: problemCodes.trunkUnused,
    message: (name) => `nothing is sent through trunk "${name}", and no call comes from it`,
  },
};

/** What was defined and is of no use: harmless, and often the sign of a name that was meant elsewhere. */
export function unusedWarnings(files: readonly PlanFile[]): PlanProblem[] {
  const used = new Set<string>();
  const handoffs = new Map<string, string[]>();
  eachReference(files, ({ to, name, path }) => {
    if (to === 'agents' && path[0] === 'agents') {
      handoffs.set(String(path[1]), [...(handoffs.get(String(path[1])) ?? []), name]);
      return;
    }
    // A destination that only leads back to itself is still of no use; others keep those that they name.
    if (path[0] !== to || path[1] !== name) used.add(`${to} ${name}`);
  });
  // Agents that only hand calls over to one another are of no use.
  const reached = [...used].filter((one) => one.startsWith('agents '));
  for (const one of reached) {
    const next = (handoffs.get(one.slice('agents '.length)) ?? []).map((name) => `agents ${name}`);
    reached.push(...next.filter((name) => !used.has(name)));
    for (const name of next) used.add(name);
  }
  return files.flatMap((file) =>
    (Object.keys(unused) as (keyof typeof unused)[]).flatMap((section) =>
      rawEntries(file, section)
        .filter(([name, entry]) => !used.has(`${section} ${name}`) && !isOfUseAlone(section, entry))
        .map(([name]) => {
          const { code, message } = unused[section];
          return problemAt(file, [section, name], { code, message: message(name), severity: 'warning' }, 'key');
        }),
    ),
  );
}

function isOfUseAlone(section: NamedSection, entry: unknown): boolean {
  if (section === 'trunks') return sendsCalls(entry);
  // A supervisor is called by the HTTP API, and not by the plan.
  return section === 'destinations' && typeof entry === 'object' && entry !== null && 'supervisor' in entry;
}

/** A trunk whose calls are let in is of use without a route that names it. */
function sendsCalls(entry: unknown): boolean {
  const { addresses, host } = entry as { addresses?: unknown; host?: unknown };
  return addresses !== undefined || (typeof host === 'string' && addressOfHost(host) !== undefined);
}
