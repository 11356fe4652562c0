import type { Socket } from 'node:net';
import type { Clock, Timer } from '../runtime/clock';
import type { SipServerStats } from './stats';
import { StreamFramer } from './stream-framer';
import type { Flow, TransportListener } from './transport';

/** A peer that begins a message must finish it in this time. */
const messageLimitMs = 5_000;
const connectLimitMs = 5_000;
/** A peer that reads too slowly is cut off here, octets. */
const unsentBytesMax = 1_048_576;

interface ConnectionDependencies {
  readonly clock: Clock;
  readonly stats: SipServerStats;
  readonly listener: TransportListener;
}

/** One TCP connection, whoever opened it. */
export class TcpConnection {
  readonly #socket: Socket;
  readonly #flow: Flow;
  readonly #dependencies: ConnectionDependencies;
  readonly #framer: StreamFramer;
  /** What was written and not yet taken over by the system. */
  readonly #unconfirmed = new Set<(cause: string) => void>();
  #stallTimer: Timer | undefined;
  #connectTimer: Timer | undefined;
  #closed = false;
  /** Set by the owner; called once. */
  onClosed: () => void = () => undefined;

  constructor(socket: Socket, flow: Flow, dependencies: ConnectionDependencies) {
    this.#socket = socket;
    this.#flow = flow;
    this.#dependencies = dependencies;
    this.#framer = new StreamFramer({
      onFrame: (bytes) => this.#onFrame(bytes),
      onPing: () => this.#onPing(),
    });
    if (socket.connecting) {
      this.#connectTimer = dependencies.clock.setTimer(connectLimitMs, () => socket.destroy());
      socket.once('connect', () => this.#connectTimer?.cancel());
    }
    socket.on('data', (chunk) => this.#onData(chunk));
    // An error is always followed by close, which does the work.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#onClose());
  }

  get isOpen(): boolean {
    return !this.#closed && this.#socket.writable;
  }

  get remoteAddress(): string {
    return this.#flow.remoteAddress;
  }

  isTo(address: string, port: number): boolean {
    return this.#flow.remoteAddress === address && this.#flow.remotePort === port;
  }

  send(bytes: Buffer, onFailure: (cause: string) => void): void {
    this.#unconfirmed.add(onFailure);
    this.#socket.write(bytes, (error) => {
      if (error === undefined || error === null) this.#unconfirmed.delete(onFailure);
    });
    if (this.#socket.writableLength <= unsentBytesMax) return;
    this.#dependencies.stats.connectionsStalled += 1;
    this.#socket.destroy();
  }

  close(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  #onData(chunk: Buffer): void {
    const fault = this.#framer.push(chunk);
    if (fault !== undefined) {
      this.#dependencies.stats.connectionsUnframed += 1;
      this.#socket.destroy();
    } else if (this.#framer.isWaiting && !this.#socket.destroyed) {
      // Runs from the first octet of a message, so that a trickle does not keep it alive.
      this.#stallTimer ??= this.#dependencies.clock.setTimer(messageLimitMs, () => this.#onStall());
    }
  }

  #onFrame(bytes: Buffer): void {
    this.#stallTimer?.cancel();
    this.#stallTimer = undefined;
    if (this.#socket.destroyed) return;
    if (this.#dependencies.listener.onMessage(bytes, this.#flow) === 'close') this.#socket.destroy();
  }

  #onPing(): void {
    this.#dependencies.stats.keepAlives += 1;
    if (this.isOpen) this.#socket.write('\r\n');
  }

  #onStall(): void {
    this.#dependencies.stats.connectionsStalled += 1;
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stallTimer?.cancel();
    this.#connectTimer?.cancel();
    for (const onFailure of this.#unconfirmed) onFailure('connection closed');
    this.#unconfirmed.clear();
    this.onClosed();
  }
}
