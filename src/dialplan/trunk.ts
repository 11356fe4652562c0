import { BlockList, isIP } from 'node:net';

import { parseNetwork } from './destination-schema';

/** Someone whose calls are known by the address that they come from. */
export interface Trunk {
  readonly name: string;
  /** Holds the trunk's own addresses. */
  readonly addresses: BlockList;
}

/** A trunk of addresses and networks that were checked before. */
export function trunkAt(name: string, networks: readonly string[]): Trunk {
  const addresses = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network !== undefined) addresses.addSubnet(network.address, network.prefix, network.family);
  }
  return { name, addresses };
}

/** The first trunk that an IP address belongs to. */
export function trunkOf(trunks: ReadonlyMap<string, Trunk>, address: string): string | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  for (const trunk of trunks.values()) {
    if (trunk.addresses.check(address, version === 4 ? 'ipv4' : 'ipv6')) return trunk.name;
  }
  return undefined;
}
