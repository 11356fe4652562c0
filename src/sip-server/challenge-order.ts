import type { DigestAlgorithm } from './digest';
import type { SipRequest } from './sip-message';

/** Software that gives up at a challenge it does not know, wherever that stands in the list. */
const md5OnlyAgents = [/^baresip v[01]\./i];

/**
 * What to offer to the sender of `request`, of what the policy allows. By RFC 8760 section 2.4 a peer takes the first
 * that it knows; those that came before it take the first there is. These seldom say what they are.
 */
export function algorithmsFor(
  { headers }: SipRequest,
  allowed: readonly DigestAlgorithm[],
): readonly DigestAlgorithm[] {
  const agent = headers.first('User-Agent');
  const md5Only = allowed.filter((algorithm) => algorithm === 'MD5');
  if (agent === undefined) return [...md5Only, ...allowed.filter((algorithm) => algorithm !== 'MD5')];
  const knowsMd5Only = md5OnlyAgents.some((pattern) => pattern.test(agent));
  return knowsMd5Only && md5Only.length > 0 ? md5Only : allowed;
}
