import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { FrameDecoder, encodeFrame } from '../../src/sip-server/admin-frame';
import type { SipServer } from '../../src/sip-server/server';

/** A frame from the server: the tokens of its meta line, and the SIP message behind it. */
export interface ServerFrame {
  tokens: string[];
  message: string;
}

/** Speaks the admin protocol word by word, for what drachtio-srf would hide. */
export class AdminConnection {
  readonly socket: Socket;
  readonly frames: ServerFrame[] = [];
  readonly #decoder = new FrameDecoder();
  #waiting: (() => void)[] = [];
  #lastId = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#onData(chunk));
  }

  static async open(server: SipServer, { allowHalfOpen = false } = {}): Promise<AdminConnection> {
    const { host, port } = server.admin;
    const socket = connect({ host, port, allowHalfOpen });
    await once(socket, 'connect');
    return new AdminConnection(socket);
  }

  /** Logs in and asks for `verbs`. */
  static async login(server: SipServer, ...verbs: string[]): Promise<AdminConnection> {
    const connection = await AdminConnection.open(server);
    await connection.command(`authenticate|${server.admin.secret}|`);
    for (const verb of verbs) await connection.command(`route|${verb}`);
    return connection;
  }

  /** Sends a command and waits for its reply. */
  async command(line: string, message?: string): Promise<ServerFrame> {
    const id = this.write(line, message);
    return this.next((frame) => frame.tokens[1] === 'response' && frame.tokens[2] === id);
  }

  /** Sends a command; its id. */
  write(line: string, message?: string): string {
    const id = `id-${(this.#lastId += 1)}`;
    this.socket.write(encodeFrame(`${id}|${line}`, message === undefined ? undefined : Buffer.from(message)));
    return id;
  }

  /** The first frame, already here or still to come, that `matches`. */
  async next(matches: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    for (;;) {
      const found = this.frames.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async closed(): Promise<void> {
    if (!this.socket.destroyed) await once(this.socket, 'close');
  }

  close(): void {
    this.socket.destroy();
  }

  #onData(chunk: Buffer): void {
    const decoded = this.#decoder.push(chunk);
    if (decoded === 'malformed') throw new Error('the server sent a malformed frame');
    for (const frame of decoded) {
      if (frame.kind !== 'frame') throw new Error('the server sent a frame that is too large');
      const text = frame.payload.toString('latin1');
      const end = text.indexOf('\r\n');
      const line = end === -1 ? text : text.slice(0, end);
      this.frames.push({ tokens: line.split('|'), message: end === -1 ? '' : text.slice(end + 2) });
    }
    for (const tell of this.#waiting.splice(0)) tell();
  }
}
