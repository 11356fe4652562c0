import { inspect } from 'node:util';

import { Secret, secretMark } from '../../src/runtime/secret';

test('a secret is told only to those who ask for it by name', () => {
  const secret = new Secret('correct horse');
  const shown = [String(secret), secret.toString(), JSON.stringify({ secret }), inspect({ secret }, { depth: 9 })];
  shown.push(inspect(secret, { showHidden: true }), JSON.stringify(Object.entries(secret)), inspect([secret]));
  for (const text of shown) expect(text).not.toContain('horse');
  expect(JSON.stringify(secret)).toBe(JSON.stringify(secretMark));
  expect(secret.reveal()).toBe('correct horse');
});

test('secrets are equal when they say the same', () => {
  expect(new Secret('a').equals(new Secret('a'))).toBe(true);
  expect(new Secret('a').equals(new Secret('b'))).toBe(false);
});
