import { join } from 'node:path';

import type { Plan } from './dialplan/plan';
import { problemCodes } from './dialplan/plan-problem';
import type { PlanProblem } from './dialplan/plan-problem';
import { MessageFile } from './records/message-file';
import type { Clock } from './runtime/clock';
import type { Logger } from './runtime/logger';
import type { Random } from './runtime/random';
import { toolSecrets } from './tool-secrets';
import { mcpOverHttp } from './tools/mcp-server';
import { folderModules } from './tools/module-loader';
import { outgoingHttp } from './tools/outgoing-http';
import { Toolbox } from './tools/toolbox';

/** The tools of a bridge whose dialplans lie in `dialplans` and whose records lie in `data`. */
export function createToolbox(options: {
  dialplans: string;
  data: string;
  clock: Clock;
  random: Random;
  logger: Logger;
}): Toolbox {
  const { dialplans, data, clock, random, logger } = options;
  return new Toolbox({
    clock,
    random,
    logger: logger.child({ part: 'tools' }),
    send: outgoingHttp(),
    secret: toolSecrets(process.env, dialplans),
    loadModule: folderModules(dialplans),
    connectMcp: mcpOverHttp(),
    messages: new MessageFile({ folder: join(data, 'messages'), clock, logger }),
  });
}

/** Makes the tools of a plan ready; what cannot run is a problem of the plan. */
export async function prepareTools(toolbox: Toolbox, plan: Plan): Promise<PlanProblem[]> {
  const problems = await toolbox.prepare([...plan.agents.values()].flatMap(({ tools }) => tools));
  const lines = new Set(problems.map(({ tool, message }) => `tool "${tool}" cannot be used: ${message}`));
  return [...lines].map((message) => ({
    code: problemCodes.toolUnready,
    severity: 'error',
    file: '',
    position: undefined,
    message,
    expected: undefined,
    nearest: undefined,
  }));
}
