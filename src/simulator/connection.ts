import type { RawData, WebSocket } from 'ws';

import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { Fault } from './fault';
import type { Accepted, Refusal } from './handshake';
import { IdSource } from './id-source';
import type { ServerEvent } from './server-events';
import { SimulatorSession } from './session';
import type { SimulatorTiming } from './session-context';
import { Timers } from './timers';

/** How a server misbehaves with each of its connections. */
export interface ConnectionFaults {
  /** Counted from `session.created`. */
  session?: readonly Fault[];
  /** From the 101 to `session.created`. */
  firstEventDelayMs?: number;
  /** Reading pauses for so long, this often: what the client sends piles up on its side. */
  slowReading?: { everyMs: number; pauseMs: number };
}

export interface ConnectionOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  faults?: ConnectionFaults | undefined;
  timing?: Partial<SimulatorTiming> | undefined;
}

const pingIntervalMs = 20_000;
/** A client that does not answer the close frame is cut off. */
const closeTimeoutMs = 2_000;
/** What a client may leave unread before it is cut off. */
const unsentBytesMax = 64 * 1024 * 1024;

/** One WebSocket with its session. */
export class SimulatorConnection {
  readonly session: SimulatorSession;
  readonly model: string;
  readonly #socket: WebSocket;
  readonly #logger: Logger;
  readonly #random: Random;
  readonly #faults: ConnectionFaults;
  readonly #timers: Timers;
  readonly #closed: Promise<void>;

  /** `handshake` was accepted; `socket` is open. */
  constructor({ socket, handshake, ...options }: ConnectionOptions & { socket: WebSocket; handshake: Accepted }) {
    this.#socket = socket;
    this.#random = options.random;
    this.#faults = options.faults ?? {};
    this.#timers = new Timers(options.clock, () => undefined);
    this.model = handshake.kind === 'conversation' ? handshake.model : '';
    this.session = new SimulatorSession({
      clock: options.clock,
      random: options.random,
      behaviour: handshake.behaviour,
      model: this.model,
      send: (event) => this.#send(JSON.stringify(event)),
      sendText: (text) => this.#send(text),
      close: (code, reason) => void this.close(code, reason),
      abort: () => socket.terminate(),
      options: {
        intent: handshake.kind,
        faults: this.#faults.session ?? [],
        ...(options.timing === undefined ? {} : { timing: options.timing }),
      },
    });
    this.#logger = options.logger.child({ sessionId: this.session.id, model: this.model });
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', (cause) => this.#logger.warn({ cause: messageOf(cause) }, 'simulator connection error'));
    socket.on('close', (code) => this.#onClose(code));
  }

  /** Begins the session, at once unless a fault delays it. */
  start(): void {
    this.#logger.info({ behaviour: this.session.behaviourName }, 'simulator session opened');
    this.#timers.after(pingIntervalMs, () => this.#ping());
    const { firstEventDelayMs = 0, slowReading } = this.#faults;
    if (firstEventDelayMs > 0) {
      this.#socket.pause();
      this.#timers.after(firstEventDelayMs, () => this.#startSession());
    } else {
      this.#startSession();
    }
    if (slowReading !== undefined) this.#readSlowly(slowReading);
  }

  /** Sends a close frame, and waits a bounded time for the client's. Twice is fine. */
  async close(code: number, reason: string): Promise<void> {
    if (this.#socket.readyState === this.#socket.OPEN) {
      this.#socket.close(code, reason.slice(0, closeReasonLengthMax));
      this.#timers.after(closeTimeoutMs, () => this.#socket.terminate());
    }
    await this.#closed;
  }

  #startSession(): void {
    this.#socket.resume();
    this.session.start();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (isBinary) this.session.receiveBinary();
    else this.session.receive(textOf(data));
  }

  #onClose(code: number): void {
    this.session.end();
    this.#timers.close();
    this.#logger.info({ code }, 'simulator session closed');
  }

  #send(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > unsentBytesMax) {
      this.#logger.warn({ unsentBytes: this.#socket.bufferedAmount }, 'simulator client does not read');
      this.#socket.terminate();
      return;
    }
    this.#socket.send(text);
  }

  #ping(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.ping(this.#random.bytes(4));
    this.#timers.after(pingIntervalMs, () => this.#ping());
  }

  #readSlowly({ everyMs, pauseMs }: { everyMs: number; pauseMs: number }): void {
    this.#timers.after(everyMs, () => {
      this.#socket.pause();
      this.#timers.after(pauseMs, () => {
        this.#socket.resume();
        this.#readSlowly({ everyMs, pauseMs });
      });
    });
  }
}

/** RFC 6455 section 5.5: a control frame carries 125 octets, two of them the code. */
const closeReasonLengthMax = 123;

/** Says why and closes, as the live service does: the upgrade itself succeeded. */
export function refuse(
  socket: WebSocket,
  { code, message, closeCode }: Refusal,
  { clock, random }: ConnectionOptions,
): void {
  const type = 'invalid_request_error';
  const event: ServerEvent = {
    type: 'error',
    event_id: new IdSource({ clock, random }).next('event'),
    error: { type, code, message, param: null, event_id: null },
  };
  socket.on('error', () => socket.terminate());
  socket.send(JSON.stringify(event));
  socket.close(closeCode, `${type}.${code}`);
  const deadline = clock.setTimer(closeTimeoutMs, () => socket.terminate());
  socket.once('close', () => deadline.cancel());
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}
