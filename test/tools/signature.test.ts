import { checkSignature, signatureHeaders, signatureOf } from '../../src/tools/signature';

const parts = { id: '5f0e8a4c-0000-4000-8000-000000000001', timestampS: 1_767_603_600, content: '{"order_id":"4711"}' };
const nowMs = parts.timestampS * 1_000;
const mac = 'de1f66f37b6f076b04b08879450e78d20a118b87f243adbdabb81deffacb1500';

function request(secrets: readonly string[], change: Partial<typeof parts> = {}) {
  const signed = { ...parts, ...change };
  return {
    headers: {
      [signatureHeaders.id.toLowerCase()]: parts.id,
      [signatureHeaders.timestamp]: String(parts.timestampS),
      [signatureHeaders.signature]: signatureOf(signed, secrets),
    },
    content: parts.content,
  };
}

test('is the HMAC-SHA-256 of timestamp, id and body, as any other program computes it', () => {
  expect(signatureOf(parts, ['s3cret'])).toBe(`v1=${mac}`);
});

test('while a secret is being replaced, a receiver that knows either is content', () => {
  const both = request(['new', 'old']);
  expect(checkSignature({ ...both, secrets: ['old'], nowMs })).toBe('valid');
  expect(checkSignature({ ...both, secrets: ['new'], nowMs })).toBe('valid');
  expect(checkSignature({ ...request(['old']), secrets: ['new', 'old'], nowMs })).toBe('valid');
  expect(checkSignature({ ...both, secrets: ['other'], nowMs })).toBe('wrong');
});

test.each([
  ['another body', { content: '{"order_id":"4712"}' }],
  ['another id', { id: 'another' }],
  ['another time', { timestampS: parts.timestampS + 1 }],
])('does not fit %s', (_, change) => {
  expect(checkSignature({ ...request(['s3cret'], change), secrets: ['s3cret'], nowMs })).toBe('wrong');
});

test('is accepted for five minutes, and not before its time', () => {
  const check = (atMs: number) => checkSignature({ ...request(['s3cret']), secrets: ['s3cret'], nowMs: atMs });
  expect([check(nowMs + 300_000), check(nowMs - 300_000)]).toEqual(['valid', 'valid']);
  expect([check(nowMs + 360_000), check(nowMs - 360_000)]).toEqual(['stale', 'stale']);
});

test('is missing, or not understood', () => {
  const base = request(['s3cret']);
  const check = (headers: Record<string, string | string[] | undefined>) =>
    checkSignature({ ...base, headers: { ...base.headers, ...headers }, secrets: ['s3cret'], nowMs });
  expect(check({ [signatureHeaders.signature]: undefined })).toBe('missing');
  expect(check({ [signatureHeaders.signature]: 'v1=zz,v2=00' })).toBe('wrong');
  expect(check({ [signatureHeaders.timestamp]: 'soon' })).toBe('wrong');
  expect(check({ [signatureHeaders.signature]: ['a', 'b'] })).toBe('missing');
});
