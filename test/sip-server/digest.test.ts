import { algorithmOf, digestResponse, digestValues, parseDigest } from '../../src/sip-server/digest';
import { HeaderList } from '../../src/sip-server/header-list';

/** RFC 7616 section 3.9.1. */
const example = {
  username: 'Mufasa',
  realm: 'http-auth@example.org',
  password: 'Circle of Life',
  method: 'GET',
  uri: '/dir/index.html',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  protection: { qop: 'auth', nc: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
} as const;

test.each([
  ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
  ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
] as const)('the example of RFC 7616 has its answer with %s', (algorithm, response) => {
  expect(digestResponse({ ...example, algorithm })).toBe(response);
});

test('without a quality of protection the answer is that of RFC 2069', () => {
  const input = {
    algorithm: 'MD5',
    username: 'Mufasa',
    realm: 'testrealm@host.com',
    password: 'CircleOfLife',
    method: 'GET',
    uri: '/dir/index.html',
    nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
    protection: undefined,
  } as const;

  // RFC 2069 section 2.4 as corrected by its erratum 749.
  expect(digestResponse(input)).toBe('1949323746fe6a43ef61f9606e7febea');
});

test('parameters are read with and without quotes, escapes and spaces', () => {
  const params = parseDigest(' DIGEST  Realm = "a \\"b\\", c" ,nonce="x",qop=auth , algorithm=md5');

  expect(Object.fromEntries(params ?? [])).toEqual({ realm: 'a "b", c', nonce: 'x', qop: 'auth', algorithm: 'md5' });
  expect(algorithmOf(params ?? new Map())).toBe('MD5');
});

test.each([
  'Basic dXNlcg==',
  'Digest',
  'Digest realm',
  'Digest realm="a',
  'Digest realm="a" nonce="b"',
  'Digest realm="a",,nonce="b"',
  'Digest realm="a",realm="b"',
  'Digest =x',
])('%s is no digest', (value) => {
  expect(parseDigest(value)).toBeUndefined();
});

test('an unknown algorithm is none of ours, a missing one is MD5', () => {
  expect(algorithmOf(new Map([['algorithm', 'SHA-512-256']]))).toBeUndefined();
  expect(algorithmOf(new Map())).toBe('MD5');
});

test('each header line holds one set of parameters, and those that cannot be read are left out', () => {
  const headers = new HeaderList()
    .add('Authorization', 'Digest realm="a", nonce="1"')
    .add('Authorization', 'Nonsense')
    .add('authorization', 'Digest realm="b"');

  expect(digestValues(headers, 'Authorization').map((params) => params.get('realm'))).toEqual(['a', 'b']);
});
