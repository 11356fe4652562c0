import { BlockList, isIP } from 'node:net';
import { invariant } from '../runtime/invariant';
import type { Random } from '../runtime/random';
import type { HostCache, ServiceRecord } from './host-cache';
import { isLoopback } from './local-side';
import { byPreference } from './service-order';
import type { Flow, SipTransport, TransportName } from './transport';
import { defaultPortOf, isIpv6 } from './transport';
import type { SipUri } from './uri';
import { parseSipUri } from './uri';

/** Why a request has nowhere to go. */
export type LocateFault = 'uri-malformed' | 'no-transport' | 'no-address' | 'ourselves';

interface LocatorOptions {
  /** SRV records; undefined: names are looked up as hosts only. */
  readonly services?: HostCache<ServiceRecord>;
  readonly random?: Random;
  /** Whether requests to who came this way go back this way, whatever their URI says: a registered phone. */
  readonly isWayBack?: (flow: Flow) => boolean;
}

/** More places than this are not tried for one request. */
const flowsMax = 8;

/** From a URI to sockets and addresses (RFC 3263, without NAPTR). Only names of who is sent to are looked up. */
export class Locator {
  readonly #transports: readonly SipTransport[];
  readonly #hosts: HostCache;
  readonly #publicAddress: string | undefined;
  readonly #options: LocatorOptions;

  constructor(
    transports: readonly SipTransport[],
    hosts: HostCache,
    publicAddress: string | undefined,
    options: LocatorOptions = {},
  ) {
    this.#transports = transports;
    this.#hosts = hosts;
    this.#publicAddress = publicAddress;
    this.#options = options;
  }

  /**
   * Calls `done` at once for an address, later for a name. `near` is how the peer reached us: its socket is preferred,
   * and its connection when it leads to the same address.
   */
  locate(uri: string, near: Flow | undefined, done: (found: Flow | LocateFault) => void): void {
    this.locateAll(uri, near, (found) => done(typeof found === 'string' ? found : (found[0] ?? 'no-address')));
  }

  /** Every place to try, in order; at least one. As `locate` in all else. */
  locateAll(uri: string, near: Flow | undefined, done: (found: readonly Flow[] | LocateFault) => void): void {
    const parsed = parseSipUri(uri);
    if (typeof parsed === 'string') {
      done('uri-malformed');
      return;
    }
    const host = parsed.params.get('maddr') ?? parsed.host;
    if (near !== undefined && this.#mustGoBack(host, near)) done([near]);
    else if (isIP(host) !== 0) done(this.#flowsTo(parsed, [host], near));
    else this.#locateName(parsed, host, near, done);
  }

  /** Whether `host` is an address of ours, as the outside sees it or as it is. */
  isOurHost(host: string): boolean {
    return host === this.#publicAddress || this.#transports.some(({ address }) => address === host);
  }

  /** For composing a request that has nowhere to go. */
  anyFlow(): Flow {
    const transport = this.#transports[0];
    invariant(transport !== undefined, 'a server has at least one listener');
    return { transport, remoteAddress: transport.address, remotePort: transport.port };
  }

  /** A peer behind a NAT knows only its private address; from outside, only the way it came leads back. */
  #mustGoBack(host: string, near: Flow): boolean {
    if (host === near.remoteAddress) return false;
    return this.#options.isWayBack?.(near) === true || (isPrivate(host) && !isPrivate(near.remoteAddress));
  }

  /** SRV records come first, unless the URI has a port (RFC 3263 section 4.2) or the name is none of the public DNS. */
  #locateName(
    uri: SipUri,
    host: string,
    near: Flow | undefined,
    done: (found: readonly Flow[] | LocateFault) => void,
  ): void {
    const asHost = (): void => {
      this.#hosts.lookUp(host, (addresses) => done(this.#flowsTo(uri, addresses, near)));
    };
    const { services } = this.#options;
    if (services === undefined || uri.port !== undefined || !host.includes('.')) asHost();
    else
      this.#locateServices(uri, host, this.#serviceTransports(uri), (flows) =>
        flows.length > 0 ? done(flows) : asHost(),
      );
  }

  /** The places that the first transport with SRV records names. */
  #locateServices(
    uri: SipUri,
    host: string,
    [transport, ...others]: readonly TransportName[],
    done: (flows: readonly Flow[]) => void,
  ): void {
    const { services, random } = this.#options;
    if (transport === undefined || services === undefined) {
      done([]);
      return;
    }
    services.lookUp(serviceName(transport, host), (records) => {
      if (records.length === 0) this.#locateServices(uri, host, others, done);
      else this.#collect(uri, transport, byPreference(records, random).slice(0, flowsMax), [], done);
    });
  }

  /** Looks up the hosts of SRV records one after the other, in their order. */
  #collect(
    uri: SipUri,
    transport: TransportName,
    [record, ...others]: readonly ServiceRecord[],
    found: readonly Flow[],
    done: (flows: readonly Flow[]) => void,
  ): void {
    if (record === undefined || found.length >= flowsMax) {
      done(found);
      return;
    }
    const there = { ...uri, port: record.port, params: new Map(uri.params).set('transport', transport) };
    this.#hosts.lookUp(record.name, (addresses) => {
      const flows = this.#flowsTo(there, addresses, undefined);
      this.#collect(uri, transport, others, typeof flows === 'string' ? found : [...found, ...flows], done);
    });
  }

  #serviceTransports(uri: SipUri): readonly TransportName[] {
    const wanted = uri.scheme === 'sips' ? 'tls' : uri.params.get('transport')?.toLowerCase();
    const names = (['udp', 'tcp', 'tls'] as const).filter((name) => this.#transports.some((one) => one.name === name));
    return names.filter((name) => (wanted === undefined ? name !== 'tls' : name === wanted));
  }

  #flowsTo(uri: SipUri, addresses: readonly string[], near: Flow | undefined): readonly Flow[] | LocateFault {
    const numeric = addresses.filter((address) => isIP(address) !== 0).slice(0, flowsMax);
    const found = numeric.map((address) => this.#flowTo(uri, address, near));
    const flows = found.filter((flow) => typeof flow === 'object');
    if (flows.length > 0) return flows;
    return found.find((flow) => typeof flow === 'string') ?? 'no-address';
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

function serviceName(transport: TransportName, host: string): string {
  return transport === 'tls' ? `_sips._tcp.${host}` : `_sip._${transport}.${host}`;
}

/** Addresses that mean something in their own network only (RFC 1918, RFC 3927, RFC 6598, RFC 4193, RFC 4291). */
const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4');
}
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addSubnet('fe80::', 10, 'ipv6');

function isPrivate(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && privateNetworks.check(address, version === 4 ? 'ipv4' : 'ipv6');
}
