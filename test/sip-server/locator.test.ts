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
