import { seededRandom } from '../../src/runtime/random';
import type { Random } from '../../src/runtime/random';
import { readEssentials } from '../../src/sip-server/essentials';
import { headerCountMax, headerLineBytesMax, messageBytesMax, parseMessage } from '../../src/sip-server/parse-message';
import type { SipRequest } from '../../src/sip-server/sip-message';
import { serializeMessage } from '../../src/sip-server/sip-message';

const invite = [
  'INVITE sip:bob@example.com SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK1;rport',
  'Max-Forwards: 70',
  'From: "Alice \\"A\\"" <sip:alice@example.com>;tag=a1',
  'To: <sip:bob@example.com>',
  'Call-ID: call-1@127.0.0.2',
  'CSeq: 1 INVITE',
  'Contact: <sip:alice@127.0.0.2:5060>',
  'Content-Type: application/sdp',
  'Content-Length: 5',
  '',
  'v=0\r\n',
].join('\r\n');

function parse(text: string): ReturnType<typeof parseMessage> {
  return parseMessage(Buffer.from(text, 'latin1'));
}

function parseRequest(text: string): SipRequest {
  const parsed = parse(text);
  if (parsed.kind !== 'request') throw new Error(JSON.stringify(parsed));
  return parsed;
}

/** The refusal of a broken request, undefined when it is not broken. */
function faultOf(text: string): string | undefined {
  const parsed = parse(text);
  return parsed.kind === 'broken-request' ? `${parsed.status} ${parsed.reason}` : undefined;
}

test('a request is taken apart and put together again octet by octet', () => {
  const request = parseRequest(invite);

  expect([request.method, request.uri, request.body.toString()]).toEqual(['INVITE', 'sip:bob@example.com', 'v=0\r\n']);
  expect(serializeMessage(request).toString('latin1')).toBe(invite);
});

test('octets beyond ASCII survive in headers and body', () => {
  const bytes = Buffer.concat([
    Buffer.from('SIP/2.0 200 Gr\xfc\xdfe\r\nX-Name: J\xc3\xbcrgen\r\nContent-Length: 3\r\n\r\n', 'latin1'),
    Buffer.from([0x00, 0xff, 0x80]),
  ]);

  const parsed = parseMessage(bytes);

  expect(parsed.kind).toBe('response');
  expect(serializeMessage(parsed as never)).toEqual(bytes);
});

test('compact names become long ones, and folded lines one', () => {
  const request = parseRequest('OPTIONS sip:a@b SIP/2.0\r\nv:SIP/2.0/UDP a\r\ns :\r\n  one\r\n\ttwo \r\nl: 0\r\n\r\n');

  expect([...request.headers]).toEqual([
    { name: 'Via', value: 'SIP/2.0/UDP a' },
    { name: 'Subject', value: 'one two' },
    { name: 'Content-Length', value: '0' },
  ]);
});

test('empty lines before the start line are skipped', () => {
  expect(parse(`\r\n\r\n${invite}`).kind).toBe('request');
});

test('octets after Content-Length are no part of the message', () => {
  expect(parseRequest(`${invite}INVITE sip:x SIP/2.0\r\n\r\n`).body.toString()).toBe('v=0\r\n');
});

test('without Content-Length the rest of the datagram is the body', () => {
  expect(parseRequest(invite.replace(/Content-Length.*\r\n/, '')).body.toString()).toBe('v=0\r\n');
});

test('the application may give a wrong Content-Length', () => {
  const parsed = parseMessage(Buffer.from(invite.replace('Length: 5', 'Length: 2')), { ignoreContentLength: true });

  expect(parsed.kind === 'request' && parsed.body.toString()).toBe('v=0\r\n');
});

test.each([
  ['Content-Length: 5', 'Content-Length: 6', '400 Content-Length Beyond Message'],
  ['Content-Length: 5', 'Content-Length: -5', '400 Bad Content-Length'],
  ['Content-Length: 5', 'Content-Length: 0x5', '400 Bad Content-Length'],
  ['Content-Length: 5', 'Content-Length: 99999999999999999999999', '400 Bad Content-Length'],
  ['Content-Length: 5', 'Content-Length: 5\r\nl: 5', '400 Repeated Content-Length'],
  ['SIP/2.0\r\n', 'SIP/7.0\r\n', '505 Version Not Supported'],
  ['SIP/2.0\r\n', 'SIP/2.0 \r\n', '400 Bad Request Line'],
  ['sip:bob@example.com SIP', '<sip:bob@example.com> SIP', '400 Bad Request Line'],
  ['sip:bob@example.com SIP', 'sip:bob@example.com;a =b SIP', '400 Bad Request Line'],
  ['INVITE sip', 'INVITE  sip', '400 Bad Request Line'],
  ['Max-Forwards', 'Max Forwards', '400 Bad Header Name'],
  ['Max-Forwards: 70', 'no colon here', '400 Bad Header Name'],
  ['Max-Forwards: 70', 'X: a\x00b', '400 Control Character In Header'],
  ['Max-Forwards: 70', 'X: a\nVia: b', '400 Control Character In Header'],
  ['Max-Forwards: 70', `X: ${'a'.repeat(headerLineBytesMax)}`, '400 Header Too Long'],
  ['Max-Forwards: 70', `X: ${' \r\n '.repeat(headerLineBytesMax / 4)}`, '400 Header Too Long'],
  ['Max-Forwards: 70', 'X: a\r\n'.repeat(headerCountMax + 1).trimEnd(), '400 Too Many Headers'],
  ['\r\n\r\nv=0\r\n', '\r\n', '400 No Empty Line After Headers'],
])('%j replaced by %j is refused', (from, to, fault) => {
  const text = invite.replace(from, to);

  expect(faultOf(text)).toBe(fault);
});

test('a broken request keeps what is needed to answer it', () => {
  const parsed = parse(invite.replace('Max-Forwards', 'Max Forwards'));

  expect(parsed.kind === 'broken-request' && typeof readEssentials(parsed.request)).toBe('object');
});

test('a control character is legal behind a backslash', () => {
  expect(parse(invite.replace('Alice', 'NUL:\\\x00 DEL:\\\x7f')).kind).toBe('request');
});

test.each([
  ['nothing', ''],
  ['a line of text', 'hello\r\n\r\n'],
  ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a method that is no token', 'IN(VITE sip:a SIP/2.0\r\n\r\n'],
])('%s is no SIP', (_what, text) => {
  expect(parse(text)).toEqual({ kind: 'garbage', reason: 'not-sip' });
});

test.each([
  'SIP/2.0 99 Low',
  'SIP/2.0 700 High',
  'SIP/2.0 4294967301 Big',
  'SIP/2.0 20',
  'SIP/3.0 200 OK',
  'SIP/2.0  200 OK',
])('a response that begins %j is no response', (line) => {
  expect(parse(`${line}\r\nCSeq: 1 INVITE\r\n\r\n`)).toEqual({ kind: 'garbage', reason: 'bad-response' });
});

test('a response may have an empty reason', () => {
  expect(parse('SIP/2.0 100 \r\nCSeq: 1 INVITE\r\n\r\n')).toMatchObject({ kind: 'response', status: 100, reason: '' });
});

test('one octet more than allowed is too large, which a request is told as far as it could be read', () => {
  const padding = 'a'.repeat(messageBytesMax - invite.length);

  expect(parse(invite + padding).kind).toBe('request');
  expect(parse(`${invite}${padding}b`)).toMatchObject({
    kind: 'broken-request',
    status: 513,
    request: { method: 'INVITE' },
  });
  expect(parse(`SIP/2.0 200 OK\r\n\r\n${'a'.repeat(messageBytesMax)}`)).toEqual({
    kind: 'garbage',
    reason: 'too-large',
  });
  expect(parse('a'.repeat(messageBytesMax + 1))).toEqual({ kind: 'garbage', reason: 'too-large' });
});

test('the name of the protocol has no case', () => {
  expect(parse('OPTIONS sip:x sip/2.0\r\n\r\n')).toMatchObject({ kind: 'request', uri: 'sip:x' });
  expect(parse('OPTIONS sip: SIP/x Sip/3.0\r\n\r\n')).toMatchObject({ kind: 'broken-request', status: 505 });
  expect(parse('sip/2.0 200 OK\r\n\r\n')).toMatchObject({ kind: 'response', status: 200, reason: 'OK' });
});

test('twenty thousand mutated messages never throw', () => {
  const random = seededRandom(4_475);
  const kinds = new Set<string>();

  for (let round = 0; round < 20_000; round += 1) {
    const parsed = parseMessage(mutate(Buffer.from(invite, 'latin1'), random));
    kinds.add(parsed.kind);
    if (parsed.kind === 'request' || parsed.kind === 'response') readEssentials(parsed);
  }

  expect(kinds).toEqual(new Set(['request', 'broken-request', 'garbage']));
});

/** Some octets changed, stretches repeated, removed or blown up. */
function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated = Buffer.from(bytes);
  const pick = (below: number): number => Math.floor(random.fraction() * below);
  for (let change = pick(6); change >= 0; change -= 1) {
    const at = pick(mutated.length + 1);
    const length = pick(40);
    const stretch = mutated.subarray(at, at + length);
    const inserts = [
      random.bytes(length),
      stretch,
      Buffer.from('\r\n'),
      Buffer.alloc(pick(9_000), pick(256)),
      Buffer.alloc(0),
    ];
    const insert = inserts[pick(inserts.length)]!;
    mutated = Buffer.concat([mutated.subarray(0, at), insert, mutated.subarray(at + (pick(2) === 0 ? length : 0))]);
  }
  return mutated;
}

describe('the start line', () => {
  const longest = 4_096;
  const requestOf = (uri: string): string =>
    `OPTIONS ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n`;

  test.each([
    [longest, 'request'],
    [longest + 1, 'broken-request'],
  ])('of a request with %d octets makes it a %s', (length, kind) => {
    const uri = `sip:${'a'.repeat(length - 'OPTIONS sip: SIP/2.0'.length)}`;

    expect(parseMessage(Buffer.from(requestOf(uri))).kind).toBe(kind);
  });

  test.each([
    [longest, 'response'],
    [longest + 1, 'garbage'],
  ])('of a response with %d octets makes it %s', (length, kind) => {
    const line = `SIP/2.0 200 ${'a'.repeat(length - 'SIP/2.0 200 '.length)}`;

    expect(parseMessage(Buffer.from(`${line}\r\nContent-Length: 0\r\n\r\n`)).kind).toBe(kind);
  });

  test.each([
    ['sip:jos\u00e9@host', 'request'],
    ['sip:\u00e0@host', 'request'],
    ['sip:jo\u00a0se@host', 'broken-request'],
    ['sip:jo\u3000se@host', 'broken-request'],
    ['sip:jo\u2028se@host', 'broken-request'],
    ['sip:jo\u0000se@host', 'broken-request'],
  ])('with the URI %j makes it a %s: spaces of every alphabet end it for drachtio-srf', (uri, kind) => {
    expect(parseMessage(Buffer.from(requestOf(uri), 'utf8')).kind).toBe(kind);
  });
});

describe('a header field', () => {
  const withField = (field: string): string => invite.replace('Max-Forwards: 70', field);

  test.each([
    [headerLineBytesMax, 'request'],
    [headerLineBytesMax + 1, 'broken-request'],
  ])('of %d octets makes it a %s, on one line or folded', (length, kind) => {
    const start = `X: ${'a'.repeat(100)}`;
    const folded = `${start}\r\n ${'a'.repeat(length - start.length - 3)}`;

    expect(parse(withField(`X: ${'a'.repeat(length - 3)}`)).kind).toBe(kind);
    expect(folded).toHaveLength(length);
    expect(parse(withField(folded)).kind).toBe(kind);
  });

  test('number 100 is the last', () => {
    const others = invite.slice(0, invite.indexOf('\r\n\r\n')).split('\r\n').length - 2;
    const fields = (count: number): string => Array.from({ length: count - others }, () => 'X: a').join('\r\n');

    expect(parse(withField(fields(headerCountMax))).kind).toBe('request');
    expect(parse(withField(fields(headerCountMax + 1))).kind).toBe('broken-request');
  });
});
