import { once } from 'node:events';
import { frameBytesMax } from '../../src/sip-server/admin-frame';
import type { SipServer } from '../../src/sip-server/server';
import { AdminConnection } from '../sip-server/admin-connection';
import { addressOf, startTestServer } from '../sip-server/srf-app';
import { UdpClient, phoneRequest } from '../sip-server/udp-client';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const time = /^\d\d:\d\d:\d\d\.\d{6}$/;

let server: SipServer;
let phone: UdpClient;
let opened: AdminConnection[];

beforeEach(async () => {
  server = await startTestServer({ resolve: () => Promise.resolve([]) });
  phone = await UdpClient.open();
  opened = [];
});

afterEach(async () => {
  for (const connection of opened) connection.close();
  await phone.close();
  await server.close();
});

async function login(...verbs: string[]): Promise<AdminConnection> {
  const connection = await AdminConnection.login(server, ...verbs);
  opened.push(connection);
  return connection;
}

async function openAnonymous(): Promise<AdminConnection> {
  const connection = await AdminConnection.open(server);
  opened.push(connection);
  return connection;
}

/** A new request, as it comes to the application. */
function newRequest(connection: AdminConnection, callId: string): ReturnType<AdminConnection['next']> {
  return connection.next((frame) => frame.tokens[1] === 'sip' && frame.message.includes(`Call-ID: ${callId}\r\n`));
}

test('login tells the listeners and a version that srf knows', async () => {
  const connection = await openAnonymous();

  const { tokens } = await connection.command(`authenticate|${server.admin.secret}|tag1,tag2`);

  const hostports = `udp/${addressOf(server, 'udp')},tcp/${addressOf(server, 'tcp')}`;
  expect(tokens[0]).toMatch(uuid);
  expect(tokens.slice(1)).toEqual(['response', 'id-1', 'OK', hostports, 'v0.9.10', hostports]);
});

test('a wrong secret is refused and the connection closed', async () => {
  const connection = await openAnonymous();

  const { tokens } = await connection.command('authenticate|wrong|');

  expect(tokens.slice(3)).toEqual(['NO', 'incorrect secret']);
  await connection.closed();
  expect(server.stats.adminLoginsRefused).toBe(1);
});

test('nothing is done for a connection that has not logged in', async () => {
  const connection = await openAnonymous();

  const { tokens } = await connection.command('route|invite');

  expect(tokens.slice(3)).toEqual(['NO', 'not authenticated']);
  await connection.closed();
  phone.send(phoneRequest('INVITE', { port: phone.port, callId: 'c1' }), addressOf(server));
  await phone.next('SIP/2.0 503');
});

test('an unknown command is refused and the connection closed', async () => {
  const connection = await login();

  const { tokens } = await connection.command('dance');

  expect(tokens.slice(3)).toEqual(['NO', 'Unknown message type']);
  await connection.closed();
});

test('an application that was refused and does not hang up gets no more calls', async () => {
  const connection = await AdminConnection.open(server, { allowHalfOpen: true });
  opened.push(connection);
  await connection.command(`authenticate|${server.admin.secret}|`);
  await connection.command('route|invite');

  await connection.command('dance');
  await once(connection.socket, 'end');
  await login();

  phone.send(phoneRequest('INVITE', { port: phone.port, callId: 'c1' }), addressOf(server));
  await phone.next('SIP/2.0 503');
});

test('a ping is answered', async () => {
  const connection = await login();

  expect((await connection.command('ping')).tokens.slice(3)).toEqual(['OK', 'pong']);
});

test('a frame above the limit is refused by its id, and the connection lives on', async () => {
  const connection = await login();

  const { tokens } = await connection.command('sip||', 'x'.repeat(frameBytesMax));

  expect(tokens.slice(3)).toEqual(['NOK', 'message too large']);
  expect((await connection.command('ping')).tokens[3]).toBe('OK');
});

test('a message as large as drachtio-server could not take goes through', async () => {
  const connection = await login();
  const filler = Array.from({ length: 20 }, (_, index) => `X-Filler-${index}: ${'a'.repeat(2_000)}\r\n`).join('');
  const target = `sip:phone@127.0.0.1:${phone.port}`;

  const { tokens } = await connection.command('sip||', `OPTIONS ${target} SIP/2.0\r\n${filler}\r\n`);

  expect(tokens[3]).toBe('OK');
  expect(await phone.next('OPTIONS')).toContain('X-Filler-19');
});

test('each frame of a call has the layout of drachtio-server', async () => {
  const connection = await login('invite');
  const hereAndThere = [...addressOf(server).split(':')];
  phone.send(phoneRequest('INVITE', { port: phone.port, callId: 'c1', body: 'v=0\r\n' }), addressOf(server));

  const invite = await newRequest(connection, 'c1');
  const [, , , bytes, , , , , txnId] = invite.tokens;
  expect(invite.tokens[0]).toMatch(uuid);
  expect(invite.tokens.slice(1, 3)).toEqual(['sip', 'network']);
  expect(Number(bytes)).toBeGreaterThan(300);
  expect(invite.tokens.slice(4, 7)).toEqual(['udp', '127.0.0.1', String(phone.port)]);
  expect(invite.tokens[7]).toMatch(time);
  expect(txnId).toMatch(uuid);
  expect(invite.tokens.slice(9)).toEqual(['', ...hereAndThere, '']);
  expect(invite.message).toContain(`;rport=${phone.port};received=127.0.0.1\r\n`.replace(/^;rport=\d+/, ''));

  const answered = await connection.command(`sip|${txnId}|`, 'SIP/2.0 200 OK\r\nx-a: 1\r\n\r\nv=0\r\n');
  const dialogId = 'c1;from-tag=phone';
  expect(answered.tokens.slice(3, 5)).toEqual(['OK', 'application']);
  expect(answered.tokens.slice(6, 9)).toEqual(['udp', '127.0.0.1', String(phone.port)]);
  expect(answered.tokens.slice(10)).toEqual([txnId, dialogId, '', 'Msg sent:', '']);
  expect(answered.message).toMatch(/^SIP\/2\.0 200 OK\r\n/);

  const toTag = /To: .*;tag=(\S+)/.exec(await phone.next('SIP/2.0 200'))?.[1] ?? '';
  phone.send(phoneRequest('ACK', { port: phone.port, callId: 'c1', toTag }), addressOf(server));
  const ack = await connection.next((frame) => frame.message.startsWith('ACK'));
  expect(ack.tokens.slice(4, 7)).toEqual(['', '127.0.0.1', String(phone.port)]);
  expect(ack.tokens.slice(8)).toEqual([txnId, dialogId, '']);

  const bye = await connection.command(
    `sip||${dialogId}`,
    'BYE sip:placeholder SIP/2.0\r\nreason: Q.850;cause=16\r\n\r\n',
  );
  expect(bye.tokens.slice(3, 5)).toEqual(['OK', 'application']);
  expect(bye.tokens.slice(6, 9)).toEqual(['udp', ...hereAndThere]);
  expect(bye.tokens[10]).toMatch(uuid);
  expect(bye.tokens.slice(11)).toEqual(['Msg sent:', '']);
  expect(bye.message).toContain('\r\nReason: Q.850;cause=16\r\n');
});

test('a reply to a request comes before any response to it, also when there is nowhere to send it', async () => {
  const connection = await login();

  const id = connection.write('sip||', 'OPTIONS sip:nowhere.invalid SIP/2.0\r\n\r\n');
  const response = await connection.next((frame) => frame.message.startsWith('SIP/2.0 503'));

  const order = connection.frames.slice(-2);
  const [sent] = order;
  expect(order[1]).toBe(response);
  expect(sent?.tokens.slice(2, 9)).toEqual([id, 'OK', 'application', '0', 'unknown', '', '']);
  expect(response.message).toMatch(/^SIP\/2\.0 503 DNS Error\r\n/);
  expect(response.tokens.slice(4, 7)).toEqual(['unknown', '', '0']);
  expect(response.tokens[8]).toBe(sent?.tokens[10]);
});

test.each([
  ['a response without transaction', 'sip||', 'SIP/2.0 200 OK\r\n\r\n', 'transaction id missing'],
  ['a response too late', 'sip|gone|', 'SIP/2.0 200 OK\r\n\r\n', 'Response not sent due to unknown transaction'],
  [
    'a request in no dialog',
    'sip||gone',
    'BYE sip:placeholder SIP/2.0\r\n\r\n',
    'Server error: unable to find dialog for dialog id provided',
  ],
  [
    'a CANCEL of nothing',
    'sip|gone|',
    'CANCEL sip:a@127.0.0.1 SIP/2.0\r\n\r\n',
    'unable to cancel unknown transaction id: gone',
  ],
  [
    'a transport that is not there',
    'sip||',
    'OPTIONS sip:a@127.0.0.1;transport=sctp SIP/2.0\r\n\r\n',
    'requested protocol/transport not available',
  ],
  ['a URI that is none', 'sip||', 'OPTIONS sip:a b SIP/2.0\r\n\r\n', 'invalid request-uri: OPTIONS sip:a b SIP/2.0'],
  ['a body of unknown type', 'sip||', 'MESSAGE sip:a@127.0.0.1:9 SIP/2.0\r\n\r\nhello', 'missing content-type'],
  ['no message at all', 'sip||', '', 'invalid request-uri: '],
])('%s is refused with the text of drachtio-server', async (_what, line, message, text) => {
  const connection = await login();

  expect((await connection.command(line, message)).tokens.slice(3)).toEqual(['NOK', text]);
});

test('a request to ourselves is refused', async () => {
  const connection = await login();

  const { tokens } = await connection.command('sip||', `OPTIONS sip:${addressOf(server)} SIP/2.0\r\n\r\n`);

  expect(tokens.slice(3)).toEqual(['NOK', 'can not send request to myself']);
});

test('two applications get requests in turn, however often one of them asked', async () => {
  const one = await login('options', 'options', 'options');
  const two = await login('options');

  for (const callId of ['c1', 'c2', 'c3', 'c4']) {
    phone.send(phoneRequest('OPTIONS', { port: phone.port, callId }), addressOf(server));
  }
  await Promise.all([newRequest(one, 'c1'), newRequest(two, 'c2'), newRequest(one, 'c3'), newRequest(two, 'c4')]);

  const count = (connection: AdminConnection): number =>
    connection.frames.filter(({ tokens }) => tokens[1] === 'sip').length;
  expect([count(one), count(two)]).toEqual([2, 2]);
});

test('removing one route leaves the others', async () => {
  const connection = await login('options', 'message');
  await connection.command('remove_route|message');

  phone.send(phoneRequest('MESSAGE', { port: phone.port, callId: 'c1' }), addressOf(server));
  await phone.next('SIP/2.0 405');
  phone.send(phoneRequest('OPTIONS', { port: phone.port, callId: 'c2' }), addressOf(server));

  await newRequest(connection, 'c2');
});

test('a command in pieces is put together', async () => {
  const connection = await login();
  const bytes = Buffer.from('6#x|ping');

  connection.socket.setNoDelay(true);
  for (const octet of bytes) {
    connection.socket.write(Buffer.from([octet]));
    await new Promise((resolve) => setImmediate(resolve));
  }

  const { tokens } = await connection.next((frame) => frame.tokens[2] === 'x');
  expect(tokens[3]).toBe('OK');
});

test('rubbish closes the connection that sent it and no other', async () => {
  const bystander = await login('options');
  const connection = await login();

  connection.socket.write('GET / HTTP/1.1\r\n\r\n');

  await connection.closed();
  expect((await bystander.command('ping')).tokens[3]).toBe('OK');
});
