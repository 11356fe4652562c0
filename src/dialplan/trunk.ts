import { BlockList, isIP } from 'node:net';

import type { Secret } from '../runtime/secret';
import { addressOfHost, hostName, parseNetwork } from './destination-schema';
import type { TrunkEntry } from './destination-schema';
import { secretOf } from './secret-reference';
import type { PlanSecrets } from './secret-reference';

/** Someone who sends us calls, takes calls of ours, or both. */
export interface Trunk {
  readonly name: string;
  /** The addresses and networks that its calls are known by, as they were written; empty when it only takes calls. */
  readonly networks: readonly string[];
  /** The same, to ask. */
  readonly addresses: BlockList;
  /** Undefined when it only sends calls. */
  readonly outbound: OutboundTrunk | undefined;
}

/** How calls go through a trunk. */
export interface OutboundTrunk {
  /** A name or an address, with a port where there was one; IPv6 in brackets. */
  readonly host: string;
  readonly transport: SipTransportName | undefined;
  readonly digest: TrunkDigest | undefined;
  /** Undefined: we do not register. */
  readonly registerSeconds: number | undefined;
  /** The number that calls show; undefined: the caller's. */
  readonly callerId: string | undefined;
  /** What is offered, the preferred first. */
  readonly codecs: readonly Codec[];
}

export type SipTransportName = NonNullable<TrunkEntry['transport']>;
export type Codec = NonNullable<TrunkEntry['codecs']>[number];

/** As whom we answer the trunk's challenges (RFC 3261 section 22). */
export interface TrunkDigest {
  readonly user: Secret;
  readonly password: Secret;
  readonly realm: string;
}

/** Offered where nothing else is said: what every telephone knows. */
export const defaultCodecs: readonly Codec[] = ['pcmu', 'pcma'];

/** A trunk of an entry that was checked before. */
export function toTrunk(name: string, entry: TrunkEntry, secrets: PlanSecrets): Trunk {
  const { host } = entry;
  const address = host === undefined ? undefined : addressOfHost(host);
  const networks = entry.addresses ?? (address === undefined ? [] : [address]);
  const addresses = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network !== undefined) addresses.addSubnet(network.address, network.prefix, network.family);
  }
  return { name, networks, addresses, outbound: host === undefined ? undefined : toOutbound(entry, host, secrets) };
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

function toOutbound(entry: TrunkEntry, host: string, secrets: PlanSecrets): OutboundTrunk {
  const { transport, digest, register, caller_id: callerId, codecs = defaultCodecs } = entry;
  return {
    host,
    transport,
    digest: digest && {
      user: secretOf(digest.user, secrets),
      password: secretOf(digest.password, secrets),
      realm: digest.realm ?? hostName(host),
    },
    registerSeconds: register && Math.round(register.expires / 1_000),
    callerId,
    codecs,
  };
}
