import type { SrfMessage } from './srf';

// Everything here reads text that a stranger wrote: each function returns a value or undefined, and none throws.

/** Longest piece of a stranger's text that is kept, in UTF-16 units. */
export const textLengthMax = 200;

/** Headers that are looked at; the rest of a longer message is not searched. */
const headersMax = 200;

// Control characters, line separators and the marks that reorder text on a screen.
const unwanted = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** Without control characters, trimmed, cut to `textLengthMax`. */
export function cleanText(text: string): string {
  const clean = text
    .slice(0, textLengthMax * 4)
    .replace(unwanted, '')
    .trim()
    .slice(0, textLengthMax);
  // A cut through a surrogate pair leaves half a character.
  return clean.replace(/\p{Cs}/gu, '');
}

/** RFC 3261 section 7.3.3, and the extensions' single letters. */
const compactForms: Record<string, string> = {
  i: 'call-id',
  m: 'contact',
  e: 'content-encoding',
  l: 'content-length',
  c: 'content-type',
  f: 'from',
  s: 'subject',
  k: 'supported',
  t: 'to',
  v: 'via',
  r: 'refer-to',
  b: 'referred-by',
  x: 'session-expires',
  o: 'event',
};

/** The first line of a header in a raw SIP message, unfolded but not cleaned; undefined when there is none. */
export function firstHeaderLine(rawMessage: string, name: string): string | undefined {
  const wanted = longName(name);
  const head = rawMessage.slice(0, headEnd(rawMessage));
  const lines = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/, headersMax + 1);
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0 && longName(line.slice(0, colon)) === wanted) return line.slice(colon + 1).trim();
  }
  return undefined;
}

function headEnd(rawMessage: string): number {
  const end = rawMessage.indexOf('\r\n\r\n');
  return end === -1 ? rawMessage.length : end;
}

function longName(name: string): string {
  const lower = name.trim().toLowerCase();
  return compactForms[lower] ?? lower;
}

/** RFC 3261 `name-addr` or `addr-spec` with its header parameters. */
export interface NameAddress {
  displayName: string;
  uri: string;
  /** Names in lower case; an empty value for a parameter without one. */
  params: ReadonlyMap<string, string>;
}

/** The longest address that is read, in UTF-16 units. */
export const addressLengthMax = 4_000;

const absoluteUri = /^[A-Za-z][A-Za-z0-9+.-]*:./;

/** The first address of a From, To, Contact or P-Asserted-Identity value. */
export function parseNameAddress(value: string): NameAddress | undefined {
  const text = value.slice(0, addressLengthMax).trim();
  // Each of these runs once over the text: no two neighbouring parts can match the same character.
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(text);
  if (quoted === null && text.startsWith('"')) return undefined;
  const afterName = text.slice(quoted?.[0].length ?? 0);
  const open = afterName.indexOf('<');
  if (open === -1) return quoted === null ? bareAddress(text) : undefined;
  const close = afterName.indexOf('>', open);
  const plainName = afterName.slice(0, open);
  const uri = afterName.slice(open + 1, close).trim();
  if (close === -1 || /[">]/.test(plainName) || uri.includes('<') || !absoluteUri.test(uri)) return undefined;
  if (quoted !== null && plainName.trim() !== '') return undefined;
  const displayName = quoted === null ? plainName : (quoted[1] ?? '').replace(/\\(.)/gs, '$1');
  return { displayName: cleanText(displayName), uri, params: parseParams(afterName.slice(close + 1)) };
}

// Without angle brackets, what follows a semicolon belongs to the header (RFC 3261 section 20.10).
function bareAddress(text: string): NameAddress | undefined {
  const uri = /^[^\s;,">]*/.exec(text)?.[0] ?? '';
  if (!absoluteUri.test(uri)) return undefined;
  return { displayName: '', uri, params: parseParams(text.slice(uri.length)) };
}

function parseParams(text: string): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  const upToNextAddress = text.split(',', 1)[0] ?? '';
  for (const part of upToNextAddress.split(';').slice(1)) {
    const [name, value] = part.split('=', 2);
    if (name !== undefined) params.set(name.trim().toLowerCase(), (value ?? '').trim());
  }
  return params;
}

/**
 * The user part of a `sip:` or `sips:` URI, or the number of a `tel:` URI, percent-decoded (RFC 3261 section 19.1.2),
 * without password and parameters; an empty string when there is none.
 */
export function userOfUri(uri: string): string {
  const match = /^(?:sips?:(?:([^@]*)@)?|tel:([^;?]*))/i.exec(uri.trim());
  const user = match?.[1] ?? match?.[2] ?? '';
  return cleanText(decodePercent(user.split(/[;:]/, 1)[0] ?? ''));
}

/** The host of a `sip:` or `sips:` URI in lower case, without port; an empty string when there is none. */
export function hostOfUri(uri: string): string {
  const match = /^sips?:(?:[^@]*@)?(\[[0-9a-f:.]+\]|[^:;?>\s]+)/i.exec(uri.trim());
  return (match?.[1] ?? '').toLowerCase();
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The `text` of a Reason header (RFC 3326), else the whole value; undefined when there is none. */
export function reasonOf(message: SrfMessage): string | undefined {
  const value = message.get('Reason');
  if (value === undefined) return undefined;
  return cleanText(/text\s*=\s*"([^"]*)"/i.exec(value.slice(0, addressLengthMax))?.[1] ?? value);
}

/** A header value of ours that cannot break out of its line. */
export function headerSafe(value: string): string {
  return value.replace(unwanted, ' ').trim();
}

/** A Reason header (RFC 3326) for a BYE or a rejection. */
export function reasonHeader(cause: number, text: string): string {
  return `SIP;cause=${cause};text="${cleanText(text).replace(/["\\]/g, "'")}"`;
}

/** The SDP that a message carries: alone or as one part of a multipart body; `unsupported` when the body is another. */
export function sdpOf(message: SrfMessage): { sdp: string | undefined } | 'unsupported' {
  const body = message.body ?? '';
  if (body.trim() === '') return { sdp: undefined };
  const type = (message.get('Content-Type') ?? 'application/sdp').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/sdp') return { sdp: body };
  if (!type.startsWith('multipart/')) return 'unsupported';
  const part = message.payload?.find(({ type }) => type?.toLowerCase().startsWith('application/sdp'));
  if (part?.content === undefined) return 'unsupported';
  // srf leaves the closing boundary at the end of the last part.
  const lines = part.content.split(/\r?\n/).filter((line) => /^[a-z]=/.test(line));
  return { sdp: lines.map((line) => `${line}\r\n`).join('') };
}
