import type { CallSnapshot } from '../../src/call/call-observer';
import type { SupervisionRecord, SupervisionReply, SupervisionRequest } from '../../src/call/supervision-record';
import type { HttpServer } from '../../src/console/http-server';
import { startHttpServer } from '../../src/console/http-server';
import { endedCall } from '../support/ended-call';
import { LoggerSpy } from '../support/logger-spy';
import { planControl } from './plan-control';

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Asked {
  status: number;
  body: Record<string, unknown>;
}

async function start(options: { calls?: readonly CallSnapshot[]; reply?: SupervisionReply; token?: string } = {}) {
  const requests: SupervisionRequest[] = [];
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    ready: () => [],
    metrics: () => Promise.resolve(''),
    contentType: 'text/plain',
    plans: planControl({}, []),
    calls: {
      list: () => options.calls ?? [],
      supervise: (request) => {
        requests.push(request);
        return Promise.resolve(options.reply ?? { kind: 'done' });
      },
    },
    token: options.token,
    logger: new LoggerSpy(),
  });
  servers.push(server);
  const ask = async (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Asked> => {
    const post = { method: 'POST', body: JSON.stringify(body) };
    const usual = { connection: 'close', 'content-type': 'application/json', 'x-ringbridge': '1' };
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: { ...usual, ...headers },
      ...(body === undefined ? {} : post),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { ask, requests };
}

const supervision: SupervisionRecord = {
  destination: 'boss',
  outcome: 'answered',
  detail: undefined,
  startedAtMs: 1_000,
  answeredAtMs: 2_000,
  endedAtMs: undefined,
  endedBy: undefined,
  modes: [
    { mode: 'listen', fromMs: 2_000, toMs: 3_000 },
    { mode: 'whisper', fromMs: 3_000, toMs: undefined },
  ],
  whispers: { told: 0, lost: 0 },
};

test('lists the calls that are up, the oldest first, each with its supervisor', async () => {
  const one = endedCall({ callId: 'one', state: 'active', startedAtMs: 5_000, supervisions: [supervision] });
  const older = endedCall({ callId: 'older', state: 'ringing', startedAtMs: 4_000, answeredAtMs: undefined });
  const { ask } = await start({ calls: [one, older, endedCall({ callId: 'over' })] });
  const { status, body } = await ask('/calls');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    callCount: 2,
    calls: [
      { callId: 'older', state: 'ringing', answeredAt: null, supervision: null },
      {
        callId: 'one',
        state: 'active',
        from: one.from,
        to: one.to,
        route: one.route,
        agent: one.agent,
        supervision: { destination: 'boss', outcome: 'answered', mode: 'whisper', over: false },
      },
    ],
  });
});

test('passes on what is wanted', async () => {
  const { ask, requests } = await start();
  expect(await ask('/calls/supervise', { call: 'c', to: 'boss', mode: 'listen' })).toEqual({
    status: 202,
    body: { outcome: 'calling' },
  });
  expect(await ask('/calls/supervise/mode', { call: 'c', mode: 'take-over' })).toMatchObject({ status: 200 });
  expect(await ask('/calls/supervise/end', { call: 'c' })).toMatchObject({ status: 200, body: { outcome: 'done' } });
  expect(requests).toEqual([
    { kind: 'begin', callId: 'c', to: 'boss', mode: 'listen' },
    { kind: 'mode', callId: 'c', mode: 'take-over' },
    { kind: 'end', callId: 'c' },
  ]);
});

test('tells that a take-over waits for the end of a secret', async () => {
  const { ask } = await start({ reply: { kind: 'waiting' } });
  expect(await ask('/calls/supervise/mode', { call: 'c', mode: 'take-over' })).toEqual({
    status: 202,
    body: { outcome: 'waiting' },
  });
});

test.each([
  ['no-such-call', 404],
  ['no-such-destination', 404],
  ['not-a-supervisor', 403],
  ['mode-not-allowed', 403],
  ['call-not-up', 409],
  ['supervised-already', 409],
  ['taken-over', 409],
  ['too-many', 503],
  ['no-answer', 503],
] as const)('answers %s with %i and its cause', async (why, status) => {
  const { ask } = await start({ reply: { kind: 'refused', why } });
  const answer = await ask('/calls/supervise', { call: 'c', to: 'boss', mode: 'listen' });
  expect(answer).toEqual({ status, body: { outcome: 'refused', cause: why, error: expect.any(String) } });
});

test.each([
  ['/calls/supervise', { call: 'c', to: 'boss' }],
  ['/calls/supervise', { call: 'c', to: 'boss', mode: 'shout' }],
  ['/calls/supervise', { call: 'c', to: ['boss'], mode: 'listen' }],
  ['/calls/supervise/mode', { mode: 'listen' }],
  ['/calls/supervise/end', { call: 4 }],
])('refuses %s with %j', async (path, body) => {
  const { ask, requests } = await start();
  expect(await ask(path, body)).toMatchObject({ status: 400 });
  expect(requests).toEqual([]);
});

test('is guarded as the dialplan API is: by the token, or by what no web page can send', async () => {
  const withToken = await start({ token: 'sesame-sesame-sesame' });
  expect(await withToken.ask('/calls')).toMatchObject({ status: 401 });
  expect(await withToken.ask('/calls', undefined, { authorization: 'Bearer sesame-sesame-sesame' })).toMatchObject({
    status: 200,
  });
  const { ask, requests } = await start();
  const body = { call: 'c', to: 'boss', mode: 'listen' };
  expect(await ask('/calls/supervise', body, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
  expect(await ask('/calls/supervise', body, { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
  expect(await ask('/calls', {})).toMatchObject({ status: 405 });
  expect(await ask('/calls/supervise')).toMatchObject({ status: 405 });
  expect(requests).toEqual([]);
});
