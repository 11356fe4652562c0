import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../runtime/clock';
import type { SipServerStats } from './stats';
import { StreamFramer } from './stream-framer';
import type { Flow, TransportListener } from './transport';

/** To be connected, and secured where TLS is spoken. */
const connectLimitMs = 5_000;
/** A peer that reads too slowly is cut off here, octets. */
const unsentBytesMax = 1_048_576;

interface ConnectionDependencies {
  readonly clock: Clock;
  readonly stats: SipServerStats;
  readonly listener: TransportListener;
  readonly messageTimeMs: number;
}

/** One TCP connection, with or without TLS on it, whoever opened it. */
export class TcpConnection {
  readonly #socket: Socket;
  readonly #flow: Flow;
  readonly #dependencies: ConnectionDependencies;
  readonly #framer: StreamFramer;
  /** What was written and not yet taken over by the system. */
  readonly #unconfirmed = new Set<(cause: string) => void>();
  /** What waits for a TLS peer to prove who it is: Node would give it to whoever is there. Undefined: nothing must wait. */
  #held: { bytes: Buffer; onFailure: (cause: string) => void }[] | undefined;
  #stallTimer: Timer | undefined;
  #connectTimer: Timer | undefined;
  #cause = 'connection closed';
  #closed = false;
  #isSilent: boolean;
  /** Set by the owner; called once. */
  onClosed: () => void = () => undefined;

  constructor(socket: Socket, flow: Flow, dependencies: ConnectionDependencies) {
    this.#socket = socket;
    this.#flow = flow;
    // Who was called by us owes us nothing yet.
    this.#isSilent = !socket.connecting;
    this.#dependencies = dependencies;
    this.#framer = new StreamFramer({
      onFrame: (bytes) => this.#onFrame(bytes),
      onPing: () => this.#onPing(),
    });
    if (socket.connecting || socket instanceof TLSSocket) this.#awaitOpen();
    socket.on('data', (chunk) => this.#onData(chunk));
    // An error is always followed by close, which does the work.
    socket.on('error', (error) => (this.#cause = error.message));
    socket.on('close', () => this.#onClose());
  }

  get isOpen(): boolean {
    return !this.#closed && this.#socket.writable;
  }

  /** Whether no whole message has come yet. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  get remoteAddress(): string {
    return this.#flow.remoteAddress;
  }

  /** Whether it leads to where `to` points. A peer has proved its name only for the name it was connected with. */
  isTo(to: Flow): boolean {
    const { remoteAddress, remotePort, serverName } = this.#flow;
    return remoteAddress === to.remoteAddress && remotePort === to.remotePort && serverName === to.serverName;
  }

  send(bytes: Buffer, onFailure: (cause: string) => void): void {
    this.#unconfirmed.add(onFailure);
    if (this.#held === undefined) this.#write(bytes, onFailure);
    else this.#held.push({ bytes, onFailure });
    const heldBytes = this.#held?.reduce((total, held) => total + held.bytes.length, 0) ?? 0;
    if (heldBytes + this.#socket.writableLength <= unsentBytesMax) return;
    this.#dependencies.stats.connectionsStalled += 1;
    this.#socket.destroy();
  }

  close(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  #awaitOpen(): void {
    const { clock, stats } = this.#dependencies;
    const secured = this.#socket instanceof TLSSocket;
    if (secured) this.#held = [];
    this.#connectTimer = clock.setTimer(connectLimitMs, () => this.#socket.destroy(new Error('no connection in time')));
    this.#socket.once(secured ? 'secure' : 'connect', () => {
      this.#connectTimer?.cancel();
      // A peer that is not who it should be has lost its connection by now.
      if (this.#socket.destroyed) return;
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const { bytes, onFailure } of held) this.#write(bytes, onFailure);
    });
    this.#socket.once('close', () => {
      if (this.#held !== undefined) stats.tlsHandshakesFailed += 1;
    });
  }

  #write(bytes: Buffer, onFailure: (cause: string) => void): void {
    this.#socket.write(bytes, (error) => {
      if (error === undefined || error === null) this.#unconfirmed.delete(onFailure);
    });
  }

  #onData(chunk: Buffer): void {
    const fault = this.#framer.push(chunk);
    if (fault !== undefined) {
      this.#dependencies.stats.connectionsUnframed += 1;
      this.#dependencies.listener.onUnframed?.(this.#framer.waiting, this.#flow);
      this.#socket.destroy();
    } else if (this.#framer.isWaiting && !this.#socket.destroyed) {
      // Runs from the first octet of a message, so that a trickle does not keep it alive.
      const { clock, messageTimeMs } = this.#dependencies;
      this.#stallTimer ??= clock.setTimer(messageTimeMs, () => this.#onStall());
    }
  }

  #onFrame(bytes: Buffer): void {
    this.#stallTimer?.cancel();
    this.#stallTimer = undefined;
    this.#isSilent = false;
    if (this.#socket.destroyed) return;
    if (this.#dependencies.listener.onMessage(bytes, this.#flow) === 'close') this.#socket.destroy();
  }

  #onPing(): void {
    this.#dependencies.stats.keepAlives += 1;
    // Who asks and does not read must not fill our memory with answers.
    if (this.isOpen && !this.#socket.writableNeedDrain) this.#socket.write('\r\n');
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
    for (const onFailure of this.#unconfirmed) onFailure(this.#cause);
    this.#unconfirmed.clear();
    this.onClosed();
  }
}
