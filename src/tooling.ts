import { join, resolve } from 'node:path';

import type { Settings } from './config/settings';
import type { Plan } from './dialplan/plan';
import { MessageFile } from './records/message-file';
import type { Clock } from './runtime/clock';
import type { Logger } from './runtime/logger';
import type { Random } from './runtime/random';
import { StartRefused } from './start-refused';
import { toolSecrets } from './tool-secrets';
import { mcpOverHttp } from './tools/mcp-server';
import { folderModules } from './tools/module-loader';
import { outgoingHttp } from './tools/outgoing-http';
import { Toolbox } from './tools/toolbox';

/** The tools of a process that answers calls. */
export function createToolbox(options: {
  settings: Pick<Settings, 'dialplans' | 'data'>;
  clock: Clock;
  random: Random;
  logger: Logger;
}): Toolbox {
  const { settings, clock, random, logger } = options;
  const dialplans = resolve(settings.dialplans);
  return new Toolbox({
    clock,
    random,
    logger: logger.child({ part: 'tools' }),
    send: outgoingHttp(),
    secret: toolSecrets(process.env, dialplans),
    loadModule: folderModules(dialplans),
    connectMcp: mcpOverHttp(),
    messages: new MessageFile({ folder: join(resolve(settings.data), 'messages'), clock, logger }),
  });
}

/** Makes the tools of a plan ready. Rejects with `StartRefused` when one of them cannot run. */
export async function prepareTools(toolbox: Toolbox, plan: Plan): Promise<void> {
  const problems = await toolbox.prepare([...plan.agents.values()].flatMap(({ tools }) => tools));
  const lines = new Set(problems.map(({ tool, message }) => `tool "${tool}" cannot be used: ${message}`));
  if (lines.size > 0) throw new StartRefused([...lines].join('\nringbridge: '));
}
