import { silentLogger } from '../runtime/logger';
import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { AgentTool } from '../tools/agent-tool';
import { parametersSchema } from '../tools/tool-parameters';
import type { RunnableTool } from '../tools/tool-run';
import { done } from '../tools/tool-run';
import { Toolbox } from '../tools/toolbox';

/**
 * The tools of a rehearsal: those of Ringbridge do to the call what they always do, and leave nothing behind; those that
 * reach outside answer at once and reach nothing.
 */
export class RehearsedTools {
  readonly #toolbox: Toolbox;

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    const outside = (): never => {
      throw new Error('a rehearsal reaches nothing outside');
    };
    this.#toolbox = new Toolbox({
      clock,
      random,
      logger: silentLogger,
      send: outside,
      secret: outside,
      loadModule: outside,
      connectMcp: outside,
      messages: { add: () => Promise.resolve('kept') },
    });
  }

  definitions(tools: readonly AgentTool[]): RunnableTool['definition'][] {
    return tools.flatMap((tool) => this.find(tools, tool.name)?.definition ?? []);
  }

  find(tools: readonly AgentTool[], name: string): RunnableTool | undefined {
    const tool = tools.find((one) => one.name === name);
    return tool === undefined || tool.kind === 'builtin' ? this.#toolbox.find(tools, name) : standIn(tool);
  }

  discarded(): void {
    // Nobody counts in a rehearsal.
  }
}

function standIn(tool: AgentTool): RunnableTool {
  const parameters = parametersSchema(tool.kind === 'http' ? tool.parameters : {});
  return {
    definition: { name: tool.name, description: tool.description ?? '', parameters },
    timeoutMs: 8_000,
    whileWaiting: tool.whileWaiting,
    faultIn: () => undefined,
    run: () => done('{"rehearsed":true}'),
  };
}
