import type { ConnectionClosed } from './model-connection';
import type { ServerError } from './server-events';
import type { SessionEnded } from './session-listener';

/** An error event that ends the session, by itself or by the close that follows it. */
export type FatalError = Extract<SessionEnded, { kind: 'refused' | 'expired' }>;

/**
 * Errors that mean only that two messages crossed: a cancel and the end of its response, a create and one of turn
 * detection's, a commit and an empty buffer.
 */
export function isBenign({ code, message }: ServerError): boolean {
  return (code !== undefined && benignCodes.has(code)) || message.startsWith('Cancellation failed');
}

/** What an error's code says about the session; undefined when the session goes on. */
export function fatalErrorOf({ code, message }: { code: string | undefined; message: string }): FatalError | undefined {
  if (code === 'session_expired') return { kind: 'expired' };
  if (code === undefined || !refusalCodes.has(code)) return undefined;
  return { kind: 'refused', code, message: printableMessage({ code, message }) };
}

/** What a close means that no error event announced. */
export function endOfConnection(closed: ConnectionClosed, { sessionIsOld }: { sessionIsOld: boolean }): SessionEnded {
  const { code, httpStatus } = closed;
  if (httpStatus !== undefined) {
    if (httpStatus >= 500 || httpStatus === 408 || httpStatus === 429) {
      return { kind: 'lost', closeCode: code, message: `HTTP ${httpStatus} to the upgrade` };
    }
    return { kind: 'refused', code: `http_${httpStatus}`, message: 'the upgrade to a WebSocket was refused' };
  }
  // `<error.type>.<error.code>`
  const errorCode = /\.([a-z0-9_]{1,64})$/.exec(closed.reason)?.[1];
  if (code === 1001 && (sessionIsOld || closed.reason.includes('session_expired'))) return { kind: 'expired' };
  if (code >= refusalCloseCodesFrom || (errorCode !== undefined && refusalCodes.has(errorCode))) {
    const refusalCode = errorCode ?? `close_${code}`;
    return { kind: 'refused', code: refusalCode, message: `the server closed with code ${code}` };
  }
  return { kind: 'lost', closeCode: code, message: printableMessage({ code: errorCode, message: closed.reason }) };
}

/** A server's message as it may be logged: bounded, one line, and never one that quotes a key. */
export function printableMessage({ code, message }: { code: string | undefined; message: string }): string {
  // The API masks the key in it, except for its last four characters.
  if (code === 'invalid_api_key') return 'the API key was refused';
  return message.slice(0, messageCharsMax).replace(/\p{Cc}+/gu, ' ');
}

const messageCharsMax = 300;

/** 3000 to 4999 are an application's own codes (RFC 6455 section 7.4.2); this API refuses with 3000, 4000 and 4004. */
const refusalCloseCodesFrom = 3_000;

const benignCodes = new Set([
  'response_cancel_not_active',
  'conversation_already_has_active_response',
  'input_audio_buffer_commit_empty',
]);

const refusalCodes = new Set([
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
]);
