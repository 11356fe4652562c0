import type { Random } from '../runtime/random';
import { rtpHeaderLength, writeRtpHeader, type RtpHeader } from './packet';
import { telephoneEventLength, writeTelephoneEvent, type TelephoneEventStep } from './telephone-event';

/** Of timestamps: G.711 and its telephone-event count at 8 kHz, Opus at 48 kHz whatever its rate is (RFC 7587 section 4.1). */
export type RtpClockHz = 8_000 | 48_000;

/** Units of a timestamp in one packet of 20 ms. */
export function unitsPerPacket(clockHz: RtpClockHz): number {
  return clockHz / 50;
}

/** Octets of 20 ms of G.711. */
const usualOctets = 160;

// The kernel may take a datagram late when its buffer is full: a packet's octets stay untouched for the next three sends.
const packetsInFlight = 4;

/**
 * Our side of an RTP stream: SSRC, sequence numbers, timestamps (RFC 3550 section 5.1). Each tick of 20 ms is exactly one
 * of `audioPacket`, `eventPacket` and `skip`, so that the timestamp never pauses.
 */
export class RtpSender {
  /** Of this stream, as a sender report counts them; octets are those of payloads. */
  packets = 0;
  octets = 0;
  /** Of the streams before this one. */
  packetsBefore = 0;

  readonly #random: Random;
  readonly #header: RtpHeader = { payloadType: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 0 };
  readonly #marks: boolean;
  #clockHz: RtpClockHz = 8_000;
  #audio = ring(rtpHeaderLength + usualOctets);
  readonly #events = ring(rtpHeaderLength + telephoneEventLength);
  #turn = 0;
  #timestamp = 0;
  #tickMs = 0;

  /** `marks`: a talkspurt begins with the marker bit (RFC 3551 section 4.1). */
  constructor({ random, marks = true }: { random: Random; marks?: boolean }) {
    this.#random = random;
    this.#marks = marks;
    this.#begin();
  }

  get ssrc(): number {
    return this.#header.ssrc;
  }

  get clockHz(): RtpClockHz {
    return this.#clockHz;
  }

  /** Another clock makes another stream: reports could not tell its times otherwise (RFC 7160 section 4.1). */
  useClock(clockHz: RtpClockHz): void {
    if (clockHz === this.#clockHz) return;
    this.#clockHz = clockHz;
    this.packetsBefore += this.packets;
    this.packets = 0;
    this.octets = 0;
    this.#begin();
  }

  /** Of the frame that the next tick will send. */
  get timestamp(): number {
    return this.#timestamp;
  }

  /** A packet with 20 ms, this payload. It is reused after three more. */
  audioPacket(payloadType: number, payload: Uint8Array, nowMs: number): Buffer {
    const packet = this.#room(rtpHeaderLength + payload.length);
    packet.set(payload, rtpHeaderLength);
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
    return (this.#timestamp - this.#units + Math.round(((nowMs - this.#tickMs) * this.#clockHz) / 1_000)) >>> 0;
  }

  get #units(): number {
    return unitsPerPacket(this.#clockHz);
  }

  #begin(): void {
    const start = this.#random.bytes(10);
    this.#header.ssrc = start.readUInt32BE(0);
    this.#timestamp = start.readUInt32BE(4);
    // Below 2^15, as RFC 3711 section 3.3.1 advises: loss at the very start can then not hide a wrap.
    this.#header.sequence = start.readUInt16BE(8) & 0x7fff;
    this.#header.marker = this.#marks;
  }

  /** The next packet's octets. The room grows to the longest packet that occurs. */
  #room(length: number): Buffer {
    let packet = this.#audio[this.#turn % packetsInFlight] as Buffer;
    if (packet.length < length) {
      this.#audio = ring(length);
      packet = this.#audio[this.#turn % packetsInFlight] as Buffer;
    }
    return packet.length === length ? packet : packet.subarray(0, length);
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
    this.#timestamp = (this.#timestamp + frames * this.#units) >>> 0;
    this.#tickMs = nowMs;
  }
}

function ring(length: number): readonly Buffer[] {
  return Array.from({ length: packetsInFlight }, () => Buffer.alloc(length));
}
