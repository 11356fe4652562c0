import { parseRtpPacket, type RtpPacket } from '../../src/rtp/packet';
import { PortPool } from '../../src/rtp/port-pool';
import { RtpSender } from '../../src/rtp/sender';
import { openUdpPair, type DatagramPair } from '../../src/rtp/socket';
import { systemClock } from '../../src/runtime/clock';
import { systemRandom } from '../../src/runtime/random';

/** Silence in G.711 mu-law. */
export const pcmuSilence = 0xff;
const pcmu = 0;

/** Above the bridge's own range. */
const ports = new PortPool({ clock: systemClock, random: systemRandom, first: 20_000, last: 29_999 });

/** The audio side of a phone: packets of 20 ms PCMU, out and in, and no opinion on either. */
export class RtpPhone {
  readonly port: number;
  readonly #pair: DatagramPair;
  readonly #sender = new RtpSender({ random: systemRandom });
  readonly #payload = new Uint8Array(160);
  #remotePort = 0;

  static async open(): Promise<RtpPhone> {
    const { port, opened } = await ports.lease((even) => openUdpPair('127.0.0.1', even));
    return new RtpPhone(port, opened);
  }

  private constructor(port: number, pair: DatagramPair) {
    this.port = port;
    this.#pair = pair;
  }

  get packetsSent(): number {
    return this.#sender.packets;
  }

  /** `onPacket` owns the packet. */
  start({
    remotePort,
    onPacket,
  }: {
    remotePort: number;
    onPacket: (packet: RtpPacket, arrivedMs: number) => void;
  }): void {
    this.#remotePort = remotePort;
    this.#pair.rtp.listen({
      onDatagram(datagram) {
        const arrivedMs = performance.now();
        const packet = parseRtpPacket(datagram);
        if (typeof packet !== 'string') onPacket(packet, arrivedMs);
      },
    });
    // Reports are taken and not read: without a socket the bridge would be told that nobody is there.
    this.#pair.rtcp.listen({ onDatagram: () => undefined });
  }

  /** Copies the 160 octets of `audio` that begin at `offset`. */
  send(audio: Uint8Array, offset: number): void {
    for (let i = 0; i < this.#payload.length; i += 1) this.#payload[i] = audio[offset + i] ?? pcmuSilence;
    const packet = this.#sender.audioPacket(pcmu, this.#payload, performance.now());
    this.#pair.rtp.send(packet, '127.0.0.1', this.#remotePort);
  }

  /** 20 ms pass in which nothing was sent. */
  skip(frames: number): void {
    this.#sender.skip(frames, { marker: false, nowMs: performance.now() });
  }

  close(): void {
    this.#pair.rtp.close();
    this.#pair.rtcp.close();
    ports.release(this.port);
  }
}
