import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { AgentTool } from './agent-tool';
import type { MessageBook } from './built-in';
import { builtIns } from './built-in-tools';
import type { BuiltIn } from './built-in';
import { CircuitBreaker } from './circuit-breaker';
import { httpTool } from './http-tool';
import { canonicalJson } from './json-value';
import type { ConnectMcp } from './mcp-server';
import type { BridgeMcpTool } from './mcp-tools';
import { McpTools } from './mcp-tools';
import type { LoadModule } from './module-loader';
import { moduleTool, readModule } from './module-tool';
import type { SendHttp } from './outgoing-http';
import type { ToolModule } from './sdk';
import type { ReadSecret } from './secrets';
import { argumentsFault, parametersSchema } from './tool-parameters';
import type { RunnableTool, ServerDefinition, ToolDefinition } from './tool-run';

export interface ToolboxOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  send: SendHttp;
  secret: ReadSecret;
  loadModule: LoadModule;
  connectMcp: ConnectMcp;
  messages: MessageBook;
}

/** A tool that the plan has and that could not run. */
export interface ToolProblem {
  tool: string;
  message: string;
}

/** The API takes more; no model chooses well among so many. */
const definitionsMax = 128;
const builtInTimeoutMs = 10_000;

/**
 * Every tool of this process: what stands behind the names of a plan. It belongs to all calls; what a call does with a
 * tool is its own affair.
 */
export class Toolbox {
  readonly #options: ToolboxOptions;
  /** By file and version. */
  readonly #modules = new Map<string, ToolModule>();
  /** By everything that the plan says of the server. */
  readonly #mcp = new Map<string, McpTools>();
  readonly #breakers = new Map<string, CircuitBreaker>();
  readonly #discards = new Map<string, number>();

  constructor(options: ToolboxOptions) {
    this.#options = options;
  }

  /**
   * Loads modules, looks for secrets, and asks MCP servers for their tools. To be awaited before a plan is used. A server
   * that is away is no problem of the plan; the other things are.
   */
  async prepare(tools: readonly AgentTool[]): Promise<ToolProblem[]> {
    const found = await Promise.all(tools.map((tool) => this.#prepare(tool)));
    return found.flat().map(([tool, message]) => ({ tool, message }));
  }

  /** What the model is told that it may use. */
  definitions(tools: readonly AgentTool[]): (ToolDefinition | ServerDefinition)[] {
    return tools
      .flatMap((tool): (ToolDefinition | ServerDefinition)[] => {
        if (tool.kind === 'mcp' && tool.mcp.calledBy === 'api') return this.#serverDefinition(tool);
        return this.#runnables(tool).map(({ definition }) => definition);
      })
      .slice(0, definitionsMax);
  }

  /** What runs when the model calls a name; undefined when the agent has no such tool. */
  find(tools: readonly AgentTool[], name: string): RunnableTool | undefined {
    for (const tool of tools) {
      if (tool.kind !== 'mcp' && tool.name !== name) continue;
      const found = this.#runnables(tool).find(({ definition }) => definition.name === name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Counts a result that came to nothing. */
  discarded(reason: string): void {
    this.#discards.set(reason, (this.#discards.get(reason) ?? 0) + 1);
  }

  /** Results that came to nothing, by reason. */
  get discards(): ReadonlyMap<string, number> {
    return this.#discards;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#mcp.values()].map((server) => server.close()));
  }

  #runnables(tool: AgentTool): readonly RunnableTool[] {
    switch (tool.kind) {
      case 'builtin':
        return [this.#builtIn(tool)];
      case 'http': {
        const { origin } = new URL(tool.http.url.replace(/\{\{.*$/s, ''));
        return [
          httpTool(tool, { ...this.#options, logger: this.#loggerOf(tool), breaker: this.#breaker(tool, origin) }),
        ];
      }
      case 'module': {
        const module = this.#modules.get(moduleKey(tool));
        return module === undefined ? [] : [moduleTool(tool, module, { logger: this.#loggerOf(tool) })];
      }
      case 'mcp':
        return tool.mcp.calledBy === 'bridge' ? this.#mcpTools(tool).tools : [];
    }
  }

  #builtIn(tool: Extract<AgentTool, { kind: 'builtin' }>): RunnableTool {
    const { name, description, whileWaiting, digits } = tool;
    const builtIn: BuiltIn = builtIns[tool.builtIn];
    const { messages } = this.#options;
    const parameters =
      typeof builtIn.parameters === 'function' ? builtIn.parameters(tool.choices ?? []) : builtIn.parameters;
    return {
      definition: {
        name,
        description: description ?? builtIn.description,
        parameters: parametersSchema(parameters),
      },
      timeoutMs: builtIn.timeoutMs ?? builtInTimeoutMs,
      whileWaiting,
      faultIn: (parsed) => argumentsFault(parsed, parameters),
      run: (parsed, context, signal) => builtIn.run(parsed, { ...context, messages, toolName: name, digits }, signal),
    };
  }

  #serverDefinition(tool: Extract<AgentTool, { kind: 'mcp' }>): ServerDefinition[] {
    const { url, authorization, allowedTools } = tool.mcp;
    try {
      return [
        {
          serverLabel: tool.name,
          serverUrl: url,
          description: tool.description,
          authorization: authorization === undefined ? undefined : this.#options.secret(authorization),
          allowedTools,
        },
      ];
    } catch (cause) {
      // The call is worth more than one of its tools.
      this.#loggerOf(tool).error({ error: messageOf(cause) }, 'a tool lacks its secret');
      return [];
    }
  }

  async #prepare(tool: AgentTool): Promise<(readonly [string, string])[]> {
    const problems = secretsOf(tool).flatMap((reference) => {
      try {
        this.#options.secret(reference);
        return [];
      } catch (cause) {
        return [[tool.name, messageOf(cause)] as const];
      }
    });
    if (tool.kind === 'module') {
      const problem = await this.#load(tool);
      if (problem !== undefined) problems.push([tool.name, problem] as const);
    }
    if (tool.kind === 'mcp' && tool.mcp.calledBy === 'bridge') await this.#mcpTools(tool).list();
    return problems;
  }

  async #load(tool: Extract<AgentTool, { kind: 'module' }>): Promise<string | undefined> {
    const key = moduleKey(tool);
    if (this.#modules.has(key)) return undefined;
    try {
      const module = readModule(await this.#options.loadModule(tool.file, tool.version));
      if (typeof module === 'string') return `${tool.file}: ${module}`;
      this.#modules.set(key, module);
      return undefined;
    } catch (cause) {
      return `${tool.file} cannot be loaded: ${messageOf(cause)}`;
    }
  }

  #mcpTools(tool: BridgeMcpTool): McpTools {
    const key = canonicalJson(tool);
    let tools = this.#mcp.get(key);
    if (tools === undefined) {
      const { clock, connectMcp, secret } = this.#options;
      const server = connectMcp(tool.mcp, secret);
      const breaker = this.#breaker(tool, tool.mcp.url);
      tools = new McpTools(tool, { clock, logger: this.#loggerOf(tool), server, breaker });
      this.#mcp.set(key, tools);
    }
    return tools;
  }

  #breaker(tool: AgentTool, service: string): CircuitBreaker {
    const key = `${tool.name} ${service}`;
    const breaker = this.#breakers.get(key) ?? new CircuitBreaker(this.#options.clock);
    this.#breakers.set(key, breaker);
    return breaker;
  }

  #loggerOf({ name }: AgentTool): Logger {
    return this.#options.logger.child({ tool: name });
  }
}

function moduleKey({ file, version }: Extract<AgentTool, { kind: 'module' }>): string {
  return `${file} ${version}`;
}

function secretsOf(tool: AgentTool): string[] {
  if (tool.kind === 'mcp') return tool.mcp.authorization === undefined ? [] : [tool.mcp.authorization];
  if (tool.kind !== 'http') return [];
  const { bearer, sign, headers } = tool.http;
  const inHeaders = headers.flatMap(([, value]) => (value.kind === 'secret' ? [value.reference] : []));
  return [...(bearer === undefined ? [] : [bearer]), ...sign, ...inHeaders];
}
