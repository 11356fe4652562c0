import type { Settings } from './config/settings';
import type { Plan } from './dialplan/plan';
import type { Clock } from './runtime/clock';
import type { Logger } from './runtime/logger';
import type { Random } from './runtime/random';
import { accessPolicyOf, SipAccess } from './sip-access';
import type { SipServer, SipServerOptions } from './sip-server/server';
import { startSipServer } from './sip-server/server';
import { readTlsFiles } from './tls-files';

/** The embedded SIP server, and who is let into it. */
export interface EmbeddedSip {
  readonly server: SipServer;
  readonly access: SipAccess;
}

/** Starts it as settings and plan say. Rejects with an Error for a person when an address or a file cannot be had. */
export async function startEmbeddedSip(options: {
  settings: Settings;
  plan: Plan;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** What relative files are relative to is added. */
  resolvePath: (path: string) => string;
}): Promise<EmbeddedSip> {
  const { settings, plan, clock, random, logger } = options;
  const { sipListen: listen, publicAddress } = settings;
  const tls = await readTlsFiles(settings, options.resolvePath);
  const policy = accessPolicyOf(plan, settings);
  const server = await startSipServer({
    listen,
    ...(tls === undefined ? {} : { tls }),
    ...(publicAddress === undefined ? {} : { publicAddress }),
    ...(policy === undefined ? {} : { access: policy }),
    ...limitsOf(settings),
    clock,
    random,
    logger,
  });
  const access = new SipAccess({ server, settings, logger });
  access.setPlan(plan);
  return { server, access };
}

/** Every limit and rule of the SIP server, as the settings have them. */
export function limitsOf(
  settings: Settings,
): Required<Pick<SipServerOptions, 'limits' | 'guard' | 'accessLimits' | 'rules' | 'sessions'>> {
  return {
    limits: {
      serverTransactions: settings.sipServerTransactions,
      clientTransactions: settings.sipClientTransactions,
      dialogs: settings.sipDialogs,
      subscriptions: settings.sipSubscriptions,
      subscriptionSeconds: seconds(settings.sipSubscriptionMaxMs),
      connections: settings.sipConnections,
      connectionsPerAddress: settings.sipConnectionsPerAddress,
      silentConnections: settings.sipSilentConnections,
      messageTimeMs: settings.sipMessageTimeMs,
      adminClients: settings.sipApplications,
    },
    guard: {
      offencesPerBan: settings.sipBanOffences,
      offenceWindowMs: settings.sipBanWindowMs,
      banMs: settings.sipBanTimeMs,
      sources: settings.sipSources,
      bans: settings.sipBans,
      messagesPerSecond: settings.sipMessageRate,
      malformedPerSecond: settings.sipMalformedRate,
      requestsPerSecond: settings.sipRequestRate,
      usersPerOffence: settings.sipBanUsers,
      usersWindowMs: settings.sipBanUsersWindowMs,
      scannerAgents: listOr([], settings.sipScannerAgents),
      scannerCallers: listOr([], settings.sipScannerCallers),
    },
    accessLimits: {
      failuresPerAddress: settings.sipAuthFailures,
      failureWindowMs: settings.sipAuthWindowMs,
      nonceLifeMs: settings.sipNonceLifeMs,
      registrationMinSeconds: seconds(settings.sipRegisterMinMs),
      registrationMaxSeconds: seconds(settings.sipRegisterMaxMs),
      registrationDefaultSeconds: seconds(settings.sipRegisterDefaultMs),
      contactsPerUser: settings.sipContactsPerUser,
    },
    rules: {
      refuseUnroutedMethods: settings.sipRefuseUnrouted,
      refuseForeignRegistrations: settings.sipRefuseForeignRegister,
      extensions: settings.sipExtensions,
      inviteContentTypes: settings.sipInviteTypes,
      refuseWithoutSdpAnswer: settings.sipRefuseWithoutSdp,
    },
    sessions: {
      minSeconds: seconds(settings.sipSessionMinMs),
      answerForApplication: settings.sipSessionAnswer,
    },
  };
}

function listOr<Instead>(instead: Instead, value: readonly string[] | string): readonly string[] | Instead {
  return typeof value === 'string' ? instead : value;
}

/** The server's own unit for what is told to phones in seconds. */
function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
