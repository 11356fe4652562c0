import type { CreateEndpointOptions } from '../../src/media/freeswitch-mrf';
import { parseRtpPacket } from '../../src/rtp/packet';
import type { DatagramPort } from '../../src/rtp/socket';
import { parseTelephoneEvent, TelephoneEventReceiver } from '../../src/rtp/telephone-event';
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
    for (const left of [one.peer, two.peer]) left?.park();
    one.peer = two;
    two.peer = one;
    return '+OK\n';
  }

  override run(command: string): string {
    const [word, uuid = '', argument = ''] = command.split(' ');
    const channel = this.channels.get(uuid)?.channel as RelayChannel | undefined;
    if (word === 'uuid_getvar' && argument === 'bridge_to') return `${channel?.peer?.uuid ?? '_undef_'}\n`;
    if (word === 'uuid_getvar' && argument === 'rtp_audio_in_packet_count') return `${channel?.received ?? 0}\n`;
    if (word === 'uuid_send_dtmf') channel?.sendKey(argument.charAt(0));
    return super.run(command);
  }
}

const eventPayloadType = 101;
const keys = '0123456789*#ABCD';

class RelayChannel extends FakeChannel {
  peer: RelayChannel | undefined;
  readonly #relay: RelayFreeswitch;
  readonly #port: DatagramPort;
  #rtcpPort: DatagramPort | undefined;
  /** RTCP has come that no event told of. */
  #reportToTell = false;
  readonly #keys = new TelephoneEventReceiver();
  takesKeys = false;
  received = 0;
  #sentKeys = 0;
  #remote: { address: string; port: number } | undefined;

  constructor(server: RelayFreeswitch, options: CreateEndpointOptions) {
    super(server, options);
    this.#relay = server;
    this.#port = server.network.bind(relayAddress, firstPort + 2 * (server.made - 1));
    this.#port.listen({ onDatagram: (datagram) => this.#onDatagram(datagram) });
    const sdp = this.#negotiate(options.remoteSdp);
    if (sdp === undefined) {
      this.#port.close();
      throw Object.assign(new Error('Sip non-success response'), { status: 488 });
    }
    this.local = { sdp };
  }

  /** Its bridge is over: nobody hears it. */
  park(): void {
    this.peer = undefined;
  }

  /** A key towards its far side: three packets of its end are enough for whoever counts keys (RFC 4733 section 2.5.1.4). */
  sendKey(key: string): void {
    this.#sentKeys += 1;
    for (let n = 0; n < 3; n += 1) {
      const packet = Buffer.alloc(16);
      packet.writeUInt16BE(0x8000 | eventPayloadType);
      packet.writeUInt16BE(this.#sentKeys * 3 + n, 2);
      packet.writeUInt32BE(this.#sentKeys * 8_000, 4);
      packet.writeUInt32BE(0xfeed, 8);
      packet.set([keys.indexOf(key), 0x8a, 0x05, 0x00], 12);
      this.send(packet);
    }
  }

  send(datagram: Buffer): void {
    if (this.#remote !== undefined) this.#port.send(datagram, this.#remote.address, this.#remote.port);
  }

  /** As FreeSWITCH without a timer: it tells of RTCP when RTP comes, or when it is roused. */
  override onRoused(): void {
    if (!this.#reportToTell) return;
    this.#reportToTell = false;
    this.conn.fire('RECV_RTCP_MESSAGE', this.uuid);
  }

  #onDatagram(datagram: Buffer): void {
    this.received += 1;
    this.onRoused();
    const packet = parseRtpPacket(datagram);
    const isKey = typeof packet !== 'string' && packet.payloadType === eventPayloadType;
    if (isKey) this.#tellKey(Buffer.from(packet.payload), packet.timestamp);
    if (!isKey || this.peer?.takesKeys === true) this.peer?.send(datagram);
  }

  #tellKey(payload: Buffer, timestamp: number): void {
    const event = parseTelephoneEvent(payload);
    const dtmf = typeof event === 'string' ? undefined : this.#keys.receive(event, timestamp, this.server.made);
    if (dtmf !== undefined) this.emit('dtmf', { dtmf });
  }

  override answerReinvite(offer: string): { status?: number; body?: string } {
    const body = this.#negotiate(offer);
    return body === undefined ? { status: 488 } : { body };
  }

  override hangUp(reason: string): void {
    this.#port.close();
    this.#rtcpPort?.close();
    this.peer?.park();
    super.hangUp(reason);
  }

  #negotiate(offer: string): string | undefined {
    const [, port = '', formats = ''] = /^m=audio (\d+) RTP\/AVP (.*)$/m.exec(offer) ?? [];
    const known = formats.split(' ').filter((format) => ['0', '8', '101'].includes(format.trim()));
    if (!known.some((format) => format !== '101')) return undefined;
    if (offer.includes('a=rtcp:') && this.#rtcpPort === undefined) this.#openRtcp();
    this.takesKeys = known.includes('101');
    if (this.#relay.liberalDtmf && !this.takesKeys) known.push('101');
    this.#remote = { address: /^c=IN IP4 (\S+)/m.exec(offer)?.[1] ?? '', port: Number(port) };
    const direction = /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(offer)?.[1] ?? 'sendrecv';
    return this.#describe(known, direction === 'sendonly' ? 'recvonly' : direction);
  }

  #openRtcp(): void {
    this.#rtcpPort = this.#relay.network.bind(relayAddress, this.#port.port + 1);
    this.#rtcpPort.listen({ onDatagram: () => (this.#reportToTell = true) });
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
