import type { Clock } from '../runtime/clock';
import type { ConnectModel, ModelConnection, ModelConnectionListener, ModelEndpoint } from './model-connection';

/** The server's end of a connection in memory. */
export interface MemoryPeer {
  readonly endpoint: ModelEndpoint;
  /** Sends one text message to the client; dropped after a close. */
  send(text: string): void;
  /** Closes with a close frame; 1006 stands for a cut without one. Twice is fine. */
  close(code: number, reason: string): void;
  /** Stops reading: what the client sends waits and counts as its `bufferedBytes`. */
  pause(): void;
  resume(): void;
}

/** What the server does. Called one latency after the client acted, in the client's order. */
export interface MemoryPeerListener {
  onMessage(text: string): void;
  /** The client closed; also told after the peer's own close. */
  onClose(closed: { code: number; reason: string }): void;
}

export interface MemoryModelOptions {
  clock: Clock;
  /** One way, in milliseconds. Default 0: still never synchronous. */
  latencyMs?: number;
  /** The client has connected. What the peer sends from here on arrives after the client's `onOpen`. */
  accept(peer: MemoryPeer): MemoryPeerListener;
}

/**
 * A connection without a socket, for virtual time: everything arrives by timers of the clock, so that order and
 * asynchrony are those of a socket.
 */
export function memoryModel(options: MemoryModelOptions): ConnectModel {
  return (endpoint, listener) => new MemoryConnection({ ...options, endpoint, listener }).client;
}

//  connecting ─▶ open ─▶ closing ─▶ closed      (connecting may go to closing)
type ConnectionState = 'connecting' | 'open' | 'closing' | 'closed';

class MemoryConnection {
  readonly #clock: Clock;
  readonly #latencyMs: number;
  readonly #endpoint: ModelEndpoint;
  readonly #listener: ModelConnectionListener;
  readonly #accept: (peer: MemoryPeer) => MemoryPeerListener;
  #server: MemoryPeerListener | undefined;
  #state: ConnectionState = 'connecting';
  #isPaused = false;
  #isClosedByServer = false;
  #unread: string[] = [];
  #unreadBytes = 0;

  constructor(options: MemoryModelOptions & { endpoint: ModelEndpoint; listener: ModelConnectionListener }) {
    this.#clock = options.clock;
    this.#latencyMs = options.latencyMs ?? 0;
    this.#endpoint = options.endpoint;
    this.#listener = options.listener;
    this.#accept = (peer) => options.accept(peer);
    this.#later(() => this.#open());
  }

  get client(): ModelConnection {
    const unreadBytes = (): number => this.#unreadBytes;
    return {
      send: (text) => this.#sendToServer(text),
      get bufferedBytes() {
        return unreadBytes();
      },
      close: () => this.#closeByClient(),
    };
  }

  #open(): void {
    if (this.#state !== 'connecting') return;
    this.#later(() => {
      if (this.#state !== 'connecting') return;
      this.#state = 'open';
      this.#listener.onOpen();
    });
    this.#server = this.#accept({
      endpoint: this.#endpoint,
      send: (text) => this.#sendToClient(text),
      close: (code, reason) => this.#closeByServer(code, reason),
      pause: () => (this.#isPaused = true),
      resume: () => this.#resume(),
    });
  }

  #sendToClient(text: string): void {
    this.#later(() => {
      // As on a socket, what was under way still arrives while the client closes.
      if (this.#state === 'open' || this.#state === 'closing') this.#listener.onMessage(text);
    });
  }

  #sendToServer(text: string): void {
    if (this.#state !== 'open') return;
    const bytes = Buffer.byteLength(text);
    this.#later(() => {
      this.#unread.push(text);
      this.#unreadBytes += bytes;
      if (!this.#isPaused) this.#resume();
    });
  }

  #resume(): void {
    this.#isPaused = false;
    const unread = this.#unread;
    this.#unread = [];
    this.#unreadBytes = 0;
    for (const text of unread) this.#server?.onMessage(text);
  }

  #closeByClient(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#state = 'closing';
    this.#later(() => {
      this.#server?.onClose({ code: 1000, reason: '' });
      this.#later(() => this.#tellClosed({ code: 1000, reason: '' }));
    });
  }

  #closeByServer(code: number, reason: string): void {
    if (this.#isClosedByServer) return;
    this.#isClosedByServer = true;
    this.#later(() => {
      this.#tellClosed({ code, reason });
      this.#later(() => this.#server?.onClose({ code, reason }));
    });
  }

  #tellClosed(closed: { code: number; reason: string }): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#listener.onClose(closed);
  }

  #later(happen: () => void): void {
    this.#clock.setTimer(this.#latencyMs, happen);
  }
}
