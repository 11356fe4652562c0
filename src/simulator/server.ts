import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

import { messageOf } from '../runtime/errors';
import type { Behaviour } from './behaviour';
import { parseBehaviour, type ParsedBehaviour } from './behaviours';
import { refuse, SimulatorConnection, type ConnectionOptions } from './connection';
import { judgeUpgrade, realtimePath, selectProtocol, type Accepted, type Refused } from './handshake';
import type { SimulatorSession } from './session';

export interface SimulatorServerOptions extends ConnectionOptions {
  /** Where to listen; port 0 takes a free one. */
  address: string;
  port: number;
  /** For every model but `simulator:BEHAVIOUR`, which names its own. */
  behaviour: Behaviour;
  /** PEM texts; with them the server speaks `wss:` only. */
  tls?: { cert: string; key: string } | undefined;
  /** Undefined stands for no key. Every key, and none, will do when this is left out. */
  acceptKey?: ((key: string | undefined) => boolean) | undefined;
  /** Told of each session before its first event: for a test that wants to hear what the model hears. */
  onSession?: ((session: SimulatorSession) => void) | undefined;
}

export interface SimulatorServer {
  /** `ws:` or `wss:`, with the path and without a query. */
  readonly url: string;
  readonly connections: ReadonlySet<SimulatorConnection>;
  /** Ends every connection with 1001 and stops listening. Twice is fine. */
  close(): Promise<void>;
}

/** Upgrades above this are answered with 503. */
export const connectionsMax = 2_000;

/** An append may carry 15 MiB of base64, in JSON. */
const messageBytesMax = 16 * 1024 * 1024;

/** Behaviours that clients name are kept: files are read once. Above this the oldest is forgotten. */
const namedBehavioursMax = 100;

/** Listens for clients of the Realtime API. Rejects when the address cannot be had. */
export async function startSimulatorServer(options: SimulatorServerOptions): Promise<SimulatorServer> {
  const server = new ListeningServer(options);
  await server.listen();
  return server;
}

class ListeningServer implements SimulatorServer {
  readonly #options: SimulatorServerOptions;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #connections = new Set<SimulatorConnection>();
  readonly #namedBehaviours = new Map<string, ParsedBehaviour>();
  #url = '';
  #closing: Promise<void> | undefined;

  constructor(options: SimulatorServerOptions) {
    this.#options = options;
    this.#http = options.tls === undefined ? createHttpServer() : createHttpsServer(options.tls);
    this.#webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: messageBytesMax,
      handleProtocols: selectProtocol,
      // The live service agrees to it when a client offers it.
      perMessageDeflate: true,
    });
    this.#http.on('request', (_request, response) => response.writeHead(426, { Upgrade: 'websocket' }).end());
    this.#http.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  get url(): string {
    return this.#url;
  }

  get connections(): ReadonlySet<SimulatorConnection> {
    return this.#connections;
  }

  listen(): Promise<void> {
    const { address, port, tls, logger } = this.#options;
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen({ host: address, port }, () => {
        this.#http.off('error', reject);
        this.#http.on('error', (cause) => logger.warn({ cause: messageOf(cause) }, 'simulator server error'));
        const bound = this.#http.address() as AddressInfo;
        const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
        this.#url = `${tls === undefined ? 'ws' : 'wss'}://${host}:${bound.port}${realtimePath}`;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    await Promise.all([...this.#connections].map((connection) => connection.close(1001, 'server shutdown')));
    this.#http.closeAllConnections();
    await closed;
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client may vanish in the middle of the handshake.
    socket.on('error', () => socket.destroy());
    if (this.#connections.size >= connectionsMax || this.#closing !== undefined) {
      answerPlainly(socket, { status: 503, code: 'overloaded' });
      return;
    }
    const { behaviour, acceptKey = () => true } = this.#options;
    const { url = '/', headers } = request;
    const rules = { behaviour, acceptKey, behaviourOf: (name: string) => this.#behaviourOf(name) };
    const handshake = judgeUpgrade({ url, headers }, rules);
    if (handshake.kind === 'http-error') answerPlainly(socket, handshake);
    else this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#onWebSocket(webSocket, handshake));
  }

  #onWebSocket(socket: WebSocket, handshake: Accepted | Refused): void {
    if (handshake.kind === 'refused') {
      const { code, detail } = handshake.refusal;
      this.#options.logger.info({ code, detail }, 'simulator refused a connection');
      refuse(socket, handshake.refusal, this.#options);
      return;
    }
    const connection = new SimulatorConnection({ ...this.#options, socket, handshake });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    this.#options.onSession?.(connection.session);
    connection.start();
  }

  #behaviourOf(name: string): ParsedBehaviour {
    const known = this.#namedBehaviours.get(name);
    if (known !== undefined) return known;
    const parsed = parseBehaviour(name);
    const [oldest] = this.#namedBehaviours.keys();
    if (this.#namedBehaviours.size >= namedBehavioursMax && oldest !== undefined) this.#namedBehaviours.delete(oldest);
    if (parsed.kind === 'behaviour') this.#namedBehaviours.set(name, parsed);
    return parsed;
  }
}

function answerPlainly(socket: Duplex, { status, code }: { status: 404 | 503; code: string }): void {
  const body = JSON.stringify({ error: { type: 'invalid_request_error', code, message: code, param: null } });
  const reason = status === 404 ? 'Not Found' : 'Service Unavailable';
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
