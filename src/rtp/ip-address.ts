import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Where packets go or come from. `address` is canonical text. */
export interface MediaAddress {
  address: string;
  port: number;
}

/**
 * The one text of an IP address that the socket also uses, so that addresses compare as strings: IPv6 shortened and in
 * lower case, IPv4-mapped IPv6 as IPv4. Undefined when `text` is no IP address: host names are never looked up.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (!isIPv6(bare)) return undefined;
  const zone = bare.indexOf('%');
  const canonical = new SocketAddress({ family: 'ipv6', address: zone < 0 ? bare : bare.slice(0, zone) }).address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(canonical)?.[1];
  if (mapped !== undefined) return mapped;
  return zone < 0 ? canonical : canonical + bare.slice(zone);
}

/** What kind of place an address is, as far as media is concerned. */
export type AddressScope =
  | 'public'
  /** Only inside one network: RFC 1918, RFC 6598, link-local, unique local. */
  | 'private'
  | 'loopback'
  /** `0.0.0.0` or `::`: an old way to say hold (RFC 3264 section 8.4). */
  | 'unspecified'
  /** Multicast, broadcast, reserved: never one caller. */
  | 'unusable';

/** Of a canonical address. */
export function addressScope(address: string): AddressScope {
  if (address === '0.0.0.0' || address === '::') return 'unspecified';
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  const zone = address.indexOf('%');
  const bare = zone < 0 ? address : address.slice(0, zone);
  if (loopback.check(bare, family)) return 'loopback';
  if (unusable.check(bare, family)) return 'unusable';
  return privateUse.check(bare, family) ? 'private' : 'public';
}

const loopback = blocks(['127.0.0.0/8', '::1/128']);
const unusable = blocks(['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', 'ff00::/8']);
const privateUse = blocks([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  'fe80::/10',
]);

function blocks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/');
    list.addSubnet(address, Number(prefix), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}
