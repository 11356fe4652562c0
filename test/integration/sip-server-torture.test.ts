import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { SipServer } from '../../src/sip-server/server';
import type { SrfApp } from '../sip-server/srf-app';
import { connectSrf, disconnect, sdpOf, startTestServer } from '../sip-server/srf-app';
import { TorturePeer, markOf } from '../sip-server/torture-peer';
import { UdpClient, phoneRequest } from '../sip-server/udp-client';

jest.setTimeout(60_000);

let server: SipServer;
let srf: SrfApp;
let peer: TorturePeer;
let probe: UdpClient;
let probes = 0;
const resolve = jest.fn(() => Promise.resolve([]));

/** What may be answered: one of these statuses, any final answer to an INVITE but 400 and 5xx, or nothing at all. */
type Expected = readonly number[] | 'any but 400 and 5xx' | 'nothing';

const call = 'any but 400 and 5xx';
const options = [200, 401, 403, 404, 405, 407];
const register = [...options, 423, 501];
const unknownMethod = [405, 501, 401, 403, 407];

describe('a server with a small application', () => {
  beforeAll(async () => {
    server = await startTestServer({
      listen: [
        { transport: 'udp', address: '127.0.0.1', port: 0 },
        { transport: 'tcp', address: '127.0.0.1', port: 0 },
        { transport: 'tcp', address: '::1', port: 0 },
      ],
      resolve,
    });
    peer = await TorturePeer.open();
    probe = await UdpClient.open();
    srf = await connectSrf(server, (app) => {
      app.invite((req, res) => {
        app.createUAS(req, res, { localSdp: sdpOf(1) }).catch(() => undefined);
      });
      app.options((_req, res) => res.send(200));
    });
  });

  afterAll(async () => {
    disconnect(srf);
    await Promise.all([peer.close(), probe.close()]);
    await server.close();
  });

  describe('RFC 4475', () => {
    const messages: [name: string, expected: Expected, transport: 'udp' | 'tcp'][] = [
      ['wsinv', call, 'udp'],
      ['intmeth', [...unknownMethod, 404], 'tcp'],
      ['esc01', call, 'udp'],
      ['escnull', register, 'udp'],
      ['esc02', unknownMethod, 'tcp'],
      ['lwsdisp', options, 'udp'],
      ['longreq', call, 'tcp'],
      ['dblreq', register, 'udp'],
      ['semiuri', options, 'udp'],
      ['transports', options, 'udp'],
      ['mpart01', [...options, 415, 501], 'udp'],
      ['unreason', 'nothing', 'udp'],
      ['noreason', 'nothing', 'udp'],
      ['badinv01', [400], 'udp'],
      ['clerr', [400], 'udp'],
      ['ncl', [400], 'udp'],
      ['scalar02', [400], 'tcp'],
      ['scalarlg', 'nothing', 'tcp'],
      ['quotbal', [400], 'udp'],
      ['ltgtruri', [400], 'udp'],
      ['lwsruri', [400], 'udp'],
      ['lwsstart', [400], 'udp'],
      ['trws', [400], 'tcp'],
      ['escruri', [400], 'udp'],
      ['baddate', call, 'udp'],
      ['regbadct', [400], 'udp'],
      ['badaspec', [400], 'udp'],
      ['baddn', [400], 'udp'],
      ['badvers', [505], 'udp'],
      ['mismatch01', [400], 'udp'],
      ['mismatch02', [501], 'udp'],
      ['bigcode', 'nothing', 'udp'],
      ['badbranch', [400, ...options], 'udp'],
      ['insuf', [400], 'udp'],
      ['unkscm', [416], 'tcp'],
      ['novelsc', [416], 'tcp'],
      ['unksm2', [400, 401, 403, 404, 405, 407, 501], 'udp'],
      ['bext01', [420], 'udp'],
      ['invut', [415], 'udp'],
      ['regaut01', [401, 403, 405, 407, 501], 'tcp'],
      ['multi01', [400], 'udp'],
      ['mcl01', [400], 'udp'],
      ['bcast', 'nothing', 'udp'],
      ['zeromf', options, 'udp'],
      ['cparam01', register, 'udp'],
      ['cparam02', register, 'udp'],
      ['regescrt', register, 'udp'],
      ['sdp01', [406], 'udp'],
      ['inv2543', call, 'udp'],
    ];

    test('has 49 messages', () => {
      expect(new Set(messages.map(([name]) => name)).size).toBe(49);
    });

    test.each(messages)('%s is answered with %j', async (name, expected, transport) => {
      const message = load('rfc4475', name);

      if (transport === 'tcp') await peer.sendTcp(message, tcp());
      else peer.sendUdp(message, udp());
      if (expected !== 'nothing') await peer.finalAnswer(markOf(message));
      await expectService();

      const statuses = peer.statuses(markOf(message)).filter((status) => status >= 200);
      expect(statuses.filter((status) => !isExpected(status, expected))).toEqual([]);
      expect(statuses.length > 0).toBe(expected !== 'nothing');
    });

    test.each([
      ['bext01', 'Unsupported: nobodyHasThis, nobodyHasThisEither'],
      ['invut', 'Accept: application/sdp, multipart/*'],
      ['zeromf', 'SIP/2.0 200'],
    ])('the answer to %s says %s', async (name, line) => {
      const message = load('rfc4475', name);
      peer.sendUdp(message, udp());

      expect(await peer.finalAnswer(markOf(message))).toContain(line);
    });

    test('the octets behind the first message of a datagram are no message', () => {
      expect(peer.statuses('Call-ID: dblreq.second')).toEqual([]);
    });

    test.each([
      ['clerr', []],
      ['ncl', [400]],
      ['mcl01', [400]],
    ])('over TCP %s ends its connection, and no other', async (name, statuses) => {
      const message = Buffer.from(load('rfc4475', name).toString('latin1').replaceAll(name, `${name}-tcp`), 'latin1');
      const stream = await peer.sendTcp(message, tcp());

      await once(stream, 'close');
      await expectService();

      expect(peer.statuses(markOf(message))).toEqual(statuses);
    });
  });

  describe('RFC 5118', () => {
    const messages: [name: string, expected: Expected][] = [
      ['ipv6-good', register],
      ['ipv6-bad', [400]],
      ['port-ambiguous', register],
      ['port-unambiguous', register],
      ['via-received-param-with-delim', [481]],
      ['via-received-param-no-delim', options],
      ['ipv6-in-sdp', call],
      ['mult-ip-in-header', [481]],
      ['mult-ip-in-sdp', call],
      ['ipv4-mapped-ipv6', call],
      ['ipv6-bug-abnf-3-colons', [...options, 400]],
      ['ipv6-correct-abnf-2-colons', options],
    ];

    test.each(messages)('%s is answered with %j over UDP and IPv4', async (name, expected) => {
      const message = load('rfc5118', name);

      peer.sendUdp(message, udp());
      const answer = await peer.finalAnswer(markOf(message));
      await expectService();

      expect(isExpected(Number(answer.slice(8, 11)), expected)).toBe(true);
    });

    test.each(messages)('%s is answered with %j over TCP and IPv6', async (name, expected) => {
      const other = load('rfc5118', name).toString('latin1');
      const message = Buffer.from(other.replace('Call-ID: ', 'Call-ID: six.').replace(';branch=', ';branch=z9hG4bK6'));

      await peer.sendTcp(message, server.listening[2]!);
      const answer = await peer.finalAnswer(markOf(message));
      await expectService();

      expect(isExpected(Number(answer.slice(8, 11)), expected)).toBe(true);
    });
  });

  test('no message made the server look up a name', () => {
    expect(resolve).not.toHaveBeenCalled();
  });
});

/** Resolves when an OPTIONS that is sent now is answered. */
async function expectService(): Promise<void> {
  probes += 1;
  const callId = `probe-${probes}.`;
  probe.send(phoneRequest('OPTIONS', { port: probe.port, callId }), `127.0.0.1:${udp().port}`);
  for (;;) {
    if ((await probe.next('SIP/2.0 200')).includes(callId)) break;
    probe.received.shift();
  }
  probe.received.length = 0;
}

function udp(): { address: string; port: number } {
  return server.listening[0]!;
}

function tcp(): { address: string; port: number } {
  return server.listening[1]!;
}

function load(rfc: 'rfc4475' | 'rfc5118', name: string): Buffer {
  return readFileSync(path.join(__dirname, '..', 'fixtures', rfc, `${name}.dat`));
}

function isExpected(status: number, expected: Expected): boolean {
  if (typeof expected !== 'string') return expected.includes(status);
  return expected !== 'nothing' && status !== 400 && (status < 500 || status >= 600);
}
