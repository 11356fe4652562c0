import { runInNewContext } from 'node:vm';

import { maskNumber, redactFields } from '../../src/observability/redaction';

test.each([
  ['+33123456789', '***89'],
  ['sip:+33123456789', '***89'],
  ['alice', '***ce'],
  ['1234', '***'],
  ['', '***'],
])('%s is masked as %s', (number, masked) => {
  expect(maskNumber(number)).toBe(masked);
});

test("people's numbers keep their last two digits, at any depth", () => {
  expect(redactFields({ to: '+33123456789', call: { from: 33_698_765_432, Contact: 'x' }, route: 'main' })).toEqual({
    to: '***89',
    call: { from: '***32', Contact: '***' },
    route: 'main',
  });
});

test.each([
  'text',
  'transcript',
  'callerTranscript',
  'apiKey',
  'api_key',
  'openaiApiKey',
  'authorization',
  'Proxy-Authorization',
  'drachtioSecret',
  'password',
  'digit',
  'instructions',
  'argumentsText',
  'fromName',
  'sdp',
])('nothing of %s is left', (key) => {
  const line = JSON.stringify(
    redactFields({ [key]: 'canary', list: [{ [key]: ['canary'] }], inner: { [key]: { a: 'canary' } } }),
  );
  expect(line).not.toContain('canary');
});

test('text that may quote a stranger has its numbers masked', () => {
  const message =
    'no answer from +33 1 23 45 67 89, 01.23.45.67.89 or 4111-1111-1111-1111 at 192.168.10.20:5060, code 480';
  expect(redactFields({ message })).toEqual({
    message: 'no answer from ***89, ***89 or ***11 at 192.168.10.20:5060, code 480',
  });
});

test('ids, counts and addresses stay as they are', () => {
  const fields = {
    callId: '12345678-1234-4234-8234-123456789012',
    sipCallId: '1234567890@192.0.2.1',
    tokens: { inputTokens: 1_234_567 },
    audioEndMs: 1_234_567,
    address: '127.0.0.1',
    modelKind: 'simulator',
    missing: undefined,
    nothing: null,
    fine: true,
  };
  expect(redactFields(fields)).toEqual(fields);
});

test('an error is told with its cause, its numbers masked, also from another realm', () => {
  const cause = Object.assign(new Error('call to +33123456789 failed'), { code: 'EHOSTDOWN' });
  const { err } = redactFields({ err: new Error('lost', { cause }) }) as {
    err: { name: string; message: string; stack: string; cause: { message: string; code: string } };
  };
  expect(err).toMatchObject({
    name: 'Error',
    message: 'lost',
    cause: { message: 'call to ***89 failed', code: 'EHOSTDOWN' },
  });
  expect(err.stack).toContain('redaction.test');
  expect(err.cause).not.toHaveProperty('stack', expect.stringContaining('3312345'));
  const foreign: unknown = runInNewContext("new TypeError('far')");
  expect(redactFields({ foreign })).toMatchObject({ foreign: { name: 'TypeError', message: 'far' } });
});

test('anything can be logged: cycles, broken getters, functions, big integers, buffers and endless text', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const broken = Object.defineProperty({}, 'bad', {
    enumerable: true,
    get: () => {
      throw new Error('no');
    },
  });
  const fields = redactFields({
    cycle,
    broken,
    call: () => undefined,
    big: 10n,
    bytes: Buffer.from('secret'),
    long: 'x'.repeat(5_000),
    many: Array.from({ length: 500 }, (_, index) => index),
  });
  const line = JSON.stringify(fields);
  expect(line.length).toBeLessThan(5_000);
  expect(fields).toMatchObject({ broken: { bad: '[unreadable]' }, call: '[function]', big: '10', bytes: '[6 bytes]' });
});

test('the fields that were handed in are not changed', () => {
  const fields = { to: '+33123456789', inner: { text: 'hello' } };
  redactFields(fields);
  expect(fields).toEqual({ to: '+33123456789', inner: { text: 'hello' } });
});
