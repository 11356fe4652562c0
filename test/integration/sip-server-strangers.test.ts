import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { LogFields, Logger } from '../../src/runtime/logger';
import { silentLogger } from '../../src/runtime/logger';
import type { SipServer, SipServerOptions } from '../../src/sip-server/server';
import { startTestServer } from '../sip-server/srf-app';
import { UdpClient, phoneRequest } from '../sip-server/udp-client';

let server: SipServer;
let logged: LogFields[];
let sockets: Socket[];
let phones: UdpClient[];

async function start(options: Partial<SipServerOptions> = {}): Promise<void> {
  logged = [];
  sockets = [];
  phones = [];
  const logger: Logger = { ...silentLogger, info: (fields) => logged.push(fields) };
  server = await startTestServer({ logger, ...options });
  logged.length = 0;
}

afterEach(async () => {
  for (const socket of sockets) {
    const closed = socket.closed ? undefined : once(socket, 'close');
    socket.destroy();
    await closed;
  }
  await Promise.all(phones.map((phone) => phone.close()));
  await server.close();
});

async function openPhone(address: string): Promise<UdpClient> {
  const phone = await UdpClient.open(address);
  phones.push(phone);
  return phone;
}

async function openStream(localAddress: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: server.listening[1]?.port ?? 0, localAddress });
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

function options(phone: { port: number }, callId: string, agent = 'Desk Phone'): string {
  const text = phoneRequest('OPTIONS', { port: phone.port, callId });
  return text.replace('Content-Length', `User-Agent: ${agent}\r\nContent-Length`);
}

function target(): string {
  return `127.0.0.1:${server.listening[0]?.port ?? 0}`;
}

test('a scanner gets nothing, then not even a connection, for one line in the log; others are served', async () => {
  await start();
  const scanner = await openPhone('127.0.0.66');
  const phone = await openPhone('127.0.0.2');

  for (let count = 0; count < 100; count += 1) scanner.send(options(scanner, `scan-${count}`, 'sipcli/v1.8'), target());
  phone.send(options(phone, 'honest'), target());
  await phone.next('SIP/2.0 503');
  await once(await openStream('127.0.0.66'), 'close');
  const stream = await openStream('127.0.0.2');
  stream.write(options({ port: 5060 }, 'stream').replace('SIP/2.0/UDP', 'SIP/2.0/TCP'));
  await once(stream, 'data');

  expect(scanner.received).toEqual([]);
  expect(server.stats).toMatchObject({ scannersDropped: 5, bannedDropped: 95, sourcesBanned: 1, bannedConnections: 1 });
  expect(logged).toHaveLength(1);
});

test('a flood of rubbish leaves one line in the log and its sender is heard again when it is over', async () => {
  await start({ guard: { malformedPerSecond: 5 } });
  const phone = await openPhone('127.0.0.2');
  const stranger = await openPhone('127.0.0.66');

  for (let count = 0; count < 200; count += 1) stranger.send('this is no SIP', target());
  phone.send(options(phone, 'honest'), target());
  await phone.next('SIP/2.0 503');
  while (!stranger.received.some((text) => text.startsWith('SIP/2.0 503'))) {
    stranger.send(options(stranger, 'now-honest'), target());
    await setTimeout(20);
  }

  const { garbageDropped, malformedFloodDropped } = server.stats;
  expect(garbageDropped).toBeLessThan(50);
  expect(garbageDropped + malformedFloodDropped).toBeGreaterThanOrEqual(200);
  expect(logged).toHaveLength(1);
});

test('of connections on which nothing came, the oldest makes room', async () => {
  await start({ limits: { silentConnections: 2 } });
  const spoken = await openStream('127.0.0.2');
  spoken.write(options({ port: 5060 }, 'first').replace('SIP/2.0/UDP', 'SIP/2.0/TCP'));
  await once(spoken, 'data');
  const oldest = await openStream('127.0.0.3');
  const closed = once(oldest, 'close');
  await openStream('127.0.0.4');

  await openStream('127.0.0.5');
  await closed;

  spoken.write(options({ port: 5060 }, 'second').replace('SIP/2.0/UDP', 'SIP/2.0/TCP'));
  await once(spoken, 'data');
  expect(server.stats.connectionsSilent).toBe(1);
});
