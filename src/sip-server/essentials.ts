import type { CSeq, Via } from './header-values';
import { optionTags, listValues, parseCSeq, parseNameAddr, parseVia } from './header-values';
import { isToken, parseDecimal } from './scanner';
import type { SipMessage, SipRequest } from './sip-message';
import { parseSipUri } from './uri';

/** Longest Call-ID and tag that are accepted, octets: both become keys of tables and part of every reply. */
export const identifierBytesMax = 256;

/** What every layer above the parser needs of a message, read once and found well formed. */
export interface Essentials {
  readonly via: Via;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly fromTag: string | undefined;
  readonly toTag: string | undefined;
}

/** Why a request is refused before anyone sees it. */
export interface RequestFault {
  readonly status: 400 | 416 | 420;
  readonly reason: string;
  /** Goes into the refusal. */
  readonly headers?: readonly (readonly [string, string])[];
}

/** Extensions that a request may require of us. */
const understoodOptionTags = new Set(['100rel', 'replaces']);

const singleHeaders = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Type'];

/** The essentials, or the first of them that is missing or malformed. */
export function readEssentials({ headers }: SipMessage): Essentials | string {
  const repeated = singleHeaders.find((name) => headers.all(name).length > 1);
  if (repeated !== undefined) return `Repeated ${repeated}`;
  const via = parseVia(listValues(headers, 'Via')[0] ?? '');
  if (via === undefined) return 'Bad Via';
  const callId = headers.first('Call-ID') ?? '';
  if (!isIdentifier(callId)) return 'Bad Call-ID';
  const cseq = parseCSeq(headers.first('CSeq') ?? '');
  if (cseq === undefined) return 'Bad CSeq Header';
  const from = parseNameAddr(headers.first('From') ?? '');
  if (from === undefined) return 'Bad From';
  const to = parseNameAddr(headers.first('To') ?? '');
  if (to === undefined) return 'Bad To';
  const fromTag = from.params.get('tag');
  const toTag = to.params.get('tag');
  if ([fromTag, toTag].some((tag) => tag !== undefined && !isIdentifier(tag))) return 'Bad Tag';
  return { via, callId, cseq, fromTag, toTag };
}

/** What is wrong with a request whose essentials are well formed; undefined when it may be processed. */
export function findRequestFault(request: SipRequest, { cseq }: Essentials): RequestFault | undefined {
  const bad = (reason: string): RequestFault => ({ status: 400, reason });
  if (cseq.method !== request.method) return bad('CSeq Method Mismatch');
  const maxForwards = request.headers.first('Max-Forwards');
  if (maxForwards !== undefined && parseDecimal(maxForwards, 255) === undefined) return bad('Bad Max-Forwards');
  // An ACK is never answered, and one with a poor Request-URI still ends retransmissions.
  if (request.method === 'ACK' || request.method === 'CANCEL') return undefined;
  const uri = parseSipUri(request.uri);
  if (uri === 'uri-scheme-unknown') return { status: 416, reason: 'Unsupported URI Scheme' };
  if (typeof uri === 'string') return bad('Bad Request-URI');
  const unsupported = optionTags(request.headers, 'Require').filter((tag) => !understoodOptionTags.has(tag));
  if (unsupported.length > 0) {
    return { status: 420, reason: 'Bad Extension', headers: [['Unsupported', unsupported.join(', ')]] };
  }
  return findContactFault(request);
}

/** A dialog needs somewhere to send its requests to: one SIP URI (RFC 3261 section 8.1.1.8). None at all is the app's affair. */
function findContactFault({ method, headers }: SipRequest): RequestFault | undefined {
  if (method !== 'INVITE' && method !== 'SUBSCRIBE' && method !== 'UPDATE') return undefined;
  const contacts = listValues(headers, 'Contact');
  const uris = contacts.map((contact) => parseNameAddr(contact)?.uri);
  const valid = uris.length <= 1 && uris.every((uri) => uri !== undefined && typeof parseSipUri(uri) !== 'string');
  return valid ? undefined : { status: 400, reason: 'Bad Contact' };
}

/** Printable, without the characters that separate our ids and the admin protocol's tokens. */
function isIdentifier(text: string): boolean {
  return text.length > 0 && text.length <= identifierBytesMax && (isToken(text) || !/[^\x21-\x7e]|[|;,"]/.test(text));
}
