import type { IncomingMessage } from 'node:http';

import { refusal } from '../../src/console/request-guard';

const headers = { host: '127.0.0.1', 'x-ringbridge': '1', 'content-type': 'application/json' };

function refused(remoteAddress: string, localAddress: string, token?: string): number | undefined {
  const request = { headers, socket: { remoteAddress, localAddress } } as unknown as IncomingMessage;
  return refusal(request, { token, changes: true })?.status;
}

test('without a token a stranger is refused, whatever name it calls us by', () => {
  expect(refused('192.0.2.1', '192.0.2.2')).toBe(403);
  expect(refused('192.0.2.1', '127.0.0.1')).toBe(403);
  expect(refused('::ffff:192.0.2.1', '::ffff:192.0.2.2')).toBe(403);
  expect(refused('', '')).toBe(403);
});

test('a proxy on this machine that calls us by an outer address is refused', () => {
  expect(refused('127.0.0.1', '192.0.2.2')).toBe(403);
});

test('this machine is served over loopback, in every spelling', () => {
  expect(refused('127.0.0.1', '127.0.0.1')).toBeUndefined();
  expect(refused('::1', '::1')).toBeUndefined();
  expect(refused('::ffff:127.0.0.1', '::ffff:127.0.0.1')).toBeUndefined();
});
