import { addressScope, canonicalAddress } from '../../src/rtp/ip-address';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['FE80::1%eth0', 'fe80::1%eth0'],
  ['localhost', undefined],
  ['127.1', undefined],
  ['192.0.2.01', undefined],
  ['192.0.2.1.', undefined],
  ['', undefined],
])('%s is canonically %s', (text, canonical) => {
  expect(canonicalAddress(text)).toBe(canonical);
});

test.each([
  ['8.8.8.8', 'public'],
  ['2600::1', 'public'],
  ['10.1.2.3', 'private'],
  ['172.31.0.1', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['169.254.169.254', 'private'],
  ['fd00::1', 'private'],
  ['fe80::1%eth0', 'private'],
  ['127.0.0.2', 'loopback'],
  ['::1', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['0.0.0.1', 'unusable'],
  ['224.0.0.1', 'unusable'],
  ['255.255.255.255', 'unusable'],
  ['ff02::1', 'unusable'],
])('%s is %s', (address, scope) => {
  expect(addressScope(address)).toBe(scope);
});
