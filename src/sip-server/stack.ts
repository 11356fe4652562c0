import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import { AccessControl } from './access-control';
import type { AccessLimits } from './access-policy';
import type { AgentContext } from './agent-context';
import type { Application } from './application';
import { CdrReporter } from './cdr-reporter';
import { DialogTable } from './dialog-table';
import { createFindTargets } from './find-targets';
import type { Resolve, ResolveServices, ServiceRecord } from './host-cache';
import { HostCache } from './host-cache';
import type { Limits } from './limits';
import { localSideOf } from './local-side';
import { Locator } from './locator';
import type { RegistrationSettings } from './registration';
import { Registration } from './registration';
import { RequestGate } from './request-gate';
import type { RequestRules } from './request-rules';
import type { SessionSettings } from './session-expires';
import { defaultSessionSettings } from './session-expires';
import { SessionKeeper } from './session-keeper';
import type { GuardSettings } from './source-guard';
import { SubscriptionKeeper } from './subscription-keeper';
import { SourceGuard } from './source-guard';
import { StatelessTags } from './stateless-tags';
import type { SipServerStats } from './stats';
import { TransactionLayer } from './transaction-layer';
import type { SipTransport, TransportListener } from './transport';
import { TransportLayer } from './transport-layer';
import { UserAgent } from './user-agent';

export interface StackOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly stats: SipServerStats;
  readonly limits: Limits;
  readonly guard: GuardSettings;
  readonly isTrusted?: ((address: string) => boolean) | undefined;
  readonly rules: RequestRules;
  readonly accessLimits: AccessLimits;
  readonly sessions?: Partial<SessionSettings> | undefined;
  readonly resolve: Resolve;
  /** Undefined: names are looked up as hosts only. */
  readonly resolveServices?: ResolveServices | undefined;
  readonly publicAddress: string | undefined;
  /** May be filled after the stack was built, before the first message. */
  readonly transports: readonly SipTransport[];
  selectApplication(method: string): Application | undefined;
  /** The methods that applications want, in upper case; `any` where that is not for us to know. */
  routedMethods(): readonly string[] | 'any';
}

/** The layers above the sockets, wired to each other. */
export interface SipStack {
  /** What the sockets deliver to. */
  readonly listener: TransportListener;
  readonly transactions: TransactionLayer;
  readonly dialogs: DialogTable;
  readonly agent: UserAgent;
  /** Lets everybody through until it gets a policy. */
  readonly access: AccessControl;
  /** Registers us with a PBX. Whoever asks must close it. */
  register(settings: RegistrationSettings): Registration;
}

export function buildStack(options: StackOptions): SipStack {
  const { clock, random, logger, stats, limits, publicAddress, resolveServices } = options;
  const dialogs = new DialogTable(stats);
  const tags = new StatelessTags(random);
  const transactions: TransactionLayer = new TransactionLayer({
    clock,
    random,
    stats,
    tags,
    limits,
    send: (message, flow, onFailure) => {
      if (message.kind === 'response') gate.noteAnswer(message, flow);
      return listener.send(message, flow, onFailure);
    },
    user: {
      onRequest: (transaction) => access.onRequest(transaction),
      onCancel: (transaction, invite) => access.onCancel(transaction, invite),
      onAck: (arrival) => access.onAck(arrival),
    },
  });
  const isTrusted = (address: string): boolean => access.isTrunk(address) || options.isTrusted?.(address) === true;
  const guard = new SourceGuard({ clock, logger, stats, settings: options.guard, isTrusted });
  const gate: RequestGate = new RequestGate(
    {
      tags,
      stats,
      guard,
      scanners: options.guard,
      rules: options.rules,
      routedMethods: () => {
        const routed = options.routedMethods();
        return routed === 'any' || !access.registers ? routed : [...routed, 'REGISTER'];
      },
      isRepetition: (arrival) => transactions.isRepetition(arrival),
      send: (message, flow) => listener.send(message, flow, () => undefined),
    },
    transactions,
  );
  const listener = new TransportLayer({ clock, tags, logger, stats, guard }, gate);
  const selectApplication = (method: string): Application | undefined => options.selectApplication(method);
  const locator = new Locator(options.transports, new HostCache(clock, options.resolve), publicAddress, {
    ...(resolveServices && { services: new HostCache<ServiceRecord>(clock, resolveServices) }),
    random,
    isWayBack: (flow) => access.knowsFlow(flow),
  });
  const context: AgentContext = {
    clock,
    random,
    stats,
    transactions,
    dialogs,
    locator,
    findTargets: createFindTargets({
      locator,
      bindingsOf: (uri) => access.bindingsOf(uri, (host) => locator.isOurHost(host)),
    }),
    credentialsFor: (to) => access.credentialsFor(to),
    localSideOf: (flow) => localSideOf(flow, publicAddress),
    sendOnce: (message, flow) => listener.send(message, flow, () => undefined),
    cdr: new CdrReporter(selectApplication),
    sessions: new SessionKeeper({
      clock,
      random,
      stats,
      settings: { ...defaultSessionSettings, ...options.sessions },
      sender: () => agent.sender,
      hangUp: (dialog, text, reason) => agent.hangUp(dialog, text, reason),
    }),
    subscriptions: new SubscriptionKeeper({
      clock,
      secondsMax: limits.subscriptionSeconds,
      onExpired: (dialog) => {
        stats.subscriptionsExpired += 1;
        agent.endSubscription(dialog, 'subscription expired');
      },
    }),
    hangUp: (dialog, text, reason) => agent.hangUp(dialog, text, reason),
    hangUpUnheard: (dialog, text) => agent.hangUpUnheard(dialog, text),
    endSubscription: (dialog, text) => agent.endSubscription(dialog, text),
  };
  const agent: UserAgent = new UserAgent(context, { limits, selectApplication });
  const access: AccessControl = new AccessControl({ clock, random, stats, tags, limits: options.accessLimits }, agent);
  const register = (settings: RegistrationSettings): Registration => {
    return new Registration({ ...context, logger }, settings);
  };
  return { listener, transactions, dialogs, agent, access, register };
}
