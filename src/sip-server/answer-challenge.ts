import type { DigestParams } from './digest';
import { algorithmOf, digestResponse, digestValues, quotedText, wireText } from './digest';
import type { SipRequest, SipResponse } from './sip-message';

/** Who we are to one server. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly realm: string;
}

/** A header to repeat the request with. */
export interface ChallengeAnswer {
  readonly name: 'Authorization' | 'Proxy-Authorization';
  readonly value: string;
  /** The server says that the last answer was good for an earlier challenge (RFC 7616 section 3.3). */
  readonly stale: boolean;
}

/**
 * Our answer to a 401 or 407: to the first challenge that we can answer (RFC 8760 section 2.4), and only where it is for
 * the realm of our credentials. Undefined when there is none. Each nonce is used once, so its count is always 1.
 */
export function answerChallenge(
  { method, uri }: Pick<SipRequest, 'method' | 'uri'>,
  { status, headers }: SipResponse,
  { username, password, realm }: Credentials,
  cnonce: string,
): ChallengeAnswer | undefined {
  const isProxy = status === 407;
  const challenges = digestValues(headers, isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate');
  const challenge = challenges.find((params) => params.get('realm') === wireText(realm) && isAnswerable(params));
  const [algorithm, nonce] = [challenge && algorithmOf(challenge), challenge?.get('nonce')];
  if (challenge === undefined || algorithm === undefined || nonce === undefined) return undefined;
  const protection = challenge.has('qop') ? ({ qop: 'auth', nc: '00000001', cnonce } as const) : undefined;
  const [name, secret] = [wireText(username), wireText(password)];
  const identity = { algorithm, username: name, realm: wireText(realm), password: secret };
  const response = digestResponse({ ...identity, method, uri, nonce, protection });
  const opaque = challenge.get('opaque');
  const params = [
    `username=${quotedText(name)}`,
    `realm=${quotedText(identity.realm)}`,
    `nonce=${quotedText(nonce)}`,
    `uri="${uri}"`,
    `response="${response}"`,
    // Peers of RFC 2069 may not know the parameter.
    ...(challenge.has('algorithm') ? [`algorithm=${algorithm}`] : []),
    ...(protection === undefined ? [] : [`cnonce="${cnonce}"`, 'qop=auth', `nc=${protection.nc}`]),
    ...(opaque === undefined ? [] : [`opaque=${quotedText(opaque)}`]),
  ];
  return {
    name: isProxy ? 'Proxy-Authorization' : 'Authorization',
    value: `Digest ${params.join(', ')}`,
    stale: challenge.get('stale')?.toLowerCase() === 'true',
  };
}

function isAnswerable(params: DigestParams): boolean {
  const protections = params
    .get('qop')
    ?.split(',')
    .map((qop) => qop.trim().toLowerCase());
  return algorithmOf(params) !== undefined && params.has('nonce') && (protections?.includes('auth') ?? true);
}
