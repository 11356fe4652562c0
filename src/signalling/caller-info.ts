import type { CallerInfo } from './caller-leg';
import { cleanText, firstHeaderLine, hostOfUri, parseNameAddress, userOfUri } from './sip-text';
import type { SrfRequest } from './srf';

/** Reads an INVITE once. Missing and malformed parts become empty strings, a hidden number `anonymous`. */
export function readCallerInfo(invite: SrfRequest): CallerInfo {
  const from = parseNameAddress(invite.get('From') ?? '');
  const raw = invite.raw ?? '';
  return {
    sipCallId: cleanText(invite.get('Call-ID') ?? ''),
    to: userOfUri(invite.uri),
    from: from === undefined ? 'anonymous' : callerNumber(from.uri),
    fromName: from?.displayName ?? '',
    sourceAddress: cleanText(invite.source_address),
    sourcePort: invite.source_port,
    transport: cleanText(invite.protocol).toLowerCase(),
    header(name) {
      const value = firstHeaderLine(raw, name);
      return value === undefined ? undefined : cleanText(value);
    },
  };
}

// RFC 3323 section 4.1.1.3: the anonymous URI.
function callerNumber(uri: string): string {
  const user = userOfUri(uri);
  if (user === '' || user.toLowerCase() === 'anonymous' || hostOfUri(uri) === 'anonymous.invalid') return 'anonymous';
  return user;
}
