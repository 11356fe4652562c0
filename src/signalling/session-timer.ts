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
  const tags = `${request.get('Supported') ?? ''},${request.get('Require') ?? ''}`.slice(0, 2_000).toLowerCase();
  if (!tags.split(',').some((tag) => tag.trim() === 'timer')) return {};
  const asked = (request.get('Session-Expires') ?? '').slice(0, 200);
  const shortest = Number(/^\s*(\d{1,9})/.exec((request.get('Min-SE') ?? '').slice(0, 200))?.[1] ?? 0);
  const seconds = Math.min(Math.max(sessionSecondsMin, shortest), sessionSecondsMax);
  const refresher = /;\s*refresher\s*=\s*uas\b/i.test(asked) ? 'uas' : 'uac';
  return { 'Session-Expires': `${seconds};refresher=${refresher}`, ...(refresher === 'uac' && { Require: 'timer' }) };
}
