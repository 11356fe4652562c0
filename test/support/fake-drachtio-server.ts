import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { until } from './until';

/** One SIP message that the application sent through the admin connection. */
export interface SentMessage {
  /** Id of its frame; replies repeat it. */
  frameId: string;
  txnId: string;
  dialogId: string;
  startLine: string;
  /** Lower-case names. */
  headers: ReadonlyMap<string, string>;
  body: string;
  text: string;
}

/** How the fake treats one message: the frames to send back, all in one TCP chunk. */
export type Reply = (message: SentMessage) => string[] | undefined;

const secret = 'cymru';

/**
 * The admin side of drachtio-server, scripted: it speaks the frames and knows no SIP. What it sends in one call of
 * `send` arrives in one chunk, which is what the traps of drachtio-srf need.
 */
export class FakeDrachtioServer {
  /** Lines other than SIP: `authenticate|...`, `route|invite`, `ping`. */
  readonly commands: string[] = [];
  readonly messages: SentMessage[] = [];
  /** Asked first; undefined leaves the message to the default, an OK with the message echoed. */
  reply: Reply = () => undefined;
  answersPings = true;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #nextId = 1;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async start({ port = 0 }: { port?: number } = {}): Promise<FakeDrachtioServer> {
    const server = createServer();
    const fake = new FakeDrachtioServer(server);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return fake;
  }

  get address(): { host: string; port: number; secret: string } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port, secret };
  }

  /** SIP responses the application sent, such as `200 INVITE`. */
  get responses(): string[] {
    return this.messages
      .filter(({ startLine }) => startLine.startsWith('SIP/2.0'))
      .map(({ startLine, headers }) => `${startLine.split(' ')[1]} ${headers.get('cseq')?.split(' ')[1]}`);
  }

  /** Methods of the requests the application sent. */
  get requests(): string[] {
    return this.messages
      .filter(({ startLine }) => !startLine.startsWith('SIP/2.0'))
      .map(({ startLine }) => startLine.split(' ')[0] ?? '');
  }

  /** The last message whose start line begins so. */
  last(startLine: string): SentMessage {
    const found = this.messages.filter((message) => message.startLine.startsWith(startLine)).at(-1);
    if (found === undefined) throw new Error(`the application sent no ${startLine}`);
    return found;
  }

  async untilSent(startLine: string, count = 1): Promise<SentMessage> {
    const matching = (): SentMessage[] => this.messages.filter((message) => message.startLine.startsWith(startLine));
    await until(() => matching().length >= count, `${count} x ${startLine}, there are ${this.#log()}`);
    return matching()[count - 1]!;
  }

  /** Sends frames in one chunk. */
  send(...payloads: string[]): void {
    const bytes = Buffer.from(payloads.map((payload) => `${Buffer.byteLength(payload)}#${payload}`).join(''));
    for (const socket of this.#sockets) socket.write(bytes);
  }

  /** As with a request handler `tcp://`: the server connects to the application. */
  dial(port: number): Socket {
    const socket = connect(port, '127.0.0.1');
    this.#accept(socket);
    return socket;
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  id(prefix: string): string {
    return `${prefix}-${this.#nextId++}`;
  }

  /** `OK` for a response that the application sent (R2). */
  sentResponse(message: SentMessage, { dialogId = '', txnId = message.txnId } = {}): string {
    return `${this.id('r')}|response|${message.frameId}|OK|application|1|udp|127.0.0.9|5060|09:00:00.000000|${txnId}|${dialogId}||Msg sent:|\r\n${message.text}`;
  }

  /** `OK` for a request that the application sent (R1), as it left: with Call-ID, tags and Contact. */
  sentRequest(message: SentMessage, { txnId, text }: { txnId: string; text: string }): string {
    return `${this.id('r')}|response|${message.frameId}|OK|application|1|udp|127.0.0.9|5060|09:00:00.000000|${txnId}|Msg sent:|\r\n${text}`;
  }

  refusal(message: SentMessage, why: string): string {
    return `${this.id('r')}|response|${message.frameId}|NOK|${why}`;
  }

  /** A request or response from the network (S1 to S5), or with `application` from the server itself (S6). */
  received(text: string, { txnId, dialogId = '', source = 'network' }: Received): string {
    const received = dialogId === '' ? '|127.0.0.1|5060|' : '|';
    return `${this.id('s')}|sip|${source}|${Buffer.byteLength(text)}|udp|127.0.0.9|5070|09:00:00.000000|${txnId}|${dialogId}${received}\r\n${text}`;
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    let pending = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const hash = pending.indexOf('#');
        const length = hash < 0 ? 0 : Number(pending.toString('latin1', 0, hash));
        if (hash < 0 || pending.length < hash + 1 + length) return;
        this.#onFrame(socket, pending.toString('utf8', hash + 1, hash + 1 + length));
        pending = pending.subarray(hash + 1 + length);
      }
    });
  }

  #onFrame(socket: Socket, frame: string): void {
    const lineEnd = frame.indexOf('\r\n');
    const [frameId = '', kind = '', ...rest] = (lineEnd < 0 ? frame : frame.slice(0, lineEnd)).split('|');
    if (kind !== 'sip') {
      this.commands.push([kind, ...rest].join('|'));
      if (kind === 'ping' && !this.answersPings) return;
      const refused = kind === 'authenticate' && rest[0] !== secret;
      const hostports = kind === 'authenticate' ? '|udp/127.0.0.1:5060|v0.9.10|udp/127.0.0.1:5060' : '';
      this.send(`${this.id('r')}|response|${frameId}|${refused ? 'NO|incorrect secret' : `OK${hostports}`}`);
      if (refused) socket.end();
      return;
    }
    const message = parse(frameId, rest, frame.slice(lineEnd + 2));
    this.messages.push(message);
    const replies = this.reply(message) ?? this.#defaultReply(message);
    if (replies.length > 0) this.send(...replies);
  }

  #defaultReply(message: SentMessage): string[] {
    if (message.startLine.startsWith('SIP/2.0')) return [this.sentResponse(message)];
    const txnId = this.id('txn');
    return [this.sentRequest(message, { txnId, text: message.text })];
  }

  #log(): string {
    return this.messages.map(({ startLine }) => startLine).join(', ');
  }
}

interface Received {
  txnId: string;
  dialogId?: string;
  source?: 'network' | 'application';
}

function parse(frameId: string, [txnId = '', dialogId = '']: string[], text: string): SentMessage {
  const [head = '', ...bodyParts] = text.split('\r\n\r\n');
  const [startLine = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { frameId, txnId, dialogId, startLine, headers, body: bodyParts.join('\r\n\r\n'), text };
}
