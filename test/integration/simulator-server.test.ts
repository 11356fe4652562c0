import { get } from 'node:http';

import { WebSocket, type ClientOptions } from 'ws';

import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { ServerEvent } from '../../src/simulator/server-events';
import { startSimulatorServer, type SimulatorServer, type SimulatorServerOptions } from '../../src/simulator/server';
import { selfSignedCertificate } from '../simulator/self-signed-certificate';
import { behaviourOf } from '../simulator/session-harness';
import { closedAfterEach } from '../support/closing';
import { describeWith } from '../support/installed';
import { until } from '../support/until';

const opened = closedAfterEach();

test('a client gets session.created first, and answers to what it sends', async () => {
  const client = await connected(await startServer());
  await until(() => client.events.length > 0, 'the first event');
  expect(client.events.map(({ type }) => type)).toEqual(['session.created']);
  client.send({ type: 'input_audio_buffer.clear' });
  await until(() => client.types().includes('input_audio_buffer.cleared'), 'the answer');
});

test.each([
  ['missing_model', 4000, ''],
  ['invalid_intent', 4000, '?intent=nothing'],
  ['invalid_model', 4000, '?model=gpt-4o'],
  ['model_not_found', 4004, '?model=simulator:parrot'],
])('%s comes after the upgrade, as one error and close code %i', async (code, closeCode, query) => {
  const client = await connected(await startServer(), { query });
  const closed = await client.closed;
  expect(closed).toEqual({ code: closeCode, reason: `invalid_request_error.${code}` });
  expect(client.events).toEqual([
    {
      type: 'error',
      event_id: expect.any(String),
      error: { type: 'invalid_request_error', code, message: expect.any(String), param: null, event_id: null },
    },
  ]);
});

test('a key that is not accepted closes with 3000', async () => {
  const server = await startServer({ acceptKey: (key) => key === 'right' });
  const wrong = await connected(server, { options: { headers: { Authorization: 'Bearer wrong' } } });
  expect(await wrong.closed).toEqual({ code: 3000, reason: 'invalid_request_error.invalid_api_key' });
  const right = await connected(server, { protocols: ['realtime', 'openai-insecure-api-key.right'] });
  await until(() => right.events.length > 0, 'session.created');
  expect(right.socket.protocol).toBe('realtime');
});

test('another path, and a call that is not there, are HTTP errors', async () => {
  const server = await startServer();
  expect(await httpStatus(new WebSocket(server.url.replace('/v1/realtime', '/v2')))).toBe(404);
  expect(await httpStatus(new WebSocket(`${server.url}?call_id=rtc_1`))).toBe(404);
});

test('a plain HTTP request is told to upgrade', async () => {
  const { port } = new URL((await startServer()).url);
  const status = await new Promise((resolve) =>
    get({ host: '127.0.0.1', port, path: '/v1/realtime', agent: false }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode));
    }),
  );
  expect(status).toBe(426);
});

test('each model may behave in its own way on one server', async () => {
  const server = await startServer({ behaviour: behaviourOf('echo') });
  const tone = await connected(server, { query: '?model=simulator:tone:610:100ms' });
  tone.send({ type: 'response.create' });
  await until(() => tone.types().includes('response.done'), 'the tone');
  expect(tone.audioBytes()).toBe(4_800);
  const named = [...server.connections].map(({ model, session }) => [model, session.behaviourName]);
  expect(named).toEqual([['simulator:tone:610:100ms', 'tone:610:100ms']]);
});

test('binary frames and broken JSON are answered and do no harm', async () => {
  const client = await connected(await startServer());
  client.socket.send(Buffer.from([1, 2, 3]));
  client.socket.send('{"type":');
  await until(() => client.events.length === 3, 'two errors');
  expect(client.events.slice(1).map((event) => (event.type === 'error' ? event.error.code : event.type))).toEqual([
    'invalid_event',
    'invalid_json',
  ]);
  client.send({ type: 'input_audio_buffer.clear' });
  await until(() => client.types().includes('input_audio_buffer.cleared'), 'the answer');
});

test('a test hears what the model hears', async () => {
  const heard: number[] = [];
  const server = await startServer({
    onSession: (session) => (session.heardAudio = (samples) => heard.push(...samples)),
  });
  const client = await connected(server);
  client.send({ type: 'input_audio_buffer.append', audio: Buffer.from([1, 0, 2, 0]).toString('base64') });
  await until(() => heard.length > 0, 'the samples');
  expect(heard).toEqual([1, 2]);
});

test('permessage-deflate is agreed to when it is offered, and not forced on anybody', async () => {
  const server = await startServer();
  const offering = await connected(server, { options: { perMessageDeflate: true } });
  expect(offering.socket.extensions).toContain('permessage-deflate');
  const plain = await connected(server, { options: { perMessageDeflate: false } });
  expect(plain.socket.extensions).toBe('');
  offering.send({ type: 'response.create' });
  await until(() => offering.types().includes('response.done'), 'an answer through compression');
});

test('an append of 15 MiB is taken', async () => {
  const client = await connected(await startServer());
  client.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { turn_detection: null } } } });
  client.send({ type: 'input_audio_buffer.append', audio: 'A'.repeat(15 * 1024 * 1024) });
  client.send({ type: 'input_audio_buffer.commit' });
  await until(() => client.types().includes('input_audio_buffer.committed'), 'the commit');
  expect(client.types()).not.toContain('error');
});

test('the server PINGs every 20 seconds', async () => {
  const clock = new VirtualClock();
  const client = await connected(await startServer({ clock }));
  let pings = 0;
  client.socket.on('ping', () => (pings += 1));
  await until(() => client.events.length > 0, 'the session');
  clock.advance(19_999);
  clock.advance(1);
  await until(() => pings === 1, 'the first PING');
  clock.advance(20_000);
  await until(() => pings === 2, 'the second PING');
});

describe('faults', () => {
  test('of a session reach the client: a close code, or none at all', async () => {
    const closing = await startServer({
      faults: { session: [{ kind: 'close', afterMs: 0, code: 1011, reason: 'oops' }] },
    });
    expect(await (await connected(closing)).closed).toEqual({ code: 1011, reason: 'oops' });
    const aborting = await startServer({ faults: { session: [{ kind: 'abort', afterMs: 0 }] } });
    expect(await (await connected(aborting)).closed).toEqual({ code: 1006, reason: '' });
    const babbling = await startServer({ faults: { session: [{ kind: 'malformed', afterMs: 0, text: 'hm' }] } });
    const client = await connected(babbling);
    await until(() => client.rubbish.length > 0, 'rubbish');
    expect(client.rubbish).toEqual(['hm']);
  });

  test('a delayed first event comes before the answers to what was sent meanwhile', async () => {
    const clock = new VirtualClock();
    const client = await connected(await startServer({ clock, faults: { firstEventDelayMs: 5_000 } }));
    client.send({ type: 'input_audio_buffer.clear' });
    await loopTurns(50);
    expect(client.events).toEqual([]);
    clock.advance(5_000);
    await until(() => client.events.length === 2, 'both events');
    expect(client.types()).toEqual(['session.created', 'input_audio_buffer.cleared']);
  });

  test('slow reading lets messages pile up and loses none', async () => {
    const clock = new VirtualClock();
    const client = await connected(
      await startServer({ clock, faults: { slowReading: { everyMs: 100, pauseMs: 900 } } }),
    );
    await until(() => client.events.length === 1, 'the session');
    clock.advance(100);
    for (let i = 0; i < 20; i += 1) client.send({ type: 'input_audio_buffer.clear' });
    await loopTurns(50);
    expect(client.events).toHaveLength(1);
    clock.advance(900);
    await until(() => client.events.length === 21, 'every answer');
  });
});

test('close ends every session with 1001, leaves nothing behind, and twice is fine', async () => {
  const server = await startServer();
  const client = await connected(server);
  await Promise.all([server.close(), server.close()]);
  expect((await client.closed).code).toBe(1001);
  expect(server.connections.size).toBe(0);
  await expect(httpStatus(new WebSocket(server.url))).rejects.toThrow('ECONNREFUSED');
});

test('an address that cannot be had is an error', async () => {
  const server = await startServer();
  const port = Number(new URL(server.url).port);
  await expect(startServer({ port })).rejects.toThrow('EADDRINUSE');
});

describeWith('openssl')('with a certificate', () => {
  test('it speaks wss', async () => {
    const { cert, key } = selfSignedCertificate();
    const server = await startServer({ tls: { cert, key } });
    expect(server.url).toMatch(/^wss:/);
    const client = await connected(server, { options: { ca: cert } });
    await until(() => client.events.length > 0, 'session.created');
  });
});

/** Long enough for what a socket holds to arrive; nothing that should not arrive can make a test fail by chance. */
async function loopTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function startServer(options: Partial<SimulatorServerOptions> = {}): Promise<SimulatorServer> {
  return opened(
    await startSimulatorServer({
      address: '127.0.0.1',
      port: 0,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      behaviour: behaviourOf('tone:600:1'),
      ...options,
    }),
  );
}

async function connected(
  server: SimulatorServer,
  {
    query = '?model=gpt-realtime-2',
    protocols = [],
    options = {},
  }: { query?: string; protocols?: string[]; options?: ClientOptions } = {},
): Promise<Client> {
  const client = opened(new Client(new WebSocket(server.url + query, protocols, options)));
  await client.open;
  return client;
}

class Client {
  readonly socket: WebSocket;
  readonly events: ServerEvent[] = [];
  readonly rubbish: string[] = [];
  readonly open: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.open = new Promise((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    this.closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    socket.on('message', (data: Buffer) => this.#onText(data.toString()));
  }

  send(event: Record<string, unknown>): void {
    this.socket.send(JSON.stringify(event));
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  audioBytes(): number {
    const deltas = this.events.map((event) => (event.type === 'response.output_audio.delta' ? event.delta : ''));
    return deltas.reduce((sum, delta) => sum + Buffer.from(delta, 'base64').length, 0);
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  #onText(text: string): void {
    if (text.startsWith('{')) this.events.push(JSON.parse(text) as ServerEvent);
    else this.rubbish.push(text);
  }
}

function httpStatus(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode);
      request.destroy();
    });
    socket.on('error', reject);
  });
}
