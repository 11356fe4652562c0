import { decodeG711, encodeG711 } from '../../src/audio/g711';
import type { Digit, MediaLeg } from '../../src/media/media-leg';
import { parseRtpPacket, type RtpPacket } from '../../src/rtp/packet';
import type { DatagramPair } from '../../src/rtp/socket';
import { parseTelephoneEvent, TelephoneEventReceiver, TelephoneEventSender } from '../../src/rtp/telephone-event';
import { portOf } from '../media/leg-on-network';
import { datagramOf } from '../media/leg-on-network';
import { receiverReport, rtpPacket } from '../rtp/rtp-packets';

const ssrc = 0x1234_5678;

/** A phone in real time, in PCMU, whose SIP is spoken by the test: it sends 20 ms each 20 ms once it knows where to. */
export class UdpPhone {
  readonly #pair: DatagramPair;
  readonly #received: { packet: RtpPacket; atMs: number }[] = [];
  readonly #keys = new TelephoneEventSender();
  #speech = new Int16Array(0);
  #remotePort: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startMs = 0;
  #sent = 0;
  #muted = false;

  constructor(pair: DatagramPair) {
    this.#pair = pair;
    pair.rtp.listen({
      onDatagram: (datagram) => {
        const packet = parseRtpPacket(datagram);
        if (typeof packet !== 'string') this.#received.push({ packet, atMs: performance.now() });
      },
    });
  }

  /** The leg, with its descriptions read on the way: they say where to send. */
  watch(leg: MediaLeg): MediaLeg {
    const learn = async (description: Promise<string>): Promise<string> => {
      const sdp = await description;
      this.#remotePort = portOf(sdp);
      if (this.#timer === undefined) this.#startMs = performance.now();
      this.#sendDue();
      return sdp;
    };
    const [answer, modify, makeOffer] = [leg.answer.bind(leg), leg.modify.bind(leg), leg.offer.bind(leg)];
    // On the leg itself: whoever joins two of them must find the real ones.
    return Object.assign(leg, {
      answer: (offer: string) => learn(answer(offer)),
      modify: (offer: string) => learn(modify(offer)),
      offer: () => learn(makeOffer()),
    });
  }

  say(samples: Int16Array): void {
    this.#speech = Int16Array.from([...this.#speech, ...samples]);
  }

  press(digit: Digit): void {
    this.#keys.enqueue(digit, 100);
  }

  /** Sends no RTP from now on. */
  mute(): void {
    this.#muted = true;
  }

  /** Sends an empty receiver report. */
  report(): void {
    this.#pair.rtcp.send(receiverReport(ssrc), '127.0.0.1', (this.#remotePort ?? 9) + 1);
  }

  heard(): Int16Array {
    const audio = this.#received.filter(({ packet }) => packet.payloadType === 0);
    const samples = new Int16Array(audio.length * 160);
    audio.forEach(({ packet }, n) => decodeG711('pcmu', packet.payload, samples, n * 160));
    return samples;
  }

  keysHeard(): string {
    const receiver = new TelephoneEventReceiver();
    return this.#received
      .filter(({ packet }) => packet.payloadType === 101)
      .map(({ packet, atMs }) => {
        const event = parseTelephoneEvent(packet.payload);
        return typeof event === 'string' ? '' : (receiver.receive(event, packet.timestamp, atMs) ?? '');
      })
      .join('');
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#pair.rtp.close();
    this.#pair.rtcp.close();
  }

  #sendDue(): void {
    clearTimeout(this.#timer);
    while (performance.now() >= this.#startMs + this.#sent * 20) this.#sendNext();
    this.#timer = setTimeout(() => this.#sendDue(), this.#startMs + this.#sent * 20 - performance.now());
  }

  #sendNext(): void {
    const timestamp = this.#sent * 160;
    const step = this.#keys.next(timestamp, 160);
    let [payloadType, payload, at] = [0, Buffer.alloc(160), timestamp];
    if (step === undefined) {
      const frame = new Int16Array(160);
      frame.set(this.#speech.subarray(0, 160));
      this.#speech = this.#speech.subarray(160);
      encodeG711('pcmu', frame, payload);
    } else {
      const { code, duration, end } = step;
      [payloadType, at] = [101, step.timestamp];
      payload = Buffer.from([code, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
    }
    const packet = rtpPacket({ sequence: this.#sent & 0xffff, timestamp: at, ssrc, payload, payloadType });
    if (!this.#muted) this.#pair.rtp.send(datagramOf(packet), '127.0.0.1', this.#remotePort ?? 9);
    this.#sent += 1;
  }
}
