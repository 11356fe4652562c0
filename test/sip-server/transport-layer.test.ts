import type { LogFields, Logger } from '../../src/runtime/logger';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import { SourceGuard, defaultGuardSettings } from '../../src/sip-server/source-guard';
import { StatelessTags } from '../../src/sip-server/stateless-tags';
import { createStats } from '../../src/sip-server/stats';
import type { Flow, SipTransport, TransportName } from '../../src/sip-server/transport';
import type { Arrival } from '../../src/sip-server/transport-layer';
import { TransportLayer, responseFlow } from '../../src/sip-server/transport-layer';
import { requestText } from './test-peer';

const clock = new VirtualClock();
const logged: LogFields[] = [];
const logger: Logger = { ...silentLogger, info: (fields) => logged.push(fields) };

function createLayer(name: TransportName = 'udp') {
  const sends: { text: string; to: Flow }[] = [];
  const requests: Arrival<SipRequest>[] = [];
  const responses: Arrival<SipResponse>[] = [];
  const stats = createStats();
  const transport: SipTransport = {
    name,
    address: '127.0.0.1',
    port: 5060,
    send: (bytes, to) => sends.push({ text: bytes.toString('latin1'), to }),
    close: () => Promise.resolve(),
  };
  const guard = new SourceGuard({ clock, logger, stats, settings: defaultGuardSettings });
  const layer = new TransportLayer(
    { clock, tags: new StatelessTags(seededRandom(1)), logger, stats, guard },
    { onRequest: (arrival) => requests.push(arrival), onResponse: (arrival) => responses.push(arrival) },
  );
  const flow: Flow = { transport, remoteAddress: '127.0.0.2', remotePort: 40_000 };
  const receive = (text: string | Buffer): 'keep' | 'close' =>
    layer.onMessage(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, flow);
  return { receive, sends, requests, responses, stats, flow };
}

function topVia(arrival: Arrival<SipRequest> | undefined): string | undefined {
  return arrival?.message.headers.first('Via');
}

test('the source is written into the top Via when the sender gave another name', () => {
  const { receive, requests } = createLayer();

  receive(requestText('OPTIONS').replace('127.0.0.2:5060;branch', 'pc33.example.com;branch'));

  expect(topVia(requests[0])).toBe('SIP/2.0/UDP pc33.example.com;branch=z9hG4bK-OPTIONS-1;received=127.0.0.2');
});

test('rport gets the source port, and responses go there', () => {
  const { receive, requests, flow } = createLayer();

  receive(requestText('OPTIONS').replace(';branch', ';rport;branch'));

  expect(topVia(requests[0])).toBe(
    'SIP/2.0/UDP 127.0.0.2:5060;rport=40000;branch=z9hG4bK-OPTIONS-1;received=127.0.0.2',
  );
  expect(responseFlow(requests[0]!.essentials, flow).remotePort).toBe(40_000);
});

test('without rport responses go to the port in Via, or to 5060, and never to another address', () => {
  const { receive, requests, flow } = createLayer();

  receive(requestText('OPTIONS').replace('127.0.0.2:5060', '192.0.2.9:5999;received=192.0.2.8;maddr=192.0.2.7'));
  receive(requestText('OPTIONS').replace('127.0.0.2:5060', '192.0.2.9'));

  const flows = requests.map(({ essentials }) => responseFlow(essentials, flow));
  expect(flows.map(({ remoteAddress, remotePort }) => `${remoteAddress}:${remotePort}`)).toEqual([
    '127.0.0.2:5999',
    '127.0.0.2:5060',
  ]);
  expect(topVia(requests[0])).not.toContain('192.0.2.8');
});

test('other Vias in the same line stay as they were', () => {
  const { receive, requests } = createLayer();

  receive(requestText('OPTIONS').replace('OPTIONS-1\r', 'OPTIONS-1 , SIP/2.0/TCP b;branch=2\r'));

  expect(topVia(requests[0])).toBe('SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK-OPTIONS-1, SIP/2.0/TCP b;branch=2');
});

test('a broken request is refused with what could be read of it, and a broken ACK is not', () => {
  const { receive, sends, requests, stats } = createLayer();

  receive(requestText('OPTIONS').replace('Max-Forwards', 'Max Forwards'));
  receive(requestText('ACK').replace('Max-Forwards', 'Max Forwards'));

  expect(sends).toHaveLength(1);
  expect(sends[0]?.text).toMatch(
    /^SIP\/2\.0 400 Bad Header Name\r\nVia: .*\r\nFrom: .*\r\nTo: .*;tag=.*\r\nCall-ID: call-1\r\n/,
  );
  expect(requests).toEqual([]);
  expect(stats.refusedMalformed).toBe(2);
});

test('a broken request that comes again gets the same answer again, and another one another tag', () => {
  const { receive, sends } = createLayer();
  const broken = requestText('OPTIONS').replace('Max-Forwards', 'Max Forwards');

  receive(broken);
  receive(broken);
  receive(broken.replace('call-1', 'call-2'));

  expect(sends[0]?.text).toBe(sends[1]?.text);
  const tags = sends.map(({ text }) => /To: .*;tag=(\S+)/.exec(text)?.[1]);
  expect(new Set(tags).size).toBe(2);
});

test('rubbish is counted by cause and logged once a minute', () => {
  const { receive, stats, sends } = createLayer();
  logged.length = 0;
  clock.advance(60_000);

  for (let i = 0; i < 100; i += 1) receive(Buffer.from([0x16, 0x03, 0x01, i]));
  receive(Buffer.alloc(20_000, 'a'));
  receive('SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n');

  expect([stats.garbageDropped, stats.oversizeDropped, stats.badResponsesDropped]).toEqual([100, 1, 1]);
  expect(sends).toEqual([]);
  expect(logged).toHaveLength(1);
  clock.advance(60_000);
  receive('again');
  expect(logged).toHaveLength(2);
});

test.each(['\r\n\r\n', '\r\n', '\x00', ''])('%j keeps a binding open and means nothing else', (text) => {
  const { receive, stats } = createLayer();

  expect(receive(text)).toBe('keep');
  expect([stats.keepAlives, stats.garbageDropped]).toEqual([1, 0]);
});

test('a stream that carries rubbish or broken requests is to be closed', () => {
  const { receive } = createLayer('tcp');

  expect(receive('hello\r\n\r\n')).toBe('close');
  expect(receive(requestText('OPTIONS').replace('Max-Forwards', 'Max Forwards'))).toBe('close');
  expect(receive(requestText('OPTIONS'))).toBe('keep');
});
