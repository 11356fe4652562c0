import { endOfField, messageBytesMax, unfold } from './parse-message';
import { parseDecimal } from './scanner';

export type FramingFault = 'too-large' | 'no-content-length' | 'bad-content-length';

export interface FramedListener {
  /** One message with its empty lines removed. May keep the buffer. */
  onFrame(bytes: Buffer): void;
  /** A double CRLF: the peer keeps the connection alive and wants one CRLF back (RFC 5626 section 4.4.1). */
  onPing(): void;
}

const noRoom = Buffer.alloc(0);

/** Cuts a stream into messages by Content-Length (RFC 3261 section 18.3). After a fault the stream cannot be followed. */
export class StreamFramer {
  readonly #listener: FramedListener;
  #pending: Buffer = noRoom;
  /** Where a message that comes in pieces is put together. Only its unused end is written to: frames may be kept. */
  #room: Buffer = noRoom;
  #roomUsed = 0;
  /** How far the search for the end of the headers has come, so that single octets cost no second look. */
  #searchedTo = 0;
  /** Length of the message that is coming, once its headers are here: they are read once, however the rest trickles in. */
  #totalBytes: number | undefined;
  #sawEmptyLine = false;

  constructor(listener: FramedListener) {
    this.#listener = listener;
  }

  /** Whether part of a message is waiting for the rest. */
  get isWaiting(): boolean {
    return this.#pending.length > 0;
  }

  /** What came and belongs to no message yet. */
  get waiting(): Buffer {
    return this.#pending;
  }

  push(chunk: Buffer): FramingFault | undefined {
    this.#pending = this.#pending.length === 0 ? chunk : this.#joined(chunk);
    for (;;) {
      this.#takeEmptyLines();
      const frame = this.#nextFrame();
      if (frame === undefined || typeof frame === 'string') {
        if (this.#pending.length === 0) this.#room = noRoom;
        return frame;
      }
      this.#sawEmptyLine = false;
      this.#listener.onFrame(frame);
    }
  }

  /** What is pending and `chunk`. The room doubles, so that single octets are not all copied again for each. */
  #joined(chunk: Buffer): Buffer {
    const length = this.#pending.length + chunk.length;
    const isInRoom = this.#room.length > 0 && this.#pending.buffer === this.#room.buffer;
    if (!isInRoom || this.#roomUsed + chunk.length > this.#room.length) {
      this.#room = Buffer.allocUnsafeSlow(2 * length);
      this.#roomUsed = this.#pending.copy(this.#room);
    }
    this.#roomUsed += chunk.copy(this.#room, this.#roomUsed);
    return this.#room.subarray(this.#roomUsed - length, this.#roomUsed);
  }

  #takeEmptyLines(): void {
    while (this.#pending[0] === 0x0d && this.#pending[1] === 0x0a) {
      this.#drop(2);
      if (this.#sawEmptyLine) this.#listener.onPing();
      this.#sawEmptyLine = !this.#sawEmptyLine;
    }
  }

  /** The next whole message, undefined when more octets are needed. */
  #nextFrame(): Buffer | FramingFault | undefined {
    const total = this.#totalBytes ?? this.#findTotal();
    if (typeof total !== 'number') return total;
    this.#totalBytes = total;
    if (this.#pending.length < total) return undefined;
    const frame = this.#pending.subarray(0, total);
    this.#drop(total);
    return frame;
  }

  /** Octets of the next message, undefined while its headers are incomplete. */
  #findTotal(): number | FramingFault | undefined {
    const headEnd = this.#pending.indexOf('\r\n\r\n', Math.max(0, this.#searchedTo - 3), 'latin1');
    if (headEnd === -1) {
      this.#searchedTo = this.#pending.length;
      return this.#pending.length > messageBytesMax ? 'too-large' : undefined;
    }
    if (headEnd > messageBytesMax) return 'too-large';
    const bodyBytes = readContentLength(this.#pending.toString('latin1', 0, headEnd));
    if (typeof bodyBytes === 'string') return bodyBytes;
    const total = headEnd + 4 + bodyBytes;
    return total > messageBytesMax ? 'too-large' : total;
  }

  #drop(count: number): void {
    this.#pending = this.#pending.subarray(count);
    this.#searchedTo = 0;
    this.#totalBytes = undefined;
  }
}

/** Two lengths, or one that is no plain number, would let a second message hide inside the first. */
function readContentLength(head: string): number | FramingFault {
  let length: number | undefined;
  for (let at = head.indexOf('\r\n') + 2; at >= 2 && at < head.length;) {
    const end = endOfField(head, at);
    const field = head.slice(at, end);
    const name = field
      .slice(0, Math.max(field.indexOf(':'), 0))
      .trim()
      .toLowerCase();
    if (name === 'content-length' || name === 'l') {
      const value = parseDecimal(unfold(field.slice(field.indexOf(':') + 1)), messageBytesMax);
      if (value === undefined || length !== undefined) return 'bad-content-length';
      length = value;
    }
    at = end + 2;
  }
  return length ?? 'no-content-length';
}
