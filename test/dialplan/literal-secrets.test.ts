import { literalSecrets, withoutSecrets } from '../../src/dialplan/literal-secrets';

test.each([
  'sk-proj-abcdefghijklmnopqrstuvwxyz',
  'ek_abcdefghijklmnopqrstuvwx',
  'ghp_abcdefghijklmnopqrstuvwxyz',
  'AKIAABCDEFGHIJKLMNOP',
  'Bearer abcdefghijklmnop.qrst',
  '-----BEGIN RSA PRIVATE KEY-----',
  'https://user:secret@example.com/',
])('%s is a secret wherever it stands', (secret) => {
  expect(literalSecrets({ agents: { a: { instructions: `Use ${secret} now.` } } })).toEqual([
    ['agents', 'a', 'instructions'],
  ]);
});

test.each([
  'Ask-about-risk-and-brisk-walks.',
  'https://example.com/a@b',
  'sip:user@example.com',
  'Bearer of news',
  'sk-1',
])('%s is none', (text) => {
  expect(literalSecrets({ text })).toEqual([]);
});

test('a header that carries a secret must be a reference', () => {
  const headers = {
    Authorization: 'Basic YTpi',
    'X-Api-Key': 'env:KEY',
    Cookie: 'file:secrets/cookie',
    'X-Shop': '12',
  };
  expect(literalSecrets({ tools: { t: { http: { headers } } } })).toEqual([
    ['tools', 't', 'http', 'headers', 'Authorization'],
  ]);
});

test.each([
  ['digest: { user: a, password: hunter2, realm: b }', 'digest: { user: a, password: *******, realm: b }'],
  ['  pasword: "hunter2"', '  pasword: "*******"'],
  ['password: env:CARRIER', 'password: env:CARRIER'],
  ['api_key: file:/run/secrets/key', 'api_key: file:/run/secrets/key'],
  ['say sk-abcdefghijklmnopqrstuvwx!', 'say ***************************!'],
  ['voice: marin', 'voice: marin'],
])('the line %s is shown as %s', (line, shown) => {
  expect(withoutSecrets(line)).toBe(shown);
});
