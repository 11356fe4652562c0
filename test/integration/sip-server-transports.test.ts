import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { systemRandom } from '../../src/runtime/random';
import { silentLogger } from '../../src/runtime/logger';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { SipServer } from '../../src/sip-server/server';
import { startSipServer } from '../../src/sip-server/server';
import { AdminConnection } from '../sip-server/admin-connection';
import { addressOf, startTestServer } from '../sip-server/srf-app';
import { UdpClient, phoneRequest } from '../sip-server/udp-client';

let server: SipServer;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  server = await startTestServer({ limits: { connectionsPerAddress: 3 } });
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
});

async function open(): Promise<Socket> {
  const [host = '', port = ''] = addressOf(server, 'tcp').split(':');
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** What has come when it contains `wanted`. */
async function read(socket: Socket, wanted: string): Promise<string> {
  let text = '';
  while (!text.includes(wanted)) text += String(((await once(socket, 'data')) as [Buffer])[0]);
  return text;
}

function options(callId: string): string {
  return phoneRequest('OPTIONS', { port: 5060, callId }).replace('SIP/2.0/UDP', 'SIP/2.0/TCP');
}

test('requests in pieces and requests together are answered on their own connection', async () => {
  const socket = await open();
  const text = options('c1') + options('c2');

  for (let at = 0; at < text.length; at += 37) {
    socket.write(text.slice(at, at + 37));
    await new Promise((resolve) => setImmediate(resolve));
  }

  const answers = await read(socket, 'Call-ID: c2');
  expect(answers.match(/SIP\/2\.0 503/g)).toHaveLength(2);
});

test('a double CRLF is answered with one', async () => {
  const socket = await open();

  socket.write('\r\n\r\n');

  expect(await read(socket, '\r\n')).toBe('\r\n');
  expect(server.stats.keepAlives).toBe(1);
});

test.each([
  ['no SIP', 'hello, world, this is no SIP\r\n\r\n'],
  ['a negative Content-Length', options('c1').replace('Content-Length: 0', 'Content-Length: -1')],
  ['two Content-Lengths', options('c1').replace('Content-Length: 0', 'Content-Length: 0\r\nl: 0')],
  ['endless headers', `OPTIONS sip:a SIP/2.0\r\nX: ${'a'.repeat(20_000)}`],
])('%s closes the connection it came on and no other', async (_what, text) => {
  const bystander = await open();
  const socket = await open();

  socket.resume().write(text);

  await once(socket, 'close');
  bystander.write(options('c9'));
  await read(bystander, 'Call-ID: c9');
});

test('a message that stops half way is given up in less than 5 s', async () => {
  const clock = new VirtualClock();
  const slow = await startSipServer({
    listen: [{ transport: 'tcp', address: '127.0.0.1', port: 0 }],
    clock,
    random: systemRandom,
    logger: silentLogger,
  });
  const socket = connect(slow.listening[0]?.port ?? 0, '127.0.0.1');
  sockets.push(socket);
  const closed = once(socket, 'close');
  socket.write('\r\n\r\nOPTIONS sip:a SIP/2.0\r\n');
  await once(socket, 'data');
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));

  clock.advance(4_499);
  expect(slow.stats.connectionsStalled).toBe(0);
  clock.advance(1);

  await closed;
  expect(slow.stats.connectionsStalled).toBe(1);
  await slow.close();
});

test('one address gets a limited number of connections', async () => {
  for (let i = 0; i < 3; i += 1) await open();

  const refused = await open();

  await once(refused, 'close');
  expect(server.stats.connectionsRefused).toBe(1);
});

test('a response whose connection is gone goes to the address in Via over a new one', async () => {
  const application = await AdminConnection.login(server, 'options');
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const { port } = listener.address() as AddressInfo;
  const socket = await open();
  socket.write(phoneRequest('OPTIONS', { port, callId: 'c1' }).replace('SIP/2.0/UDP', 'SIP/2.0/TCP'));
  const request = await application.next((frame) => frame.message.startsWith('OPTIONS'));

  socket.destroy();
  // Two round trips behind the end of the connection, the server knows of it.
  await application.command('ping');
  await application.command('ping');
  await application.command(`sip|${request.tokens[8] ?? ''}|`, 'SIP/2.0 200 OK\r\n\r\n');

  const [connection] = await accepted;
  sockets.push(connection);
  expect(await read(connection, 'Call-ID: c1')).toContain('SIP/2.0 200 OK');
  application.close();
  connection.destroy();
  await new Promise((resolve) => listener.close(resolve));
});

test('rubbish over UDP is dropped, and the next request answered', async () => {
  const phone = await UdpClient.open();
  for (let i = 0; i < 50; i += 1) phone.send(`\x16\x03\x01${'x'.repeat(i)}`, addressOf(server));

  phone.send(phoneRequest('OPTIONS', { port: phone.port, callId: 'c1' }), addressOf(server));

  await phone.next('SIP/2.0 503');
  expect(server.stats.garbageDropped).toBe(50);
  expect(phone.received).toHaveLength(1);
  await phone.close();
});

test.each(['udp', 'tcp'] as const)(
  'a %s port that is taken is named in the error, and nothing is left open',
  async (transport) => {
    const port = Number(addressOf(server, transport).split(':')[1]);
    const listen = [
      { transport: 'udp', address: '127.0.0.1', port: 0 },
      { transport, address: '127.0.0.1', port },
    ] as const;

    await expect(startTestServer({ listen })).rejects.toThrow(`cannot listen on ${transport} 127.0.0.1:${port}: `);
  },
);

test('IPv6 works like IPv4', async () => {
  const ipv6 = await startTestServer({ listen: [{ transport: 'udp', address: '::1', port: 0 }] });

  expect(ipv6.listening).toEqual([{ transport: 'udp', address: '::1', port: expect.any(Number) }]);

  await ipv6.close();
});

test('closing twice is one closing', async () => {
  const one = await startTestServer();

  await Promise.all([one.close(), one.close()]);
});
