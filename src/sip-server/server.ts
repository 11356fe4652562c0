import { Resolver, lookup } from 'node:dns/promises';
import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { AccessLimits, AccessPolicy } from './access-policy';
import { defaultAccessLimits } from './access-policy';
import { AdminServer, Routes } from './admin-server';
import type { Resolve, ResolveServices } from './host-cache';
import type { Limits } from './limits';
import { defaultLimits } from './limits';
import type { RequestRules } from './request-rules';
import { defaultRequestRules } from './request-rules';
import type { SessionSettings } from './session-expires';
import type { GuardSettings } from './source-guard';
import { defaultGuardSettings } from './source-guard';
import type { Registration, RegistrationSettings } from './registration';
import type { SipStack } from './stack';
import { buildStack } from './stack';
import type { SipServerStats } from './stats';
import { createStats } from './stats';
import { TcpTransport } from './tcp-transport';
import type { TlsOptions } from './tls-setup';
import { TlsSetup } from './tls-setup';
import type { SipTransport, TransportName } from './transport';
import { UdpTransport } from './udp-transport';
import { formatHostPort } from './uri';

export interface ListenAddress {
  readonly transport: TransportName;
  /** An IPv4 or IPv6 address, without brackets; a wildcard is allowed. */
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
}

export interface SipServerOptions {
  /** At least one. */
  readonly listen: readonly ListenAddress[];
  /** Needed for `tls` listeners. Calls to `sips:` and `;transport=tls` go out through them, too. */
  readonly tls?: TlsOptions;
  /** What the outside sees, for Via, Contact and `localhost`, behind static NAT. Default: the local address. */
  readonly publicAddress?: string;
  /** Who may use the server. Default: everybody, and REGISTER goes to applications. */
  readonly access?: AccessPolicy;
  readonly accessLimits?: Partial<AccessLimits>;
  /** Where applications connect. Default 127.0.0.1 and any port. */
  readonly admin?: { readonly address: '127.0.0.1'; readonly port: number };
  /** What applications log in with. Default: 128 random bits, in hexadecimal. */
  readonly secret?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Addresses of a host name. Default: the system's resolver. */
  readonly resolve?: Resolve;
  /** SRV records of a name (RFC 3263). Default: the system's DNS servers, or none when `resolve` is given. */
  readonly resolveServices?: ResolveServices;
  readonly limits?: Partial<Limits>;
  /** What strangers may do before they are slowed or banned. */
  readonly guard?: Partial<GuardSettings>;
  /** Addresses that are never slowed nor banned: our trunks. Asked for each packet. Default: none. */
  readonly isTrusted?: (address: string) => boolean;
  /** What requests are refused for before an application sees them. */
  readonly rules?: Partial<RequestRules>;
  /** Session timers (RFC 4028). */
  readonly sessions?: Partial<SessionSettings>;
}

export interface SipServer {
  /** What `srf.connect` needs. */
  readonly admin: { readonly host: string; readonly port: number; readonly secret: string };
  /** With the ports that were really taken, in the order of `listen`. */
  readonly listening: readonly ListenAddress[];
  readonly stats: Readonly<SipServerStats>;
  /** A policy in the place of the one before. Users who stay keep their registrations. Throws for an address that is none. */
  setAccess(policy: AccessPolicy | undefined): void;
  /** Registers us with a PBX until it is closed, or the server is. */
  register(settings: RegistrationSettings): Registration;
  /** Hangs up every call, waits a moment for the answers, then closes all sockets. Twice is fine. */
  close(): Promise<void>;
}

/** How long peers get to answer our last BYEs. */
const closeGraceMs = 1_000;

/**
 * A SIP server that speaks drachtio-server's admin protocol. Rejects with an Error that names the address when one
 * cannot be bound, or says what is wrong with the TLS certificate; nothing is left open then.
 */
export async function startSipServer(options: SipServerOptions): Promise<SipServer> {
  const server = new EmbeddedServer(options);
  try {
    await server.open();
  } catch (cause) {
    await server.close();
    throw cause;
  }
  return server;
}

class EmbeddedServer implements SipServer {
  readonly stats = createStats();
  readonly #options: SipServerOptions;
  readonly #limits: Limits;
  readonly #secret: string;
  readonly #transports: SipTransport[] = [];
  readonly #routes = new Routes();
  #registrations: readonly Registration[] = [];
  readonly #stack: SipStack;
  #adminServer: AdminServer | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SipServerOptions) {
    const { clock, random, logger, resolve = resolveBySystem, publicAddress } = options;
    const { resolveServices = options.resolve === undefined ? resolveServicesBySystem : undefined } = options;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#secret = options.secret ?? random.bytes(16).toString('hex');
    this.#stack = buildStack({
      clock,
      random,
      logger,
      stats: this.stats,
      limits: this.#limits,
      accessLimits: { ...defaultAccessLimits, ...options.accessLimits },
      guard: { ...defaultGuardSettings, ...options.guard },
      isTrusted: options.isTrusted,
      rules: { ...defaultRequestRules, ...options.rules },
      sessions: options.sessions,
      resolve,
      resolveServices,
      publicAddress,
      transports: this.#transports,
      selectApplication: (method) => this.#routes.next(method),
      routedMethods: () => this.#routes.methods,
    });
  }

  get admin(): SipServer['admin'] {
    return { host: '127.0.0.1', port: this.#adminServer?.port ?? 0, secret: this.#secret };
  }

  get listening(): ListenAddress[] {
    return this.#transports.map(({ name, address, port }) => ({ transport: name, address, port }));
  }

  async open(): Promise<void> {
    const { listen, logger, admin = { address: '127.0.0.1', port: 0 } } = this.#options;
    if (listen.length === 0) throw new Error('the SIP server needs at least one address to listen on');
    this.setAccess(this.#options.access);
    const tls = this.#options.tls && new TlsSetup(this.#options.tls);
    for (const at of listen) this.#transports.push(await named(at.transport, at, this.#listen(at, tls)));
    this.#adminServer = await named('admin', admin, this.#openAdmin(admin));
    logger.info({ listening: this.listening, adminPort: this.#adminServer.port }, 'SIP server is listening');
  }

  setAccess(policy: AccessPolicy | undefined): void {
    this.#stack.access.setPolicy(policy);
  }

  register(settings: RegistrationSettings): Registration {
    const registration = this.#stack.register(settings);
    const open = this.#registrations.filter(({ state }) => state.state !== 'closed');
    this.#registrations = [...open, registration];
    return registration;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#adminServer?.dropApplications();
    this.#stack.agent.close();
    const unregistered = Promise.all(this.#registrations.map((registration) => registration.close()));
    await Promise.all([this.#waitForAnswers(), unregistered]);
    await this.#adminServer?.close();
    this.#stack.transactions.close();
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }

  #waitForAnswers(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(closeGraceMs, resolve);
      void this.#stack.agent.sender.whenIdle().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #listen(at: ListenAddress, tls: TlsSetup | undefined): Promise<SipTransport> {
    const { clock } = this.#options;
    const { stats } = this;
    const { listener } = this.#stack;
    const dependencies = { clock, stats, limits: this.#limits, listener };
    switch (at.transport) {
      case 'udp':
        return UdpTransport.open(at, listener);
      case 'tcp':
        return TcpTransport.open(at, dependencies);
      case 'tls':
        if (tls === undefined) return Promise.reject(new Error('there is no certificate'));
        return TcpTransport.open(at, { ...dependencies, tls });
    }
  }

  #openAdmin(at: { address: string; port: number }): Promise<AdminServer> {
    const { clock, random, publicAddress } = this.#options;
    const options = {
      clock,
      random,
      stats: this.stats,
      secret: this.#secret,
      agent: this.#stack.agent,
      hostports: this.#hostports(publicAddress),
      localHostports: this.#hostports(undefined),
      clientsMax: this.#limits.adminClients,
    };
    return AdminServer.open(at, options, this.#routes);
  }

  /** As srf tells them to its `connect` listeners. */
  #hostports(host: string | undefined): string {
    const each = this.listening.map((at) => `${at.transport}/${formatHostPort(host ?? at.address, at.port)}`);
    return each.join(',');
  }
}

async function named<Opened>(
  what: string,
  { address, port }: { address: string; port: number },
  opening: Promise<Opened>,
): Promise<Opened> {
  try {
    return await opening;
  } catch (cause) {
    throw new Error(`cannot listen on ${what} ${formatHostPort(address, port)}: ${messageOf(cause)}`, { cause });
  }
}

/** Servers that do not answer must not hold up a call whose name they may not even know. */
const dnsServers = new Resolver({ timeout: 1_500, tries: 1 });

const resolveServicesBySystem: ResolveServices = (name) => dnsServers.resolveSrv(name);

const resolveBySystem: Resolve = async (host) => {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
};
