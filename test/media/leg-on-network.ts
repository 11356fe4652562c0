import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import type { VirtualClock } from '../../src/runtime/virtual-clock';
import { decodeG711, type G711Law } from '../../src/audio/g711';
import { FrameClock } from '../../src/media/frame-clock';
import type {
  AudioSource,
  Digit,
  MediaFailure,
  MediaLeg,
  MediaLegFactory,
  MediaLegListener,
} from '../../src/media/media-leg';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import type { RtpLegFactoryOptions } from '../../src/media/rtp-leg-options';
import { buildRtpPacket, parseRtpPacket, type RtpPacket } from '../../src/rtp/packet';
import { PortPool } from '../../src/rtp/port-pool';
import type { DatagramPort } from '../../src/rtp/socket';
import { MemoryNetwork } from '../rtp/memory-network';
import { rtpPacket } from '../rtp/rtp-packets';
import { offer } from './offers';
import { stallingClock } from './stalling-clock';

export const phoneAddress = { address: '198.51.100.7', port: 4_000 };
const bridgeAddress = '203.0.113.5';

/** What the call hears from a leg. */
export class Listener implements MediaLegListener {
  readonly frames: Int16Array[] = [];
  readonly frameTimesMs: number[] = [];
  readonly failures: { failure: MediaFailure; atMs: number }[] = [];
  digits = '';

  constructor(readonly clock: VirtualClock) {}

  onAudio(frame: Int16Array): void {
    this.frames.push(Int16Array.from(frame));
    this.frameTimesMs.push(this.clock.now());
  }

  onDigit(digit: Digit): void {
    this.digits += digit;
  }

  onFailure(failure: MediaFailure): void {
    this.failures.push({ failure, atMs: this.clock.now() });
  }

  /** All that was heard, as one array. */
  get samples(): Int16Array {
    return Int16Array.from(this.frames.flatMap((frame) => [...frame]));
  }

  get heardMs(): number {
    return this.frames.length * 20;
  }
}

/** An agent whose n-th frame is full of the number n, so that a test sees which frames were sent and when. */
export class NumberedSource implements AudioSource {
  pulls = 0;

  pull(frame: Int16Array): void {
    this.pulls += 1;
    frame.fill(this.pulls % 100);
  }
}

/** A phone that sends whatever packets a test wants. */
export class PacketPhone {
  readonly received: { packet: RtpPacket; atMs: number }[] = [];
  readonly receivedRtcp: Buffer[] = [];
  readonly rtp: DatagramPort;
  readonly rtcp: DatagramPort;
  sequence = 1_000;
  timestamp = 160_000;
  ssrc = 0x1234_5678;

  constructor(
    readonly network: MemoryNetwork,
    readonly clock: VirtualClock,
    readonly to: { address: string; port: number },
    readonly at = phoneAddress,
  ) {
    this.rtp = network.bind(at.address, at.port);
    this.rtcp = network.bind(at.address, at.port + 1);
    this.rtp.listen({ onDatagram: (datagram) => this.#onRtp(datagram) });
    this.rtcp.listen({ onDatagram: (datagram) => void this.receivedRtcp.push(datagram) });
  }

  /** The next packet of the stream, not yet sent. Its 20 ms hold `code`, or what `payload` says. */
  next({ code = 0x20, payload = Buffer.alloc(160, code), payloadType = 0 } = {}): RtpPacket {
    const { sequence, timestamp, ssrc } = this;
    this.sequence = (sequence + 1) & 0xffff;
    this.timestamp = (timestamp + payload.length) >>> 0;
    return rtpPacket({ sequence, timestamp, ssrc, payload, payloadType });
  }

  /** A telephone-event packet at the next sequence number. */
  event(code: number, { timestamp = this.timestamp, duration = 160, end = false } = {}): RtpPacket {
    const packet = this.next({ payload: Buffer.alloc(0), payloadType: 101 });
    return { ...packet, timestamp, payload: Buffer.from([code, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]) };
  }

  send(packet: RtpPacket): void {
    this.sendRaw(datagramOf(packet));
  }

  sendRaw(datagram: Buffer): void {
    this.rtp.send(datagram, this.to.address, this.to.port);
  }

  sendRtcp(datagram: Buffer): void {
    this.rtcp.send(datagram, this.to.address, this.to.port + 1);
  }

  /** Sends `count` packets, one each 20 ms, each with its own code: 0, 1, 2 ... */
  talk(count: number): void {
    for (let n = 0; n < count; n += 1) {
      this.send(this.next({ code: n % 100 }));
      this.clock.advance(20);
    }
  }

  #onRtp(datagram: Buffer): void {
    const packet = parseRtpPacket(datagram);
    if (typeof packet === 'string') throw new Error(packet);
    this.received.push({ packet, atMs: this.clock.now() });
  }
}

export function datagramOf(packet: RtpPacket): Buffer {
  const out = Buffer.alloc(12 + packet.payload.length);
  buildRtpPacket(packet, out);
  return out;
}

/** The sample that a code stands for. */
export function sampleOf(code: number, law: G711Law = 'pcmu'): number {
  const out = new Int16Array(1);
  decodeG711(law, Buffer.from([code]), out);
  return out[0]!;
}

export interface LegOnNetwork {
  clock: VirtualClock;
  network: MemoryNetwork;
  frameClock: FrameClock;
  ports: PortPool;
  factory: MediaLegFactory;
  leg: MediaLeg;
  answer: string;
  listener: Listener;
  source: NumberedSource;
  phone: PacketPhone;
}

/** A leg that has answered a phone's offer and has started, both on a network in memory that takes 1 ms. */
export async function legOnNetwork({
  offered = offer(),
  signallingAddress = phoneAddress.address,
  phoneAt = phoneAddress,
  options = {},
  clocks = stallingClock(),
}: {
  offered?: string;
  signallingAddress?: string;
  phoneAt?: { address: string; port: number };
  options?: Partial<RtpLegFactoryOptions>;
  /** The leg's stalls when the test says so; the network's and the phone's does not. */
  clocks?: ReturnType<typeof stallingClock>;
} = {}): Promise<LegOnNetwork> {
  const { clock, stall } = clocks;
  const network = new MemoryNetwork({ clock });
  const frameClock = new FrameClock({ clock: stall.clock });
  const ports = new PortPool({ clock, random: seededRandom(1), first: 10_000, last: 10_099 });
  const factory = createRtpLegFactory({
    clock: stall.clock,
    random: seededRandom(2),
    logger: silentLogger,
    frameClock,
    ports,
    localAddress: bridgeAddress,
    openPair: network.openPair,
    ...options,
  });
  const leg = await factory.create({ callId: 'call-1', signallingAddress });
  const answer = await leg.answer(offered);
  const phone = new PacketPhone(network, clock, { address: bridgeAddress, port: portOf(answer) }, phoneAt);
  const listener = new Listener(clock);
  const source = new NumberedSource();
  leg.start(listener, source);
  return { clock, network, frameClock, ports, factory, leg, answer, listener, source, phone };
}

/** The port of the first stream of an SDP. */
export function portOf(sdp: string): number {
  return Number(/m=audio (\d+)/.exec(sdp)?.[1]);
}
