/** One RTP packet (RFC 3550 section 5.1). CSRC list and header extension are skipped, padding is cut off. */
export interface RtpPacket {
  /** 0 to 127. */
  payloadType: number;
  marker: boolean;
  /** 16 bits. */
  sequence: number;
  /** 32 bits, in units of the payload's clock. */
  timestamp: number;
  ssrc: number;
  /** A view into the datagram; may be empty. */
  payload: Uint8Array;
}

/** Why a datagram is no RTP packet for us. These are the keys of a leg's `dropped` counters. */
export type RtpRejection =
  | 'too-short'
  /** STUN, DTLS and most garbage end here. */
  | 'not-version-2'
  /** RTCP on the RTP port; rtcp-mux is never negotiated (RFC 5761 section 4). */
  | 'rtcp-on-rtp-port'
  | 'bad-extension'
  | 'bad-padding'
  | 'too-long';

export const rtpHeaderLength = 12;

/** A receiver takes up to 200 ms a packet (RFC 3551 section 4.2); G.711 has 8 octets a millisecond. */
export const rtpPayloadLengthMax = 1_600;

/** Reads a datagram from a stranger; never throws. The packet keeps a view into `datagram`. */
export function parseRtpPacket(datagram: Buffer): RtpPacket | RtpRejection {
  if (datagram.length < rtpHeaderLength) return 'too-short';
  const flags = datagram.readUInt8(0);
  if (flags >> 6 !== 2) return 'not-version-2';
  const second = datagram.readUInt8(1);
  if (second >= 192 && second <= 223) return 'rtcp-on-rtp-port';
  const start = payloadStart(datagram, flags);
  if (start < 0) return 'bad-extension';
  const padding = (flags & 0x20) === 0 ? 0 : datagram.readUInt8(datagram.length - 1);
  const end = datagram.length - padding;
  if (((flags & 0x20) !== 0 && padding === 0) || end < start) return 'bad-padding';
  if (end - start > rtpPayloadLengthMax) return 'too-long';
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: datagram.readUInt16BE(2),
    timestamp: datagram.readUInt32BE(4),
    ssrc: datagram.readUInt32BE(8),
    payload: datagram.subarray(start, end),
  };
}

/** What a header says, without its payload. */
export type RtpHeader = Omit<RtpPacket, 'payload'>;

/** Writes the 12 octets of a header without CSRC, extension and padding. `out` must have room. */
export function writeRtpHeader(header: RtpHeader, out: Buffer): void {
  out.writeUInt8(0x80, 0);
  out.writeUInt8((header.marker ? 0x80 : 0) | header.payloadType, 1);
  out.writeUInt16BE(header.sequence, 2);
  out.writeUInt32BE(header.timestamp, 4);
  out.writeUInt32BE(header.ssrc, 8);
}

/** Writes header and payload into `out`, which must have room; returns the packet's length in octets. */
export function buildRtpPacket(packet: RtpPacket, out: Buffer): number {
  writeRtpHeader(packet, out);
  out.set(packet.payload, rtpHeaderLength);
  return rtpHeaderLength + packet.payload.length;
}

/** Behind the CSRC list and the extension; -1 when they claim more octets than there are. */
function payloadStart(datagram: Buffer, flags: number): number {
  const afterSources = rtpHeaderLength + (flags & 0x0f) * 4;
  if ((flags & 0x10) === 0) return afterSources <= datagram.length ? afterSources : -1;
  if (afterSources + 4 > datagram.length) return -1;
  const afterExtension = afterSources + 4 + datagram.readUInt16BE(afterSources + 2) * 4;
  return afterExtension <= datagram.length ? afterExtension : -1;
}
