import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SipServer } from '../../src/sip-server/server';
import { selfSignedCertificate } from '../simulator/self-signed-certificate';
import type { SrfApp } from '../sip-server/srf-app';
import { addressOf, connectSrf, disconnect, sdpOf, startTestServer } from '../sip-server/srf-app';
import { phoneRequest } from '../sip-server/udp-client';

jest.setTimeout(90_000);

const calls = 50;
const identity = selfSignedCertificate('IP:127.0.0.1');

let folder: string;
let server: SipServer;
let srf: SrfApp;
let peer: OpensslPeer | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringbridge-openssl-'));
  await writeFile(join(folder, 'cert.pem'), identity.cert);
  await writeFile(join(folder, 'key.pem'), identity.key);
});

afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  server = await startTestServer({
    listen: [{ transport: 'tls', address: '127.0.0.1', port: 0 }],
    tls: { ...identity, ca: identity.cert },
  });
  srf = await connectSrf(server, (app) => {
    app.invite((req, res) => void app.createUAS(req, res, { localSdp: sdpOf(1) }).catch(() => undefined));
  });
});

afterEach(async () => {
  peer?.stop();
  disconnect(srf);
  await server.close();
});

/** SIP messages through the TLS of OpenSSL's command line, which has no code of Node's socket layer. */
class OpensslPeer {
  readonly #process: ChildProcessWithoutNullStreams;
  #text = '';
  #waiting: (() => void)[] = [];
  #onMessage: ((message: string) => void) | undefined;
  readonly #messages: string[] = [];
  errors = '';

  constructor(args: readonly string[], onMessage?: (message: string) => void) {
    this.#onMessage = onMessage;
    this.#process = spawn('openssl', args, { cwd: folder });
    this.#process.stdout.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    this.#process.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString('latin1')));
    this.#process.stdin.on('error', () => undefined);
  }

  send(text: string): void {
    this.#process.stdin.write(Buffer.from(text, 'latin1'));
  }

  /** The next message that begins so; those before it are passed over. */
  async next(start: string): Promise<string> {
    for (;;) {
      const message = this.#messages.shift();
      if (message?.startsWith(start) === true) return message;
      if (message === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }

  #read(chunk: string): void {
    this.#text += chunk;
    for (;;) {
      const headersEnd = this.#text.indexOf('\r\n\r\n') + 4;
      const length = Number(/^content-length: *(\d+)/im.exec(this.#text.slice(0, headersEnd))?.[1] ?? 0);
      if (headersEnd < 4 || this.#text.length < headersEnd + length) return;
      const message = this.#text.slice(0, headersEnd + length);
      this.#text = this.#text.slice(headersEnd + length);
      if (this.#onMessage !== undefined) this.#onMessage(message);
      else this.#messages.push(message);
      for (const tell of this.#waiting.splice(0)) tell();
    }
  }
}

function header(message: string, name: string): string {
  return new RegExp(`^${name}: (.*)\r$`, 'im').exec(message)?.[1] ?? '';
}

test(`openssl s_client is called through: ${calls} calls on one connection, each hung up`, async () => {
  const verify = ['-verify_return_error', '-CAfile', 'cert.pem', '-verify_ip', '127.0.0.1'];
  const caller = new OpensslPeer(['s_client', '-quiet', ...verify, '-connect', addressOf(server, 'tls')]);
  peer = caller;
  const request = (method: string, parts: Parameters<typeof phoneRequest>[1]): string =>
    phoneRequest(method, parts)
      .replace('SIP/2.0/UDP', 'SIP/2.0/TLS')
      .replace(/;rport/, '');

  for (let call = 0; call < calls; call += 1) {
    const callId = `call-${call}`;
    caller.send(request('INVITE', { port: 5061, callId, body: sdpOf(2) }));
    const answer = await caller.next('SIP/2.0 200');
    const toTag = /;tag=([^;]+)/.exec(header(answer, 'To'))?.[1] ?? '';
    caller.send(request('ACK', { port: 5061, callId, toTag }));
    caller.send(request('BYE', { port: 5061, callId, toTag, cseq: 2 }));
    expect(header(await caller.next('SIP/2.0 200'), 'CSeq')).toBe('2 BYE');
  }

  const { stats } = server;
  expect([stats.dialogsCreated, stats.dialogsEnded]).toEqual([calls, calls]);
  expect([stats.tlsHandshakesFailed, stats.retransmissionsAbsorbed, stats.strayAcksDropped]).toEqual([0, 0, 0]);
});

test(`openssl s_server is called: ${calls} calls on one connection, each hung up`, async () => {
  const port = await freePort();
  const seen: string[] = [];
  const callee = new OpensslPeer(
    ['s_server', '-quiet', '-accept', `127.0.0.1:${port}`, '-cert', 'cert.pem', '-key', 'key.pem'],
    (message) => {
      const method = message.slice(0, message.indexOf(' '));
      seen.push(method);
      if (method === 'INVITE' || method === 'BYE') callee.send(answerTo(message, port, method === 'INVITE'));
    },
  );
  peer = callee;
  await listening(port);

  for (let call = 0; call < calls; call += 1) {
    const dialog = await srf.createUAC(`sip:bob@127.0.0.1:${port};transport=tls`, { localSdp: sdpOf(1) });
    expect(dialog.remote.sdp).toBe(sdpOf(2));
    await dialog.destroy();
  }

  expect(seen).toEqual(Array.from({ length: calls }, () => ['INVITE', 'ACK', 'BYE']).flat());
  const { stats } = server;
  expect([stats.dialogsCreated, stats.dialogsEnded]).toEqual([calls, calls]);
  expect([stats.tlsHandshakesFailed, stats.retransmissionsSent, stats.sendFailures]).toEqual([0, 0, 0]);
});

function answerTo(request: string, port: number, withBody: boolean): string {
  const body = withBody ? sdpOf(2) : '';
  const to = header(request, 'To');
  const vias = (request.match(/^Via: .*(?=\r$)/gm) ?? []).join('\r\n');
  return [
    'SIP/2.0 200 OK',
    vias,
    `From: ${header(request, 'From')}`,
    `To: ${to}${to.includes(';tag=') ? '' : ';tag=openssl'}`,
    `Call-ID: ${header(request, 'Call-ID')}`,
    `CSeq: ${header(request, 'CSeq')}`,
    `Contact: <sip:bob@127.0.0.1:${port};transport=tls>`,
    ...(withBody ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** It says nothing when it is ready, and takes one connection after another: only the system's table can tell. */
async function listening(port: number): Promise<void> {
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  while (!(await readFile('/proc/net/tcp', 'utf8')).includes(wanted)) await sleep(20);
}
