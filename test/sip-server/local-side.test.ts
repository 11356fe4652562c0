import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { LocalSide } from '../../src/sip-server/local-side';
import { contactOf, localSideOf, replaceLocalhost } from '../../src/sip-server/local-side';
import { MemoryNetwork } from './memory-network';

const network = new MemoryNetwork(new VirtualClock(), { delayMs: 0 });
const udp: LocalSide = { host: '192.0.2.1', port: 5080, transport: 'udp' };
const tcp: LocalSide = { host: '::1', port: 5080, transport: 'tcp' };

test('the bound address is what peers see, unless a public one is set', () => {
  const flow = { transport: network.open('udp', '127.0.0.1', 5060), remoteAddress: '127.0.0.2', remotePort: 1 };

  expect(localSideOf(flow, undefined).host).toBe('127.0.0.1');
  expect(localSideOf(flow, '203.0.113.1')).toEqual({ host: '203.0.113.1', port: 5060, transport: 'udp' });
});

test('a wildcard is loopback for peers on this machine, and never shown', () => {
  const transport = network.open('udp', '0.0.0.0', 5060);

  expect(localSideOf({ transport, remoteAddress: '127.0.0.2', remotePort: 1 }, undefined).host).toBe('127.0.0.1');
  expect(localSideOf({ transport, remoteAddress: '192.0.2.1', remotePort: 1 }, undefined).host).not.toBe('0.0.0.0');
});

test('the default Contact names the transport when it is not UDP', () => {
  expect(contactOf(udp)).toBe('<sip:192.0.2.1:5080>');
  expect(contactOf(tcp)).toBe('<sip:[::1]:5080;transport=tcp>');
});

test.each([
  ['Contact', 'sip:bob@localhost', udp, '<sip:bob@192.0.2.1:5080>'],
  ['contact', '<sip:bob@localhost;ob>;expires=60', tcp, '<sip:bob@[::1]:5080;ob;transport=tcp>;expires=60'],
  ['From', '"Bob" <sip:bob@localhost:5999>;tag=1', udp, '"Bob" <sip:bob@192.0.2.1:5999>;tag=1'],
  ['P-Asserted-Identity', '<sip:+1555@localhost>', udp, '<sip:+1555@192.0.2.1:5080>'],
  ['To', '<sip:bob@localhost.example.com>', udp, '<sip:bob@localhost.example.com>'],
  ['Contact', '*', udp, '*'],
  ['Subject', 'sip:bob@localhost', udp, 'sip:bob@localhost'],
])('%s: %s', (name, value, local, expected) => {
  expect(replaceLocalhost({ name, value }, local)).toBe(expected);
});
