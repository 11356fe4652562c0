import type { DigestAlgorithm } from './digest';

/** Who may use the server, and as whom it speaks to others. Without a policy everybody is let through to applications. */
export interface AccessPolicy {
  /** Shown in our challenges, and hashed into every answer to them: the name of the office, or its domain. */
  readonly realm: string;
  /** Phones: they prove who they are with each request outside dialogs, and may register. */
  readonly users: readonly SipUserAccount[];
  /** Peers that are known by their addresses. */
  readonly trunks: readonly SipTrunk[];
  /** What may be used, best first (RFC 8760). Default: SHA-256, then MD5, which most phones still need. */
  readonly algorithms?: readonly DigestAlgorithm[];
}

export interface SipUserAccount {
  /** The user part of its address and the username in its credentials; compared with case. */
  readonly name: string;
  readonly password: string;
}

export interface SipTrunk {
  readonly name: string;
  /** Addresses and networks (`192.0.2.0/24`, `2001:db8::/32`) whose requests are let through. */
  readonly addresses: readonly string[];
  /** How we answer the trunk's challenges to calls of ours. */
  readonly credentials?: TrunkCredentials;
}

export interface TrunkCredentials {
  readonly username: string;
  readonly password: string;
  /** Hosts, as they stand in the URIs that are called; a challenge from anywhere else is never answered. */
  readonly hosts: readonly string[];
  /** A challenge for any other realm is never answered (CVE-2021-41158: a callee must not get our answer to the trunk). */
  readonly realm: string;
}

/** Limits of who may fail and register how often. */
export interface AccessLimits {
  /** Wrong credentials that an address may send within `failureWindowMs`; then it waits for the rest of it. */
  readonly failuresPerAddress: number;
  readonly failureWindowMs: number;
  /** How long the answer to one challenge may be used. */
  readonly nonceLifeMs: number;
  readonly registrationMinSeconds: number;
  readonly registrationMaxSeconds: number;
  readonly registrationDefaultSeconds: number;
  /** Further contacts take the place of the one that was registered longest ago. */
  readonly contactsPerUser: number;
}

export const defaultAccessLimits: AccessLimits = {
  failuresPerAddress: 10,
  failureWindowMs: 60_000,
  nonceLifeMs: 300_000,
  registrationMinSeconds: 60,
  registrationMaxSeconds: 7_200,
  registrationDefaultSeconds: 3_600,
  contactsPerUser: 5,
};
