import { BlockList, isIP } from 'node:net';

/** What an address is, for a request that a stranger's words may have led to. */
export type AddressKind = 'public' | 'private' | 'never';

/**
 * Addresses of networks of one's own: reached only where an admin has said so. 100.64/10 is shared by carriers (RFC 6598)
 * and used inside clouds.
 */
const privateNets = blockList([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['127.0.0.0', 8],
  ['100.64.0.0', 10],
  ['::1', 128],
  ['fc00::', 7],
]);

/**
 * Addresses that no tool has a reason to reach: link-local ones and others where clouds keep the keys of a machine, those that
 * stand for other addresses (6to4, Teredo, NAT64, compatible), groups, documentation, and what is reserved (RFC 6890).
 */
const neverNets = blockList([
  ['0.0.0.0', 8],
  ['100.100.100.200', 32],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fd00:ec2::', 32],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]);
/** `::a.b.c.d`; `::1` and `::` are told apart before. */
const compatibleNet = blockList([['::', 96]]);

/** `address` is an IPv4 or IPv6 address without brackets; anything else is `never`. */
export function addressKind(address: string): AddressKind {
  // A zone (`fe80::1%eth0`) belongs to link-local addresses.
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0) return 'never';
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (neverNets.check(address, type)) return 'never';
  if (privateNets.check(address, type)) return 'private';
  // A mapped address (::ffff:a.b.c.d), however it is spelt, was compared with the nets of IPv4 above.
  return family === 6 && compatibleNet.check(address, type) ? 'never' : 'public';
}

/** What an admin allows for one tool. */
export interface Allowance {
  allowPrivate: boolean;
  /** Besides 443. */
  ports: readonly number[];
}

/** Why an address that a plan names cannot be asked; undefined when it may be tried. */
export function urlFault(url: URL, { allowPrivate, ports }: Allowance): string | undefined {
  if (url.username !== '' || url.password !== '') return 'user and password in the address';
  const host = hostOf(url);
  if (isIP(host) !== 0) {
    const kind = addressKind(host);
    if (kind === 'never') return 'an address that no tool may reach';
    if (kind === 'private' && !allowPrivate) return 'an address of a private network';
  }
  if (url.protocol === 'http:') return allowPrivate ? undefined : 'http without encryption';
  if (url.protocol !== 'https:') return `${url.protocol} is no way to a service`;
  const port = portOf(url);
  if (port !== 443 && !ports.includes(port) && !allowPrivate) return `port ${port}`;
  return undefined;
}

/** Why none of the addresses that a name stands for may be connected to; undefined when all may be. */
export function addressesFault(
  url: URL,
  addresses: readonly string[],
  { allowPrivate }: Allowance,
): string | undefined {
  if (addresses.length === 0) return 'a name without an address';
  // One odd address among good ones is how a name is made to point inside.
  for (const kind of addresses.map(addressKind)) {
    if (kind === 'never') return 'an address that no tool may reach';
    if (kind === 'private' && !allowPrivate) return 'an address of a private network';
    if (kind === 'public' && url.protocol === 'http:') return 'http without encryption to a public address';
  }
  return undefined;
}

/** The host as a name or an address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL): number {
  return url.port === '' ? 443 : Number(url.port);
}

function blockList(nets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, bits] of nets) list.addSubnet(net, bits, isIP(net) === 4 ? 'ipv4' : 'ipv6');
  return list;
}
