import { problemAt, rawEntries } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';

/** The tool that sends callers elsewhere; the plan may give it other names. */
const transferTool = 'transfer_call';

/** An agent that may transfer calls names the destinations, and one that names destinations may transfer calls. */
export function transferProblems(files: readonly PlanFile[]): PlanProblem[] {
  const tools = new Set([transferTool]);
  for (const file of files) {
    for (const [name, tool] of rawEntries(file, 'tools')) {
      if (isMap(tool) && tool.builtin === transferTool) tools.add(name);
    }
  }
  return files.flatMap((file) =>
    rawEntries(file, 'agents').flatMap(([name, agent]) => problemsOf(file, name, agent, tools)),
  );
}

function problemsOf(file: PlanFile, name: string, agent: unknown, transferTools: ReadonlySet<string>): PlanProblem[] {
  if (!isMap(agent)) return [];
  const tools: unknown[] = Array.isArray(agent.tools) ? agent.tools : [];
  const at = tools.findIndex((tool) => typeof tool === 'string' && transferTools.has(tool));
  const names = 'transfers' in agent;
  if (at >= 0 && !names) {
    const message = `agent "${name}" may transfer calls, and to no destination`;
    const expected = 'transfers: and a list of destinations, beside tools';
    return [problemAt(file, ['agents', name, 'tools', at], { code: problemCodes.missingKey, message, expected })];
  }
  if (at < 0 && names) {
    const message = '"transfers" has no effect on an agent without transfer_call';
    const expected = 'transfer_call among its tools, or to be left out';
    return [problemAt(file, ['agents', name, 'transfers'], { code: problemCodes.noEffect, message, expected }, 'key')];
  }
  return [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
