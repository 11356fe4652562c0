import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import { answerCallsRequest, callOperations } from './calls-api';
import type { CallsControl } from './calls-api';
import { hasBody, jsonAnswer } from './http-answer';
import type { Answer } from './http-answer';
import { answerPlanRequest, planOperations } from './plan-api';
import type { PlanControl } from './plan-control';

export interface HttpServerOptions {
  listen: { host: string; port: number };
  /** Why calls cannot be taken now, one sentence each; empty when they can. */
  ready: () => readonly string[];
  /** What is wrong although calls are taken, one sentence each. */
  degraded?: () => readonly string[];
  /** The answer to a scrape. */
  metrics: () => Promise<string>;
  /** The media type of that answer. */
  contentType: string;
  plans: PlanControl;
  calls: CallsControl;
  /** What users of the API must show; undefined: they must be on this machine. */
  token: string | undefined;
  logger: Logger;
}

export interface HttpServer {
  readonly address: string;
  readonly port: number;
  /** Stops listening and ends every connection. Twice is fine. */
  close(): Promise<void>;
}

const limits = {
  connections: 64,
  headerBytes: 8_192,
  requestMs: 5_000,
  idleMs: 5_000,
  requestsPerConnection: 1_000,
};

/** Serves `/health`, `/ready`, `/metrics` and the APIs of dialplan and calls. Rejects when it cannot listen. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { listen, logger } = options;
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.requestMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
  });
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  server.on('request', (request, response) => void serve(request, response, options));
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => logger.error({ message: error.message }, 'HTTP server failed'));
  const { address, port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return { address, port, close: () => (closing ??= closeServer(server)) };
}

/** Never rejects: what goes wrong is an answer of 500. */
async function serve(request: IncomingMessage, response: ServerResponse, options: HttpServerOptions): Promise<void> {
  response.on('error', () => undefined);
  let answer: Answer;
  try {
    answer = await answerTo(request, options);
  } catch (cause) {
    options.logger.error({ message: messageOf(cause) }, 'HTTP request failed');
    answer = jsonAnswer(500, { error: 'internal error' });
  }
  if (response.destroyed) return;
  response.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerTo(request: IncomingMessage, options: HttpServerOptions): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const operation = planOperations.get(path);
  if (operation !== undefined) return answerPlanRequest(operation, request, options);
  const onCalls = callOperations.get(path);
  if (onCalls !== undefined) return answerCallsRequest(onCalls, request, options);
  // No other resource takes a body, and an unread one would be taken for the next request.
  if (hasBody(request)) return jsonAnswer(413, { error: 'no body is expected here' }, { Connection: 'close' });
  const resource = resources.get(path);
  if (resource === undefined) {
    const known = [...resources.keys(), ...planOperations.keys(), ...callOperations.keys()];
    return jsonAnswer(404, { error: 'no such resource', resources: known });
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return jsonAnswer(405, { error: 'only GET and HEAD' }, { Allow: 'GET, HEAD' });
  }
  return resource(options);
}

type Resource = (options: HttpServerOptions) => Answer | Promise<Answer>;

const resources = new Map<string, Resource>([
  /** The process is well: it answers. */
  ['/health', () => jsonAnswer(200, { status: 'ok' })],
  /** It takes calls. */
  [
    '/ready',
    ({ ready, degraded }) => {
      const reasons = ready();
      if (reasons.length > 0) return jsonAnswer(503, { status: 'not ready', reasons });
      const troubles = degraded?.() ?? [];
      return jsonAnswer(200, troubles.length === 0 ? { status: 'ready' } : { status: 'ready', degraded: troubles });
    },
  ],
  ['/metrics', async ({ metrics, contentType }) => ({ status: 200, type: contentType, body: await metrics() })],
]);

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
