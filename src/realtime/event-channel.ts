import type { Clock, Timer } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import { serialise, type ClientEvent } from './client-events';
import type { ConnectionClosed, ConnectModel, ModelConnection, ModelEndpoint } from './model-connection';
import { RejectedMessages } from './rejected-messages';
import { parseServerEvent, type RejectedMessage, type ServerEvent } from './server-events';
import type { FatalError } from './session-end';
import type { SessionEnded } from './session-listener';

/** A server closes right after an error that is fatal. If it does not, we do. */
const closeAfterFatalMs = 1_000;

/** The session behind a channel. It hears nothing before the channel's constructor has returned. */
export interface EventChannelListener {
  onOpen(): void;
  onEvent(event: ServerEvent): void;
  /** We close: nothing is sent, and no event told, any more. */
  onClosing(): void;
  /** Told once. `known`: what we or an error event have said that the end means. */
  onClosed(closed: ConnectionClosed, known: SessionEnded | undefined): void;
}

//  connecting ─▶ open ─▶ closing ─▶ closed      (connecting may go to closing, too, and any to closed)
type ChannelState = 'connecting' | 'open' | 'closing' | 'closed';

/** The events of one session over its connection: ours go out numbered, the server's come in checked; the first reason to end wins. */
export class EventChannel {
  readonly #clock: Clock;
  readonly #listener: EventChannelListener;
  /** For the caller's audio: appends are made of octets, many in a second, and have no event id. */
  readonly connection: ModelConnection;
  readonly #eventIdPrefix: string;
  readonly #rejected: RejectedMessages;
  #state: ChannelState = 'connecting';
  #eventCount = 0;
  #messagesReceived = 0;
  #ended: SessionEnded | undefined;
  #closeAfterFatal: Timer | undefined;

  constructor(options: {
    connect: ConnectModel;
    endpoint: ModelEndpoint;
    clock: Clock;
    random: Random;
    logger: Logger;
    listener: EventChannelListener;
  }) {
    this.#clock = options.clock;
    this.#listener = options.listener;
    this.#rejected = new RejectedMessages(options.logger);
    this.#eventIdPrefix = `rb_${options.random.uuid().slice(0, 8)}`;
    this.connection = options.connect(options.endpoint, {
      onOpen: () => this.#onOpen(),
      onMessage: (text) => this.#onMessage(text),
      onClose: (closed) => this.#onClose(closed),
    });
  }

  /** Events go both ways. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Closing or closed: it never opens again. */
  get isOver(): boolean {
    return this.#state === 'closing' || this.#state === 'closed';
  }

  nextEventId(): string {
    this.#eventCount += 1;
    return `${this.#eventIdPrefix}_${this.#eventCount}`;
  }

  /** Does nothing unless it is open. */
  send(event: ClientEvent): void {
    if (this.isOpen) this.connection.send(serialise(event));
  }

  /** The server has said that the session is over. The close that should follow means this, whatever its code. */
  expectClose(fatal: FatalError): void {
    if (!this.isOpen) return;
    this.#ended ??= fatal;
    this.#closeAfterFatal ??= this.#clock.setTimer(closeAfterFatalMs, () => this.close(fatal));
  }

  get stats(): {
    messagesReceived: number;
    messagesRejected: number;
    rejectedFor: Readonly<Partial<Record<RejectedMessage['reason'], number>>>;
  } {
    return {
      messagesReceived: this.#messagesReceived,
      messagesRejected: this.#rejected.total,
      rejectedFor: this.#rejected.byReason,
    };
  }

  /** `onClosed` follows when the connection has closed. Twice is fine: the first reason wins. */
  close(ended: SessionEnded): void {
    this.#ended ??= ended;
    if (this.isOver) return;
    this.#state = 'closing';
    this.#listener.onClosing();
    this.connection.close();
  }

  #onOpen(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#listener.onOpen();
  }

  #onMessage(text: string): void {
    if (!this.isOpen) return;
    this.#messagesReceived += 1;
    const event = parseServerEvent(text);
    if (event.type !== 'rejected') {
      this.#listener.onEvent(event);
      return;
    }
    const message = 'the server sends messages that are not events';
    if (!this.#rejected.add(event)) this.close({ kind: 'lost', closeCode: 1002, message });
  }

  #onClose(closed: ConnectionClosed): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#closeAfterFatal?.cancel();
    this.#listener.onClosed(closed, this.#ended);
  }
}
