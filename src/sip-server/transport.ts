export type TransportName = 'udp' | 'tcp' | 'tls';

/** Where a message came from, or where one goes. */
export interface Flow {
  /** The listening socket it belongs to. */
  readonly transport: SipTransport;
  readonly remoteAddress: string;
  /** For streams: where to connect when the connection is gone. */
  readonly remotePort: number;
  /** For streams: the connection to prefer while it is open. */
  readonly connectionId?: number;
  /** For TLS: the name or address that the peer's certificate must be for. Undefined: the remote address. */
  readonly serverName?: string;
}

/** One listening socket with the connections that belong to it. */
export interface SipTransport {
  readonly name: TransportName;
  /** What it is bound to; may be a wildcard. */
  readonly address: string;
  readonly port: number;
  /** Never throws. `onFailure` comes later if at all, and at most once; no news means it was handed to the system. */
  send(bytes: Buffer, to: Flow, onFailure: (cause: string) => void): void;
  /** Twice is fine. */
  close(): Promise<void>;
}

export interface TransportListener {
  /** A stranger has connected; `close` asks to end that at once. */
  onConnection?(remoteAddress: string): 'keep' | 'close';
  /** The beginning of a message of a stream whose end cannot be known. The connection closes behind it. */
  onUnframed?(bytes: Buffer, from: Flow): void;
  /** One datagram, or one message of a stream. `close` asks to end the connection it came on. Must not throw. */
  onMessage(bytes: Buffer, from: Flow): 'keep' | 'close';
}

/** Streams retransmit by themselves, so SIP need not (RFC 3261 section 17). */
export function isReliable(flow: Flow): boolean {
  return flow.transport.name !== 'udp';
}

/** RFC 3261 section 19.1.2. */
export function defaultPortOf(transport: TransportName): number {
  return transport === 'tls' ? 5_061 : 5_060;
}

/** IPv6 addresses are told from IPv4 ones by their colons. */
export function isIpv6(address: string): boolean {
  return address.includes(':');
}
