import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { AgentTool } from './agent-tool';
import type { CircuitBreaker } from './circuit-breaker';
import type { McpServer, RemoteTool } from './mcp-server';
import { fencedOutside } from './outside-text';
import { SecretMissing } from './secrets';
import type { RunnableTool, ToolArguments, ToolContext, ToolResult } from './tool-run';
import { done, failed } from './tool-run';

export type BridgeMcpTool = Extract<AgentTool, { kind: 'mcp' }>;

export interface McpToolsOptions {
  clock: Clock;
  logger: Logger;
  server: McpServer;
  breaker: CircuitBreaker;
}

const nameCharactersMax = 64;
const descriptionCharactersMax = 1_000;
/** A server that was away is asked again for its tools at most this often. */
const listAgainMs = 30_000;

/** The tools of one MCP server that this bridge calls, as functions of an agent: `NAME_TOOL`. */
export class McpTools {
  readonly #tool: BridgeMcpTool;
  readonly #options: McpToolsOptions;
  #tools: readonly RunnableTool[] = [];
  #listing: Promise<void> | undefined;
  #listedAtMs: number | undefined;
  #hasListed = false;

  constructor(tool: BridgeMcpTool, options: McpToolsOptions) {
    this.#tool = tool;
    this.#options = options;
  }

  /** What the server has told so far; one that has told nothing yet is asked again, for the calls to come. */
  get tools(): readonly RunnableTool[] {
    const { clock } = this.#options;
    const isDue = this.#listedAtMs === undefined || clock.now() - this.#listedAtMs >= listAgainMs;
    if (!this.#hasListed && isDue) void this.list();
    return this.#tools;
  }

  /** Asks the server for its tools. Never rejects: a server that is away is logged. */
  list(): Promise<void> {
    this.#listing ??= this.#list().finally(() => (this.#listing = undefined));
    return this.#listing;
  }

  async close(): Promise<void> {
    await this.#options.server.close();
  }

  async #list(): Promise<void> {
    const { server, logger, clock } = this.#options;
    this.#listedAtMs = clock.now();
    try {
      const remote = await server.list(new AbortController().signal);
      const { allowedTools } = this.#tool.mcp;
      const allowed = remote.filter(({ name }) => allowedTools === undefined || allowedTools.includes(name));
      this.#tools = unique(allowed.map((each) => this.#runnable(each)));
      this.#hasListed = true;
      const missing = (allowedTools ?? []).filter((name) => !remote.some((each) => each.name === name));
      if (missing.length > 0) logger.warn({ missing }, 'an MCP server lacks tools that the plan allows');
    } catch (cause) {
      logger.warn({ error: messageOf(cause) }, 'an MCP server does not list its tools');
    }
  }

  #runnable({ name, description, parameters }: RemoteTool): RunnableTool {
    const { mcp, whileWaiting } = this.#tool;
    return {
      definition: {
        // Servers use dots and slashes, for which the API would refuse the whole session.
        name: `${this.#tool.name}_${name.replace(/[^A-Za-z0-9_-]/g, '_')}`.slice(0, nameCharactersMax),
        description: description.slice(0, descriptionCharactersMax),
        parameters,
      },
      timeoutMs: mcp.timeoutMs,
      whileWaiting,
      // The server knows its schema, and says what is wrong.
      faultIn: () => undefined,
      run: (parsed, context, signal) => this.#run(name, { parsed, context, signal }),
    };
  }

  async #run(
    name: string,
    { parsed, context, signal }: { parsed: ToolArguments; context: ToolContext; signal: AbortSignal },
  ): Promise<ToolResult> {
    const { server, breaker, logger } = this.#options;
    const attempt = breaker.attempt();
    if (attempt === undefined) {
      return failed('circuit-open', 'The service has failed several times and is not asked again for the moment.');
    }
    try {
      const { timeoutMs } = this.#tool.mcp;
      const onProgress = (sentence: string): void => context.progress(sentence);
      const { text, failed: isFailed } = await server.call(name, parsed, { timeoutMs, signal, onProgress });
      attempt.succeeded();
      if (isFailed) return { kind: 'failed', why: 'service-refused', output: fencedOutside(text) };
      return done(text === '' ? '{"done":true}' : fencedOutside(text));
    } catch (cause) {
      if (cause instanceof SecretMissing) {
        logger.error({ error: cause.message }, 'a tool lacks its secret');
        return failed('not-configured', 'The tool is not set up completely.');
      }
      if (!signal.aborted) {
        attempt.failed();
        logger.warn({ error: messageOf(cause) }, 'an MCP server has not answered a tool');
      }
      return failed('service-failed', 'The service did not answer.');
    } finally {
      attempt.abandoned();
    }
  }
}

/** Two names that are one after odd characters were replaced: the first has it. */
function unique(tools: readonly RunnableTool[]): RunnableTool[] {
  const names = new Set<string>();
  return tools.filter(({ definition: { name } }) => {
    const isNew = !names.has(name);
    names.add(name);
    return isNew;
  });
}
