import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { HostCache } from '../../src/sip-server/host-cache';
import type { LocateFault } from '../../src/sip-server/locator';
import { Locator } from '../../src/sip-server/locator';
import type { Flow } from '../../src/sip-server/transport';
import { MemoryNetwork } from './memory-network';

const clock = new VirtualClock();
const network = new MemoryNetwork(clock, { delayMs: 0 });
const udp = network.open('udp', '127.0.0.1', 5060);
const tcp = network.open('tcp', '127.0.0.1', 5060);
const outside = network.open('udp', '192.0.2.1', 5060);
const ipv6 = network.open('udp', '::1', 5060);

function locate(uri: string, near?: Flow, transports = [outside, udp, tcp, ipv6]): Promise<Flow | LocateFault> {
  const hosts = new HostCache(clock, (host) =>
    Promise.resolve(host === 'pbx.example.com' ? ['junk', '192.0.2.7'] : []),
  );
  return new Promise((resolve) => new Locator(transports, hosts, '198.51.100.1').locate(uri, near, resolve));
}

test.each([
  ['sip:127.0.0.2', udp, '127.0.0.2', 5060],
  ['sip:bob@127.0.0.2:5070;transport=UDP', udp, '127.0.0.2', 5070],
  ['sip:127.0.0.2;transport=tcp', tcp, '127.0.0.2', 5060],
  ['sip:192.0.2.9', outside, '192.0.2.9', 5060],
  ['sip:[::1]:5070', ipv6, '::1', 5070],
  ['sip:pbx.example.com:5070', outside, '192.0.2.7', 5070],
  ['sip:pbx.example.com;maddr=127.0.0.3', udp, '127.0.0.3', 5060],
])('%s goes out by the socket that fits', async (uri, transport, remoteAddress, remotePort) => {
  expect(await locate(uri)).toEqual({ transport, remoteAddress, remotePort });
});

test.each([
  ['sips:127.0.0.2', 'no-transport'],
  ['sip:127.0.0.2;transport=sctp', 'no-transport'],
  ['sip:nowhere.example.com', 'no-address'],
  ['tel:+1555', 'uri-malformed'],
  ['sip:127.0.0.1', 'ourselves'],
  ['sip:198.51.100.1', 'ourselves'],
])('%s has nowhere to go: %s', async (uri, fault) => {
  expect(await locate(uri)).toBe(fault);
});

test('the connection a peer came by is used again while its address is the same', async () => {
  const near: Flow = { transport: tcp, remoteAddress: '127.0.0.2', remotePort: 40_000, connectionId: 7 };

  expect(await locate('sip:127.0.0.2:5070;transport=tcp', near)).toMatchObject({ remotePort: 5070, connectionId: 7 });
  expect(await locate('sip:127.0.0.3:5070;transport=tcp', near)).not.toHaveProperty('connectionId');
});

test('a URI that names no transport means the one the peer came by, at its own address only', async () => {
  const near: Flow = { transport: tcp, remoteAddress: '127.0.0.2', remotePort: 40_000, connectionId: 7 };

  expect(await locate('sip:127.0.0.2', near)).toMatchObject({ transport: tcp, connectionId: 7 });
  expect(await locate('sip:127.0.0.3', near)).toMatchObject({ transport: udp });
  expect(await locate('sip:127.0.0.2;transport=udp', near)).toMatchObject({ transport: udp });
});

test('without UDP a URI that names no transport goes over what there is', async () => {
  expect(await locate('sip:127.0.0.2', undefined, [tcp])).toMatchObject({ transport: tcp });
});

interface Zone {
  services?: Record<string, [name: string, port: number, priority: number, weight: number][]>;
  hosts?: Record<string, string[]>;
}

/** Where `uri` leads, as `transport address:port`, and which names were asked for. */
async function locateByDns(uri: string, { services = {}, hosts = {} }: Zone) {
  const asked: string[] = [];
  const answer = <Answer>(name: string, table: Record<string, Answer[]>): Promise<Answer[]> => {
    asked.push(name);
    return Promise.resolve(table[name] ?? []);
  };
  const locator = new Locator(
    [outside, network.open('tcp', '192.0.2.1', 5060), network.open('tls', '192.0.2.1', 5061)],
    new HostCache(clock, (host) => answer(host, hosts)),
    undefined,
    {
      services: new HostCache(clock, async (name) => {
        const records = await answer(name, services);
        return records.map(([host, port, priority, weight]) => ({ name: host, port, priority, weight }));
      }),
      random: seededRandom(1),
    },
  );
  const found = await new Promise<readonly Flow[] | LocateFault>((resolve) => {
    locator.locateAll(uri, undefined, resolve);
  });
  const places =
    typeof found === 'string'
      ? found
      : found.map(({ transport, remoteAddress, remotePort }) => `${transport.name} ${remoteAddress}:${remotePort}`);
  return { places, asked, found };
}

test('SRV records are tried in order of their priority, each host with all its addresses', async () => {
  const { places } = await locateByDns('sip:bob@carrier.test', {
    services: {
      '_sip._udp.carrier.test': [
        ['b.carrier.test', 5070, 20, 0],
        ['a.carrier.test', 5080, 10, 0],
      ],
    },
    hosts: { 'a.carrier.test': ['192.0.2.10', '192.0.2.11'], 'b.carrier.test': ['192.0.2.20'] },
  });

  expect(places).toEqual(['udp 192.0.2.10:5080', 'udp 192.0.2.11:5080', 'udp 192.0.2.20:5070']);
});

test.each([
  ['sip:carrier.test', ['_sip._udp.carrier.test', '_sip._tcp.carrier.test', 'carrier.test'], 'udp 192.0.2.9:5060'],
  ['sip:carrier.test;transport=tcp', ['_sip._tcp.carrier.test', 'carrier.test'], 'tcp 192.0.2.9:5060'],
  ['sips:carrier.test', ['_sips._tcp.carrier.test', 'carrier.test'], 'tls 192.0.2.9:5061'],
  ['sip:carrier.test:5060', ['carrier.test'], 'udp 192.0.2.9:5060'],
  ['sip:carrier', ['carrier'], 'udp 192.0.2.9:5060'],
  ['sip:192.0.2.9', [], 'udp 192.0.2.9:5060'],
])('%s asks for no more names than it needs', async (uri, names, place) => {
  const hosts = { 'carrier.test': ['192.0.2.9'], carrier: ['192.0.2.9'] };

  const { asked, places } = await locateByDns(uri, { hosts });

  expect(asked).toEqual(names);
  expect(places).toEqual([place]);
});

test('over TLS the certificate must be for the name that was called, not for the host of its SRV record', async () => {
  const { found } = await locateByDns('sips:carrier.test', {
    services: { '_sips._tcp.carrier.test': [['edge.elsewhere.test', 5061, 1, 1]] },
    hosts: { 'edge.elsewhere.test': ['192.0.2.30'] },
  });

  expect(found).toMatchObject([{ remoteAddress: '192.0.2.30', serverName: 'carrier.test' }]);
});

test('an endless list of places ends at eight', async () => {
  const hosts = { 'carrier.test': Array.from({ length: 100 }, (_nothing, index) => `192.0.2.${index + 2}`) };

  const { places } = await locateByDns('sip:carrier.test:5060', { hosts });

  expect(places).toHaveLength(8);
});

test.each([
  ['sip:bob@10.0.0.5:5062', '198.51.100.7', 40_000],
  ['sip:bob@192.168.1.5', '198.51.100.7', 40_000],
  ['sip:bob@203.0.113.9', '203.0.113.9', 5060],
])('a peer that came from outside is answered at %s by way of %s:%i', async (uri, remoteAddress, remotePort) => {
  const near: Flow = { transport: outside, remoteAddress: '198.51.100.7', remotePort: 40_000 };

  expect(await locate(uri, near)).toMatchObject({ transport: outside, remoteAddress, remotePort });
});

test('a peer in our own private network is answered where it wants', async () => {
  const near: Flow = { transport: outside, remoteAddress: '10.0.0.1', remotePort: 40_000 };

  expect(await locate('sip:bob@10.0.0.5', near)).toMatchObject({ remoteAddress: '10.0.0.5', remotePort: 5060 });
});
