import type { HeaderList } from './header-list';
import { listValues, optionTags } from './header-values';
import { parseDecimal } from './scanner';
import type { SipRequest, SipResponse } from './sip-message';

export interface SessionSettings {
  /** Sessions that must be refreshed more often are refused with 422 (RFC 4028 section 5: at least 90). */
  readonly minSeconds: number;
  /**
   * Agree to the session timer that a caller asks for when the application does not mention it; the caller refreshes
   * unless it wants us to. False: only the application's own Session-Expires counts, as with drachtio-server.
   */
  readonly answerForApplication: boolean;
}

export const defaultSessionSettings: SessionSettings = { minSeconds: 90, answerForApplication: true };

/** Session-Expires (RFC 4028 section 4). `uac` and `uas` are the roles in the request that it came with. */
export interface SessionExpires {
  readonly seconds: number;
  readonly refresher: 'uac' | 'uas' | undefined;
}

/** What both sides have agreed on, seen from here. */
export interface SessionTerms {
  readonly seconds: number;
  readonly refresher: 'ourselves' | 'peer';
}

/** Longer sessions are refreshed twice a day. */
export const sessionSecondsMax = 86_400;
/** What a header may say. */
const deltaSecondsMax = 0xffff_ffff;

/** Undefined when there is none, or none that makes sense. */
export function readSessionExpires(headers: HeaderList): SessionExpires | undefined {
  const [value = '', ...params] = (headers.first('Session-Expires') ?? '').split(';');
  const seconds = parseDecimal(value.trim(), deltaSecondsMax);
  if (seconds === undefined) return undefined;
  const named = params.map((param) => /^\s*refresher\s*=\s*(uac|uas)\s*$/i.exec(param)?.[1]?.toLowerCase());
  const refresher = named.find((name) => name === 'uac' || name === 'uas');
  return { seconds, refresher };
}

/** Min-SE, 0 when there is none. */
export function readMinSeconds(headers: HeaderList): number {
  return parseDecimal((headers.first('Min-SE') ?? '').split(';')[0]?.trim() ?? '', deltaSecondsMax) ?? 0;
}

export function formatSessionExpires({ seconds, refresher }: SessionExpires): string {
  return `${seconds}${refresher === undefined ? '' : `;refresher=${refresher}`}`;
}

export function supportsTimer(headers: HeaderList): boolean {
  return [...optionTags(headers, 'Supported'), ...optionTags(headers, 'Require')].includes('timer');
}

/**
 * Whether a peer asks for refreshes more often than `minSeconds` (section 9). A caller that would not understand the 422
 * has not asked itself: a proxy has.
 */
export function isIntervalTooSmall({ headers }: SipRequest, { minSeconds }: SessionSettings): boolean {
  const asked = readSessionExpires(headers);
  return asked !== undefined && asked.seconds < minSeconds && supportsTimer(headers);
}

/**
 * The terms of the session that a 2xx of ours begins or goes on with (section 9), written into it. Undefined: no timer.
 * What the application says counts, within what the peer has asked for and understands.
 */
export function agreeAsServer(
  request: SipRequest,
  response: SipResponse,
  settings: SessionSettings,
): SessionTerms | undefined {
  const asked = readSessionExpires(request.headers);
  const said = readSessionExpires(response.headers);
  const understood = supportsTimer(request.headers);
  if (said === undefined && !(settings.answerForApplication && asked !== undefined && understood)) return undefined;
  const wanted = Math.min(asked?.seconds ?? Infinity, said?.seconds ?? Infinity);
  const seconds = Math.max(wanted, settings.minSeconds, readMinSeconds(request.headers));
  // Who asks with a refresher keeps it; who does not understand timers cannot be one.
  const refresher = understood ? (asked?.refresher ?? said?.refresher ?? 'uac') : 'uas';
  response.headers.set('Session-Expires', formatSessionExpires({ seconds, refresher }));
  if (refresher === 'uac') requireTimer(response.headers);
  return { seconds: Math.min(seconds, sessionSecondsMax), refresher: refresher === 'uas' ? 'ourselves' : 'peer' };
}

/** The terms of the session that a 2xx to our `request` begins or goes on with (section 7.2). Undefined: no timer. */
export function agreeAsClient(request: SipRequest, response: SipResponse): SessionTerms | undefined {
  const asked = readSessionExpires(request.headers);
  const answered = readSessionExpires(response.headers);
  // A peer that knows nothing of timers leaves the refreshing to us, if we want it.
  const agreed = answered ?? (asked?.refresher === 'uac' ? asked : undefined);
  if (agreed === undefined) return undefined;
  return {
    seconds: Math.min(agreed.seconds, sessionSecondsMax),
    refresher: agreed.refresher === 'uas' ? 'peer' : 'ourselves',
  };
}

/** Makes our `request` in a dialog go on with its terms (section 7.4); terms of the application's own stay. */
export function continueSession(request: SipRequest, terms: SessionTerms | undefined): void {
  const { headers } = request;
  if (terms !== undefined && !headers.has('Session-Expires')) {
    const refresher = terms.refresher === 'ourselves' ? 'uac' : 'uas';
    headers.add('Session-Expires', formatSessionExpires({ seconds: terms.seconds, refresher }));
  }
  if (headers.has('Session-Expires') && !supportsTimer(headers)) headers.add('Supported', 'timer');
}

/** Section 9: a response that makes the peer the refresher requires it. */
function requireTimer(headers: HeaderList): void {
  const required = listValues(headers, 'Require').filter((tag) => tag !== '');
  if (!required.some((tag) => tag.toLowerCase() === 'timer')) headers.set('Require', [...required, 'timer'].join(', '));
}
