import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { RtpHeader } from './packet';
import { buildRtcp, compactNtp, ntpTime, parseRtcp, type RtcpReport, type RtcpRejection } from './rtcp';
import type { RtpClockHz, RtpSender } from './sender';
import { SequenceTracker, timestampDelta } from './sequence';

/** Mean time between two reports (RFC 3550 section 6.2). */
const intervalMs = 5_000;

/** What we tell of the caller's stream, and what the caller tells of ours. One per leg; owns no timer and no socket. */
export class RtcpSession {
  /** As the far side reports our stream; undefined until it does. */
  remoteJitterMs: number | undefined;
  remoteLostPackets: number | undefined;
  roundTripMs: number | undefined;

  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sender: RtpSender;
  readonly #cname: string;
  readonly #reception = new Reception();
  #unitsPerMs = 8;
  #reportedPacketsSent = 0;
  #lastSenderReport = 0;
  #lastSenderReportMs = 0;

  constructor({ clock, random, sender }: { clock: Clock; random: Random; sender: RtpSender }) {
    this.#clock = clock;
    this.#random = random;
    this.#sender = sender;
    // A random name tells nobody anything about this machine (RFC 7022 section 4.2).
    this.#cname = random.bytes(12).toString('base64');
  }

  /** Of timestamps, in both directions; 8 kHz unless told. */
  useClock(clockHz: RtpClockHz): void {
    const unitsPerMs = clockHz / 1_000;
    if (unitsPerMs === this.#unitsPerMs) return;
    this.#unitsPerMs = unitsPerMs;
    this.#reception.useClock(unitsPerMs);
  }

  /** Interarrival jitter of the caller's stream (RFC 3550 section 6.4.1). */
  get jitterMs(): number {
    return this.#reception.jitter / this.#unitsPerMs;
  }

  /** Until the next report: 0.5 to 1.5 times the interval, so that many calls do not report in step (section 6.3.1). */
  nextReportDelayMs(): number {
    return intervalMs * (0.5 + this.#random.fraction());
  }

  /** Each RTP packet of the caller, duplicates included. `timed`: its timestamp is the moment of its first sample. */
  onRtpPacket(packet: RtpHeader, nowMs: number, timed: boolean): void {
    this.#reception.count(packet, nowMs, timed);
  }

  /** Takes a datagram from the caller's RTCP port; never throws. */
  onRtcpDatagram(datagram: Buffer): RtcpRejection | undefined {
    const packets = parseRtcp(datagram);
    if (typeof packets === 'string') return packets;
    for (const packet of packets) {
      if (packet.kind === 'goodbye') continue;
      if (packet.kind === 'sender-report') {
        this.#lastSenderReport = compactNtp(packet.sender.ntp);
        this.#lastSenderReportMs = this.#clock.now();
      }
      for (const report of packet.reports) if (report.ssrc === this.#sender.ssrc) this.#onReport(report);
    }
    return undefined;
  }

  /** The next compound packet: a sender report when we have sent since the last one, else a receiver report. */
  buildReport({ goodbye = false }: { goodbye?: boolean } = {}): Buffer {
    const nowMs = this.#clock.now();
    const sending = this.#sender.packets !== this.#reportedPacketsSent;
    this.#reportedPacketsSent = this.#sender.packets;
    const report = this.#reception.report();
    if (report !== undefined && this.#lastSenderReport !== 0) {
      report.lastSenderReport = this.#lastSenderReport;
      report.delaySinceLastSenderReport = Math.round(((nowMs - this.#lastSenderReportMs) * 65_536) / 1_000);
    }
    return buildRtcp({
      ssrc: this.#sender.ssrc,
      sender: sending
        ? {
            ntp: ntpTime(this.#clock.wallTimeMs()),
            rtpTimestamp: this.#sender.timestampAt(nowMs),
            packets: this.#sender.packets,
            octets: this.#sender.octets,
          }
        : undefined,
      report,
      cname: this.#cname,
      goodbye,
    });
  }

  #onReport(report: RtcpReport): void {
    this.remoteJitterMs = report.jitter / this.#unitsPerMs;
    this.remoteLostPackets = report.packetsLost;
    if (report.lastSenderReport === 0) return;
    const now = compactNtp(ntpTime(this.#clock.wallTimeMs()));
    const trip = (now - report.lastSenderReport - report.delaySinceLastSenderReport) | 0;
    // A wrong or forged report may give a time before or long after ours.
    if (trip >= 0 && trip < 60 * 65_536) this.roundTripMs = (trip * 1_000) / 65_536;
  }
}

/** RFC 3550 appendix A.3 and A.8 for one stream; a sender that starts anew is counted anew. */
class Reception {
  jitter = 0;

  readonly #tracker = new SequenceTracker();
  #unitsPerMs = 8;
  #ssrc: number | undefined;
  #base = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #transit: number | undefined;

  /** The clock of the timestamps is another one. */
  useClock(unitsPerMs: number): void {
    this.#unitsPerMs = unitsPerMs;
    this.jitter = 0;
    this.#transit = undefined;
  }

  count(packet: RtpHeader, nowMs: number, timed: boolean): void {
    const placement = this.#tracker.place(packet);
    if (placement === 'suspect') return;
    if (placement !== 'current') this.#begin(packet.ssrc, placement === 'restarted' ? 1 : 0);
    this.#received += 1;
    if (timed) this.#countTransit(packet.timestamp, nowMs);
  }

  /** Undefined before the first packet. */
  report(): RtcpReport | undefined {
    if (this.#ssrc === undefined) return undefined;
    const expected = this.#tracker.highest - this.#base + 1;
    const expectedSince = expected - this.#expectedBefore;
    const lostSince = expectedSince - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    return {
      ssrc: this.#ssrc,
      fractionLost: lostSince <= 0 ? 0 : Math.min(255, Math.floor((lostSince * 256) / expectedSince)),
      packetsLost: expected - this.#received,
      highestSequence: this.#tracker.highest - this.#tracker.firstCycle,
      jitter: this.jitter,
      lastSenderReport: 0,
      delaySinceLastSenderReport: 0,
    };
  }

  /** `suspects`: packets right before this one that turned out to belong to the stream. */
  #begin(ssrc: number, suspects: number): void {
    this.#ssrc = ssrc;
    this.#base = this.#tracker.highest - suspects;
    this.#received = suspects;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
    this.#transit = undefined;
  }

  #countTransit(timestamp: number, nowMs: number): void {
    const arrival = Math.round(nowMs * this.#unitsPerMs) >>> 0;
    const transit = timestampDelta({ from: timestamp, to: arrival });
    const before = this.#transit;
    this.#transit = transit;
    if (before === undefined) return;
    const change = Math.abs((transit - before) | 0);
    // A jump of the sender's timestamps is no jitter of the network.
    if (change < 8_000 * this.#unitsPerMs) this.jitter += (change - this.jitter) / 16;
  }
}
