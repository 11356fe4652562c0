import { createHash } from 'node:crypto';
import type { HeaderList } from './header-list';
import { Scanner } from './scanner';

/** RFC 7616 and RFC 8760; MD5 is for peers that know nothing better. */
export type DigestAlgorithm = 'SHA-256' | 'MD5';

/** Parameters of a challenge or of credentials: names in lower case, values without their quotes. */
export type DigestParams = ReadonlyMap<string, string>;

const hashNames: Record<DigestAlgorithm, string> = { 'SHA-256': 'sha256', MD5: 'md5' };

/** Everything that is hashed. Text is Latin-1, one character an octet, as headers are. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  readonly password: string;
  readonly method: string;
  /** The `uri` of the credentials. */
  readonly uri: string;
  readonly nonce: string;
  /** Undefined for peers of RFC 2069, which know no quality of protection. */
  readonly protection: { readonly qop: 'auth'; readonly nc: string; readonly cnonce: string } | undefined;
}

/** `response` of RFC 7616 section 3.4.1, lower-case hexadecimal. */
export function digestResponse(input: DigestInput): string {
  const hash = (text: string): string => createHash(hashNames[input.algorithm]).update(text, 'latin1').digest('hex');
  const { username, realm, password, method, uri, nonce, protection } = input;
  const secret = hash(`${username}:${realm}:${password}`);
  const subject = hash(`${method}:${uri}`);
  if (protection === undefined) return hash(`${secret}:${nonce}:${subject}`);
  return hash(`${secret}:${nonce}:${protection.nc}:${protection.cnonce}:${protection.qop}:${subject}`);
}

/** The parameters after `Digest`; undefined for another scheme, for what cannot be read and for a repeated name. */
export function parseDigest(value: string): DigestParams | undefined {
  const scanner = new Scanner(value).skipSpace();
  if (scanner.token().toLowerCase() !== 'digest') return undefined;
  const params = new Map<string, string>();
  scanner.skipSpace();
  do {
    const name = scanner.token().toLowerCase();
    if (name === '' || params.has(name) || !scanner.eat('=')) return undefined;
    const quoted = scanner.peek() === '"';
    const text = quoted ? scanner.quoted() : scanner.until(', \t');
    if (text === undefined) return undefined;
    params.set(name, quoted ? unquoted(text) : text);
  } while (scanner.eat(','));
  return scanner.skipSpace().done ? params : undefined;
}

/** Every set of digest parameters in headers of that name. Unlike other lists these hold commas of their own. */
export function digestValues(headers: HeaderList, name: string): DigestParams[] {
  return headers
    .all(name)
    .map(parseDigest)
    .filter((params) => params !== undefined);
}

/** The algorithm that parameters name; without a name MD5 (RFC 7616 section 3.3). Undefined: none of ours. */
export function algorithmOf(params: DigestParams): DigestAlgorithm | undefined {
  const name = (params.get('algorithm') ?? 'MD5').toUpperCase();
  return name === 'MD5' || name === 'SHA-256' ? name : undefined;
}

/** A quoted string; the text may hold anything that a header may. */
export function quotedText(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Names and passwords of people as the octets that go over the wire: UTF-8 (RFC 7616 section 4). */
export function wireText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}
