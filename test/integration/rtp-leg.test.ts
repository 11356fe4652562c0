import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { decodeG711, encodeG711 } from '../../src/audio/g711';
import { ToneGenerator } from '../../src/audio/tone';
import { FrameClock } from '../../src/media/frame-clock';
import type { MediaLeg } from '../../src/media/media-leg';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import { buildRtpPacket, parseRtpPacket, type RtpPacket } from '../../src/rtp/packet';
import { PortPool } from '../../src/rtp/port-pool';
import { openUdpPair } from '../../src/rtp/socket';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import { offer } from '../media/offers';
import { portOf } from '../media/leg-on-network';
import { snrDb } from '../support/spectrum';
import { until } from '../support/until';

const opened: { close(): void }[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

function track<T extends { close(): void }>(each: T): T {
  opened.push(each);
  return each;
}

async function udpPort(address: string): Promise<{ socket: Socket; port: number }> {
  const socket = track(createSocket(address.includes(':') ? 'udp6' : 'udp4'));
  socket.on('error', () => undefined);
  socket.bind(0, address);
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

const frameClock = new FrameClock({ clock: systemClock });
const ports = new PortPool({ clock: systemClock, random: systemRandom, first: 20_000, last: 29_999 });

function createLeg(address: string): Promise<MediaLeg> {
  const factory = createRtpLegFactory({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    frameClock,
    ports,
    localAddress: address,
  });
  return factory.create({ callId: 'call', signallingAddress: address }).then(track);
}

function datagram(packet: RtpPacket): Buffer {
  const out = Buffer.alloc(12 + packet.payload.length);
  buildRtpPacket(packet, out);
  return out;
}

/** PCMU packets of a tone, from sequence number 0 on. */
function tonePackets(hz: number, count: number): Buffer[] {
  const generator = new ToneGenerator(8_000, hz, -10);
  const frame = new Int16Array(160);
  return Array.from({ length: count }, (_, n) => {
    generator.fill(frame);
    const payload = Buffer.alloc(160);
    encodeG711('pcmu', frame, payload);
    return datagram({ payloadType: 0, marker: n === 0, sequence: n, timestamp: n * 160, ssrc: 1, payload });
  });
}

/** Faster than speech, so that a busy machine does not make gaps that would be concealed. */
async function sendPaced(
  socket: Socket,
  packets: readonly Buffer[],
  to: { port: number; address: string },
): Promise<void> {
  for (const packet of packets) {
    socket.send(packet, to.port, to.address);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The payloads in order of sequence number, as one stretch of samples. */
function decoded(packets: readonly RtpPacket[]): Int16Array {
  const samples = new Int16Array(packets.length * 160);
  packets.forEach((packet, n) => decodeG711('pcmu', packet.payload, samples, n * 160));
  return samples;
}

test.each(['127.0.0.1', '::1'])(
  'over UDP on %s, a tone of 600 Hz from the agent reaches the phone cleanly',
  async (address) => {
    const { socket, port } = await udpPort(address);
    const received: RtpPacket[] = [];
    socket.on('message', (message) => {
      const packet = parseRtpPacket(message);
      if (typeof packet !== 'string') received.push(packet);
    });
    const leg = await createLeg(address);
    await leg.answer(offer({ address, port }));
    const generator = new ToneGenerator(8_000, 600, -10);
    leg.start(
      { onAudio: () => undefined, onDigit: () => undefined, onFailure: () => undefined },
      { pull: (frame) => generator.fill(frame) },
    );
    await until(() => received.length >= 100, 'a hundred packets');
    leg.close();
    const first = received[0]!;
    expect(received.map(({ sequence }) => (sequence - first.sequence) & 0xffff)).toEqual(received.map((_, n) => n));
    const frames = received.map(({ timestamp }) => ((timestamp - first.timestamp) >>> 0) / 160);
    expect(frames.at(-1)! - (received.length - 1)).toBe(leg.stats.framesSkipped);
    expect(snrDb(decoded(received), 8_000, 600)).toBeGreaterThan(30);
  },
);

test('garbage and a foreign source change nothing of what the agent hears', async () => {
  const phone = await udpPort('127.0.0.1');
  const stranger = await udpPort('127.0.0.2');
  const strangerHeard: Buffer[] = [];
  stranger.socket.on('message', (message) => strangerHeard.push(message));
  const leg = await createLeg('127.0.0.1');
  const to = {
    address: '127.0.0.1',
    port: portOf(await leg.answer(offer({ address: '127.0.0.1', port: phone.port }))),
  };
  const heard: Int16Array[] = [];
  leg.start(
    {
      onAudio: (frame) => void heard.push(Int16Array.from(frame)),
      onDigit: () => undefined,
      onFailure: () => undefined,
    },
    { pull: (frame) => void frame.fill(0) },
  );
  const noise = tonePackets(1_000, 100);
  const garbage = [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(60_000, 0x80)];
  await Promise.all([
    sendPaced(phone.socket, tonePackets(600, 100), to),
    sendPaced(stranger.socket, noise, to),
    sendPaced(
      phone.socket,
      Array.from({ length: 100 }, (_, n) => garbage[n % 3]!),
      to,
    ),
  ]);
  await until(() => leg.stats.packetsReceived >= 100, "the phone's packets");
  leg.close();
  const spoken = heard.filter((frame) => frame.some((sample) => Math.abs(sample) > 500));
  expect(spoken).toHaveLength(100);
  const samples = Int16Array.from(spoken.flatMap((frame) => [...frame]));
  expect(leg.stats.dropped['foreign-source']).toBe(100);
  expect(snrDb(samples, 8_000, 600)).toBeGreaterThan(30);
  expect(strangerHeard).toHaveLength(0);
});

test('a phone that has gone away does not stop the leg with its ICMP errors', async () => {
  const phone = await udpPort('127.0.0.1');
  const leg = await createLeg('127.0.0.1');
  await leg.answer(offer({ address: '127.0.0.1', port: phone.port }));
  let pulls = 0;
  const failures: unknown[] = [];
  leg.start(
    { onAudio: () => undefined, onDigit: () => undefined, onFailure: (failure) => failures.push(failure) },
    { pull: () => void (pulls += 1) },
  );
  phone.socket.close();
  opened.splice(opened.indexOf(phone.socket), 1);
  await until(() => pulls >= 30, 'thirty frames');
  expect(failures).toEqual([]);
});

test('a pair whose RTP or RTCP port is taken is not opened, and leaves nothing open', async () => {
  const pair = await openUdpPair('127.0.0.1', 29_998);
  track(pair.rtp);
  track(pair.rtcp);
  await expect(openUdpPair('127.0.0.1', 29_998)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  pair.rtp.close();
  await expect(openUdpPair('127.0.0.1', 29_998)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  pair.rtcp.close();
  pair.rtcp.close();
  const again = await openUdpPair('127.0.0.1', 29_998);
  track(again.rtp);
  track(again.rtcp);
});
