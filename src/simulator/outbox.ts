import type { ServerEvent } from './server-events';

/** The way out of a session. Called synchronously; `send` may call back into the session. */
export interface OutboxPorts {
  send(event: ServerEvent): void;
  /** Sends a close frame (RFC 6455 section 7.4) after what was sent. */
  close(code: number, reason: string): void;
  /** Sends a text that is no event; left out where such faults are not wanted. */
  sendText?: ((text: string) => void) | undefined;
  /** Drops the connection without a close frame; `close` with 1006 when left out. */
  abort?: (() => void) | undefined;
}

type Outgoing =
  | { kind: 'event'; event: ServerEvent }
  | { kind: 'text'; text: string }
  | { kind: 'close'; code: number; reason: string }
  | { kind: 'abort' };

/** What a stalled session may hold back; above it the rest is lost. */
export const heldBackMax = 20_000;

/** Keeps the events of a session in order while it works, and holds them back while it plays dead. */
export class Outbox {
  readonly #ports: OutboxPorts;
  #waiting: Outgoing[] = [];
  #state: 'open' | 'held' | 'flushing' | 'closed' = 'open';

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  push(outgoing: Outgoing): void {
    if (this.#state === 'closed' || this.#waiting.length >= heldBackMax) return;
    this.#waiting.push(outgoing);
  }

  /** Hands over what waits, and what comes of that. The session must be ready to receive. */
  flush(): void {
    if (this.#state !== 'open') return;
    this.#state = 'flushing';
    while (this.#waiting.length > 0 && this.#isFlushing()) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const [index, outgoing] of batch.entries()) {
        this.#hand(outgoing);
        if (!this.#isFlushing()) {
          this.#waiting = [...batch.slice(index + 1), ...this.#waiting];
          break;
        }
      }
    }
    if (this.#isFlushing()) this.#state = 'open';
  }

  hold(): void {
    if (this.#state !== 'closed') this.#state = 'held';
  }

  /** The next `flush` hands over what was held back. */
  release(): void {
    if (this.#state === 'held') this.#state = 'open';
  }

  close(): void {
    this.#state = 'closed';
    this.#waiting = [];
  }

  #hand(outgoing: Outgoing): void {
    switch (outgoing.kind) {
      case 'event':
        this.#ports.send(outgoing.event);
        break;
      case 'text':
        this.#ports.sendText?.(outgoing.text);
        break;
      case 'close':
        this.close();
        this.#ports.close(outgoing.code, outgoing.reason);
        break;
      case 'abort':
        this.close();
        if (this.#ports.abort === undefined) this.#ports.close(1006, '');
        else this.#ports.abort();
        break;
    }
  }

  #isFlushing(): boolean {
    return this.#state === 'flushing';
  }
}
