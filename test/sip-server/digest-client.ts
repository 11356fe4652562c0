import { createHash } from 'node:crypto';

interface Answer {
  username: string;
  password: string;
  method: string;
  uri: string;
  nc?: string;
  algorithm?: 'MD5' | 'SHA-256';
  cnonce?: string;
  /** Left out of the credentials, as peers of old do. */
  without?: string[];
}

/** A parameter of a challenge or of credentials. */
export function paramOf(value: string, name: string): string {
  return new RegExp(`[ ,]${name}="?([^",]*)`).exec(value)?.[1] ?? '';
}

/** Credentials for a challenge, made without the code under test. */
export function credentialsFor(challenge: string, answer: Answer): string {
  const { username, password, method, uri, nc = '00000001', algorithm = 'MD5', without = [] } = answer;
  const { cnonce = '0a4f113b' } = answer;
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const [realm, nonce] = [paramOf(challenge, 'realm'), paramOf(challenge, 'nonce')];
  const middle = without.includes('qop') ? nonce : [nonce, nc, cnonce, 'auth'].join(':');
  const response = hash(`${hash(`${username}:${realm}:${password}`)}:${middle}:${hash(`${method}:${uri}`)}`);
  const params = [
    ['username', `"${username}"`],
    ['realm', `"${realm}"`],
    ['nonce', `"${nonce}"`],
    ['uri', `"${uri}"`],
    ['response', `"${response}"`],
    ['algorithm', algorithm],
    ['cnonce', `"${cnonce}"`],
    ['qop', 'auth'],
    ['nc', nc],
  ];
  const kept = params.filter(([name = '']) => !without.includes(name));
  return `Digest ${kept.map(([name, value]) => `${name}=${value}`).join(', ')}`;
}
