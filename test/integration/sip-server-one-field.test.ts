import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SipServer } from '../../src/sip-server/server';
import { oneFieldAnswers, oneFieldInvites, oneFieldSubscriptions } from '../fuzz/one-field';
import type { SrfApp } from '../sip-server/srf-app';
import { addressOf, connectSrf, disconnect, sdpOf, startTestServer } from '../sip-server/srf-app';
import { UdpClient, phoneRequest } from '../sip-server/udp-client';

/** `node scripts/fuzz-sip.mjs` asks for every one. */
const every = Number(process.env.RINGBRIDGE_FUZZ_ONE_FIELD_EVERY ?? 31);
const datagramBytesMax = 65_507;
const answers = [180, 200, 302, 401];
/** Until a call whose first answer led to nothing is refused by a second. */
const patienceMs = 20;
/** Every case may leave one behind. */
const subscriptionsMax = 10_000;
/** By then the second has long been there. */
const settleMs = 4_000;

jest.setTimeout(1_800_000);

let server: SipServer;
let srf: SrfApp;
let probe: UdpClient;
let probes = 0;

beforeEach(async () => {
  server = await startTestServer({ limits: { subscriptions: subscriptionsMax } });
  probe = await UdpClient.open();
  srf = await connectSrf(server, (app) => {
    app.invite((req, res) => void app.createUAS(req, res, { localSdp: sdpOf(1) }).catch(() => undefined));
    app.subscribe((req, res) => void app.createUAS(req, res, {}).catch(() => undefined));
    app.options((_req, res) => res.send(200));
  });
});

afterEach(async () => {
  disconnect(srf);
  await probe.close();
  await server.close();
});

/** An OPTIONS that srf itself answers: the way to it and back is open. */
async function expectService(): Promise<void> {
  probes += 1;
  const callId = `probe-${probes}.`;
  probe.send(phoneRequest('OPTIONS', { port: probe.port, callId }), addressOf(server));
  while (!(await probe.next('SIP/2.0 200')).includes(callId)) probe.received.shift();
  probe.received.length = 0;
}

test('an INVITE with one field that is wrong leaves drachtio-srf as it was', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const peer = `127.0.0.1:${socket.address().port}`;
  const { port: udpPort } = server.listening[0]!;
  const { port: tcpPort } = server.listening[1]!;
  const cases = oneFieldInvites({ peer, target: '127.0.0.1' }).filter((_case, index) => index % every === 0);

  for (const { text } of cases) {
    const bytes = Buffer.from(text, 'latin1');
    if (bytes.length <= datagramBytesMax) socket.send(bytes, udpPort, '127.0.0.1');
    else await sendOverTcp(bytes, tcpPort);
    await expectService();
  }
  socket.close();

  expect(server.stats.dialogsCreated).toBeGreaterThan(0);
  expect(server.stats.refusedMalformed).toBeGreaterThan(0);
});

test('an answer with one field that is wrong ends its call, and leaves drachtio-srf as it was', async () => {
  const callee = await Callee.open();
  const cases = answers.flatMap((status) => oneFieldAnswers(status, callee.address));
  const chosen = cases.filter(({ text }, index) => index % every === 0 && text.length < datagramBytesMax / 2);
  const unsettled: string[] = [];

  for (const { name, text } of chosen) {
    callee.answer = text;
    const call = srf.createUAC(`sip:bob@${callee.address}`, {
      localSdp: sdpOf(1),
      auth: { username: 'a', password: 'b' },
      followRedirects: name.startsWith('302'),
    });
    const outcome = call.then(
      (dialog) => void dialog.destroy().catch(() => undefined),
      () => undefined,
    );
    const isSettled = await Promise.race([outcome.then(() => true), sleep(settleMs, false, { ref: false })]);
    if (!isSettled) unsettled.push(name);
    await expectService();
  }
  callee.close();

  expect(unsettled).toEqual([]);
  expect(chosen.length).toBeGreaterThan(20);
});

/** Those that srf 5.0.29 throws at in setImmediate, where nobody can catch it. */
const deadlyTos = [
  'SIP:bob@127.0.0.1',
  '<SIPS:bob@127.0.0.1>',
  '<urn:service:sos>',
  '<sip:bob@127.0.0.1;a=>',
  '<tel:a>',
];

test.each(['SUBSCRIBE', 'NOTIFY'] as const)(
  'a %s of a subscription with one field that is wrong leaves drachtio-srf as it was',
  async (method) => {
    const phone = await UdpClient.open();
    const target = addressOf(server);
    const peer = `127.0.0.1:${phone.port}`;
    const all = oneFieldSubscriptions(method, peer, target);
    // In the first case only the request line is wrong.
    const [first] = oneFieldSubscriptions('SUBSCRIBE', peer, target);
    const good = first!.text.replace(/^.*/, `SUBSCRIBE sip:bob@${target} SIP/2.0`);
    const plain = all[0]!.text.replace(/^.*/, `${method} sip:bob@${target} SIP/2.0`);
    const deadly = deadlyTos.map((to) => plain.replace(/^To: .*(?=\$toTag)/m, `To: ${to}`));
    const mutated = all.filter((_case, index) => index % every === 0).map(({ text }) => text);

    for (const [index, text] of [...deadly, ...mutated].entries()) {
      const callId = `${method}-${index}.`;
      let toTag = '';
      if (method === 'NOTIFY') {
        phone.send(own(good, callId, ''), target);
        toTag = `;${/tag=[^;\r]+/.exec(/^To: .*$/m.exec(await phone.next('SIP/2.0 202'))?.[0] ?? '')?.[0] ?? ''}`;
      }
      const bytes = own(text, callId, toTag);
      if (bytes.length <= datagramBytesMax) phone.send(bytes, target);
      await expectService();
      phone.received.length = 0;
    }
    await phone.close();

    expect(server.stats.dialogsCreated).toBeGreaterThan(0);
    expect(server.stats.refusedMalformed).toBeGreaterThan(0);
    if (method === 'NOTIFY') expect(server.stats.dialogsEnded).toBeGreaterThanOrEqual(deadly.length);
  },
);

function own(text: string, callId: string, toTag: string): string {
  const branch = `z9hG4bK-${callId}${toTag === '' ? 1 : 2}`;
  return text
    .replaceAll('$callId', callId)
    .replaceAll('$branch', branch)
    .replace('$toTag', () => toTag);
}

/** Answers an INVITE as told, then with 486, and whatever else comes with 200. */
class Callee {
  readonly address: string;
  answer = '';
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on('message', (bytes, { port }) => this.#onMessage(bytes.toString('latin1'), port));
  }

  static async open(): Promise<Callee> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Callee(socket);
  }

  close(): void {
    this.#socket.close();
  }

  #onMessage(request: string, port: number): void {
    if (request.startsWith('ACK ') || request.startsWith('SIP/2.0')) return;
    const isInvite = request.startsWith('INVITE ');
    const isChallenged = /^(Proxy-)?Authorization:/m.test(request);
    if (isInvite && !isChallenged) this.#send(filled(this.answer, request), port);
    const last = isInvite ? '486 Busy' : '200 OK';
    const answer = [`SIP/2.0 ${last}`, '$vias', 'From: $from', 'To: $to;tag=last', 'Call-ID: $callId'];
    const closing = [`CSeq: ${valueOf(request, 'CSeq')}`, 'Content-Length: 0', '', ''];
    void sleep(isInvite ? patienceMs : 0).then(() =>
      this.#send(filled([...answer, ...closing].join('\r\n'), request), port),
    );
  }

  #send(text: string, port: number): void {
    try {
      this.#socket.send(Buffer.from(text, 'latin1'), port, '127.0.0.1');
    } catch {
      // It was closed meanwhile.
    }
  }
}

function filled(answer: string, request: string): string {
  const vias = request.match(/^Via: .*(?=\r$)/gm) ?? [];
  return answer
    .replaceAll('$vias', () => vias.join('\r\n'))
    .replaceAll('$from', () => valueOf(request, 'From'))
    .replaceAll('$to', () => valueOf(request, 'To'))
    .replaceAll('$callId', () => valueOf(request, 'Call-ID'))
    .replaceAll('$cseq', () => String(Number.parseInt(valueOf(request, 'CSeq'), 10)));
}

function valueOf(request: string, name: string): string {
  return new RegExp(`^${name}: (.*)\r$`, 'm').exec(request)?.[1] ?? '';
}

/** One connection for one message: the server closes it when it cannot be followed. */
async function sendOverTcp(bytes: Buffer, port: number): Promise<void> {
  const stream = connect(port, '127.0.0.1');
  stream.on('error', () => undefined);
  stream.resume();
  stream.end(bytes);
  await new Promise((resolve) => stream.once('close', resolve));
}
