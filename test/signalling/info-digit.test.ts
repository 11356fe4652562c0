import { dtmfRelayBody, parseInfo } from '../../src/signalling/info-digit';

const relay = 'application/dtmf-relay';

test.each([
  [relay, 'Signal=5\r\nDuration=160\r\n', '5'],
  [relay, 'Signal= 5\nDuration= 160', '5'],
  [relay, 'Duration=160\r\nsignal=*\r\n', '*'],
  [relay, 'Signal=a\r\nDuration=1', 'A'],
  [relay, 'Signal=11\r\n', '#'],
  ['APPLICATION/DTMF-Relay; charset=utf-8', 'Signal=0', '0'],
  ['application/dtmf', '7', '7'],
  ['application/dtmf', ' # \r\n', '#'],
  ['application/dtmf', 'Signal=3', '3'],
])('%s %j is the key %s', (type, body, digit) => {
  expect(parseInfo(type, body)).toEqual({ kind: 'digit', digit });
});

test.each([
  [relay, 'Signal=flash', 'malformed'],
  [relay, 'Signal=16', 'malformed'],
  [relay, 'nothing', 'malformed'],
  ['application/dtmf', '55', 'malformed'],
  ['application/dtmf', 'x'.repeat(100_000), 'malformed'],
  ['text/plain', '5', 'unsupported'],
  [undefined, '5', 'unsupported'],
  [relay, '', 'empty'],
  [undefined, undefined, 'empty'],
])('%s %.20j is %s', (type, body, kind) => {
  expect(parseInfo(type, body)).toEqual({ kind });
});

test('what we send is what we read', () => {
  for (const digit of '0123456789*#ABCD') {
    expect(parseInfo(relay, dtmfRelayBody(digit, 160))).toEqual({ kind: 'digit', digit });
  }
});
