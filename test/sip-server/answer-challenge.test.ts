import { answerChallenge } from '../../src/sip-server/answer-challenge';
import { answer } from './test-peer';
import { credentialsFor, paramOf } from './digest-client';

const request = { method: 'INVITE', uri: 'sip:bob@carrier.test' };
const credentials = { username: 'office', password: 'secret', realm: 'carrier.test' };
const cnonce = '0a4f113b';

/** Our answer to a 401 with these challenges. */
function answerTo(...challenges: string[]) {
  const headers = challenges.map((value): [string, string] => ['WWW-Authenticate', value]);
  return answerChallenge(request, answer(401, headers), credentials, cnonce);
}

test.each(['MD5', 'SHA-256'] as const)(
  'a challenge for %s gets the answer that another client would give',
  (algorithm) => {
    const challenge = `Digest realm="carrier.test", nonce="abc", qop="auth,auth-int", algorithm=${algorithm}, opaque="o"`;

    const given = answerTo(challenge);

    const expected = credentialsFor(challenge, { ...credentials, ...request, algorithm });
    expect(given?.name).toBe('Authorization');
    expect(paramOf(given?.value ?? '', 'response')).toBe(paramOf(expected, 'response'));
    expect(given?.value).toContain(', qop=auth, nc=00000001, opaque="o"');
  },
);

test('a peer of RFC 2069 is answered without what it does not know', () => {
  const given = answerTo('Digest realm="carrier.test", nonce="abc"');

  expect(given?.value).not.toMatch(/qop|cnonce|nc=|algorithm/);
  expect(paramOf(given?.value ?? '', 'response')).toMatch(/^[0-9a-f]{32}$/);
});

test('the first challenge that can be answered is', () => {
  const given = answerTo(
    'Digest realm="carrier.test", nonce="1", algorithm=SHA-512-256, qop="auth"',
    'Digest realm="elsewhere.test", nonce="2", algorithm=MD5, qop="auth"',
    'Digest realm="carrier.test", nonce="3", algorithm=SHA-256, qop="auth"',
    'Digest realm="carrier.test", nonce="4", algorithm=MD5, qop="auth"',
  );

  expect(paramOf(given?.value ?? '', 'nonce')).toBe('3');
});

test.each([
  'Digest realm="elsewhere.test", nonce="abc", qop="auth"',
  'Digest realm="CARRIER.TEST", nonce="abc", qop="auth"',
  'Digest nonce="abc", qop="auth"',
  'Digest realm="carrier.test", qop="auth"',
  'Digest realm="carrier.test", nonce="abc", qop="auth-int"',
  'Basic realm="carrier.test"',
])('%s is not answered', (challenge) => {
  expect(answerTo(challenge)).toBeUndefined();
});

test('a proxy is answered in the header for proxies, and each in its own', () => {
  const challenge: [string, string] = ['Proxy-Authenticate', 'Digest realm="carrier.test", nonce="abc", qop="auth"'];

  expect(answerChallenge(request, answer(407, [challenge]), credentials, cnonce)?.name).toBe('Proxy-Authorization');
  expect(answerChallenge(request, answer(401, [challenge]), credentials, cnonce)).toBeUndefined();
});

test('a challenge says whether only the nonce was too old', () => {
  const challenge = 'Digest realm="carrier.test", nonce="abc", qop="auth"';

  expect(answerTo(challenge)?.stale).toBe(false);
  expect(answerTo(`${challenge}, stale=TRUE`)?.stale).toBe(true);
});

test('quotes in a nonce are given back as they came', () => {
  const given = answerTo('Digest realm="carrier.test", nonce="a\\"b\\\\", qop="auth"');

  expect(given?.value).toContain('nonce="a\\"b\\\\"');
});
