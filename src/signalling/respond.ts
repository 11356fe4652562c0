import type { Random } from '../runtime/random';
import type { Guard } from './guarded';
import { headerSafe } from './sip-text';
import type { SipHeaders, SrfResponse } from './srf';

/** What is understood inside and outside a dialog, for an Allow header (RFC 3261 section 20.5). */
export const allowedMethods = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY';

/** Seconds after which a caller may try again, for a 503: spread, so that not all come back at once. */
export function retryAfterSeconds(random: Random): string {
  return String(5 + Math.floor(random.fraction() * 26));
}

/**
 * drachtio-server accepts frames up to about 12 kB; a longer one silently kills its connection with every call on it.
 * The rest is room for what srf and the server add.
 */
export const messageBytesMax = 10_000;

/** Its block of headers is cut without a word at 8,400 octets; half is left for those that srf copies. */
export const headerBytesMax = 4_000;

/**
 * Sends a response and forgets it: when the transaction is gone already (a CANCEL, a lost link), there is nobody left
 * to tell. Never throws. A status that srf does not know becomes the first of its class (RFC 3261 section 8.1.3.2).
 */
export function respond(
  res: SrfResponse,
  status: number,
  options: {
    guard: Guard;
    reason?: string | undefined;
    headers?: SipHeaders;
    body?: string;
    onFailure?: (failure: unknown) => void;
  },
): void {
  const { guard, reason, headers = {}, body, onFailure } = options;
  const safeReason = reason === undefined ? undefined : headerSafe(reason);
  const content = { headers: safeHeaders(headers), ...(body !== undefined && { body }) };
  const sent = guard('response', (failure: unknown) => {
    if (failure !== undefined && failure !== null) onFailure?.(failure);
  });
  try {
    res.send(status, safeReason, content, sent);
  } catch {
    guard('response', () => res.send(classOf(status), safeReason, content, sent))();
  }
}

function classOf(status: number): number {
  return status >= 300 && status < 700 ? Math.floor(status / 100) * 100 : 500;
}

/** Header values that cannot break out of their line. */
export function safeHeaders(headers: SipHeaders): SipHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, headerSafe(value)]));
}
