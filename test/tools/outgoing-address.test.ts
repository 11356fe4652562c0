import { addressesFault, addressKind, urlFault } from '../../src/tools/outgoing-address';

const strict = { allowPrivate: false, ports: [] };
const inside = { allowPrivate: true, ports: [] };

test.each([
  '10.0.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '127.0.0.1',
  '127.255.0.9',
  '100.64.0.1',
  '::1',
  'fd12::1',
  '::ffff:10.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:c0a8:0101',
])('%s belongs to a private network', (address) => expect(addressKind(address)).toBe('private'));

test.each([
  '0.0.0.0',
  '169.254.169.254',
  '100.100.100.200',
  '::ffff:169.254.169.254',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  '::',
  '::127.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001::1',
  'ff02::1',
  '224.0.0.1',
  '255.255.255.255',
  '198.18.0.1',
  'example.com',
  '',
])('%s is reached by no tool', (address) => expect(addressKind(address)).toBe('never'));

test.each(['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '172.32.0.1', '100.128.0.1'])('%s is public', (address) =>
  expect(addressKind(address)).toBe('public'),
);

test.each([
  'https://127.0.0.1/',
  'https://0x7f000001/',
  'https://2130706433/',
  'https://017700000001/',
  'https://127.1/',
  'https://127.0.0.1./',
  'https://１２７.0.0.1/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[0:0:0:0:0:ffff:7f00:1]/',
  'http://8.8.8.8/',
  'https://8.8.8.8:8443/',
  'https://user:secret@8.8.8.8/',
  'ftp://8.8.8.8/',
])('%s is refused as it is written', (url) => expect(urlFault(new URL(url), strict)).toBeDefined());

test('an admin may allow private networks, ports and http inside, and never link-local addresses', () => {
  expect(urlFault(new URL('http://10.0.0.5:8080/'), inside)).toBeUndefined();
  expect(urlFault(new URL('https://8.8.8.8:8443/'), { allowPrivate: false, ports: [8_443] })).toBeUndefined();
  expect(urlFault(new URL('http://169.254.169.254/'), inside)).toBeDefined();
  expect(addressesFault(new URL('http://metadata.example/'), ['169.254.169.254'], inside)).toBeDefined();
  expect(addressesFault(new URL('http://shop.example/'), ['8.8.8.8'], inside)).toBe(
    'http without encryption to a public address',
  );
});

test('one private address among public ones is enough to refuse a name', () => {
  const url = new URL('https://shop.example/');
  expect(addressesFault(url, ['8.8.8.8', '10.0.0.1'], strict)).toBe('an address of a private network');
  expect(addressesFault(url, ['8.8.8.8', '2606:4700::1111'], strict)).toBeUndefined();
  expect(addressesFault(url, [], strict)).toBeDefined();
});
