import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SipServer, SipServerOptions } from '../../src/sip-server/server';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { selfSignedCertificate } from '../simulator/self-signed-certificate';
import type { SrfApp, SrfMessage } from '../sip-server/srf-app';
import { addressOf, connectSrf, disconnect, next, sdpOf, startTestServer, uriOf } from '../sip-server/srf-app';
import { phoneRequest } from '../sip-server/udp-client';
import { eventually } from '../support/eventually';

jest.setTimeout(60_000);

/** For the address, which both servers use, and for one name. */
const identity = selfSignedCertificate('IP:127.0.0.1,DNS:pbx.test,URI:sip:office.test');
const stranger = selfSignedCertificate('IP:127.0.0.1');
const tlsListener = { transport: 'tls', address: '127.0.0.1', port: 0 } as const;
const toLoopback: Partial<SipServerOptions> = { resolve: () => Promise.resolve(['127.0.0.1']) };

const servers: SipServer[] = [];
const apps: SrfApp[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const app of apps.splice(0)) disconnect(app);
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function tlsServer(options: Partial<SipServerOptions> = {}): Promise<SipServer> {
  const server = await startTestServer({ listen: [tlsListener], tls: identity, ...options });
  servers.push(server);
  return server;
}

async function application(server: SipServer, register: (srf: SrfApp) => void = () => undefined): Promise<SrfApp> {
  const app = await connectSrf(server, register);
  apps.push(app);
  return app;
}

/** A server whose application answers every call, and what it was asked. */
async function bob(options: Partial<SipServerOptions> = {}) {
  const server = await tlsServer(options);
  const seen: SrfMessage[] = [];
  const app = await application(server, (srf) => {
    srf.invite((req, res) => {
      seen.push(req);
      void srf.createUAS(req, res, { localSdp: sdpOf(2) });
    });
  });
  return { server, app, seen };
}

async function secureSocket(server: SipServer): Promise<Socket> {
  const port = Number(addressOf(server, 'tls').split(':')[1]);
  const socket = connectTls({ host: '127.0.0.1', port, ca: identity.cert });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

async function read(socket: Socket, wanted: string): Promise<string> {
  let text = '';
  while (!text.includes(wanted)) text += String(((await once(socket, 'data')) as [Buffer])[0]);
  return text;
}

function options(callId: string): string {
  return phoneRequest('OPTIONS', { port: 5060, callId }).replace('SIP/2.0/UDP', 'SIP/2.0/TLS');
}

test('requests in pieces and requests together are answered on their own secured connection', async () => {
  const socket = await secureSocket(await tlsServer());
  const text = options('c1') + options('c2');

  for (let at = 0; at < text.length; at += 37) {
    socket.write(text.slice(at, at + 37));
    await new Promise((resolve) => setImmediate(resolve));
  }

  const answers = await read(socket, 'Call-ID: c2');
  expect(answers.match(/SIP\/2\.0 503/g)).toHaveLength(2);
});

test.each(['sip', 'sips'])(
  'a %s call between two servers that know each other is set up and hung up',
  async (scheme) => {
    const trusting = { ...identity, ca: identity.cert };
    const called = await bob({ tls: trusting });
    const caller = await application(await tlsServer({ tls: trusting }));

    const dialog = await caller.createUAC(uriOf(called.server, 'tls').replace('sip:', `${scheme}:`), {
      localSdp: sdpOf(1),
    });
    await dialog.destroy();

    expect(dialog.remote.sdp).toBe(sdpOf(2));
    expect(called.seen[0]?.get('Contact')).toMatch(new RegExp(`^<${scheme}:127\\.0\\.0\\.1:\\d+;transport=tls>$`));
    expect(called.seen[0]?.get('Via')).toMatch(/^SIP\/2\.0\/TLS /);
    expect(called.server.stats.dialogsEnded).toBe(1);
  },
);

test('the called side sends its BYE over the connection that the call came on', async () => {
  const called = await bob();
  const caller = await application(await tlsServer({ tls: { ...identity, ca: identity.cert } }));
  const dialog = await caller.createUAC(uriOf(called.server, 'tls'), { localSdp: sdpOf(1) });
  const ended = next<[SrfMessage]>(dialog, 'destroy');

  disconnect(called.app);

  await ended;
  // The called server trusts nobody, so a connection of its own could not have been made.
  expect(called.server.stats.tlsHandshakesFailed).toBe(0);
});

test.each<[string, string, Partial<SipServerOptions>]>([
  ['a certificate that no trusted authority has signed', '127.0.0.1', { tls: identity }],
  ['a certificate for another name', 'other.test', { tls: { ...identity, ca: identity.cert } }],
  ['a certificate of another authority', '127.0.0.1', { tls: { ...identity, ca: stranger.cert } }],
])('%s is not talked to', async (_what, host, callerOptions) => {
  const called = await bob();
  const callerServer = await tlsServer({ ...toLoopback, ...callerOptions });
  const caller = await application(callerServer);
  const port = addressOf(called.server, 'tls').split(':')[1] ?? '';

  const call = caller.createUAC(`sip:bob@${host}:${port};transport=tls`, { localSdp: sdpOf(1) });

  await expect(call).rejects.toMatchObject({ status: 503 });
  expect(callerServer.stats.tlsHandshakesFailed).toBe(1);
  expect(called.server.stats.requestsReceived).toBe(0);
});

test.each(['pbx.test', 'office.test'])('the name %s is found in the certificate', async (host) => {
  const called = await bob();
  const caller = await application(await tlsServer({ ...toLoopback, tls: { ...identity, ca: identity.cert } }));
  const port = addressOf(called.server, 'tls').split(':')[1] ?? '';

  const dialog = await caller.createUAC(`sips:bob@${host}:${port}`, { localSdp: sdpOf(1) });

  await dialog.destroy();
  expect(called.seen).toHaveLength(1);
});

test('a connection that was proved for one name is not used for another', async () => {
  const called = await bob();
  const callerServer = await tlsServer({ ...toLoopback, tls: { ...identity, ca: identity.cert } });
  const caller = await application(callerServer);
  const port = addressOf(called.server, 'tls').split(':')[1] ?? '';
  const dialog = await caller.createUAC(`sips:bob@pbx.test:${port}`, { localSdp: sdpOf(1) });

  const second = caller.createUAC(`sips:bob@other.test:${port}`, { localSdp: sdpOf(1) });

  await expect(second).rejects.toMatchObject({ status: 503 });
  await dialog.destroy();
  expect(called.seen).toHaveLength(1);
});

test('without verification anybody is talked to', async () => {
  const called = await bob();
  const caller = await application(await tlsServer({ tls: { ...stranger, verifyServers: false } }));

  const dialog = await caller.createUAC(uriOf(called.server, 'tls'), { localSdp: sdpOf(1) });

  await dialog.destroy();
  expect(called.seen).toHaveLength(1);
});

test('a peer that speaks no TLS is closed, counted and disturbs nobody', async () => {
  const server = await tlsServer();
  const bystander = await secureSocket(server);
  const plain = connectTcp(Number(addressOf(server, 'tls').split(':')[1]), '127.0.0.1');
  plain.on('error', () => undefined);
  sockets.push(plain);
  await once(plain, 'connect');

  plain.write(options('c1'));
  await once(plain, 'close');

  await eventually(() => server.stats.tlsHandshakesFailed === 1, 'the failed handshake to be counted');
  bystander.write(options('c2'));
  await read(bystander, 'Call-ID: c2');
  expect(server.stats.requestsReceived).toBe(1);
});

test('a peer that never finishes its handshake is closed in time, and counts as a connection until then', async () => {
  const clock = new VirtualClock();
  const server = await tlsServer({ clock, limits: { connectionsPerAddress: 1 } });
  const port = Number(addressOf(server, 'tls').split(':')[1]);
  const silent = connectTcp(port, '127.0.0.1');
  sockets.push(silent);
  await once(silent, 'connect');
  const refused = connectTcp(port, '127.0.0.1').on('error', () => undefined);
  sockets.push(refused);
  await once(refused, 'close');
  expect(server.stats.connectionsRefused).toBe(1);

  clock.advance(5_000);

  await once(silent.resume(), 'close');
  await eventually(() => server.stats.tlsHandshakesFailed === 1, 'the failed handshake to be counted');
  const closed = server.close();
  await clock.advanceAsync(1_000);
  await closed;
});

test('a certificate without its key, and texts that are neither, stop the start with a line that says so', async () => {
  const start = (tls: { cert: string; key: string }): Promise<SipServer> => tlsServer({ tls });

  await expect(start({ cert: identity.cert, key: stranger.key })).rejects.toThrow(
    'the TLS key does not belong to the certificate',
  );
  await expect(start({ cert: 'x', key: identity.key })).rejects.toThrow('the TLS certificate cannot be used: ');
  await expect(start({ cert: identity.cert, key: 'x' })).rejects.toThrow('the TLS key cannot be used: ');
  await expect(startTestServer({ listen: [tlsListener] })).rejects.toThrow(
    'cannot listen on tls 127.0.0.1:0: there is no certificate',
  );
});

test.each(['udp', 'tcp', 'tls'] as const)('a call between IPv6 addresses over %s', async (transport) => {
  const onIpv6 = selfSignedCertificate('IP:::1');
  const tls = { ...onIpv6, ca: onIpv6.cert };
  const listen = [{ transport, address: '::1', port: 0 }];
  const called = await bob({ listen, tls });
  const caller = await application(await tlsServer({ listen, tls }));
  const port = called.server.listening[0]?.port ?? 0;
  const param = transport === 'udp' ? '' : `;transport=${transport}`;

  const dialog = await caller.createUAC(`sip:bob@[::1]:${port}${param}`, { localSdp: sdpOf(1) });
  await dialog.destroy();

  expect(called.seen[0]?.get('Contact')).toMatch(/^<sip:\[::1\]:\d+/);
  expect(called.server.stats.dialogsEnded).toBe(1);
});
