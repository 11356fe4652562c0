import { Scanner, isToken, parseDecimal, splitList } from './scanner';
import type { HeaderList } from './header-list';
import { formatHostPort, isUriText, scanHostPort, uriBytesMax } from './uri';

/** Parameters of a header value: names in lower case, values as typed (quotes included), undefined without a value. */
export type Params = ReadonlyMap<string, string | undefined>;

/** One Via value (RFC 3261 section 20.42). */
export interface Via {
  /** `UDP`, `TCP` and so on, upper case. */
  readonly protocol: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

/** From, To, Contact, Route and their like (RFC 3261 section 20.10). */
export interface NameAddr {
  /** As typed, quotes included; empty when absent. */
  readonly displayName: string;
  readonly uri: string;
  readonly params: Params;
}

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** RFC 3261 section 8.1.1.5 asks for less than 2^31; peers that count up to 2^32 - 1 are understood. */
const cseqMax = 0xffff_ffff;

export function parseVia(text: string): Via | undefined {
  const scanner = new Scanner(text).skipSpace();
  if (scanner.token().toUpperCase() !== 'SIP' || !scanner.eat('/')) return undefined;
  if (scanner.token() !== '2.0' || !scanner.eat('/')) return undefined;
  const protocol = scanner.token().toUpperCase();
  if (protocol === '' || !' \t'.includes(scanner.peek())) return undefined;
  const hostPort = scanHostPort(scanner.skipSpace(), ';');
  const params = hostPort && scanParams(scanner, { once: 'branch' });
  return params && { protocol, ...hostPort, params };
}

export function formatVia(via: Via): string {
  return `SIP/2.0/${via.protocol} ${formatHostPort(via.host, via.port)}${formatParams(via.params)}`;
}

export function parseCSeq(text: string): CSeq | undefined {
  const scanner = new Scanner(text).skipSpace();
  const number = parseDecimal(scanner.token(), cseqMax);
  const method = scanner.skipSpace().token();
  return number === undefined || method === '' || !scanner.skipSpace().done ? undefined : { number, method };
}

/** `once`: a parameter of which there may be one only, as of two each side might believe another. */
export function parseNameAddr(text: string, { once }: { once?: 'tag' } = {}): NameAddr | undefined {
  const scanner = new Scanner(text).skipSpace();
  let displayName = '';
  if (scanner.peek() === '"') {
    const quoted = scanner.quoted();
    if (quoted === undefined) return undefined;
    displayName = quoted;
    scanner.skipSpace();
    if (scanner.peek() !== '<') return undefined;
  } else if (text.includes('<')) {
    displayName = scanner.until('<').trim();
    if (displayName !== '' && !displayName.split(/[ \t]+/).every(isToken)) return undefined;
  }
  const bracketed = scanner.eatExactly('<');
  // Without brackets a semicolon begins a header parameter, and commas and question marks may not occur (section 20).
  const uri = bracketed ? scanner.until('>') : scanner.until(';,? \t');
  if (bracketed && !scanner.eat('>')) return undefined;
  if (uri.length > uriBytesMax || !isUriText(uri) || !uri.includes(':')) return undefined;
  const params = scanParams(scanner, { once });
  return params && { displayName, uri, params };
}

export function formatNameAddr({ displayName, uri, params }: NameAddr): string {
  return `${displayName === '' ? '' : `${displayName} `}<${uri}>${formatParams(params)}`;
}

/** The same value with one parameter set. */
export function withParam(params: Params, name: string, value: string | undefined): Params {
  return new Map(params).set(name, value);
}

/** The values of a header that may be repeated and comma-separated, in order. */
export function listValues(headers: HeaderList, name: string): string[] {
  return headers.all(name).flatMap(splitList);
}

/** Option tags (Require, Supported ...) in lower case. */
export function optionTags(headers: HeaderList, name: string): string[] {
  return listValues(headers, name)
    .filter((tag) => tag !== '')
    .map((tag) => tag.toLowerCase());
}

function formatParams(params: Params): string {
  return [...params].map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`)).join('');
}

/**
 * `;name[=value]` any number of times up to the end of the text; undefined when something else is there. Section 7.3.1
 * forbids to repeat any of them, but only of `once` it matters.
 */
function scanParams(scanner: Scanner, { once }: { once: string | undefined }): Params | undefined {
  const params = new Map<string, string | undefined>();
  while (scanner.eat(';')) {
    const name = scanner.token().toLowerCase();
    if (name === '' || (name === once && params.has(name))) return undefined;
    let value: string | undefined;
    if (scanner.eat('=')) {
      value = scanner.peek() === '"' ? scanner.quoted() : scanner.until('; \t,"<>');
      if (value === undefined || value === '') return undefined;
    }
    params.set(name, value);
  }
  return scanner.skipSpace().done ? params : undefined;
}
