import { isIP } from 'node:net';
import { invariant } from '../runtime/invariant';
import type { HostCache } from './host-cache';
import { isLoopback } from './local-side';
import type { Flow, SipTransport } from './transport';
import { defaultPortOf, isIpv6 } from './transport';
import type { SipUri } from './uri';
import { parseSipUri } from './uri';

/** Why a request has nowhere to go. */
export type LocateFault = 'uri-malformed' | 'no-transport' | 'no-address' | 'ourselves';

/** From a URI to a socket and an address (RFC 3263, without NAPTR and SRV). */
export class Locator {
  readonly #transports: readonly SipTransport[];
  readonly #hosts: HostCache;
  readonly #publicAddress: string | undefined;

  constructor(transports: readonly SipTransport[], hosts: HostCache, publicAddress: string | undefined) {
    this.#transports = transports;
    this.#hosts = hosts;
    this.#publicAddress = publicAddress;
  }

  /**
   * Calls `done` at once for an address, later for a name. `near` is how the peer reached us: its socket is preferred,
   * and its connection when it leads to the same address.
   */
  locate(uri: string, near: Flow | undefined, done: (found: Flow | LocateFault) => void): void {
    const parsed = parseSipUri(uri);
    if (typeof parsed === 'string') {
      done('uri-malformed');
      return;
    }
    const host = parsed.params.get('maddr') ?? parsed.host;
    if (isIP(host) !== 0) done(this.#flowTo(parsed, host, near));
    else this.#hosts.lookUp(host, (addresses) => done(this.#flowToAny(parsed, addresses, near)));
  }

  /** For composing a request that has nowhere to go. */
  anyFlow(): Flow {
    const transport = this.#transports[0];
    invariant(transport !== undefined, 'a server has at least one listener');
    return { transport, remoteAddress: transport.address, remotePort: transport.port };
  }

  #flowToAny(uri: SipUri, addresses: readonly string[], near: Flow | undefined): Flow | LocateFault {
    if (addresses.length === 0) return 'no-address';
    const found = addresses.filter((address) => isIP(address) !== 0).map((address) => this.#flowTo(uri, address, near));
    return found.find((flow) => typeof flow === 'object') ?? found[0] ?? 'no-address';
  }

  #flowTo(uri: SipUri, address: string, near: Flow | undefined): Flow | LocateFault {
    const transport = this.#chooseTransport(uri, address, near);
    if (transport === undefined) return 'no-transport';
    const port = uri.port ?? defaultPortOf(transport.name);
    if (this.#isOurs(address, port)) return 'ourselves';
    const sameConnection =
      near?.transport === transport && near.remoteAddress === address ? near.connectionId : undefined;
    const serverName = transport.name === 'tls' ? { serverName: uri.host } : {};
    const flow: Flow = { transport, remoteAddress: address, remotePort: port, ...serverName };
    return sameConnection === undefined ? flow : { ...flow, connectionId: sameConnection };
  }

  #chooseTransport(uri: SipUri, address: string, near: Flow | undefined): SipTransport | undefined {
    // Many peers leave the transport out of a Contact although they came by TCP and listen nowhere else.
    const usual = near?.remoteAddress === address ? near.transport.name : 'udp';
    const wanted = uri.scheme === 'sips' ? 'tls' : uri.params.get('transport')?.toLowerCase();
    const usable = this.#transports.filter((transport) => isIpv6(transport.address) === isIpv6(address));
    const named = usable.filter((transport) => transport.name === (wanted ?? usual));
    // Without a transport in the URI any will do when the usual one is not there.
    const candidates = named.length > 0 || wanted !== undefined ? named : usable;
    return (
      candidates.find((transport) => transport === near?.transport) ??
      candidates.find((transport) => isLoopback(transport.address) === isLoopback(address)) ??
      candidates[0]
    );
  }

  #isOurs(address: string, port: number): boolean {
    return this.#transports.some(
      (transport) => transport.port === port && (transport.address === address || this.#publicAddress === address),
    );
  }
}
