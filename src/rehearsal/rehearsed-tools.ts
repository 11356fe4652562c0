import type { ToolStandIn } from './scenario-schema';
import { silentLogger } from '../runtime/logger';
import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { AgentTool } from '../tools/agent-tool';
import { argumentsFault, parametersSchema } from '../tools/tool-parameters';
import type { RunnableTool } from '../tools/tool-run';
import { done, failed } from '../tools/tool-run';
import { pause } from '../tools/pause';
import { Toolbox } from '../tools/toolbox';

/**
 * The tools of a rehearsal: those of Ringbridge do to the call what they always do, and leave nothing behind; those that
 * reach outside answer at once and reach nothing.
 */
export class RehearsedTools {
  readonly #toolbox: Toolbox;
  readonly #clock: Clock;
  readonly #standIns: Readonly<Record<string, ToolStandIn>>;

  constructor({
    clock,
    random,
    standIns,
  }: {
    clock: Clock;
    random: Random;
    /** By the name of the tool. */
    standIns: Readonly<Record<string, ToolStandIn>>;
  }) {
    this.#clock = clock;
    this.#standIns = standIns;
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
    return tool === undefined || tool.kind === 'builtin'
      ? this.#toolbox.find(tools, name)
      : standIn(tool, { clock: this.#clock, as: this.#standIns[tool.name] });
  }

  discarded(): void {
    // Nobody counts in a rehearsal.
  }
}

function standIn(tool: AgentTool, { clock, as }: { clock: Clock; as: ToolStandIn | undefined }): RunnableTool {
  const parameters = tool.kind === 'http' ? tool.parameters : {};
  const secureDigits = tool.kind === 'http' ? tool.http.secureDigits : [];
  return {
    definition: { name: tool.name, description: tool.description ?? '', parameters: parametersSchema(parameters) },
    timeoutMs: tool.kind === 'http' ? tool.http.timeoutMs : 8_000,
    whileWaiting: tool.whileWaiting,
    faultIn: (parsed) => (tool.kind === 'http' ? argumentsFault(parsed, parameters) : undefined),
    async run(_parsed, { control }, signal) {
      if (secureDigits.some((name) => control.secureDigits(name) === undefined)) {
        return failed('bad-arguments', 'The caller has not keyed in all that is needed yet.');
      }
      if (as !== undefined && as.after > 0) await pause(clock, as.after, signal);
      if (as?.fails !== undefined) return failed(as.fails, 'The service failed.');
      return done(JSON.stringify(as?.result ?? { rehearsed: true }));
    },
  };
}
