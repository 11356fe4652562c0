import type { SipResponse } from './sip-message';

/** They tell the caller how to ask again (RFC 3261 section 16.7 step 6). */
const instructive = [401, 407, 415, 420, 484];
/** They tell the caller nothing that another branch could not tell better. */
const uninformative = [408, 487];
const challengeHeaders = ['WWW-Authenticate', 'Proxy-Authenticate'];

/**
 * The final response that a proxy forwards when no branch has answered (RFC 3261 section 16.7 steps 6 and 7): a 6xx, else
 * the lowest class; within a class what helps most, then what came first. Undefined when there is none.
 */
export function chooseBestResponse(responses: readonly SipResponse[]): SipResponse | undefined {
  const ranked = [...responses].sort((a, b) => classRank(a) - classRank(b) || usefulness(a) - usefulness(b));
  const [best] = ranked;
  if (best === undefined) return undefined;
  // A caller that tried elsewhere because of one target's overload would find the same target.
  if (best.status === 503) return { ...best, status: 500, reason: 'Server Internal Error' };
  return best.status === 401 || best.status === 407 ? withAllChallenges(best, responses) : best;
}

function classRank({ status }: SipResponse): number {
  return status >= 600 ? 0 : Math.floor(status / 100);
}

function usefulness({ status }: SipResponse): number {
  if (instructive.includes(status)) return 0;
  return uninformative.includes(status) ? 2 : 1;
}

/** The caller must answer every branch's challenge at once. */
function withAllChallenges(best: SipResponse, responses: readonly SipResponse[]): SipResponse {
  const headers = best.headers.clone();
  for (const other of responses) {
    if (other === best || (other.status !== 401 && other.status !== 407)) continue;
    for (const name of challengeHeaders) for (const value of other.headers.all(name)) headers.add(name, value);
  }
  return { ...best, headers };
}
