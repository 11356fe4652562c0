import { problemAt, rawEntries } from './plan-file';
import type { PlanFile } from './plan-file';
import { valueAt } from './plan-path';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';

/** Agents that must call a tool by a name that the model does not know: an MCP server has tools of its own. */
export function toolChoiceProblems(files: readonly PlanFile[]): PlanProblem[] {
  const servers = new Set(
    files.flatMap((file) =>
      rawEntries(file, 'tools').flatMap(([name, tool]) => (valueAt(tool, ['mcp']) === undefined ? [] : [name])),
    ),
  );
  return files.flatMap((file) =>
    rawEntries(file, 'agents').flatMap(([name, agent]): PlanProblem[] => {
      const chosen = valueAt(agent, ['tool_choice', 'tool']);
      if (typeof chosen !== 'string' || !servers.has(chosen)) return [];
      const message = `the model knows no tool "${chosen}", which is a server with tools of its own`;
      const problem = { code: problemCodes.apiRefuses, message, expected: 'a tool that is no MCP server, or required' };
      return [problemAt(file, ['agents', name, 'tool_choice', 'tool'], problem)];
    }),
  );
}
