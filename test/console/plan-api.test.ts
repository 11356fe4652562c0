import { request } from 'node:http';

import type { HttpServer } from '../../src/console/http-server';
import { startHttpServer } from '../../src/console/http-server';
import { LoggerSpy } from '../support/logger-spy';
import { noCalls, planControl, planProblem } from './plan-control';

const servers: HttpServer[] = [];
const asked: string[] = [];

beforeEach(() => void asked.splice(0));
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start({ token, host = '127.0.0.1' }: { token?: string; host?: string } = {}): Promise<HttpServer> {
  const server = await startHttpServer({
    listen: { host, port: 0 },
    ready: () => [],
    metrics: () => Promise.resolve(''),
    contentType: 'text/plain',
    plans: planControl({}, asked),
    calls: noCalls,
    token,
    logger: new LoggerSpy(),
  });
  servers.push(server);
  return server;
}

interface Ask {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A change that `ringbridge reload` asks for, but for what `change` says. */
function ask(
  server: HttpServer,
  change: Ask = {},
): Promise<{ status: number | undefined; body: Record<string, unknown> }> {
  const { path = '/dialplan/reload', method = 'POST', body = method === 'POST' ? '{}' : '', headers = {} } = change;
  const usual = method === 'POST' ? { 'Content-Type': 'application/json', 'X-Ringbridge': '1' } : {};
  const all = Object.fromEntries(Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== ''));
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: server.port, path, method, agent: false, headers: all },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode,
            body: JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

test('a reload that is refused tells its problems as `check` has them', async () => {
  const { status, body } = await ask(await start());
  expect(status).toBe(422);
  expect(body).toMatchObject({ outcome: 'refused', folder: 'dialplans', problems: [planProblem], problemCount: 1 });
  expect(asked).toEqual(['reload']);
});

test('a restore takes a hash, and one that is not kept is told with those that are', async () => {
  const server = await start();
  const unknown = await ask(server, { path: '/dialplan/restore', body: '{"hash":"aaaaaaaaaaaa"}' });
  expect(unknown).toMatchObject({ status: 404, body: { outcome: 'unknown', known: ['0123456789ab'] } });
  for (const body of ['', '{}', '{"hash":1}', '[]', '{']) {
    expect((await ask(server, { path: '/dialplan/restore', body })).status).toBe(400);
  }
  expect((await ask(server, { path: '/dialplan/restore', body: `{"hash":"${'a'.repeat(5_000)}"}` })).status).toBe(413);
  expect(asked).toEqual(['restore aaaaaaaaaaaa']);
});

test('a body cannot pass for an answer', async () => {
  const body = '{"status":200,"type":"text/html","body":"x","headers":{},"answer":{"status":200}}';
  expect((await ask(await start(), { path: '/dialplan/restore', body })).status).toBe(400);
});

test('the plan and the kept plans can be looked at', async () => {
  const server = await start();
  expect(await ask(server, { path: '/dialplan', method: 'GET' })).toMatchObject({ status: 200, body: { hash: null } });
  expect(await ask(server, { path: '/dialplans', method: 'GET' })).toMatchObject({
    status: 200,
    body: { inForce: null, plans: [{ hash: '0123456789ab', inForce: false }] },
  });
});

// What a web page in the admin's browser can send, and what a name that was made to point here sends.
test.each<[string, Ask, number]>([
  ['a form', { headers: { 'Content-Type': 'text/plain', 'X-Ringbridge': '' } }, 403],
  ['a form with our header', { headers: { 'Content-Type': 'text/plain' } }, 415],
  ['no media type', { headers: { 'Content-Type': '' } }, 415],
  ['a page of another site', { headers: { Origin: 'http://evil.example' } }, 403],
  ['a page without an origin', { headers: { Origin: 'null' } }, 403],
  ['a request that the browser marks', { headers: { 'Sec-Fetch-Site': 'cross-site' } }, 403],
  ['a page of another port', { headers: { 'Sec-Fetch-Site': 'same-site' } }, 403],
  ['a rebound name', { headers: { Host: 'evil.example' } }, 403],
  ['a rebound name that is its own origin', { headers: { Host: 'evil.example', Origin: 'http://evil.example' } }, 403],
  ['a name that begins like ours', { headers: { Host: '127.0.0.1.evil.example' } }, 403],
  ['an image', { method: 'GET' }, 405],
  ['a preflight', { method: 'OPTIONS' }, 405],
  ['another method', { method: 'PUT' }, 405],
])('%s changes nothing', async (_what, change, status) => {
  expect((await ask(await start(), change)).status).toBe(status);
  expect(asked).toEqual([]);
});

test('a rebound name cannot even look', async () => {
  const server = await start();
  for (const path of ['/dialplan', '/dialplans']) {
    expect((await ask(server, { path, method: 'GET', headers: { Host: 'evil.example' } })).status).toBe(403);
  }
});

test.each(['localhost', 'LOCALHOST:1', '127.0.0.1:8080', '[::1]:8080', '127.9.9.9'])(
  '%s is this machine',
  async (host) => {
    expect((await ask(await start(), { headers: { Host: host } })).status).toBe(422);
  },
);

test('with a token, who shows it is served by whatever name, and nobody else', async () => {
  const token = 'a-token-of-our-own';
  const server = await start({ token });
  const shows = (authorization: string) =>
    ask(server, { headers: { Authorization: authorization, Host: 'bridge.example' } });
  for (const wrong of ['', 'Bearer', 'Bearer a-token-of-our-ow', `Bearer ${token}x`, `Basic ${token}`, token]) {
    expect((await shows(wrong)).status).toBe(401);
  }
  expect((await ask(server, { path: '/dialplan', method: 'GET' })).status).toBe(401);
  expect(asked).toEqual([]);
  expect((await shows(`Bearer ${token}`)).status).toBe(422);
  expect((await ask(server, { path: '/health', method: 'GET' })).status).toBe(200);
});

test('without a token a bridge that listens everywhere serves its own machine over loopback', async () => {
  const server = await start({ host: '0.0.0.0' });
  expect((await ask(server)).status).toBe(422);
});
