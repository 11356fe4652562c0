import type { ModelChoice as AnsweredBy } from './call/model-choice';
import type { ModelChoice } from './config/model-choice';
import type { Settings } from './config/settings';
import type { Agent, Plan } from './dialplan/plan';
import type { ModelEndpoint } from './realtime/model-connection';
import { RealtimeSession } from './realtime/session';
import type { RealtimeSessionListener } from './realtime/session-listener';
import { webSocketModel } from './realtime/websocket-connection';
import type { Clock } from './runtime/clock';
import type { Logger } from './runtime/logger';
import type { Random } from './runtime/random';
import { parseBehaviour, simulatorModelPrefix } from './simulator/behaviours';
import type { SimulatorServer } from './simulator/server';
import { startSimulatorServer } from './simulator/server';
import type { Toolbox } from './tools/toolbox';

export interface ModelsOptions {
  settings: Settings;
  choice: Exclude<ModelChoice, { kind: 'refused' }>;
  plan: Plan;
  toolbox: Pick<Toolbox, 'definitions'>;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** A model that was asked for and cannot be: the start fails with this line. */
export class ModelRefused extends Error {
  override readonly name = 'ModelRefused';
}

/** Which model each agent talks to, and the way there. Starts the built-in simulator when any agent needs it. */
export class Models {
  readonly #options: ModelsOptions;
  #simulator: SimulatorServer | undefined;

  private constructor(options: ModelsOptions) {
    this.#options = options;
  }

  /** Rejects with `ModelRefused` when a simulator's behaviour is wrong. */
  static async start(options: ModelsOptions): Promise<Models> {
    const models = new Models(options);
    await models.prepareFor(options.plan);
    return models;
  }

  /** What the agents of a plan need; rejects like `start`, and the plans before go on. One at a time. */
  async prepareFor(plan: Plan): Promise<void> {
    const { settings, choice, clock, random, logger } = this.#options;
    const named = [...plan.agents.values()].flatMap(({ session: { model } }) =>
      model !== undefined && isSimulatorModel(model) ? [model] : [],
    );
    for (const model of named) behaviourOf(model.slice(simulatorModelPrefix.length));
    if (this.#simulator !== undefined || (choice.kind === 'api' && named.length === 0)) return;
    this.#simulator = await startSimulatorServer({
      address: '127.0.0.1',
      port: 0,
      behaviour: behaviourOf(settings.simulator),
      clock,
      random,
      logger: logger.child({ part: 'simulator' }),
    });
  }

  /** For the banner. */
  get description(): string {
    const { choice, settings } = this.#options;
    if (choice.kind === 'api') return `${choice.model} at ${new URL(choice.url).host}`;
    return `SIMULATOR (${settings.simulator}): ${choice.why}`;
  }

  modelFor(agent: Agent): AnsweredBy {
    const { choice, settings } = this.#options;
    const named = agent.session.model;
    if (named !== undefined && isSimulatorModel(named)) return { kind: 'simulator', name: named };
    if (choice.kind === 'simulator') return { kind: 'simulator', name: `${simulatorModelPrefix}${settings.simulator}` };
    return { kind: 'api', name: named ?? choice.model };
  }

  open(agent: Agent, listener: RealtimeSessionListener, callId: string): RealtimeSession {
    const { clock, random, logger, toolbox } = this.#options;
    const callLogger = logger.child({ callId });
    return RealtimeSession.open({
      connect: webSocketModel({ clock, logger: callLogger }),
      endpoint: this.#endpointFor(agent),
      agent: agent.session,
      tools: toolbox.definitions(agent.tools),
      clock,
      logger: callLogger,
      random,
      listener,
    });
  }

  async close(): Promise<void> {
    await this.#simulator?.close();
  }

  #endpointFor(agent: Agent): ModelEndpoint {
    const { choice, settings } = this.#options;
    const { kind, name } = this.modelFor(agent);
    if (kind === 'simulator' && this.#simulator !== undefined) {
      return { url: this.#simulator.url, model: name, apiKey: undefined, headers: {} };
    }
    const url = choice.kind === 'api' ? choice.url : settings.realtimeUrl;
    return { url, model: name, apiKey: settings.openaiApiKey, headers: {} };
  }
}

function isSimulatorModel(model: string): boolean {
  return model.startsWith(simulatorModelPrefix);
}

function behaviourOf(text: string) {
  const parsed = parseBehaviour(text);
  if (parsed.kind === 'invalid') throw new ModelRefused(`the simulator cannot do that: ${parsed.reason}`);
  return parsed.behaviour;
}
