import {
  BlockList,
  createServer as createTcpServer,
  isIPv6,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import type { Clock, Timer } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { CallHandler } from './caller-leg';
import { frameProblem } from './frame-limits';
import { createGuard, type Guard, type OnSignallingBug } from './guarded';
import { IncomingRequests } from './incoming-requests';
import { createSrf, type Srf } from './srf';
import { openIntake, stopSrf, type SocketIntake } from './srf-internals';

export interface SipListenerOptions {
  /** An IP address of this machine; port 0 lets the system choose. */
  listen: { host: string; port: number };
  /** PEM; undefined: plain TCP. */
  tls: { cert: string; key: string } | undefined;
  secret: string;
  clock: Clock;
  random: Random;
  log: Logger;
  onBug: OnSignallingBug;
  onCall: CallHandler;
  full: () => boolean;
}

export interface ListenerStats {
  connections: number;
  /** From public addresses, or more at once than may be. */
  refusedConnections: number;
  refusedMessages: number;
}

/** drachtio-server sends its request as soon as it has answered. */
const firstRequestDeadlineMs = 5_000;
/** After a call: the ACK, or the answer to our BYE, may take the 32 s of a transaction (RFC 3261 timers B, F and H). */
const lingerMs = 35_000;
const connectionsMax = 33_000;

/**
 * Takes the connections that drachtio-server opens itself, one for each new request (a request handler `tcp://` or
 * `tls://`). Whoever connects is sent the secret, as the protocol has it: so only private addresses may.
 */
export class SipListener {
  /** While false, new calls and OPTIONS get 503. */
  accepting = true;
  readonly stats: ListenerStats = { connections: 0, refusedConnections: 0, refusedMessages: 0 };
  readonly #options: SipListenerOptions;
  readonly #guard: Guard;
  readonly #srf: Srf;
  readonly #incoming: IncomingRequests;
  readonly #intake: SocketIntake;
  readonly #timers = new Map<Socket, Timer>();
  #server: Server | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: SipListenerOptions) {
    const { clock, random, log, onBug, onCall, full } = options;
    this.#options = options;
    this.#guard = createGuard(options);
    this.#srf = createSrf();
    this.#incoming = new IncomingRequests({
      ...{ srf: this.#srf, kind: 'drachtio-server', guard: this.#guard, clock, random, log, onBug, onCall, full },
      accepting: () => this.accepting,
      onDone: (socket, began) => this.#onDone(socket, began),
    });
    this.#srf.on('error', () => undefined);
    const messageProblem = (message: string): string | undefined => {
      const problem = frameProblem(message);
      if (problem !== undefined) this.stats.refusedMessages += 1;
      return problem;
    };
    this.#intake = openIntake(this.#srf, { secret: options.secret, messageProblem });
  }

  /** Rejects when it cannot listen. */
  static async start(options: SipListenerOptions): Promise<SipListener> {
    const listener = new SipListener(options);
    await listener.#listen();
    return listener;
  }

  /** With the port that was really taken. */
  get address(): { host: string; port: number } {
    const { address, port } = this.#server?.address() as AddressInfo;
    return { host: address, port };
  }

  /** Inbound calls that are not over. */
  get legs(): number {
    return this.#incoming.legs;
  }

  get unanswerable(): number {
    return this.#incoming.unanswerable;
  }

  /** Stops listening and ends every connection; calls on them are told that the server is gone. Twice is fine. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const stopped = new Promise((resolve) => this.#server?.close(resolve));
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#incoming.abandonAll();
    await stopSrf(this.#srf, this.#options.clock);
    await stopped;
  }

  async #listen(): Promise<void> {
    const { tls, listen, log } = this.#options;
    const server = tls === undefined ? createTcpServer() : createTlsServer(tls);
    this.#server = server;
    server.maxConnections = connectionsMax;
    server.on(
      tls === undefined ? 'connection' : 'secureConnection',
      this.#guard('connection', (socket: Socket) => this.#accept(socket)),
    );
    server.on('tlsClientError', () => (this.stats.refusedConnections += 1));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listen.port, listen.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error: Error) => log.error({ message: error.message }, 'listening for SIP servers failed'));
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    const remoteAddress = socket.remoteAddress ?? '';
    if (this.#closed !== undefined || !isPrivate(remoteAddress)) {
      this.stats.refusedConnections += 1;
      this.#options.log.warn({ remoteAddress }, 'refused a connection that is not from a private network');
      socket.destroy();
      return;
    }
    this.stats.connections += 1;
    socket.setNoDelay(true);
    socket.once(
      'close',
      this.#guard('close', () => this.#onClose(socket)),
    );
    this.#endAfter(socket, firstRequestDeadlineMs);
    this.#intake.handOver(
      socket,
      this.#guard('welcome', (greeting) => {
        if (greeting !== undefined) return;
        this.#options.log.error({ remoteAddress }, 'the SIP server refused our secret');
        socket.destroy();
      }),
    );
  }

  #onDone(socket: Socket, began: 'call' | 'nothing'): void {
    this.#endAfter(socket, began === 'call' ? lingerMs : 0);
  }

  #onClose(socket: Socket): void {
    this.#timers.get(socket)?.cancel();
    this.#timers.delete(socket);
    this.#incoming.connectionLost(socket);
  }

  #endAfter(socket: Socket, delayMs: number): void {
    this.#timers.get(socket)?.cancel();
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(socket);
      if (!this.#incoming.hasCallOn(socket)) socket.end();
    });
    this.#timers.set(socket, timer);
  }
}

/** Loopback, link-local and the private ranges of RFC 1918, RFC 6598 and RFC 4193. */
const privateNetworks = new BlockList();
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  privateNetworks.addSubnet(network, bits, 'ipv4');
}
privateNetworks.addAddress('::1', 'ipv6');
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addSubnet('fe80::', 10, 'ipv6');

function isPrivate(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return plain !== '' && privateNetworks.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
