import { formatSipUri, parseSipUri, uriBytesMax } from '../../src/sip-server/uri';

test('every part of a URI is found', () => {
  expect(parseSipUri('sip:bob:secret@Example.COM:5070;transport=TCP;lr?subject=x')).toEqual({
    scheme: 'sip',
    user: 'bob:secret',
    host: 'example.com',
    port: 5070,
    params: new Map([
      ['transport', 'TCP'],
      ['lr', undefined],
    ]),
    headers: 'subject=x',
  });
});

test.each([
  'sip:127.0.0.1',
  'sips:bob@example.com',
  'sip:bob@[2001:db8::10:5070]',
  'sip:bob@[2001:db8::10]:5070;lr',
  'sip:user;par=u%40example.net@example.com',
  "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
])('%s survives being taken apart', (text) => {
  const uri = parseSipUri(text);

  expect(typeof uri === 'object' && formatSipUri(uri)).toBe(text);
});

test.each([
  '',
  'sip:',
  'bob',
  'sip:@host',
  'sip:bob@',
  'sip:bob@host:0',
  'sip:bob@host:70000',
  'sip:bob@ho st',
  'sip:a@b@c',
])('%j is malformed', (text) => {
  expect(parseSipUri(text)).toBe('uri-malformed');
});

test.each(['sip:bob@2001:db8::10', 'sip:bob@[::1', 'sip:bob@host;', 'sip:bob@host;=x', 'sip:a"b@host', '1x:y'])(
  '%j is malformed too',
  (text) => {
    expect(parseSipUri(text)).toBe('uri-malformed');
  },
);

test.each(['tel:+1555', 'soap.beep://192.0.2.103:3002', 'nobodyKnowsThisScheme:totallyopaquecontent'])(
  '%s has a scheme that is not ours',
  (text) => {
    expect(parseSipUri(text)).toBe('uri-scheme-unknown');
  },
);

test('a URI above the limit is not looked into', () => {
  expect(parseSipUri(`sip:${'a'.repeat(uriBytesMax)}@host`)).toBe('uri-too-long');
});
