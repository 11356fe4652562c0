import { endOfConnection, fatalErrorOf, isBenign, printableMessage } from '../../src/realtime/session-end';

const young = { sessionIsOld: false };
const serverError = (fields: { code?: string; message?: string }) => ({
  type: 'invalid_request_error',
  code: fields.code,
  message: fields.message ?? '',
  eventId: undefined,
});

test.each([
  [3000, 'invalid_request_error.invalid_api_key', 'invalid_api_key'],
  [4000, 'invalid_request_error.missing_model', 'missing_model'],
  [4004, 'invalid_request_error.model_not_found', 'model_not_found'],
  [3000, '', 'close_3000'],
  [1008, 'invalid_request_error.insufficient_quota', 'insufficient_quota'],
])('close %d with reason %j is a refusal', (code, reason, refusalCode) => {
  expect(endOfConnection({ code, reason }, young)).toMatchObject({ kind: 'refused', code: refusalCode });
});

test.each([1000, 1001, 1005, 1006, 1008, 1011, 1012, 1013, 1015])(
  'close %d is a loss that a new session may mend',
  (code) => {
    expect(endOfConnection({ code, reason: 'restart' }, young)).toEqual({
      kind: 'lost',
      closeCode: code,
      message: 'restart',
    });
  },
);

test('close 1001 is the end of the 60 minutes when it says so, or when they are over', () => {
  expect(endOfConnection({ code: 1001, reason: 'invalid_request_error.session_expired' }, young)).toEqual({
    kind: 'expired',
  });
  expect(endOfConnection({ code: 1001, reason: 'Your session hit the limit.' }, { sessionIsOld: true })).toEqual({
    kind: 'expired',
  });
});

test.each([400, 401, 403, 404, 302])('HTTP %d instead of a WebSocket is a refusal', (httpStatus) => {
  expect(endOfConnection({ code: 1006, reason: '', httpStatus }, young)).toMatchObject({
    kind: 'refused',
    code: `http_${httpStatus}`,
  });
});

test.each([408, 429, 500, 502, 503, 504])('HTTP %d instead of a WebSocket may pass', (httpStatus) => {
  expect(endOfConnection({ code: 1006, reason: '', httpStatus }, young)).toMatchObject({ kind: 'lost' });
});

test.each([
  'response_cancel_not_active',
  'conversation_already_has_active_response',
  'input_audio_buffer_commit_empty',
])('%s only means that two messages crossed', (code) => {
  expect(isBenign(serverError({ code }))).toBe(true);
  expect(fatalErrorOf({ code, message: '' })).toBeUndefined();
});

test('a failed cancellation is benign although it has no code', () => {
  expect(isBenign(serverError({ message: 'Cancellation failed: no active response found' }))).toBe(true);
  expect(isBenign(serverError({ message: 'Something failed' }))).toBe(false);
});

test.each([
  'invalid_api_key',
  'missing_model',
  'invalid_model',
  'model_not_found',
  'invalid_intent',
  'beta_api_shape_disabled',
  'insufficient_permissions',
  'insufficient_quota',
  'credit_balance_exhausted',
  'billing_hard_limit_reached',
  'account_deactivated',
])('the error %s is fatal', (code) => {
  expect(fatalErrorOf({ code, message: 'No.' })).toMatchObject({ kind: 'refused', code });
});

test.each(['rate_limit_exceeded', 'invalid_value', 'server_error', undefined])(
  'the error %s leaves the session alone',
  (code) => {
    expect(fatalErrorOf({ code, message: 'No.' })).toBeUndefined();
  },
);

test('what the server says of a key is never repeated', () => {
  const message = 'Incorrect API key provided: sk-proj-************wxyz.';
  expect(fatalErrorOf({ code: 'invalid_api_key', message })).toEqual({
    kind: 'refused',
    code: 'invalid_api_key',
    message: 'the API key was refused',
  });
});

test('a message for the log is one short line', () => {
  const message = printableMessage({ code: undefined, message: `a\r\nb\u001b[31m${'x'.repeat(1_000)}` });
  expect(message.length).toBeLessThanOrEqual(300);
  expect(message).toMatch(/^a b \[31mx+$/);
});
