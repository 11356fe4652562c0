import type { SipHeaders, SrfRequest } from './srf';

/** RFC 4028 section 5: shorter sessions must not be asked for. */
const sessionSecondsMin = 90;
/** A day; a Min-SE beyond it is no reason to keep a dead call for a week. */
const sessionSecondsMax = 86_400;

/**
 * Session-Expires for our 2xx to an INVITE or UPDATE (RFC 4028 section 9), as short as the caller allows: a caller that
 * supports timers then notices within 90 s that this process or the SIP server is gone, because its refresh fails.
 * The caller refreshes unless it wants the server to. Empty for a caller that does not support timers.
 */
export function sessionTimerHeaders(request: SrfRequest): SipHeaders {
  if (!supportsTimer(request)) return {};
  const asked = sessionExpiresOf(request);
  const shortest = Number(/^\s*(\d{1,9})/.exec((request.get('Min-SE') ?? '').slice(0, 200))?.[1] ?? 0);
  const seconds = Math.min(Math.max(sessionSecondsMin, shortest), sessionSecondsMax);
  const refresher = /;\s*refresher\s*=\s*uas\b/i.test(asked) ? 'uas' : 'uac';
  return { 'Session-Expires': `${seconds};refresher=${refresher}`, ...(refresher === 'uac' && { Require: 'timer' }) };
}

/**
 * Headers of a 422 to an INVITE that asks for a shorter session than may be, which our 2xx could not make longer (RFC
 * 4028 section 9); undefined for one that does not. One without support for timers would not know what a 422 is.
 */
export function tooShortSession(request: SrfRequest): SipHeaders | undefined {
  const asked = /^\s*(\d{1,9})\s*(?:;|$)/.exec(sessionExpiresOf(request))?.[1];
  if (asked === undefined || Number(asked) >= sessionSecondsMin || !supportsTimer(request)) return undefined;
  return { 'Min-SE': String(sessionSecondsMin) };
}

function supportsTimer(request: SrfRequest): boolean {
  const tags = `${request.get('Supported') ?? ''},${request.get('Require') ?? ''}`.slice(0, 2_000).toLowerCase();
  return tags.split(',').some((tag) => tag.trim() === 'timer');
}

function sessionExpiresOf(request: SrfRequest): string {
  return (request.get('Session-Expires') ?? '').slice(0, 200);
}
