import DrachtioSrf from 'drachtio-srf';
import { readCallerInfo } from '../../src/signalling/caller-info';
import type { SrfRequest } from '../../src/signalling/srf';
import { requestText } from '../support/fake-sip-peers';

function invite(options: { uri?: string; headers?: Record<string, string> } = {}): SrfRequest {
  const text = requestText({ method: 'INVITE', callId: 'id@host', ...options });
  // The class is there, but not in the published types.
  const { SipMessage } = DrachtioSrf as unknown as { SipMessage: new (text: string) => SrfRequest };
  const arrival = { source_address: '127.0.0.9', source_port: 5070, protocol: 'UDP' };
  return Object.assign(new SipMessage(text), arrival);
}

test('an ordinary INVITE is read', () => {
  expect(readCallerInfo(invite({ uri: 'sip:%2B33612@127.0.0.1;user=phone' }))).toMatchObject({
    sipCallId: 'id@host',
    to: '+33612',
    from: '+33612345678',
    fromName: 'Ann',
    sourceAddress: '127.0.0.9',
    sourcePort: 5070,
    transport: 'udp',
  });
});

test.each([
  ['"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'],
  ['<sip:Anonymous@example.com>;tag=1'],
  ['<sip:c8oqz84zk7z@anonymous.invalid>;tag=1'],
  ['<sip:example.com>;tag=1'],
  ['<'],
])('a hidden caller is anonymous: %s', (from) => {
  expect(readCallerInfo(invite({ headers: { From: from } })).from).toBe('anonymous');
});

test('missing and malformed headers are undefined, present ones clean and short', () => {
  const info = readCallerInfo(invite({ headers: { 'X-Account': `a\u0007b${'c'.repeat(500)}` } }));
  expect(info.header('x-account')).toBe(`ab${'c'.repeat(198)}`);
  expect(info.header('X-Other')).toBeUndefined();
  expect(info.header('')).toBeUndefined();
});

test('of a repeated header the first line counts', () => {
  const info = readCallerInfo(invite({ headers: { 'X-Route': 'one', 'x-route': 'two' } }));
  expect(info.header('X-ROUTE')).toBe('one');
});

test('hostile text reaches nobody whole', () => {
  const from = `"${'N'.repeat(1_500)}\u202E" <sip:${'1'.repeat(1_500)}@example.com>;tag=1`;
  const info = readCallerInfo(invite({ headers: { From: from }, uri: `sip:${'%0D%0A'.repeat(50)}9@h` }));
  expect([info.from.length, info.fromName.length, info.to]).toEqual([200, 200, '9']);
});
