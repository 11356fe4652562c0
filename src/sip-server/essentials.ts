import type { CSeq, Via } from './header-values';
import { listValues, parseCSeq, parseNameAddr, parseVia } from './header-values';
import { isToken } from './scanner';
import type { SipMessage } from './sip-message';

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

const singleHeaders = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Type'];

/** The essentials, or the first of them that is missing or malformed. */
export function readEssentials({ kind, headers }: SipMessage): Essentials | string {
  const repeated = singleHeaders.find((name) => headers.all(name).length > 1);
  if (repeated !== undefined) return `Repeated ${repeated}`;
  const via = parseVia(listValues(headers, 'Via')[0] ?? '');
  if (via === undefined) return 'Bad Via';
  const callId = headers.first('Call-ID') ?? '';
  if (!isIdentifier(callId)) return 'Bad Call-ID';
  const cseq = parseCSeq(headers.first('CSeq') ?? '');
  if (cseq === undefined) return 'Bad CSeq Header';
  // Answers find their request by its branch, and sipp's scenarios put a tag of their own behind the one that is there.
  const tags = kind === 'request' ? ({ once: 'tag' } as const) : {};
  const from = parseNameAddr(headers.first('From') ?? '', tags);
  if (from === undefined) return 'Bad From';
  const to = parseNameAddr(headers.first('To') ?? '', tags);
  if (to === undefined) return 'Bad To';
  const fromTag = from.params.get('tag');
  const toTag = to.params.get('tag');
  if ([fromTag, toTag].some((tag) => tag !== undefined && !isIdentifier(tag))) return 'Bad Tag';
  return { via, callId, cseq, fromTag, toTag };
}

/** Printable, without the characters that separate our ids and the admin protocol's tokens. */
function isIdentifier(text: string): boolean {
  return text.length > 0 && text.length <= identifierBytesMax && (isToken(text) || !/[^\x21-\x7e]|[|;,]/.test(text));
}
