import { problemAt, rawEntries } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import { isMap } from './raw-map';

/** A tool that sends callers elsewhere, and the key of the agent that says where to. */
interface SendingTool {
  readonly tool: 'transfer_call' | 'hand_off';
  readonly key: 'transfers' | 'handoffs';
  readonly without: string;
  readonly expected: string;
}

const sendingTools: readonly SendingTool[] = [
  {
    tool: 'transfer_call',
    key: 'transfers',
    without: 'may transfer calls, and to no destination',
    expected: 'transfers: and a list of destinations, beside tools',
  },
  {
    tool: 'hand_off',
    key: 'handoffs',
    without: 'may hand calls over, and to no agent',
    expected: 'handoffs: and a list of agents, beside tools',
  },
];

/** An agent that may send calls elsewhere names where to, and one that names it may send them. */
export function transferProblems(files: readonly PlanFile[]): PlanProblem[] {
  return sendingTools.flatMap((sending) => {
    const tools = toolsLike(files, sending.tool);
    return files.flatMap((file) =>
      rawEntries(file, 'agents').flatMap(([name, agent]) => problemsOf({ file, name, agent }, sending, tools)),
    );
  });
}

/** The plan may give a tool other names. */
function toolsLike(files: readonly PlanFile[], builtIn: string): ReadonlySet<string> {
  const tools = new Set([builtIn]);
  for (const file of files) {
    for (const [name, tool] of rawEntries(file, 'tools')) {
      if (isMap(tool) && tool.builtin === builtIn) tools.add(name);
    }
  }
  return tools;
}

function problemsOf(
  { file, name, agent }: { file: PlanFile; name: string; agent: unknown },
  { tool, key, without, expected }: SendingTool,
  named: ReadonlySet<string>,
): PlanProblem[] {
  if (!isMap(agent)) return [];
  const tools: unknown[] = Array.isArray(agent.tools) ? agent.tools : [];
  const at = tools.findIndex((one) => typeof one === 'string' && named.has(one));
  const names = key in agent;
  if (at >= 0 && !names) {
    const problem = { code: problemCodes.missingKey, message: `agent "${name}" ${without}`, expected };
    return [problemAt(file, ['agents', name, 'tools', at], problem)];
  }
  if (at < 0 && names) {
    const message = `"${key}" has no effect on an agent without ${tool}`;
    const problem = { code: problemCodes.noEffect, message, expected: `${tool} among its tools, or to be left out` };
    return [problemAt(file, ['agents', name, key], problem, 'key')];
  }
  return [];
}
