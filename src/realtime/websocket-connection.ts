import { WebSocket, type RawData } from 'ws';

import type { Clock, Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { ConnectModel, ModelConnection, ModelConnectionListener, ModelEndpoint } from './model-connection';
import { messageCharsMax } from './server-events';

export interface WebSocketOptions {
  clock: Clock;
  logger: Logger;
  /** From the start to the 101, name resolution and TLS included. Default 3000. */
  handshakeTimeoutMs?: number;
  /** Between two of our PINGs. Default 20000. */
  pingIntervalMs?: number;
  /** How long after a PING nothing at all may arrive. Default 10000. */
  pongTimeoutMs?: number;
  /** From our close to the other side's. Default 1000. */
  closeTimeoutMs?: number;
}

/**
 * Connects by WebSocket (RFC 6455) to the Realtime API or to a simulator: `Authorization: Bearer`, `model` in the query.
 * Neither the key nor what a server says of it is ever logged.
 */
export function webSocketModel(options: WebSocketOptions): ConnectModel {
  const limits: Limits = {
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 3_000,
    pingIntervalMs: options.pingIntervalMs ?? 20_000,
    pongTimeoutMs: options.pongTimeoutMs ?? 10_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 1_000,
  };
  return (endpoint, listener) => {
    let socket: WebSocket;
    try {
      socket = openSocket(endpoint, limits);
    } catch (cause) {
      // A URL or a header that cannot be: the listener hears of it as of any other failure, after we have returned.
      options.clock.setTimer(0, () => listener.onClose({ code: 1006, reason: messageOf(cause) }));
      return unopenedConnection;
    }
    return new WebSocketConnection({ socket, listener, limits, clock: options.clock, logger: options.logger });
  };
}

type Limits = Required<Omit<WebSocketOptions, 'clock' | 'logger'>>;

const unopenedConnection: ModelConnection = { send: () => undefined, bufferedBytes: 0, close: () => undefined };

function openSocket({ url, model, apiKey, headers }: ModelEndpoint, { closeTimeoutMs }: Limits): WebSocket {
  const target = new URL(url);
  target.searchParams.set('model', model);
  const options = {
    headers: { ...headers, ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }) },
    followRedirects: false,
    // Base64 of speech hardly shrinks, and a bomb hardly costs its sender anything.
    perMessageDeflate: false,
    maxPayload: messageCharsMax,
    // For a server that sends a close frame and then keeps the TCP connection; the types do not know it yet.
    closeTimeout: closeTimeoutMs,
  };
  return new WebSocket(target, options);
}

/** One socket. Whatever happens ends in `close` of the library, and only that tells the listener. */
class WebSocketConnection implements ModelConnection {
  readonly #socket: WebSocket;
  readonly #listener: ModelConnectionListener;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** One deadline at a time: for the handshake, the next PING, its answer, the close. */
  #timer: Timer;
  #isClosing = false;
  /** Why there is no close frame: the first thing that went wrong. */
  #failure: string | undefined;
  #httpStatus: number | undefined;
  #hasArrived = false;
  #binaryMessages = 0;
  #messagesUnsent = 0;

  constructor(options: {
    socket: WebSocket;
    listener: ModelConnectionListener;
    limits: Limits;
    clock: Clock;
    logger: Logger;
  }) {
    this.#socket = options.socket;
    this.#listener = options.listener;
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#logger = options.logger;
    const { handshakeTimeoutMs } = this.#limits;
    this.#timer = this.#clock.setTimer(handshakeTimeoutMs, () =>
      this.#abort(`no WebSocket after ${handshakeTimeoutMs} ms`),
    );
    this.#listen(options.socket);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(text: string): void {
    // Octets that it may not change the library masks into one buffer with their header: one write in place of two.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(Buffer.from(text), { binary: false });
    else this.#messagesUnsent += 1;
  }

  close(): void {
    if (this.#isClosing || this.#socket.readyState === WebSocket.CLOSED) return;
    this.#isClosing = true;
    if (this.#socket.readyState === WebSocket.CONNECTING) {
      this.#abort('closed before it was open');
      return;
    }
    this.#socket.close(1000);
    this.#setTimer(this.#limits.closeTimeoutMs, () => this.#abort('the server did not answer the close'));
  }

  #listen(socket: WebSocket): void {
    socket.on('open', () => {
      this.#pingLater();
      this.#listener.onOpen();
    });
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('ping', () => (this.#hasArrived = true));
    socket.on('pong', () => (this.#hasArrived = true));
    socket.on('unexpected-response', (_request, response) => {
      this.#httpStatus = response.statusCode;
      this.#abort(`HTTP ${response.statusCode ?? 'without status'} instead of a WebSocket`);
    });
    // Every error is followed by `close`.
    socket.on('error', (cause) => (this.#failure ??= describe(cause)));
    socket.on('close', (code, reason) => this.#onClose(code, reason.toString()));
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#hasArrived = true;
    if (isBinary) {
      this.#binaryMessages += 1;
      return;
    }
    // Text comes as one Buffer while `binaryType` is ws's default.
    if (Buffer.isBuffer(data)) this.#listener.onMessage(data.toString());
  }

  #onClose(code: number, frameReason: string): void {
    this.#isClosing = true;
    this.#timer.cancel();
    const reason = frameReason === '' ? (this.#failure ?? '') : frameReason;
    const httpStatus = this.#httpStatus;
    this.#logger.debug(
      { code, httpStatus, binaryMessages: this.#binaryMessages, messagesUnsent: this.#messagesUnsent },
      'connection to the model closed',
    );
    this.#listener.onClose({ code, reason, ...(httpStatus === undefined ? {} : { httpStatus }) });
  }

  /**
   * A peer that vanished without a FIN is found by PINGs. Whatever arrives after one proves that it lives: audio may
   * queue ahead of the PONG.
   */
  #pingLater(): void {
    const { pingIntervalMs, pongTimeoutMs } = this.#limits;
    this.#setTimer(pingIntervalMs, () => {
      this.#hasArrived = false;
      this.#socket.ping();
      this.#setTimer(pongTimeoutMs, () => {
        if (this.#hasArrived) this.#pingLater();
        else this.#abort(`nothing arrived in ${pongTimeoutMs} ms after a ping`);
      });
    });
  }

  #setTimer(delayMs: number, fire: () => void): void {
    this.#timer.cancel();
    this.#timer = this.#clock.setTimer(delayMs, fire);
  }

  /** Cuts the connection without a closing handshake; `close` follows. */
  #abort(why: string): void {
    this.#failure ??= why;
    this.#timer.cancel();
    this.#socket.terminate();
  }
}

/** When several addresses were tried in vain, Node's error has a code and no message. */
function describe(cause: Error): string {
  if (cause.message !== '') return cause.message;
  return 'code' in cause ? String(cause.code) : cause.name;
}
