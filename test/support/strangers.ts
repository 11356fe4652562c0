import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { seededRandom } from '../../src/runtime/random';

/** Somebody who sends what nobody asked for, from an address of their own. */
export class Stranger {
  sent = 0;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    // Whoever does not listen any more may say so.
    socket.on('error', () => undefined);
  }

  /** `address` in 127.0.0.0/8. */
  static async open(address = '127.0.0.1'): Promise<Stranger> {
    const socket = createSocket('udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Stranger(socket);
  }

  /** In small groups with pauses, so that the kernel drops none and calls go on in between. */
  async send(datagrams: readonly Buffer[], port: number): Promise<void> {
    for (const [index, datagram] of datagrams.entries()) {
      this.#socket.send(datagram, port, '127.0.0.1');
      this.sent += 1;
      if (index % groupSize === groupSize - 1) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

const groupSize = 10;

/**
 * Random octets of random lengths up to `lengthMax`, the same in each run. To be made before any call is up: it takes
 * longer than a call in the same process may be kept waiting.
 */
export function makeNoise(count: number, lengthMax: number): Buffer[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => {
    const [high = 0, low = 0] = random.bytes(2);
    return Buffer.from(random.bytes(1 + ((high * 256 + low) % lengthMax)));
  });
}

/** An INVITE that was cut off at every place. */
export function truncatedInvites(port: number): Buffer[] {
  const text = [
    `INVITE sip:100@127.0.0.1:${port} SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKcut',
    'From: <sip:stranger@127.0.0.1>;tag=1',
    `To: <sip:100@127.0.0.1:${port}>`,
    'Call-ID: cut@127.0.0.1',
    'CSeq: 1 INVITE',
    'Contact: <sip:stranger@127.0.0.1:9>',
  ].join('\r\n');
  return Array.from({ length: text.length - 1 }, (_, length) => Buffer.from(text.slice(0, length + 1)));
}

/** What is no RTP, or wrong RTP: none of it may be heard, whoever sends it. */
export function brokenRtp(noise: readonly Buffer[]): Buffer[] {
  const notVersion2 = noise.map((bytes) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(0) & 0x3f, 0);
    return copy;
  });
  return [
    ...notVersion2,
    rtp({ length: 4 }).subarray(0, 7),
    // An extension, a list of sources and padding that claim more than there is.
    rtp({ flags: 0x90, length: 4 }),
    rtp({ flags: 0x8f, length: 4 }),
    rtp({ flags: 0xa0, length: 160, fill: 0xff }),
    // Ten seconds of audio in one packet.
    rtp({ length: 60_000 }),
  ];
}

/** A packet of somebody else's stream: loud, and well formed unless `flags` say otherwise. */
export function rtp({ flags = 0x80, sequence = 1, length = 160, fill = 0x00 }: Partial<StrangeRtp>): Buffer {
  const packet = Buffer.alloc(12 + length, fill);
  packet.writeUInt8(flags, 0);
  packet.writeUInt8(0, 1);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(sequence * 160, 4);
  packet.writeUInt32BE(0xdead_beef, 8);
  return packet;
}

interface StrangeRtp {
  flags: number;
  sequence: number;
  length: number;
  fill: number;
}
