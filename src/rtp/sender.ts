import type { Random } from '../runtime/random';
import { rtpHeaderLength, writeRtpHeader, type RtpHeader } from './packet';
import { telephoneEventLength, writeTelephoneEvent, type TelephoneEventStep } from './telephone-event';

/** 20 ms at the 8 kHz clock of G.711 and telephone-event/8000: octets of a payload and units of its timestamp. */
export const samplesPerPacket = 160;

// The kernel may take a datagram late when its buffer is full: a packet's octets stay untouched for the next three sends.
const packetsInFlight = 4;

/**
 * Our side of an RTP stream: SSRC, sequence numbers, timestamps (RFC 3550 section 5.1). Each tick of 20 ms is exactly one
 * of `audioPacket`, `eventPacket` and `skip`, so that the timestamp never pauses.
 */
export class RtpSender {
  readonly ssrc: number;
  packets = 0;
  /** Of payload, without headers, as a sender report counts them. */
  octets = 0;

  readonly #header: RtpHeader;
  readonly #marks: boolean;
  readonly #audio = ring(rtpHeaderLength + samplesPerPacket);
  readonly #events = ring(rtpHeaderLength + telephoneEventLength);
  #turn = 0;
  #timestamp: number;
  #tickMs = 0;

  /** `marks`: a talkspurt begins with the marker bit (RFC 3551 section 4.1). */
  constructor({ random, marks = true }: { random: Random; marks?: boolean }) {
    this.#marks = marks;
    const start = random.bytes(10);
    this.ssrc = start.readUInt32BE(0);
    this.#timestamp = start.readUInt32BE(4);
    // Below 2^15, as RFC 3711 section 3.3.1 advises: loss at the very start can then not hide a wrap.
    const sequence = start.readUInt16BE(8) & 0x7fff;
    this.#header = { payloadType: 0, marker: marks, sequence, timestamp: this.#timestamp, ssrc: this.ssrc };
  }

  /** Of the frame that the next tick will send. */
  get timestamp(): number {
    return this.#timestamp;
  }

  /** A packet whose 160 octets of payload the caller writes at `rtpHeaderLength`. It is reused after three more. */
  audioPacket(payloadType: number, nowMs: number): Buffer {
    const packet = this.#audio[this.#turn % packetsInFlight] as Buffer;
    this.#header.timestamp = this.#timestamp;
    this.#write(packet, payloadType, nowMs);
    return packet;
  }

  /** A packet of a key press, in the place of 20 ms of audio. It is reused after three more. */
  eventPacket(payloadType: number, step: TelephoneEventStep, nowMs: number): Buffer {
    const packet = this.#events[this.#turn % packetsInFlight] as Buffer;
    this.#header.timestamp = step.timestamp;
    this.#header.marker = step.first;
    writeTelephoneEvent(step, packet, rtpHeaderLength);
    this.#write(packet, payloadType, nowMs);
    return packet;
  }

  /** Time passes and nothing is sent. `marker`: what comes next begins a talkspurt (RFC 3551 section 4.1). */
  skip(frames: number, { marker, nowMs }: { marker: boolean; nowMs: number }): void {
    this.#advance(frames, nowMs);
    if (marker) this.#header.marker = this.#marks;
  }

  /** The RTP timestamp of a moment, for a sender report (RFC 3550 section 6.4.1). */
  timestampAt(nowMs: number): number {
    // `#timestamp` belongs to the next tick, 20 ms after the last one.
    return (this.#timestamp - samplesPerPacket + Math.round((nowMs - this.#tickMs) * 8)) >>> 0;
  }

  #write(packet: Buffer, payloadType: number, nowMs: number): void {
    this.#header.payloadType = payloadType;
    writeRtpHeader(this.#header, packet);
    this.#header.marker = false;
    this.#header.sequence = (this.#header.sequence + 1) & 0xffff;
    this.#turn += 1;
    this.packets += 1;
    this.octets += packet.length - rtpHeaderLength;
    this.#advance(1, nowMs);
  }

  #advance(frames: number, nowMs: number): void {
    this.#timestamp = (this.#timestamp + frames * samplesPerPacket) >>> 0;
    this.#tickMs = nowMs;
  }
}

function ring(length: number): readonly Buffer[] {
  return Array.from({ length: packetsInFlight }, () => Buffer.alloc(length));
}
