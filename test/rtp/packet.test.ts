import { seededRandom } from '../../src/runtime/random';
import { buildRtpPacket, parseRtpPacket, rtpHeaderLength } from '../../src/rtp/packet';
import { rtpPacket } from './rtp-packets';

function datagramOf(given: Parameters<typeof rtpPacket>[0] = {}): Buffer {
  const out = Buffer.alloc(2_000);
  return out.subarray(0, buildRtpPacket(rtpPacket(given), out));
}

test('a packet that was built is read back as it was', () => {
  const packet = rtpPacket({
    marker: true,
    payloadType: 101,
    sequence: 65_535,
    timestamp: 0xffff_ffff,
    ssrc: 0xdead_beef,
  });
  expect(parseRtpPacket(datagramOf(packet))).toEqual(packet);
});

test('CSRC list and header extension are skipped, padding is cut off', () => {
  const header = datagramOf({ payload: Buffer.alloc(0) });
  header[0] = 0x80 | 0x20 | 0x10 | 2;
  const sources = Buffer.alloc(8, 0xcc);
  const extension = Buffer.from([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
  const payload = Buffer.from([10, 20, 30]);
  const padding = Buffer.from([0, 0, 3]);
  const packet = parseRtpPacket(Buffer.concat([header, sources, extension, payload, padding]));
  expect(packet).toMatchObject({ payload });
});

test.each([
  ['an empty datagram', Buffer.alloc(0), 'too-short'],
  ['eleven octets', Buffer.alloc(11, 0x80), 'too-short'],
  [
    'a STUN binding request',
    Buffer.concat([Buffer.from('000100002112a442', 'hex'), Buffer.alloc(12)]),
    'not-version-2',
  ],
  ['a DTLS hello', Buffer.concat([Buffer.from('16feff0000000000', 'hex'), Buffer.alloc(20)]), 'not-version-2'],
  ['a sender report on the RTP port', Buffer.concat([Buffer.from([0x80, 200]), Buffer.alloc(26)]), 'rtcp-on-rtp-port'],
  ['a CSRC list longer than the packet', Buffer.concat([Buffer.from([0x8f, 0]), Buffer.alloc(10)]), 'bad-extension'],
  ['an extension cut off', Buffer.concat([Buffer.from([0x90, 0]), Buffer.alloc(12)]), 'bad-extension'],
  ['padding longer than the packet', Buffer.concat([Buffer.from([0xa0, 0]), Buffer.alloc(11, 200)]), 'bad-padding'],
  ['padding of no octets', Buffer.concat([Buffer.from([0xa0, 0]), Buffer.alloc(20)]), 'bad-padding'],
  ['more than 200 ms of G.711', Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(10 + 1_601)]), 'too-long'],
  ['a 65 kB datagram', Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(65_000)]), 'too-long'],
])('%s is refused with a reason', (_name, datagram, reason) => {
  expect(parseRtpPacket(datagram)).toBe(reason);
});

test('an extension whose length lies beyond the end is refused', () => {
  const datagram = Buffer.concat([Buffer.from([0x90, 0]), Buffer.alloc(10), Buffer.from([0, 0, 0xff, 0xff])]);
  expect(parseRtpPacket(datagram)).toBe('bad-extension');
});

test('a packet without payload is a packet', () => {
  expect(parseRtpPacket(datagramOf({ payload: Buffer.alloc(0) }))).toMatchObject({ payload: Buffer.alloc(0) });
});

test('no random datagram makes the parser throw or read beyond the end', () => {
  const random = seededRandom(1);
  for (let i = 0; i < 20_000; i += 1) {
    const datagram = random.bytes(Math.floor(random.fraction() * 64));
    if (datagram.length > 0) datagram[0] = 0x80 | ((datagram[0] ?? 0) & 0x3f);
    const packet = parseRtpPacket(datagram);
    if (typeof packet === 'string') continue;
    expect(packet.payload.length).toBeLessThanOrEqual(datagram.length - rtpHeaderLength);
  }
});
