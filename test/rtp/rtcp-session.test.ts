import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { buildRtcp, parseRtcp, type RtcpReport } from '../../src/rtp/rtcp';
import { RtcpSession } from '../../src/rtp/rtcp-session';
import { RtpSender } from '../../src/rtp/sender';
import { nthPacket } from './rtp-packets';

function party(clock: VirtualClock, seed: number) {
  const sender = new RtpSender({ random: seededRandom(seed) });
  return { sender, session: new RtcpSession({ clock, random: seededRandom(seed + 100), sender }) };
}

function reportOf(session: RtcpSession): RtcpReport {
  const packets = parseRtcp(session.buildReport());
  const [first] = packets;
  if (typeof first !== 'object' || first.kind === 'goodbye' || first.reports[0] === undefined)
    throw new Error('no report');
  return first.reports[0];
}

test('two sessions measure the round trip between them', () => {
  const clock = new VirtualClock();
  const [a, b] = [party(clock, 1), party(clock, 2)];
  a.sender.audioPacket(0, Buffer.alloc(160), clock.now());
  b.session.onRtpPacket(nthPacket(0, { ssrc: a.sender.ssrc }), clock.now(), true);
  const fromA = a.session.buildReport();
  clock.advance(35);
  b.session.onRtcpDatagram(fromA);
  clock.advance(500);
  const fromB = b.session.buildReport();
  clock.advance(35);
  a.session.onRtcpDatagram(fromB);
  expect(a.session.roundTripMs).toBeGreaterThan(68);
  expect(a.session.roundTripMs).toBeLessThan(72);
});

test('loss is reported as a fraction since the last report and as a sum', () => {
  const clock = new VirtualClock();
  const { session } = party(clock, 1);
  for (let n = 0; n < 100; n += 1) if (n % 4 !== 3) session.onRtpPacket(nthPacket(n), n * 20, true);
  session.onRtpPacket(nthPacket(100), 2_000, true);
  expect(reportOf(session)).toMatchObject({ fractionLost: Math.floor((25 * 256) / 101), packetsLost: 25 });
  for (let n = 101; n < 200; n += 1) session.onRtpPacket(nthPacket(n), n * 20, true);
  expect(reportOf(session)).toMatchObject({ fractionLost: 0, packetsLost: 25, highestSequence: 1_199 });
});

test('the highest sequence number counts wraps', () => {
  const { session } = party(new VirtualClock(), 1);
  for (let n = 0; n < 10; n += 1) session.onRtpPacket(nthPacket(n, { sequence: 65_530 }), n * 20, true);
  expect(reportOf(session)).toMatchObject({ highestSequence: 65_539, packetsLost: 0 });
});

test('a steady stream has no jitter, and one that is 5 ms early and late in turn has 10 ms', () => {
  const steady = party(new VirtualClock(), 1).session;
  const shaken = party(new VirtualClock(), 1).session;
  for (let n = 0; n < 500; n += 1) {
    steady.onRtpPacket(nthPacket(n), n * 20, true);
    shaken.onRtpPacket(nthPacket(n), n * 20 + (n % 2 === 0 ? 5 : -5), true);
  }
  expect(steady.jitterMs).toBeCloseTo(0);
  expect(shaken.jitterMs).toBeCloseTo(10, 1);
});

test('a single stray packet changes no count', () => {
  const { session } = party(new VirtualClock(), 1);
  for (let n = 0; n < 10; n += 1) session.onRtpPacket(nthPacket(n), n * 20, true);
  session.onRtpPacket(nthPacket(0, { sequence: 40_000, ssrc: 99 }), 200, true);
  expect(reportOf(session)).toMatchObject({ ssrc: 0x1234_5678, packetsLost: 0, highestSequence: 1_009 });
});

test('what the far side says of another stream is not ours', () => {
  const clock = new VirtualClock();
  const { sender, session } = party(clock, 1);
  const about = (ssrc: number): RtcpReport => ({
    ssrc,
    fractionLost: 0,
    packetsLost: 9,
    highestSequence: 0,
    jitter: 80,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  });
  const datagram = (ssrc: number) =>
    buildRtcp({ ssrc: 5, sender: undefined, report: about(ssrc), cname: '', goodbye: false });
  session.onRtcpDatagram(datagram(sender.ssrc + 1));
  expect(session.remoteLostPackets).toBeUndefined();
  session.onRtcpDatagram(datagram(sender.ssrc));
  expect(session).toMatchObject({ remoteLostPackets: 9, remoteJitterMs: 10 });
});

test('a sender report gives the RTP timestamp of the same moment as its NTP time', () => {
  const clock = new VirtualClock();
  const { sender, session } = party(clock, 1);
  const started = sender.timestamp;
  for (let n = 0; n < 50; n += 1) {
    sender.audioPacket(0, Buffer.alloc(160), clock.now());
    clock.advance(20);
  }
  clock.advance(7);
  const packets = parseRtcp(session.buildReport());
  const [first] = packets;
  if (typeof first !== 'object' || first.kind !== 'sender-report') throw new Error('no sender report');
  expect((first.sender.rtpTimestamp - started) >>> 0).toBe(1_007 * 8);
  expect(first.sender).toMatchObject({ packets: 50, octets: 8_000 });
});

test('after a report without anything sent since, it is a receiver report', () => {
  const clock = new VirtualClock();
  const { sender, session } = party(clock, 1);
  sender.audioPacket(0, Buffer.alloc(160), 0);
  expect(parseRtcp(session.buildReport())).toMatchObject([{ kind: 'sender-report' }]);
  expect(parseRtcp(session.buildReport())).toMatchObject([{ kind: 'receiver-report' }]);
});

test('reports are 2.5 to 7.5 s apart', () => {
  const { session } = party(new VirtualClock(), 1);
  const delays = Array.from({ length: 500 }, () => session.nextReportDelayMs());
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(2_500);
  expect(Math.max(...delays)).toBeLessThan(7_500);
});

test('a stream with another clock is counted afresh, and its times are told by that clock', () => {
  const clock = new VirtualClock();
  const { sender, session } = party(clock, 1);
  sender.audioPacket(0, Buffer.alloc(160), clock.now());
  const before = sender.ssrc;
  session.buildReport();
  sender.useClock(48_000);
  session.useClock(48_000);
  const started = sender.timestamp;
  for (let n = 0; n < 50; n += 1) {
    sender.audioPacket(96, Buffer.alloc(70), clock.now());
    clock.advance(20);
  }
  const [first] = parseRtcp(session.buildReport());
  if (typeof first !== 'object' || first.kind !== 'sender-report') throw new Error('no sender report');
  expect(first.ssrc).toBe(sender.ssrc);
  expect(sender.ssrc).not.toBe(before);
  expect((first.sender.rtpTimestamp - started) >>> 0).toBe(1_000 * 48);
  expect(first.sender).toMatchObject({ packets: 50, octets: 3_500 });
  expect(sender.packetsBefore).toBe(1);
});
