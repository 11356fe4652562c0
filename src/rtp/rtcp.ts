/** A reception report block (RFC 3550 section 6.4.1). */
export interface RtcpReport {
  /** Whose stream it is about. */
  ssrc: number;
  /** Lost since the last report, in 1/256. */
  fractionLost: number;
  /** Signed 24 bits: duplicates make it negative. */
  packetsLost: number;
  /** Counted past wraps, 32 bits. */
  highestSequence: number;
  /** In timestamp units. */
  jitter: number;
  /** Middle 32 bits of the NTP time of the last sender report; 0 when there was none. */
  lastSenderReport: number;
  /** Since that report came, in 1/65536 s. */
  delaySinceLastSenderReport: number;
}

/** What a sender report adds (RFC 3550 section 6.4.1). */
export interface RtcpSenderInfo {
  ntp: NtpTime;
  /** The same moment on the stream's own clock. */
  rtpTimestamp: number;
  packets: number;
  octets: number;
}

/** Seconds since 1900 and their fraction, 32 bits each. */
export interface NtpTime {
  seconds: number;
  fraction: number;
}

export type RtcpPacket =
  | { kind: 'sender-report'; ssrc: number; sender: RtcpSenderInfo; reports: RtcpReport[] }
  | { kind: 'receiver-report'; ssrc: number; reports: RtcpReport[] }
  | { kind: 'goodbye'; ssrcs: number[] };

export type RtcpRejection = 'rtcp-too-short' | 'rtcp-not-version-2' | 'rtcp-bad-length' | 'rtcp-no-report';

const senderReportType = 200;
const receiverReportType = 201;
const descriptionType = 202;
const goodbyeType = 203;
const senderInfoLength = 20;
const reportLength = 24;
const cnameItem = 1;

/** Reads a compound packet from a stranger; never throws. Parts of other types (SDES, APP, feedback) are skipped. */
export function parseRtcp(datagram: Buffer): RtcpPacket[] | RtcpRejection {
  if (datagram.length < 8) return 'rtcp-too-short';
  const packets: RtcpPacket[] = [];
  let offset = 0;
  while (offset < datagram.length) {
    if (offset + 4 > datagram.length) return 'rtcp-bad-length';
    const flags = datagram.readUInt8(offset);
    if (flags >> 6 !== 2) return 'rtcp-not-version-2';
    const type = datagram.readUInt8(offset + 1);
    // A compound packet begins with a report (RFC 3550 section 6.1): what does not is garbage that looks like RTCP.
    if (offset === 0 && type !== senderReportType && type !== receiverReportType) return 'rtcp-no-report';
    const end = offset + (datagram.readUInt16BE(offset + 2) + 1) * 4;
    if (end > datagram.length) return 'rtcp-bad-length';
    const packet = parsePart(datagram.subarray(offset, end), type, flags & 0x1f);
    if (packet === 'rtcp-bad-length') return packet;
    if (packet !== undefined) packets.push(packet);
    offset = end;
  }
  return packets;
}

function parsePart(part: Buffer, type: number, count: number): RtcpPacket | undefined | 'rtcp-bad-length' {
  switch (type) {
    case senderReportType: {
      if (part.length < 8 + senderInfoLength + count * reportLength) return 'rtcp-bad-length';
      const sender: RtcpSenderInfo = {
        ntp: { seconds: part.readUInt32BE(8), fraction: part.readUInt32BE(12) },
        rtpTimestamp: part.readUInt32BE(16),
        packets: part.readUInt32BE(20),
        octets: part.readUInt32BE(24),
      };
      const reports = parseReports(part, 8 + senderInfoLength, count);
      return { kind: 'sender-report', ssrc: part.readUInt32BE(4), sender, reports };
    }
    case receiverReportType:
      if (part.length < 8 + count * reportLength) return 'rtcp-bad-length';
      return { kind: 'receiver-report', ssrc: part.readUInt32BE(4), reports: parseReports(part, 8, count) };
    case goodbyeType:
      if (part.length < 4 + count * 4) return 'rtcp-bad-length';
      return { kind: 'goodbye', ssrcs: Array.from({ length: count }, (_, i) => part.readUInt32BE(4 + i * 4)) };
    default:
      return undefined;
  }
}

function parseReports(part: Buffer, start: number, count: number): RtcpReport[] {
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * reportLength;
    return {
      ssrc: part.readUInt32BE(at),
      fractionLost: part.readUInt8(at + 4),
      packetsLost: part.readIntBE(at + 5, 3),
      highestSequence: part.readUInt32BE(at + 8),
      jitter: part.readUInt32BE(at + 12),
      lastSenderReport: part.readUInt32BE(at + 16),
      delaySinceLastSenderReport: part.readUInt32BE(at + 20),
    };
  });
}

/** What one compound packet says. With `sender` it begins with a sender report, else with a receiver report. */
export interface RtcpCompound {
  ssrc: number;
  sender: RtcpSenderInfo | undefined;
  report: RtcpReport | undefined;
  /** At most 255 octets. */
  cname: string;
  goodbye: boolean;
}

/** SR or RR, then SDES with the CNAME, then perhaps BYE (RFC 3550 section 6.1). */
export function buildRtcp({ ssrc, sender, report, cname, goodbye }: RtcpCompound): Buffer {
  const parts = [buildReport(ssrc, sender, report), buildDescription(ssrc, cname)];
  if (goodbye) parts.push(buildPart(goodbyeType, 1, [ssrc]));
  return Buffer.concat(parts);
}

function buildReport(ssrc: number, sender: RtcpSenderInfo | undefined, report: RtcpReport | undefined): Buffer {
  const words = [ssrc];
  if (sender !== undefined) {
    words.push(sender.ntp.seconds, sender.ntp.fraction, sender.rtpTimestamp, sender.packets, sender.octets);
  }
  if (report !== undefined) {
    const lost = Math.max(-0x80_0000, Math.min(0x7f_ffff, report.packetsLost)) & 0xff_ffff;
    words.push(report.ssrc, report.fractionLost * 0x100_0000 + lost, report.highestSequence, Math.round(report.jitter));
    words.push(report.lastSenderReport, report.delaySinceLastSenderReport);
  }
  return buildPart(sender === undefined ? receiverReportType : senderReportType, report === undefined ? 0 : 1, words);
}

function buildDescription(ssrc: number, cname: string): Buffer {
  const name = Buffer.from(cname, 'utf8').subarray(0, 255);
  // The list of items ends with at least one zero octet and fills whole words (RFC 3550 section 6.5).
  const part = Buffer.alloc(8 + Math.ceil((2 + name.length + 1) / 4) * 4);
  writePartHeader(part, descriptionType, 1);
  part.writeUInt32BE(ssrc, 4);
  part.writeUInt8(cnameItem, 8);
  part.writeUInt8(name.length, 9);
  name.copy(part, 10);
  return part;
}

function buildPart(type: number, count: number, words: readonly number[]): Buffer {
  const part = Buffer.alloc(4 + words.length * 4);
  writePartHeader(part, type, count);
  words.forEach((word, i) => part.writeUInt32BE(word >>> 0, 4 + i * 4));
  return part;
}

function writePartHeader(part: Buffer, type: number, count: number): void {
  part.writeUInt8(0x80 | count, 0);
  part.writeUInt8(type, 1);
  part.writeUInt16BE(part.length / 4 - 1, 2);
}

/** From 1900 to 1970 (RFC 5905 section 6). */
const ntpEpochOffsetSeconds = 2_208_988_800;

/** NTP time of Unix milliseconds. */
export function ntpTime(wallTimeMs: number): NtpTime {
  const seconds = Math.floor(wallTimeMs / 1_000);
  const fraction = Math.floor(((wallTimeMs - seconds * 1_000) / 1_000) * 0x1_0000_0000);
  return { seconds: (seconds + ntpEpochOffsetSeconds) >>> 0, fraction };
}

/** The middle 32 bits, in 1/65536 s: what reports compare. */
export function compactNtp({ seconds, fraction }: NtpTime): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}
