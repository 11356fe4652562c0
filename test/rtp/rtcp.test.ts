import { seededRandom } from '../../src/runtime/random';
import { buildRtcp, compactNtp, ntpTime, parseRtcp, type RtcpReport } from '../../src/rtp/rtcp';

const report: RtcpReport = {
  ssrc: 0xcafe_babe,
  fractionLost: 64,
  packetsLost: -3,
  highestSequence: 0x0001_0005,
  jitter: 80,
  lastSenderReport: 0x1234_5678,
  delaySinceLastSenderReport: 65_536,
};

test('a compound of sender report, name and goodbye is read back as it was built', () => {
  const sender = {
    ntp: { seconds: 0xe000_0000, fraction: 0x8000_0000 },
    rtpTimestamp: 0xffff_fff0,
    packets: 50,
    octets: 8_000,
  };
  const datagram = buildRtcp({ ssrc: 7, sender, report, cname: 'name', goodbye: true });
  expect(parseRtcp(datagram)).toEqual([
    { kind: 'sender-report', ssrc: 7, sender, reports: [report] },
    { kind: 'goodbye', ssrcs: [7] },
  ]);
});

test('without sender info and reports it is an empty receiver report', () => {
  const datagram = buildRtcp({ ssrc: 7, sender: undefined, report: undefined, cname: '', goodbye: false });
  expect(parseRtcp(datagram)).toEqual([{ kind: 'receiver-report', ssrc: 7, reports: [] }]);
});

test('every part fills whole words, whatever the length of the name', () => {
  for (let length = 0; length < 9; length += 1) {
    const datagram = buildRtcp({ ssrc: 7, sender: undefined, report, cname: 'x'.repeat(length), goodbye: true });
    expect(datagram.length % 4).toBe(0);
    expect(parseRtcp(datagram)).toHaveLength(2);
  }
});

test.each([
  ['four octets', Buffer.from([0x81, 201, 0, 0]), 'rtcp-too-short'],
  ['RTP', Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(20)]), 'rtcp-no-report'],
  ['another version', Buffer.concat([Buffer.from([0x40, 200, 0, 6]), Buffer.alloc(24)]), 'rtcp-not-version-2'],
  ['a length beyond the end', Buffer.concat([Buffer.from([0x80, 201, 0, 9]), Buffer.alloc(8)]), 'rtcp-bad-length'],
  ['more reports than fit', Buffer.concat([Buffer.from([0x9f, 201, 0, 1]), Buffer.alloc(4)]), 'rtcp-bad-length'],
  ['a stump behind a report', Buffer.concat([Buffer.from([0x80, 201, 0, 1]), Buffer.alloc(6)]), 'rtcp-bad-length'],
])('%s is refused with a reason', (_name, datagram, reason) => {
  expect(parseRtcp(datagram)).toBe(reason);
});

test('no random datagram makes the parser throw', () => {
  const random = seededRandom(2);
  for (let i = 0; i < 20_000; i += 1) {
    const datagram = random.bytes(Math.floor(random.fraction() * 80));
    if (datagram.length > 4) datagram.set([0x80 | (i & 0x1f), 200 + (i % 5), 0, i % 12]);
    expect(() => parseRtcp(datagram)).not.toThrow();
  }
});

test('NTP counts from 1900 and its middle 32 bits are 1/65536 s', () => {
  expect(ntpTime(500)).toEqual({ seconds: 2_208_988_800, fraction: 0x8000_0000 });
  expect(compactNtp({ seconds: 0x1234_5678, fraction: 0x9abc_def0 })).toBe(0x5678_9abc);
});
