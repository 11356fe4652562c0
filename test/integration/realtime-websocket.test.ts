import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';

import { WebSocketServer, type WebSocket } from 'ws';

import { agentSessionSchema } from '../../src/realtime/agent-schema';
import type { ConnectionClosed, ModelEndpoint } from '../../src/realtime/model-connection';
import { messageCharsMax } from '../../src/realtime/server-events';
import { RealtimeSession } from '../../src/realtime/session';
import type { SessionEnded } from '../../src/realtime/session-listener';
import { webSocketModel, type WebSocketOptions } from '../../src/realtime/websocket-connection';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger, type LogFields, type Logger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { recordingListener } from '../realtime/scripted-session';

const cleanUps: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Listens on loopback; every TCP connection is cut at the end of the test. */
async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  cleanUps.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A WebSocket server that does what `onConnection` does. */
async function webSocketServer(
  onConnection: (socket: WebSocket, request: IncomingMessage) => void,
  { autoPong = true }: { autoPong?: boolean } = {},
): Promise<ModelEndpoint> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, autoPong });
  server.on('connection', (socket, request) => {
    socket.on('error', () => undefined);
    onConnection(socket, request);
  });
  return endpointAt(await listen(http));
}

const endpointAt = (port: number): ModelEndpoint => ({
  url: `ws://127.0.0.1:${port}/v1/realtime`,
  model: 'gpt-realtime-2',
  apiKey: 'sk-test-abcd',
  headers: { 'OpenAI-Safety-Identifier': 'caller-1' },
});

/** A connection whose events can be awaited. */
function connect(endpoint: ModelEndpoint, options: Partial<WebSocketOptions> = {}) {
  const log: string[] = [];
  const waiting = new Map<string, () => void>();
  const note = (what: string, line: string): void => {
    log.push(line);
    waiting.get(what)?.();
  };
  let closed: ConnectionClosed | undefined;
  const model = webSocketModel({ clock: systemClock, logger: silentLogger, ...options });
  const connection = model(endpoint, {
    onOpen: () => note('open', 'open'),
    onMessage: (text) => note('message', text),
    onClose: (how) => {
      closed = how;
      note('close', 'close');
    },
  });
  cleanUps.push(async () => {
    connection.close();
    await until('close');
  });
  const until = (what: 'open' | 'message' | 'close'): Promise<void> => {
    const isPast = what === 'message' ? log.some((line) => line !== 'open' && line !== 'close') : log.includes(what);
    return isPast ? Promise.resolve() : new Promise((resolve) => waiting.set(what, resolve));
  };
  return {
    connection,
    log,
    until,
    closed: async (): Promise<ConnectionClosed> => {
      await until('close');
      return closed as ConnectionClosed;
    },
  };
}

/** Lets sockets work until the condition holds: the test's own deadline is the only one. */
async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A session over a real socket, and the promise of its end. */
function openSession(endpoint: ModelEndpoint, logger: Logger = silentLogger) {
  let tellEnd: (ended: SessionEnded) => void = () => undefined;
  const ended = new Promise<SessionEnded>((resolve) => (tellEnd = resolve));
  const { told, listener } = recordingListener(([method, argument]) => {
    if (method === 'onEnded') tellEnd(argument);
  });
  const session = RealtimeSession.open({
    connect: webSocketModel({ clock: systemClock, logger }),
    endpoint,
    agent: agentSessionSchema.parse({ instructions: 'Be brief.' }),
    tools: [],
    clock: systemClock,
    logger,
    random: seededRandom(1),
    listener,
  });
  return { session, told, ended };
}

describe('the upgrade', () => {
  test('asks for the model with the key and the headers, and for no compression', async () => {
    let request: IncomingMessage | undefined;
    const endpoint = await webSocketServer((_socket, upgrade) => (request = upgrade));
    await connect(endpoint).until('open');
    expect(request?.url).toBe('/v1/realtime?model=gpt-realtime-2');
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer sk-test-abcd',
      'openai-safety-identifier': 'caller-1',
    });
    expect(request?.headers).not.toHaveProperty('sec-websocket-extensions');
    expect(request?.headers).not.toHaveProperty('openai-beta');
  });

  test('carries no Authorization without a key', async () => {
    let request: IncomingMessage | undefined;
    const endpoint = await webSocketServer((_socket, upgrade) => (request = upgrade));
    await connect({ ...endpoint, apiKey: undefined }).until('open');
    expect(request?.headers).not.toHaveProperty('authorization');
  });

  test.each([401, 403, 404, 429, 500, 503])('that is answered with HTTP %d tells that status', async (status) => {
    const http = createServer();
    http.on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno`);
    });
    const { closed, log } = connect(endpointAt(await listen(http)));
    expect(await closed()).toMatchObject({ code: 1006, httpStatus: status });
    expect(log).toEqual(['close']);
  });

  test('that is redirected is not followed: the key stays where it was sent', async () => {
    let visits = 0;
    const other = await webSocketServer(() => (visits += 1));
    const http = createServer();
    http.on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${other.url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    });
    expect(await connect(endpointAt(await listen(http))).closed()).toMatchObject({ httpStatus: 302 });
    expect(visits).toBe(0);
  });

  test('that nobody answers fails when the deadline of the clock is over', async () => {
    const clock = new VirtualClock();
    let requests = 0;
    const silent = createTcpServer((socket) => socket.on('data', () => (requests += 1)));
    const { closed, log } = connect(endpointAt(await listen(silent)), { clock, handshakeTimeoutMs: 3_000 });
    await eventually(() => requests > 0);
    clock.advance(2_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual([]);
    clock.advance(1);
    expect(await closed()).toEqual({ code: 1006, reason: 'no WebSocket after 3000 ms' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('to a port that nobody listens on fails with the reason', async () => {
    const vacant = createTcpServer();
    const port = await listen(vacant);
    await new Promise((resolve) => vacant.close(resolve));
    const { reason } = await connect(endpointAt(port)).closed();
    expect(reason).toContain('ECONNREFUSED');
  });

  test.each([
    ['a URL that is none', { url: 'nonsense' }],
    ['a scheme that is not ours', { url: 'ftp://127.0.0.1/' }],
    ['a key with a line break', { apiKey: 'sk-secret\r\nHost: evil' }],
  ])('with %s fails as a close, after connecting has returned', async (_what, fields) => {
    const { log, closed } = connect({ ...endpointAt(1), ...fields });
    expect(log).toEqual([]);
    const { code, reason } = await closed();
    expect(code).toBe(1006);
    expect(reason).not.toContain('sk-secret');
  });

  test('that is cut in the middle fails', async () => {
    const http = createServer();
    http.on('upgrade', (_request, socket) => socket.destroy());
    expect(await connect(endpointAt(await listen(http))).closed()).toMatchObject({ code: 1006 });
  });

  test('is given up by close()', async () => {
    const { connection, closed } = connect(endpointAt(await listen(createTcpServer())));
    connection.close();
    expect(await closed()).toMatchObject({ code: 1006 });
  });
});

describe('an open connection', () => {
  test('carries messages both ways, in order', async () => {
    const endpoint = await webSocketServer((socket) => {
      socket.send('first');
      socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`));
    });
    const { connection, log, until } = connect(endpoint);
    await until('open');
    for (let index = 0; index < 100; index += 1) connection.send(String(index));
    await eventually(() => log.length === 102);
    expect(log).toEqual(['open', 'first', ...Array.from({ length: 100 }, (_, index) => `echo ${index}`)]);
  });

  test('tells a close frame with code and reason', async () => {
    const endpoint = await webSocketServer((socket) => socket.close(4004, 'invalid_request_error.model_not_found'));
    expect(await connect(endpoint).closed()).toEqual({ code: 4004, reason: 'invalid_request_error.model_not_found' });
  });

  test('tells a cut without a close frame as 1006', async () => {
    const endpoint = await webSocketServer((socket) => socket.terminate());
    expect(await connect(endpoint).closed()).toMatchObject({ code: 1006 });
  });

  test('answers the PINGs of the server', async () => {
    let pongs = 0;
    const endpoint = await webSocketServer((socket) => {
      socket.on('pong', () => (pongs += 1));
      socket.ping('abcd');
    });
    await connect(endpoint).until('open');
    await eventually(() => pongs === 1);
    expect(pongs).toBe(1);
  });

  test('skips binary messages', async () => {
    const endpoint = await webSocketServer((socket) => {
      socket.send(Buffer.from('{"type":"error"}'), { binary: true });
      socket.send('text');
    });
    const { log, until } = connect(endpoint);
    await until('message');
    expect(log).toEqual(['open', 'text']);
  });

  test('joins fragments', async () => {
    const endpoint = await webSocketServer((socket) => {
      socket.send('frag', { fin: false });
      socket.send('ment', { fin: true });
    });
    const { log, until } = connect(endpoint);
    await until('message');
    expect(log).toEqual(['open', 'fragment']);
  });

  test('takes 15 seconds of PCM in one message, and ends at a message over the limit', async () => {
    const fits = 'x'.repeat(960_000);
    const endpoint = await webSocketServer((socket) => {
      socket.send(fits);
      socket.send('x'.repeat(messageCharsMax + 1));
    });
    const { log, closed } = connect(endpoint);
    expect(await closed()).toMatchObject({ code: 1006, reason: 'Max payload size exceeded' });
    expect(log.map((line) => line.length)).toEqual([4, fits.length, 5]);
  });

  test('ends at text that is not UTF-8 and at frames that are not WebSocket, without a throw', async () => {
    for (const frame of [Buffer.from([0x81, 0x02, 0xff, 0xfe]), Buffer.from('HTTP/1.1 200 OK\r\n\r\n')]) {
      const endpoint = await webSocketServer((_socket, request) => request.socket.write(frame));
      const { log, closed } = connect(endpoint);
      expect(await closed()).toMatchObject({ code: 1006 });
      expect(log).toEqual(['open', 'close']);
    }
  });

  test('drops what is sent after a close', async () => {
    const received: string[] = [];
    const endpoint = await webSocketServer((socket) =>
      socket.on('message', (data: Buffer) => received.push(data.toString())),
    );
    const { connection, until } = connect(endpoint);
    connection.send('too early');
    await until('open');
    connection.send('in time');
    connection.close();
    connection.send('too late');
    await until('close');
    connection.send('far too late');
    expect(received).toEqual(['in time']);
  });

  test('knows how many octets the network has not taken', async () => {
    const endpoint = await webSocketServer((socket) => socket.pause());
    const { connection, until } = connect(endpoint);
    await until('open');
    expect(connection.bufferedBytes).toBe(0);
    const message = 'x'.repeat(65_536);
    // Socket buffers of the kernel take some megabytes first.
    for (let count = 0; count < 400 && connection.bufferedBytes < 524_288; count += 1) connection.send(message);
    expect(connection.bufferedBytes).toBeGreaterThanOrEqual(524_288);
  });
});

describe('a peer that vanished', () => {
  async function pinged(options: { autoPong: boolean }) {
    const clock = new VirtualClock();
    let pings = 0;
    let server: WebSocket | undefined;
    const endpoint = await webSocketServer((socket) => {
      server = socket;
      socket.on('ping', () => (pings += 1));
    }, options);
    const connected = connect(endpoint, { clock });
    await connected.until('open');
    return { ...connected, clock, pings: () => pings, server: () => server as WebSocket };
  }

  test('is found ten seconds after a PING that nothing followed', async () => {
    const { clock, pings, log, closed } = await pinged({ autoPong: false });
    clock.advance(19_999);
    expect(pings()).toBe(0);
    clock.advance(1);
    await eventually(() => pings() === 1);
    clock.advance(9_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['open']);
    clock.advance(1);
    expect(await closed()).toEqual({ code: 1006, reason: 'nothing arrived in 10000 ms after a ping' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('is not suspected while it answers', async () => {
    const { clock, connection, pings, log, until } = await pinged({ autoPong: true });
    const bystander = await webSocketServer((socket) => socket.on('message', () => socket.send('echo')));
    for (let round = 1; round <= 3; round += 1) {
      clock.advance(20_000);
      await eventually(() => pings() === round);
      // The PONG is on loopback before the bystander is asked, so it is read before the bystander's echo.
      const witness = connect(bystander);
      await witness.until('open');
      witness.connection.send('anybody?');
      await witness.until('message');
      clock.advance(10_000);
    }
    expect(log).not.toContain('close');
    connection.close();
    await until('close');
    expect(clock.pendingTimers).toBe(0);
  });

  test('is not suspected while it sends anything at all', async () => {
    const { clock, pings, log, server } = await pinged({ autoPong: false });
    clock.advance(20_000);
    await eventually(() => pings() === 1);
    server().send('audio');
    await eventually(() => log.includes('audio'));
    clock.advance(10_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).not.toContain('close');
  });
});

describe('closing', () => {
  test('is a handshake with code 1000', async () => {
    let code = 0;
    const endpoint = await webSocketServer((socket) => socket.on('close', (closeCode) => (code = closeCode)));
    const { connection, until, closed } = connect(endpoint);
    await until('open');
    connection.close();
    connection.close();
    expect(await closed()).toMatchObject({ code: 1000 });
    await eventually(() => code !== 0);
    expect(code).toBe(1000);
  });

  test('gives up after a second when the server does not answer', async () => {
    const clock = new VirtualClock();
    const endpoint = await webSocketServer((socket) => socket.pause());
    const { connection, until, log, closed } = connect(endpoint, { clock, closeTimeoutMs: 1_000 });
    await until('open');
    connection.close();
    clock.advance(999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['open']);
    clock.advance(1);
    expect(await closed()).toMatchObject({ code: 1006 });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a session over a socket', () => {
  test('that the server refuses after the 101 ends as refused, and the key is in no log line', async () => {
    const lines: LogFields[] = [];
    const keep = (fields: LogFields): void => void lines.push(fields);
    const endpoint = await webSocketServer((socket) => {
      const message = 'Incorrect API key provided: sk-test-abcd.';
      const error = { type: 'invalid_request_error', code: 'invalid_api_key', message, param: null, event_id: null };
      socket.send(JSON.stringify({ type: 'error', event_id: 'event_1', error }));
      socket.close(3000, 'invalid_request_error.invalid_api_key');
    });
    const { ended, told } = openSession(endpoint, {
      ...silentLogger,
      debug: keep,
      info: keep,
      warn: keep,
      error: keep,
    });
    expect(await ended).toEqual({ kind: 'refused', code: 'invalid_api_key', message: 'the API key was refused' });
    expect(JSON.stringify([lines, told])).not.toContain('abcd');
  });

  test('that is answered with 401 is refused, with 503 lost', async () => {
    for (const [status, kind] of [
      [401, 'refused'],
      [503, 'lost'],
    ] as const) {
      const http = createServer();
      http.on('upgrade', (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`));
      expect(await openSession(endpointAt(await listen(http))).ended).toMatchObject({ kind });
    }
  });

  test('that is cut in the middle of an answer is lost', async () => {
    const endpoint = await webSocketServer((socket) => {
      socket.on('message', (data: Buffer) => {
        const { session } = JSON.parse(data.toString()) as { session: object };
        socket.send(JSON.stringify({ type: 'session.updated', session: { id: 'sess_1', ...session } }));
        socket.send(
          JSON.stringify({ type: 'response.created', response: { id: 'resp_1', conversation_id: 'conv_1' } }),
          () => socket.terminate(),
        );
      });
    });
    const { ended, told } = openSession(endpoint);
    expect(await ended).toMatchObject({ kind: 'lost', closeCode: 1006 });
    expect(told.map(([method]) => method)).toEqual(['onReady', 'onResponseStarted', 'onEnded']);
  });
});
