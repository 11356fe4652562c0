import type { HeaderList } from '../../src/sip-server/header-list';
import { readEssentials } from '../../src/sip-server/essentials';
import { OwnRequest } from '../../src/sip-server/own-request';
import { parseMessage } from '../../src/sip-server/parse-message';
import type { SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import type { Arrival } from '../../src/sip-server/transport-layer';
import { requestText } from './test-peer';

const text = requestText('OPTIONS', { branch: 'z9hG4bK-own' });

function requestOf(message: string): SipRequest {
  const parsed = parseMessage(Buffer.from(message, 'latin1'));
  if (parsed.kind !== 'request') throw new Error('not a request');
  return parsed;
}

function answerTo(request: string, change: (text: string) => string = (same) => same): Arrival<SipResponse> {
  const message = parseMessage(Buffer.from(change(request.replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n')), 'latin1'));
  if (message.kind !== 'response') throw new Error('not a response');
  const essentials = readEssentials(message);
  if (typeof essentials === 'string') throw new Error(essentials);
  return { message, essentials } as Arrival<SipResponse>;
}

test('a request is read once, however many responses come to it', () => {
  const request = requestOf(text);
  let reads = 0;
  const headers = new Proxy(request.headers, {
    get: (target: HeaderList, name: keyof HeaderList) => {
      reads += 1;
      const value: unknown = target[name];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const own = new OwnRequest({ ...request, headers });
  const readsBefore = reads;
  for (let count = 0; count < 10; count += 1) expect(own.isAnsweredBy(answerTo(text))).toBe(true);
  expect(readsBefore).toBeGreaterThan(0);
  expect(reads).toBe(readsBefore);
});

test.each<[string, (text: string) => string]>([
  ['of another call', (answer) => answer.replace(/Call-ID: .*\r/, 'Call-ID: another\r')],
  ['with another From tag', (answer) => answer.replace(/(From: .*);tag=.*\r/, '$1;tag=another\r')],
  ['without a From tag', (answer) => answer.replace(/(From: .*);tag=.*\r/, '$1\r')],
  ['with another number', (answer) => answer.replace(/CSeq: \d+/, 'CSeq: 99')],
  ['with one more Via', (answer) => answer.replace('From:', 'Via: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK-9\r\nFrom:')],
])('a response %s is not about it', (_which, change) => {
  expect(new OwnRequest(requestOf(text)).isAnsweredBy(answerTo(text, change))).toBe(false);
});
