import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { HeaderField } from './header-list';
import { formatNameAddr, parseNameAddr } from './header-values';
import type { Flow, TransportName } from './transport';
import { isIpv6 } from './transport';
import { formatHostPort, formatSipUri, parseSipUri } from './uri';

/** How a peer sees us: what goes into Via, Contact and in the place of `localhost`. */
export interface LocalSide {
  readonly host: string;
  readonly port: number;
  readonly transport: TransportName;
}

/** The local side of `flow`. `publicAddress`, when set, is what the outside sees (static NAT). */
export function localSideOf(flow: Flow, publicAddress: string | undefined): LocalSide {
  const { name, address, port } = flow.transport;
  const wildcard = address === '0.0.0.0' || address === '::';
  const host = publicAddress ?? (wildcard ? interfaceTowards(flow.remoteAddress) : address);
  return { host, port, transport: name };
}

/** The URI peers reach us at, in angle brackets, as a default Contact. */
export function contactOf({ host, port, transport }: LocalSide, scheme: 'sip' | 'sips' = 'sip'): string {
  return `<${scheme}:${formatHostPort(host, port)}${transport === 'udp' ? '' : `;transport=${transport}`}>`;
}

const namesWithLocalhost = new Set(['from', 'to', 'contact', 'p-asserted-identity']);

/** What our Contact must be like where the request was sent to `requestUri` (RFC 3261 section 8.1.1.8). */
export function schemeOf(requestUri: string): 'sip' | 'sips' {
  return /^sips:/i.test(requestUri) ? 'sips' : 'sip';
}

/**
 * Applications write `localhost` for "the address you are reached at", which they cannot know. The value with that
 * host replaced; anything else as it came.
 */
export function replaceLocalhost({ name, value }: HeaderField, local: LocalSide): string {
  const key = name.toLowerCase();
  if (!namesWithLocalhost.has(key) || !/localhost/i.test(value)) return value;
  const parsed = parseNameAddr(value);
  const uri = parsed && parseSipUri(parsed.uri);
  if (parsed === undefined || typeof uri !== 'object' || uri.host !== 'localhost') return value;
  const params = new Map(uri.params);
  if (key === 'contact' && local.transport !== 'udp' && !params.has('transport'))
    params.set('transport', local.transport);
  const replaced = formatSipUri({ ...uri, host: local.host, port: uri.port ?? local.port, params });
  return formatNameAddr({ ...parsed, uri: replaced });
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** The address of the interface that shares most leading characters' worth of network with `remote`. */
function interfaceTowards(remote: string): string {
  const family = isIpv6(remote) ? 'IPv6' : 'IPv4';
  if (isLoopback(remote) || isIP(remote) === 0) return family === 'IPv6' ? '::1' : '127.0.0.1';
  const candidates = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((candidate) => candidate.family === family && !candidate.internal);
  const sameNetwork = candidates.find(({ address, netmask }) => masked(address, netmask) === masked(remote, netmask));
  return (sameNetwork ?? candidates[0])?.address ?? (family === 'IPv6' ? '::1' : '127.0.0.1');
}

/** The network part of an IPv4 address; an IPv6 address as it is, so that only the first candidate counts. */
function masked(address: string, netmask: string): string {
  if (isIpv6(address)) return address;
  const mask = netmask.split('.').map(Number);
  return address
    .split('.')
    .map((octet, index) => Number(octet) & (mask[index] ?? 0))
    .join('.');
}
