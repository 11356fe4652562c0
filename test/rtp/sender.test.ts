import { seededRandom } from '../../src/runtime/random';
import { parseRtpPacket, type RtpPacket } from '../../src/rtp/packet';
import { RtpSender } from '../../src/rtp/sender';

const twentyMs = Buffer.alloc(160, 0x55);

function read(datagram: Buffer): RtpPacket {
  const packet = parseRtpPacket(Buffer.from(datagram));
  if (typeof packet === 'string') throw new Error(packet);
  return packet;
}

function sender(): RtpSender {
  return new RtpSender({ random: seededRandom(5) });
}

test('sequence numbers step by one, timestamps by 160, and only the first packet carries the marker', () => {
  const rtp = sender();
  const packets = [0, 1, 2].map((n) => read(rtp.audioPacket(8, twentyMs, n * 20)));
  expect(packets.map(({ marker }) => marker)).toEqual([true, false, false]);
  expect(packets.map(({ sequence }) => sequence - packets[0]!.sequence)).toEqual([0, 1, 2]);
  expect(packets.map(({ timestamp }) => (timestamp - packets[0]!.timestamp) >>> 0)).toEqual([0, 160, 320]);
  expect(packets.map(({ payloadType, ssrc, payload }) => [payloadType, ssrc, payload.length])).toEqual(
    Array(3).fill([8, rtp.ssrc, 160]),
  );
});

test('through a pause the timestamps go on, the sequence does not, and speech begins with the marker', () => {
  const rtp = sender();
  const before = read(rtp.audioPacket(0, twentyMs, 0));
  rtp.skip(49, { marker: true, nowMs: 980 });
  const after = read(rtp.audioPacket(0, twentyMs, 1_000));
  expect((after.sequence - before.sequence) & 0xffff).toBe(1);
  expect((after.timestamp - before.timestamp) >>> 0).toBe(50 * 160);
  expect(after.marker).toBe(true);
});

test('a sender without marks sets none, at the start or after a pause', () => {
  const rtp = new RtpSender({ random: seededRandom(5), marks: false });
  expect(read(rtp.audioPacket(0, twentyMs, 0)).marker).toBe(false);
  rtp.skip(49, { marker: true, nowMs: 980 });
  expect(read(rtp.audioPacket(0, twentyMs, 1_000)).marker).toBe(false);
});

test('a key takes the place of audio: shared timestamp, own sequence numbers, and the audio clock goes on', () => {
  const rtp = sender();
  const audio = read(rtp.audioPacket(0, twentyMs, 0));
  const step = { code: 5, end: false, duration: 160, first: true, timestamp: rtp.timestamp };
  const start = read(rtp.eventPacket(101, step, 20));
  const update = read(rtp.eventPacket(101, { ...step, first: false, duration: 320 }, 40));
  const next = read(rtp.audioPacket(0, twentyMs, 60));
  expect([start.marker, update.marker, next.marker]).toEqual([true, false, false]);
  expect(update.timestamp).toBe(start.timestamp);
  expect((next.timestamp - audio.timestamp) >>> 0).toBe(3 * 160);
  expect((next.sequence - audio.sequence) & 0xffff).toBe(3);
});

test('the octets of a packet stay untouched for the next three sends', () => {
  const rtp = sender();
  const first = rtp.audioPacket(0, twentyMs, 0);
  const copy = Buffer.from(first);
  for (let n = 1; n <= 3; n += 1) rtp.audioPacket(0, twentyMs, n * 20);
  expect(first.equals(copy)).toBe(true);
});

test('a moment between two ticks has a timestamp between theirs', () => {
  const rtp = sender();
  const packet = read(rtp.audioPacket(0, twentyMs, 100));
  expect((rtp.timestampAt(100) - packet.timestamp) >>> 0).toBe(0);
  expect((rtp.timestampAt(110) - packet.timestamp) >>> 0).toBe(80);
});

test('packets and octets are counted as a sender report wants them', () => {
  const rtp = sender();
  rtp.audioPacket(0, twentyMs, 0);
  rtp.eventPacket(101, { code: 1, end: false, duration: 160, first: true, timestamp: 0 }, 20);
  expect(rtp).toMatchObject({ packets: 2, octets: 164 });
});

test('packets of every length go out whole, and stay untouched for the next three sends', () => {
  const rtp = sender();
  const lengths = [160, 3, 900, 160, 40];
  const packets = lengths.map((length, n) => ({
    length,
    packet: rtp.audioPacket(96, Buffer.alloc(length, n), n * 20),
  }));
  expect(packets.slice(1).map(({ packet }) => [...new Set(read(packet).payload)])).toEqual([[1], [2], [3], [4]]);
  expect(packets.map(({ packet }) => packet.length - 12)).toEqual(lengths);
});
