import { dial } from '../../src/dialplan/dial';
import type { Dialling } from '../../src/dialplan/dial';
import type { IncomingCall } from '../../src/dialplan/incoming-call';
import { planOf } from './plan-of';

const call: IncomingCall = {
  to: '100',
  from: '+33612345678',
  fromName: 'Ann "A" Onym\r\nVia: x',
  sipCallId: 'c1',
  sourceAddress: '192.0.2.9',
  header: (name) => (name.toLowerCase() === 'x-order' ? 'order\r\nContact: <sip:evil@example.com>' : undefined),
};

async function dialled(
  destination: string,
  { trunk = '', caller = {} }: { trunk?: string; caller?: Partial<IncomingCall> } = {},
): Promise<Dialling> {
  const text = `trunks: { carrier: { host: sip.example.com${trunk} } }
users: { alice: { password: env:SECRET } }
destinations: { there: ${destination} }
routes: [{ name: all, when: any, reject: 404 }]
`;
  const plan = await planOf({ 'plan.yaml': text }, { SECRET: 's3cret' });
  const there = plan.destinations.get('there');
  if (there === undefined) throw new Error('the plan has no such destination');
  return dial(there, { call: { ...call, ...caller }, route: 'all', trunk: undefined });
}

const digest = ", digest: { user: '600', password: env:SECRET }";

test('a number goes to the host of its trunk, over its transport', async () => {
  expect(await dialled("{ to: '+4930#1', trunk: carrier }", { trunk: ', transport: tcp' })).toMatchObject({
    uri: 'sip:+4930%231@sip.example.com;transport=tcp',
    proxy: undefined,
    codecs: ['pcmu', 'pcma'],
    ringLimitMs: 25_000,
  });
});

test('a port of the trunk is kept in the address, and is no part of who we are', async () => {
  const there = await dialled("{ to: '7', trunk: other }", {
    trunk: " }, other: { host: 'pbx.example.com:5070', digest: { user: bridge, password: env:SECRET }",
  });
  expect(there.uri).toBe('sip:7@pbx.example.com:5070');
  expect(there.from).toContain('<sip:bridge@pbx.example.com>');
});

test("without a number of the trunk's own the caller is shown, and nothing is asserted", async () => {
  const { from, headers } = await dialled("{ to: '7', trunk: carrier }");
  expect(from).toBe('"Ann A OnymVia: x" <sip:+33612345678@localhost>');
  expect(headers).toEqual({});
});

test('the number of the trunk is shown and asserted', async () => {
  expect(await dialled("{ to: '7', trunk: carrier }", { trunk: ', caller_id: +33100' })).toMatchObject({
    from: '<sip:+33100@localhost>',
    headers: { 'P-Asserted-Identity': '<sip:+33100@localhost>' },
  });
});

test('with an account From is the account, and the caller its display name', async () => {
  const { from } = await dialled("{ to: '7', trunk: carrier }", { trunk: digest, caller: { fromName: '' } });
  expect(from).toBe('"+33612345678" <sip:600@sip.example.com>');
});

test('the number of an account is in its domain', async () => {
  const { from, headers } = await dialled("{ to: '7', trunk: carrier }", { trunk: `${digest}, caller_id: '200'` });
  expect(from).toBe('<sip:200@sip.example.com>');
  expect(headers['P-Asserted-Identity']).toBe('<sip:200@sip.example.com>');
});

test.each(['anonymous', ''])('a caller who withholds the number (%j) stays unknown', async (from) => {
  expect((await dialled("{ to: '7', trunk: carrier }", { caller: { from } })).from).toBe(
    '"Anonymous" <sip:anonymous@anonymous.invalid>',
  );
  expect((await dialled("{ to: '7', trunk: carrier }", { trunk: digest, caller: { from } })).from).toBe(
    '"Anonymous" <sip:600@sip.example.com>',
  );
});

test('a user is called where the phones registered', async () => {
  expect(await dialled("{ to: 'user:alice', ring: 40s }")).toMatchObject({
    uri: 'sip:alice@localhost',
    proxy: undefined,
    ringLimitMs: 40_000,
  });
});

test('an address is called as it stands, and sent by its trunk where it has one', async () => {
  expect(await dialled("{ to: 'sip:600@pbx.example.com' }")).toMatchObject({
    uri: 'sip:600@pbx.example.com',
    proxy: undefined,
  });
  expect(
    await dialled("{ to: 'sip:600@pbx.example.com', trunk: carrier }", { trunk: ', transport: tls, codecs: [pcma]' }),
  ).toMatchObject({ uri: 'sip:600@pbx.example.com', proxy: 'sip:sip.example.com;transport=tls', codecs: ['pcma'] });
});

test('headers have the variables of the call, on one line, and none that is empty', async () => {
  const { headers } = await dialled(
    "{ to: 'user:alice', headers: { X-Caller: '{{caller.number}}', X-Order: 'o {{header.X-Order}}', X-None: '{{header.X-None}}' } }",
  );
  expect(headers).toEqual({ 'X-Caller': '+33612345678', 'X-Order': 'o orderContact: <sip:evil@example.com>' });
});

test('a header has at most 300 octets, whatever its variables hold', async () => {
  const { headers } = await dialled("{ to: 'user:alice', headers: { X-Name: '{{caller.name}}{{caller.name}}' } }", {
    caller: { fromName: '\u20ac'.repeat(500) },
  });
  expect(Buffer.byteLength(headers['X-Name'] ?? '')).toBe(300);
  expect(headers['X-Name']).toMatch(/^\u20ac+$/);
});

test('a caller cannot write an address of another shape into From', async () => {
  const { from } = await dialled("{ to: '7', trunk: carrier }", {
    caller: { from: 'a@evil.example>;tag=1\r\nX: y', fromName: '\u202e"' },
  });
  expect(from).toMatch(/^<sip:[^\s<>@;"]+@localhost>$|^"[^"\\]*" <sip:[^\s<>@;"]+@localhost>$/);
});
