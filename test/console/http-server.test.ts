import { request } from 'node:http';
import { connect } from 'node:net';

import type { HttpServer, HttpServerOptions } from '../../src/console/http-server';
import { startHttpServer } from '../../src/console/http-server';
import { LoggerSpy } from '../support/logger-spy';
import { noCalls, planControl } from './plan-control';

const servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(change: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    ready: () => [],
    metrics: () => Promise.resolve('up 1\n'),
    contentType: 'text/plain; version=0.0.4',
    plans: planControl(),
    calls: noCalls,
    token: undefined,
    logger: new LoggerSpy(),
    ...change,
  });
  servers.push(server);
  return server;
}

interface Reply {
  status: number | undefined;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

function ask(server: HttpServer, path: string, { method = 'GET', body = '' } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = body === '' ? {} : { 'Content-Length': Buffer.byteLength(body) };
    let reply: Reply | undefined;
    const sent = request(
      { host: server.address, port: server.port, path, method, agent: false, headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          reply = { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
        });
      },
    );
    // Only then is its socket gone, too.
    sent.on('close', () => (reply === undefined ? reject(new Error('no reply')) : resolve(reply)));
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sends octets as they are and resolves with what came back until the server closed. */
function askRaw(server: HttpServer, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.address, () => socket.write(text));
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

test('health is 200 as long as the process answers, ready or not', async () => {
  const reply = await ask(await start({ ready: () => ['draining'] }), '/health');
  expect(reply.status).toBe(200);
  expect(JSON.parse(reply.body)).toEqual({ status: 'ok' });
  expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
});

test('ready is 200 when calls can be taken, else 503 with every reason', async () => {
  const reasons: string[] = [];
  const server = await start({ ready: () => reasons });
  expect(await ask(server, '/ready')).toMatchObject({ status: 200 });
  reasons.push('no SIP link', 'draining');
  const reply = await ask(server, '/ready?verbose=1');
  expect(reply.status).toBe(503);
  expect(JSON.parse(reply.body)).toEqual({ status: 'not ready', reasons: ['no SIP link', 'draining'] });
});

test('metrics have their own media type', async () => {
  const reply = await ask(await start(), '/metrics');
  expect(reply).toMatchObject({ status: 200, body: 'up 1\n' });
  expect(reply.headers['content-type']).toBe('text/plain; version=0.0.4');
});

test('HEAD has the headers of GET and no body', async () => {
  const server = await start();
  const get = await ask(server, '/metrics');
  const head = await ask(server, '/metrics', { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, body: '' });
  expect(head.headers['content-length']).toBe(get.headers['content-length']);
});

test.each(['/', '/healthz', '/health/', '/../etc/passwd', '/%68ealth', '//health'])(
  '%s is 404 in JSON',
  async (path) => {
    const reply = await ask(await start(), path);
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.body)).toMatchObject({ error: 'no such resource' });
  },
);

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])(
  '%s is 405 and says what is allowed',
  async (method) => {
    const reply = await ask(await start(), '/health', { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe('GET, HEAD');
    expect(JSON.parse(reply.body)).toEqual({ error: 'only GET and HEAD' });
  },
);

test('a body is refused unread and the connection closed', async () => {
  const received = await askRaw(
    await start(),
    'POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nGET /metrics HTTP/1.1\r\n',
  );
  expect(received).toMatch(/^HTTP\/1\.1 413 /);
  expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test('headers beyond their limit are refused', async () => {
  const received = await askRaw(await start(), `GET /health HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(received).toMatch(/^HTTP\/1\.1 4\d\d /);
});

test('what is not HTTP is answered 400 and the server goes on', async () => {
  const server = await start();
  expect(await askRaw(server, 'INVITE sip:x SIP/2.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await ask(server, '/health')).toMatchObject({ status: 200 });
});

test('a source that fails is a 500 without details, logged, and the server goes on', async () => {
  const logger = new LoggerSpy();
  const server = await start({
    logger,
    ready: () => {
      throw new Error('canary');
    },
    metrics: () => Promise.reject(new Error('canary')),
  });
  for (const path of ['/ready', '/metrics']) {
    const reply = await ask(server, path);
    expect(reply.status).toBe(500);
    expect(JSON.parse(reply.body)).toEqual({ error: 'internal error' });
  }
  expect(logger.lines).toEqual(['error HTTP request failed', 'error HTTP request failed']);
  expect(await ask(server, '/health')).toMatchObject({ status: 200 });
});

test('a caller that leaves before its answer does no harm', async () => {
  let open: (text: string) => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    const gate = new Promise<string>((release) => (open = release));
    void start({ metrics: () => (resolve(), gate) }).then((server) => {
      const socket = connect(server.port, server.address, () =>
        socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'),
      );
      void asked.then(() => socket.destroy());
    });
  });
  await asked;
  open('late\n');
  const [server] = servers;
  if (server === undefined) throw new Error('the server runs');
  expect(await ask(server, '/health')).toMatchObject({ status: 200 });
});

test('a port that is taken rejects the start', async () => {
  const { port } = await start();
  await expect(start({ listen: { host: '127.0.0.1', port } })).rejects.toThrow('EADDRINUSE');
});

test('closing ends open connections; twice is fine', async () => {
  const server = await start();
  const idle = new Promise((resolve) => {
    const socket = connect(server.port, server.address, () => socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.on('data', () => void server.close());
    socket.on('close', resolve);
  });
  await idle;
  await server.close();
});

test('it listens on IPv6 as well', async () => {
  const server = await start({ listen: { host: '::1', port: 0 } });
  expect(server.address).toBe('::1');
  expect(await ask(server, '/health')).toMatchObject({ status: 200 });
});

test('what is wrong although calls are taken is told beside the readiness', async () => {
  const troubles: string[] = [];
  const server = await start({ degraded: () => troubles });
  expect(JSON.parse((await ask(server, '/ready')).body)).toEqual({ status: 'ready' });
  troubles.push('worker 2 is being started');
  const { status, body } = await ask(server, '/ready');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({ status: 'ready', degraded: ['worker 2 is being started'] });
});
