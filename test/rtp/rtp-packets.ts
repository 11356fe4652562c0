import type { RtpPacket } from '../../src/rtp/packet';
import { buildRtcp } from '../../src/rtp/rtcp';

/** A packet of 20 ms of PCMU, numbered; what is not given is as at the start of an unremarkable stream. */
export function rtpPacket(given: Partial<RtpPacket> = {}): RtpPacket {
  return {
    payloadType: 0,
    marker: false,
    sequence: 1_000,
    timestamp: 160_000,
    ssrc: 0x1234_5678,
    payload: Buffer.alloc(160, 0xff),
    ...given,
  };
}

/** The n-th packet of a stream whose sequence and timestamp step by 1 and 160, through the wraps. */
export function nthPacket(n: number, { sequence = 1_000, timestamp = 160_000, ssrc = 0x1234_5678 } = {}): RtpPacket {
  return rtpPacket({ sequence: (sequence + n) & 0xffff, timestamp: (timestamp + n * 160) >>> 0, ssrc });
}

/** What a phone that sends no RTP sends for its RTCP: about nobody's stream. */
export function receiverReport(ssrc: number): Buffer {
  return buildRtcp({ ssrc, sender: undefined, report: undefined, cname: 'phone', goodbye: false });
}
