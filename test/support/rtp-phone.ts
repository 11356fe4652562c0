import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { decodeG711, encodeG711, g711Silence, type G711Law } from '../../src/audio/g711';
import { ToneGenerator } from '../../src/audio/tone';
import { receiverReport } from '../rtp/rtp-packets';
import { eventually } from './eventually';

/** A packet as it came; parsed here and not by our own parser, which is what these tests judge. */
export interface HeardPacket {
  payloadType: number;
  marker: boolean;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Buffer;
  /** When it came, by this process's monotonic clock. */
  atMs: number;
}

/** Fills 20 ms at 8 kHz. */
export type Speech = (frame: Int16Array) => void;

const frameSamples = 160;
const payloadTypes = { pcmu: 0, pcma: 8 };
const comfortNoiseEveryFrames = 10;
/** In -dBov. */
const comfortNoiseLevel = 70;

/**
 * The audio half of a telephone: a UDP socket whose SIP is spoken by another program. It sends 20 ms each 20 ms to
 * wherever the first packet came from, silence unless it was told what to say, and keeps every packet that it gets.
 */
export class RtpPhone {
  readonly packets: HeardPacket[] = [];
  /** What was no RTP. */
  readonly strange: Buffer[] = [];
  /** What it sends, and what its silence is. */
  law: G711Law;
  readonly #socket: Socket;
  #remote: { address: string; port: number } | undefined;
  #speech: Speech = (frame) => frame.fill(0);
  readonly #frame = new Int16Array(frameSamples);
  #sent = 0;
  /** Both wrap early in a call. */
  #sequence = 65_500;
  #timestamp = 4_294_960_000;
  #firstSentMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #rtcp: { socket: Socket; timer: NodeJS.Timeout } | undefined;
  #closed: Promise<void> | undefined;
  #pause: { comfortNoise: boolean } | undefined;
  #paused = 0;
  /** Asked over and over: each packet is judged once. */
  #withSound: { law: G711Law; judged: number; places: number[] } = { law: 'pcmu', judged: 0, places: [] };
  #digitTicks = 0;
  #digit: { code: number; timestamp: number } | undefined;

  private constructor(socket: Socket, law: G711Law) {
    this.#socket = socket;
    this.law = law;
    socket.on('message', (datagram, from) => this.#onDatagram(datagram, from));
  }

  static async open(law: G711Law = 'pcmu'): Promise<RtpPhone> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RtpPhone(socket, law);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Where the bridge sends from: known once it has sent something. */
  get remote(): { address: string; port: number } | undefined {
    return this.#remote;
  }

  /** Packets sent so far. */
  get sent(): number {
    return this.#sent;
  }

  say(speech: Speech): void {
    this.#speech = speech;
  }

  /** A sine from now on; level in dBFS. */
  sayTone(hz: number, dbfs = -10): void {
    const tone = new ToneGenerator(8_000, hz, dbfs);
    this.say((frame) => tone.fill(frame));
  }

  /** A recording at 8 kHz, then silence. */
  sayRecording(samples: Int16Array): void {
    let at = 0;
    this.say((frame) => {
      frame.fill(0).set(samples.subarray(at, at + frame.length));
      at += frame.length;
    });
  }

  /** Sends nothing from now on, or comfort noise five times a second (RFC 3389), until `resume`. */
  pause({ comfortNoise }: { comfortNoise: boolean }): void {
    this.#pause = { comfortNoise };
    this.#paused = 0;
  }

  /** Speaks again: a new talkspurt, with its marker. */
  resume(): void {
    this.#pause = undefined;
  }

  /** An empty receiver report each so often from now on, from the port after the one of its audio. */
  async sendReports({ everyMs }: { everyMs: number }): Promise<void> {
    const socket = createSocket('udp4');
    socket.bind(this.port + 1, '127.0.0.1');
    await once(socket, 'listening');
    const timer = setInterval(() => {
      if (this.#remote !== undefined) socket.send(receiverReport(this.#ssrc), this.#remote.port + 1, '127.0.0.1');
    }, everyMs);
    this.#rtcp = { socket, timer };
  }

  /** Presses a key for 100 ms (RFC 4733, payload type 101). */
  press(code: number): void {
    this.#digit = { code, timestamp: this.#timestamp };
    this.#digitTicks = 0;
  }

  /** Anything, from this phone's own socket; in small groups, so that the kernel drops none of its audio for it. */
  async sendStrange(datagrams: readonly Buffer[], port: number): Promise<void> {
    for (const [index, datagram] of datagrams.entries()) {
      this.#socket.send(datagram, port, '127.0.0.1');
      if (index % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Until that many packets have come: in their own time, and a generous minute more. */
  heardPackets(count: number): Promise<void> {
    return eventually(() => this.packets.length >= count, `packet ${count} of the bridge`, count * 20 + 60_000);
  }

  /** What was heard from packet `from` on, at 8 kHz. */
  audio({ from = 0, to = this.packets.length }: { from?: number; to?: number | undefined } = {}): Int16Array {
    const heard = this.packets.slice(from, to);
    const samples = new Int16Array(heard.length * frameSamples);
    heard.forEach(({ payload, payloadType }, index) => {
      const law = payloadType === payloadTypes.pcma ? 'pcma' : 'pcmu';
      decodeG711(law, payload.subarray(0, frameSamples), samples, index * frameSamples);
    });
    return samples;
  }

  /** Packets with anything but the law's silence in them, by their place in `packets`. */
  packetsWithSound(): number[] {
    const known = this.#withSound.law === this.law ? this.#withSound : { law: this.law, judged: 0, places: [] };
    this.#withSound = known;
    const silence = g711Silence(this.law);
    for (; known.judged < this.packets.length; known.judged += 1) {
      if (!isSilence(this.packets[known.judged]!.payload, silence)) known.places.push(known.judged);
    }
    return [...known.places];
  }

  /** Twice is fine. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearInterval(this.#rtcp?.timer);
    this.#rtcp?.socket.close();
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  /** No two phones have one stream. */
  get #ssrc(): number {
    return 0x5e1f_0000 + this.port;
  }

  #onDatagram(datagram: Buffer, { address, port }: RemoteInfo): void {
    const packet = readPacket(datagram);
    if (packet === undefined) {
      this.strange.push(datagram);
      return;
    }
    this.packets.push(packet);
    if (this.#remote !== undefined) return;
    this.#remote = { address, port };
    this.#firstSentMs = performance.now();
    this.#sendDue();
  }

  /** Each frame is due at its own time; late ones are sent all the same, so that none is left out. */
  #sendDue(): void {
    while (performance.now() >= this.#firstSentMs + this.#sent * 20) this.#sendFrame();
    this.#timer = setTimeout(() => this.#sendDue(), this.#firstSentMs + this.#sent * 20 - performance.now());
  }

  #sendFrame(): void {
    const digit = this.#digit;
    if (this.#pause !== undefined) this.#sendComfortNoise(this.#pause);
    else if (digit === undefined) this.#sendAudio();
    else this.#sendDigit(digit);
    this.#sent += 1;
    this.#timestamp = (this.#timestamp + frameSamples) >>> 0;
  }

  #sendAudio(): void {
    const payload = Buffer.alloc(frameSamples);
    this.#speech(this.#frame);
    encodeG711(this.law, this.#frame, payload);
    const marker = this.#sent === 0 || this.#paused > 0;
    this.#paused = 0;
    this.#send({ payloadType: payloadTypes[this.law], timestamp: this.#timestamp, marker, payload });
  }

  #sendComfortNoise({ comfortNoise }: { comfortNoise: boolean }): void {
    const due = this.#paused % comfortNoiseEveryFrames === 0;
    this.#paused += 1;
    if (!comfortNoise || !due) return;
    this.#send({
      payloadType: 13,
      timestamp: this.#timestamp,
      marker: false,
      payload: Buffer.from([comfortNoiseLevel]),
    });
  }

  #sendDigit({ code, timestamp }: { code: number; timestamp: number }): void {
    this.#digitTicks += 1;
    const end = this.#digitTicks > 5;
    const duration = Math.min(this.#digitTicks, 5) * frameSamples;
    const payload = Buffer.from([code, end ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
    this.#send({ payloadType: 101, timestamp, marker: this.#digitTicks === 1, payload });
    if (this.#digitTicks === 8) this.#digit = undefined;
  }

  #send(packet: Pick<HeardPacket, 'payloadType' | 'timestamp' | 'marker' | 'payload'>): void {
    const header = Buffer.alloc(12);
    header.writeUInt8(0x80, 0);
    header.writeUInt8((packet.marker ? 0x80 : 0) | packet.payloadType, 1);
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(packet.timestamp, 4);
    header.writeUInt32BE(this.#ssrc, 8);
    const { address, port } = this.#remote ?? { address: '127.0.0.1', port: 0 };
    if (port > 0) this.#socket.send(Buffer.concat([header, packet.payload]), port, address);
    this.#sequence = (this.#sequence + 1) & 0xffff;
  }
}

/**
 * A bridge that comes late skips frames and counts them. A busy machine makes any process late now and then, ours too:
 * what tests judge is that the frames are counted, and that there are few of them.
 */
const skippedShareMax = 0.1;

/** What is wrong with a stream that should have no flaw: one line for each packet that does not follow the one before. */
export function flawsOf(packets: readonly HeardPacket[], payloadType: number): string[] {
  const { flaws, framesSkipped } = judgeStream(packets, payloadType);
  if (framesSkipped <= packets.length * skippedShareMax) return flaws;
  return [...flaws, `${framesSkipped} frames skipped, ${packets.length} sent`];
}

/** The same, with the frames apart that only the timestamps count: a stalled bridge skips them and says so. */
export function judgeStream(
  packets: readonly HeardPacket[],
  payloadType: number,
): { flaws: string[]; framesSkipped: number } {
  const flaws: string[] = [];
  let framesSkipped = 0;
  packets.forEach((packet, index) => {
    const before = packets[index - 1];
    const say = (flaw: string): void => void flaws.push(`packet ${index}: ${flaw}`);
    if (packet.payloadType !== payloadType) say(`payload type ${packet.payloadType}`);
    if (packet.payload.length !== frameSamples) say(`${packet.payload.length} octets`);
    if (packet.marker !== (before === undefined)) say(`marker ${packet.marker}`);
    if (before === undefined) return;
    if (packet.ssrc !== before.ssrc) say('another SSRC');
    if (packet.sequence !== ((before.sequence + 1) & 0xffff)) say(`${before.sequence}, then ${packet.sequence}`);
    const frames = ((packet.timestamp - before.timestamp) >>> 0) / frameSamples;
    // A minute of them would be no stall.
    if (Number.isInteger(frames) && frames >= 1 && frames <= 3_000) framesSkipped += frames - 1;
    else say(`timestamps ${frames} frames apart`);
  });
  return { flaws, framesSkipped };
}

function readPacket(datagram: Buffer): HeardPacket | undefined {
  // No list of sources, no extension, no padding: the bridge has no use for them.
  if (datagram.length < 12 || datagram[0] !== 0x80) return undefined;
  const second = datagram.readUInt8(1);
  return {
    payloadType: second & 0x7f,
    marker: second >= 0x80,
    sequence: datagram.readUInt16BE(2),
    timestamp: datagram.readUInt32BE(4),
    ssrc: datagram.readUInt32BE(8),
    payload: datagram.subarray(12),
    atMs: performance.now(),
  };
}

function isSilence(payload: Buffer, silence: number): boolean {
  // Both signs of zero are silence in PCMU, and what a resampler leaves of it.
  return payload.every((octet) => octet === silence || octet === (silence ^ 0x80));
}
