import { lookup } from 'node:dns/promises';
import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { AdminServerOptions } from './admin-server';
import { AdminServer, Routes } from './admin-server';
import type { AgentContext } from './agent-context';
import { DialogTable } from './dialog-table';
import type { Resolve } from './host-cache';
import { HostCache } from './host-cache';
import type { Limits } from './limits';
import { defaultLimits } from './limits';
import { localSideOf } from './local-side';
import { Locator } from './locator';
import type { SipServerStats } from './stats';
import { createStats } from './stats';
import { TcpTransport } from './tcp-transport';
import { TransactionLayer } from './transaction-layer';
import type { SipTransport, TransportListener, TransportName } from './transport';
import { TransportLayer } from './transport-layer';
import { UdpTransport } from './udp-transport';
import { formatHostPort } from './uri';
import { UserAgent } from './user-agent';

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
  /** What the outside sees, for Via, Contact and `localhost`, behind static NAT. Default: the local address. */
  readonly publicAddress?: string;
  /** Where applications connect. Default 127.0.0.1 and any port. */
  readonly admin?: { readonly address: '127.0.0.1'; readonly port: number };
  /** What applications log in with. Default: 128 random bits, in hexadecimal. */
  readonly secret?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Addresses of a host name. Default: the system's resolver. */
  readonly resolve?: Resolve;
  readonly limits?: Partial<Limits>;
}

export interface SipServer {
  /** What `srf.connect` needs. */
  readonly admin: { readonly host: string; readonly port: number; readonly secret: string };
  /** With the ports that were really taken, in the order of `listen`. */
  readonly listening: readonly ListenAddress[];
  readonly stats: Readonly<SipServerStats>;
  /** Hangs up every call, waits a moment for the answers, then closes all sockets. Twice is fine. */
  close(): Promise<void>;
}

/** How long peers get to answer our last BYEs. */
const closeGraceMs = 1_000;

/**
 * A SIP server that speaks drachtio-server's admin protocol. Rejects with an Error that names the address when one
 * cannot be bound; nothing is left open then.
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
  #transactions: TransactionLayer | undefined;
  #agent: UserAgent | undefined;
  #adminServer: AdminServer | undefined;
  #adminPort = 0;
  #closing: Promise<void> | undefined;

  constructor(options: SipServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#secret = options.secret ?? options.random.bytes(16).toString('hex');
  }

  get admin(): SipServer['admin'] {
    return { host: '127.0.0.1', port: this.#adminPort, secret: this.#secret };
  }

  get listening(): ListenAddress[] {
    return this.#transports.map(({ name, address, port }) => ({ transport: name, address, port }));
  }

  async open(): Promise<void> {
    const { clock, random, logger, listen, publicAddress, resolve = resolveBySystem, admin } = this.#options;
    const { stats } = this;
    if (listen.length === 0) throw new Error('the SIP server needs at least one address to listen on');
    const routes = new Routes();
    const transactions: TransactionLayer = new TransactionLayer({
      clock,
      random,
      stats,
      limits: this.#limits,
      send: (message, flow, onFailure) => layer.send(message, flow, onFailure),
      user: {
        onRequest: (transaction) => agent.onRequest(transaction),
        onCancel: (transaction, invite) => agent.onCancel(transaction, invite),
        onAck: (arrival) => agent.onAck(arrival),
      },
    });
    const layer = new TransportLayer({ clock, random, logger, stats }, transactions);
    const context: AgentContext = {
      clock,
      random,
      stats,
      transactions,
      dialogs: new DialogTable(stats),
      locator: new Locator(this.#transports, new HostCache(clock, resolve), publicAddress),
      localSideOf: (flow) => localSideOf(flow, publicAddress),
      sendOnce: (message, flow) => layer.send(message, flow, () => undefined),
      hangUp: (dialog, text) => agent.hangUp(dialog, text),
    };
    const agent: UserAgent = new UserAgent(context, {
      limits: this.#limits,
      selectApplication: (method) => routes.next(method),
    });
    this.#transactions = transactions;
    this.#agent = agent;
    for (const at of listen) this.#transports.push(await this.#listen(at, layer));
    const adminAt = admin ?? { address: '127.0.0.1', port: 0 };
    this.#adminServer = await named('admin', adminAt, AdminServer.open(adminAt, this.#adminOptions(agent), routes));
    this.#adminPort = this.#adminServer.port;
    logger.info({ listening: this.listening, adminPort: this.#adminPort }, 'SIP server is listening');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#adminServer?.dropApplications();
    this.#agent?.close();
    await this.#waitForAnswers();
    await this.#adminServer?.close();
    this.#transactions?.close();
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }

  async #waitForAnswers(): Promise<void> {
    const idle = this.#agent?.sender.whenIdle();
    if (idle === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimer(closeGraceMs, resolve);
      void idle.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #listen(at: ListenAddress, listener: TransportListener): Promise<SipTransport> {
    const { clock } = this.#options;
    const { stats } = this;
    switch (at.transport) {
      case 'udp':
        return named('udp', at, UdpTransport.open(at, listener));
      case 'tcp':
        return named('tcp', at, TcpTransport.open(at, { clock, stats, limits: this.#limits, listener }));
    }
  }

  #adminOptions(agent: UserAgent): AdminServerOptions {
    const { clock, random, publicAddress } = this.#options;
    const { stats } = this;
    const hostports = (host: string | undefined): string =>
      this.listening
        .map(({ transport, address, port }) => `${transport}/${formatHostPort(host ?? address, port)}`)
        .join(',');
    return {
      clock,
      random,
      stats,
      secret: this.#secret,
      agent,
      hostports: hostports(publicAddress),
      localHostports: hostports(undefined),
      clientsMax: this.#limits.adminClients,
    };
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

const resolveBySystem: Resolve = async (host) => {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
};
