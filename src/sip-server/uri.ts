import { Scanner, parseDecimal } from './scanner';

/** Longest URI that is looked into, octets. */
export const uriBytesMax = 1_024;

/** A SIP URI (RFC 3261 section 19.1). Escapes stay as they came. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** User and password as typed, undefined without an `@`. */
  readonly user: string | undefined;
  /** Name or address in lower case; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names in lower case; undefined for a parameter without a value. */
  readonly params: ReadonlyMap<string, string | undefined>;
  /** What follows `?`, as typed, else an empty string. */
  readonly headers: string;
}

export type UriFault = 'uri-malformed' | 'uri-scheme-unknown' | 'uri-too-long';

/** The parts of a `sip:` or `sips:` URI, or why there are none. Linear in the length of `text`. */
export function parseSipUri(text: string): SipUri | UriFault {
  if (text.length > uriBytesMax) return 'uri-too-long';
  const colon = text.indexOf(':');
  if (colon < 1 || !isUriText(text)) return 'uri-malformed';
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme !== 'sip' && scheme !== 'sips') {
    return /^[a-z][a-z0-9+.-]*$/.test(scheme) ? 'uri-scheme-unknown' : 'uri-malformed';
  }
  // Userinfo may hold any of ; ? / and comma, but never a bare @, and nothing after the host may hold one.
  const at = text.indexOf('@', colon);
  const user = at === -1 ? undefined : text.slice(colon + 1, at);
  const scanner = new Scanner(text, at === -1 ? colon + 1 : at + 1);
  const hostPort = scanHostPort(scanner, ';?');
  if (hostPort === undefined || user === '' || text.includes('@', at + 1)) return 'uri-malformed';
  const params = scanUriParams(scanner);
  if (params === undefined) return 'uri-malformed';
  const headers = scanner.peek() === '?' ? scanner.rest.slice(1) : '';
  return { scheme, user, ...hostPort, params, headers };
}

/**
 * A `sip:`, `sips:` or `tel:` URI with its scheme in lower case; undefined for what drachtio-srf could not take apart: it
 * throws at To in subscriptions, out of reach of any handler.
 */
export function plainUri(text: string): string | undefined {
  const uri = text.replace(/^[a-z]+:/i, (scheme) => scheme.toLowerCase());
  if (/^tel:\+?[0-9.()-]+(;[a-z0-9-]+=[a-z0-9.()-]+)*$/i.test(uri)) return uri;
  const parsed = parseSipUri(uri);
  if (typeof parsed === 'string') return undefined;
  const isMappedAddress = parsed.host.includes(':') && parsed.host.includes('.');
  return isMappedAddress || [...parsed.params.values()].includes('') ? undefined : uri;
}

/** The host of a SIP URI, else an empty string. */
export function hostOf(uri: string): string {
  const parsed = parseSipUri(uri);
  return typeof parsed === 'string' ? '' : parsed.host;
}

/** The URI as text, in a canonical order. */
export function formatSipUri(uri: SipUri): string {
  const user = uri.user === undefined ? '' : `${uri.user}@`;
  const params = [...uri.params].map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`));
  const headers = uri.headers === '' ? '' : `?${uri.headers}`;
  return `${uri.scheme}:${user}${formatHostPort(uri.host, uri.port)}${params.join('')}${headers}`;
}

/** `host`, `host:port`; an IPv6 address gets its brackets. */
export function formatHostPort(host: string, port: number | undefined): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

/** No whitespace, no control characters, no quotes or brackets that would end a header field's URI. */
export function isUriText(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f || code === 0x22 || code === 0x3c || code === 0x3e) return false;
  }
  return text.length > 0;
}

/** Reads `host[:port]` up to one of `stops` or the end; undefined when it is neither. */
export function scanHostPort(scanner: Scanner, stops: string): { host: string; port: number | undefined } | undefined {
  let host: string;
  if (scanner.eat('[')) {
    host = scanner.until(']').toLowerCase();
    if (!/^[0-9a-f:.]{2,45}$/.test(host) || !host.includes(':') || !scanner.eat(']')) return undefined;
  } else {
    host = scanner.token().toLowerCase();
    if (!/^[a-z0-9_.-]{1,255}$/.test(host)) return undefined;
  }
  scanner.skipSpace();
  let port: number | undefined;
  if (scanner.eat(':')) {
    port = parseDecimal(scanner.token(), 65_535);
    if (port === undefined || port === 0) return undefined;
  }
  scanner.skipSpace();
  return scanner.done || stops.includes(scanner.peek()) ? { host, port } : undefined;
}

function scanUriParams(scanner: Scanner): Map<string, string | undefined> | undefined {
  const params = new Map<string, string | undefined>();
  while (scanner.eat(';')) {
    const name = scanner.until(';?=').toLowerCase();
    if (name === '') return undefined;
    params.set(name, scanner.eat('=') ? scanner.until(';?') : undefined);
  }
  return params;
}
