import { HeaderList } from '../../src/sip-server/header-list';
import {
  formatNameAddr,
  formatVia,
  listValues,
  parseCSeq,
  parseNameAddr,
  parseVia,
} from '../../src/sip-server/header-values';

test.each([
  ['SIP/2.0/UDP host.example.com:5070;branch=z9hG4bK1;rport', 'host.example.com', 5070],
  ['SIP / 2.0 / UDP  [2001:db8::9:1] : 5070 ; branch = z9hG4bK1', '2001:db8::9:1', 5070],
  ['SIP/2.0/TLS-SCTP 192.0.2.1;received=[2001:db8::1]', '192.0.2.1', undefined],
])('a Via such as %s is understood', (text, host, port) => {
  expect(parseVia(text)).toMatchObject({ host, port });
});

test.each([
  '',
  'SIP/2.0/UDP',
  'SIP/2.0/UDP host;;,;,,',
  'SIP/3.0/UDP host',
  'UDP host',
  'SIP/2.0/UDP ho:st',
  'SIP/2.0/UDP h;a="b',
])('the Via %j is malformed', (text) => {
  expect(parseVia(text)).toBeUndefined();
});

test('a Via is written as it was read', () => {
  const text = 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport=5080;received=127.0.0.1';

  expect(formatVia(parseVia(text)!)).toBe(text);
});

test.each([
  ['<sip:a@b>', '', 'sip:a@b', []],
  ['sip:a@b;tag=1', '', 'sip:a@b', [['tag', '1']]],
  [
    '"Bell, A. \\"G\\"" <sip:a@b;lr>;tag=1;x',
    '"Bell, A. \\"G\\""',
    'sip:a@b;lr',
    [
      ['tag', '1'],
      ['x', undefined],
    ],
  ],
  ['caller<sip:caller@example.com>;tag=323', 'caller', 'sip:caller@example.com', [['tag', '323']]],
  ['A token-ized name <tel:+1555>', 'A token-ized name', 'tel:+1555', []],
  ['<sip:a@b>;q="0.7 or so"', '', 'sip:a@b', [['q', '"0.7 or so"']]],
] as const)('%s is understood', (text, displayName, uri, params) => {
  expect(parseNameAddr(text)).toEqual({ displayName, uri, params: new Map(params as never) });
});

test.each([
  '',
  '*',
  '"Mr. J. User <sip:a@b>',
  'Bell, A <sip:a@b>',
  '< sip:a@b>',
  '<sip:a@b> junk',
  '<sip:a@b',
  'a@b',
  '<>',
  'sip:a@b?x=y',
])('the address %j is malformed', (text) => {
  expect(parseNameAddr(text)).toBeUndefined();
});

test('an address is written with brackets, so that parameters stay where they belong', () => {
  expect(formatNameAddr(parseNameAddr('sip:a@b;tag=1')!)).toBe('<sip:a@b>;tag=1');
});

test.each([
  ['1 INVITE', { number: 1, method: 'INVITE' }],
  ['  0009\t NEW-method ', { number: 9, method: 'NEW-method' }],
  ['4294967295 BYE', { number: 4_294_967_295, method: 'BYE' }],
  ['4294967296 BYE', undefined],
  ['36893488147419103232 REGISTER', undefined],
  ['-1 BYE', undefined],
  ['1', undefined],
  ['1 INVITE extra', undefined],
])('CSeq %j', (text, expected) => {
  expect(parseCSeq(text)).toEqual(expected);
});

test('lists are split at commas outside quotes and brackets, over all lines of the header', () => {
  const headers = new HeaderList().add('Route', '<sip:a,b;lr>, "x, \\" y" <sip:c>').add('route', '<sip:d>');

  expect(listValues(headers, 'ROUTE')).toEqual(['<sip:a,b;lr>', '"x, \\" y" <sip:c>', '<sip:d>']);
});

test.each(['<sip:a@b>;tag=1;tag=2', '<sip:a@b>;tag=1;TAG=2'])('two tags in %j may name two dialogs', (text) => {
  expect(parseNameAddr(text, { once: 'tag' })).toBeUndefined();
  expect(parseNameAddr(text)?.params.get('tag')).toBe('2');
});

test('two branches in a Via would name two transactions; other parameters may come twice', () => {
  expect(parseVia('SIP/2.0/UDP a;branch=1;branch=2')).toBeUndefined();
  expect(parseVia('SIP/2.0/UDP a;rport;branch=1;rport')?.params.get('branch')).toBe('1');
});
