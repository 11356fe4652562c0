import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Clock } from '../runtime/clock';
import type { Limits } from './limits';
import type { SipServerStats } from './stats';
import { TcpConnection } from './tcp-connection';
import type { TlsSetup } from './tls-setup';
import type { Flow, SipTransport, TransportListener } from './transport';
import { isIpv6 } from './transport';

interface TcpDependencies {
  readonly clock: Clock;
  readonly stats: SipServerStats;
  readonly limits: Limits;
  readonly listener: TransportListener;
  /** With it SIP over TLS, without it over bare TCP. */
  readonly tls?: TlsSetup;
}

/** SIP over TCP or TLS: a listener and the connections of both directions, reused by remote address and port. */
export class TcpTransport implements SipTransport {
  readonly name: 'tcp' | 'tls';
  readonly address: string;
  readonly port: number;
  readonly #server: Server;
  readonly #dependencies: TcpDependencies;
  readonly #connections = new Map<number, TcpConnection>();
  #lastId = 0;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, address: string, port: number, dependencies: TcpDependencies) {
    this.name = dependencies.tls === undefined ? 'tcp' : 'tls';
    this.address = address;
    this.port = port;
    this.#server = server;
    this.#dependencies = dependencies;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', () => undefined);
  }

  /** Rejects with the system's error when the address cannot be bound. Port 0 takes any. */
  static open(at: { address: string; port: number }, dependencies: TcpDependencies): Promise<TcpTransport> {
    const server = createServer({ noDelay: true, keepAlive: true });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: at.address, port: at.port, exclusive: true, ipv6Only: isIpv6(at.address) }, () => {
        server.removeAllListeners('error');
        const bound = server.address();
        const { address, port } = typeof bound === 'object' && bound !== null ? bound : at;
        resolve(new TcpTransport(server, address, port, dependencies));
      });
    });
  }

  send(bytes: Buffer, to: Flow, onFailure: (cause: string) => void): void {
    if (this.#closing !== undefined) return;
    const connection = this.#find(to) ?? this.#connect(to);
    if (connection !== undefined) connection.send(bytes, onFailure);
    else this.#dependencies.clock.setTimer(0, () => onFailure('too many connections'));
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections.values()) connection.close();
    });
    return this.#closing;
  }

  #find(to: Flow): TcpConnection | undefined {
    const preferred = to.connectionId === undefined ? undefined : this.#connections.get(to.connectionId);
    if (preferred?.isOpen === true) return preferred;
    for (const connection of this.#connections.values()) {
      if (connection.isOpen && connection.isTo(to)) return connection;
    }
    return undefined;
  }

  #accept(socket: Socket): void {
    const { limits, stats, listener } = this.#dependencies;
    const { remoteAddress = '', remotePort = 0 } = socket;
    const sameAddress = [...this.#connections.values()].filter((other) => other.remoteAddress === remoteAddress).length;
    if (this.#connections.size >= limits.connections || sameAddress >= limits.connectionsPerAddress) {
      stats.connectionsRefused += 1;
      refuse(socket);
      return;
    }
    if (listener.onConnection?.(remoteAddress) === 'close') {
      refuse(socket);
      return;
    }
    this.#makeRoom();
    this.#adopt(this.#dependencies.tls?.accept(socket) ?? socket, { remoteAddress, remotePort });
  }

  /** Who only holds connections open must not keep others out. */
  #makeRoom(): void {
    const silent = [...this.#connections.values()].filter((connection) => connection.isSilent);
    if (silent.length < this.#dependencies.limits.silentConnections) return;
    this.#dependencies.stats.connectionsSilent += 1;
    silent[0]?.close();
  }

  #connect(to: Flow): TcpConnection | undefined {
    if (this.#connections.size >= this.#dependencies.limits.connections) {
      this.#dependencies.stats.connectionsRefused += 1;
      return undefined;
    }
    const wildcard = this.address === '0.0.0.0' || this.address === '::';
    const { remoteAddress, remotePort, serverName } = to;
    const target = { host: remoteAddress, port: remotePort, ...(wildcard ? {} : { localAddress: this.address }) };
    const { tls } = this.#dependencies;
    const socket = tls?.connect({ ...target, serverName }) ?? connect({ ...target, noDelay: true, keepAlive: true });
    return this.#adopt(socket, { remoteAddress, remotePort, ...(serverName !== undefined && { serverName }) });
  }

  #adopt(socket: Socket, peer: Pick<Flow, 'remoteAddress' | 'remotePort' | 'serverName'>): TcpConnection {
    const id = (this.#lastId += 1);
    const { listener, clock, stats, limits } = this.#dependencies;
    const { messageTimeMs } = limits;
    const flow: Flow = { ...peer, transport: this, connectionId: id };
    const connection = new TcpConnection(socket, flow, { clock, stats, listener, messageTimeMs });
    connection.onClosed = () => this.#connections.delete(id);
    this.#connections.set(id, connection);
    return connection;
  }
}

/** Whoever is refused may still write; without a listener its error would be thrown. */
function refuse(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.destroy();
}
