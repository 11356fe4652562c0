import type { CreateEndpointOptions } from '../../src/media/freeswitch-mrf';
import type { DatagramPort } from '../../src/rtp/socket';
import type { MemoryNetwork } from '../rtp/memory-network';
import { FakeChannel, FakeFreeswitch } from './fake-mrf';

export const relayAddress = '203.0.113.9';
const firstPort = 20_000;

/** A FreeSWITCH that knows G.711 only and passes the packets of bridged channels on as they are. */
export class RelayFreeswitch extends FakeFreeswitch {
  /** As `rtp_liberal_dtmf` in FreeSWITCH's own configuration: telephone-event is answered whether or not it was offered. */
  liberalDtmf = false;

  constructor(readonly network: MemoryNetwork) {
    super('relay');
  }

  override makeChannel(options: CreateEndpointOptions): FakeChannel {
    return new RelayChannel(this, options);
  }

  override bridge(uuid: string, other: string): string {
    const [one, two] = [uuid, other].map((id) => this.channels.get(id)?.channel as RelayChannel | undefined);
    if (one === undefined || two === undefined) return '-ERR no such channel\n';
    one.peer = two;
    two.peer = one;
    return '+OK\n';
  }
}

class RelayChannel extends FakeChannel {
  peer: RelayChannel | undefined;
  readonly #relay: RelayFreeswitch;
  readonly #port: DatagramPort;
  #remote: { address: string; port: number } | undefined;

  constructor(server: RelayFreeswitch, options: CreateEndpointOptions) {
    super(server, options);
    this.#relay = server;
    this.#port = server.network.bind(relayAddress, firstPort + 2 * (server.made - 1));
    this.#port.listen({ onDatagram: (datagram) => this.peer?.send(datagram) });
    const sdp = this.#negotiate(options.remoteSdp);
    if (sdp === undefined) {
      this.#port.close();
      throw Object.assign(new Error('Sip non-success response'), { status: 488 });
    }
    this.local = { sdp };
  }

  send(datagram: Buffer): void {
    if (this.#remote !== undefined) this.#port.send(datagram, this.#remote.address, this.#remote.port);
  }

  override answerReinvite(offer: string): { status?: number; body?: string } {
    const body = this.#negotiate(offer);
    return body === undefined ? { status: 488 } : { body };
  }

  override hangUp(reason: string): void {
    this.#port.close();
    super.hangUp(reason);
  }

  #negotiate(offer: string): string | undefined {
    const [, port = '', formats = ''] = /^m=audio (\d+) RTP\/AVP (.*)$/m.exec(offer) ?? [];
    const known = formats.split(' ').filter((format) => ['0', '8', '101'].includes(format.trim()));
    if (!known.some((format) => format !== '101')) return undefined;
    if (this.#relay.liberalDtmf && !known.includes('101')) known.push('101');
    this.#remote = { address: /^c=IN IP4 (\S+)/m.exec(offer)?.[1] ?? '', port: Number(port) };
    const direction = /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(offer)?.[1] ?? 'sendrecv';
    return this.#describe(known, direction === 'sendonly' ? 'recvonly' : direction);
  }

  #describe(formats: readonly string[], direction: string): string {
    return [
      ...['v=0', `o=FreeSWITCH 1 1 IN IP4 ${relayAddress}`, 's=FreeSWITCH', `c=IN IP4 ${relayAddress}`, 't=0 0'],
      `m=audio ${this.#port.port} RTP/AVP ${formats.join(' ')}`,
      ...(formats.includes('101') ? ['a=rtpmap:101 telephone-event/8000'] : []),
      `a=${direction}`,
      '',
    ].join('\r\n');
  }
}
