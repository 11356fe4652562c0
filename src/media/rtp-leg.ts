import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import type { Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import { addressScope, canonicalAddress } from '../rtp/ip-address';
import { parseRtpPacket } from '../rtp/packet';
import { RtcpSession } from '../rtp/rtcp-session';
import { RtpSender } from '../rtp/sender';
import { openUdpPair, type DatagramPair } from '../rtp/socket';
import { SourcePolicy } from '../rtp/source-policy';
import type { FrameSubscription } from './frame-clock';
import { LegCodec } from './leg-codec';
import { MediaUnavailable, OfferRefused } from './media-leg';
import type {
  AudioSource,
  Digit,
  MediaFailure,
  MediaLeg,
  MediaLegFactory,
  MediaLegListener,
  MediaLegOptions,
  MediaStats,
} from './media-leg';
import { bothLaws, chooseAudio, LocalDescription, nameOfCodec, ownFormatsOf } from './negotiation';
import { readAnswer, readDescription } from './negotiation';
import type { NegotiatedAudio, OfferedFormat, OurSide } from './negotiation';
import { ReceivePath } from './receive-path';
import type { RtpLegFactoryOptions } from './rtp-leg-options';
import { SendPath } from './send-path';
import { settled } from './settled';

/** Legs whose RTP socket faces the caller. Throws at once when an address is wrong: that is a mistake in the settings. */
export function createRtpLegFactory(options: RtpLegFactoryOptions): MediaLegFactory {
  const localAddress = settingAddress(options.localAddress);
  const sdpAddress = settingAddress(options.publicAddress ?? options.localAddress);
  if (addressScope(sdpAddress) === 'unspecified') {
    throw new Error(`RTP listens on ${localAddress}: the address that callers are told must be set`);
  }
  const { openPair = openUdpPair, opus, codecs: spoken = bothLaws } = options;
  invariant(opus !== undefined || !spoken.includes('opus'), 'Opus takes its codec');
  const ours: OurSide = { family: localAddress.includes(':') ? 'IP6' : 'IP4', codecs: spoken };
  return {
    async create(legOptions) {
      const { codecs = spoken.filter((codec) => codec !== 'opus') } = legOptions;
      const offered = ownFormatsOf(codecs, spoken);
      if (offered.length === 0) throw new MediaUnavailable(`without FreeSWITCH nobody can speak ${codecs.join(', ')}`);
      const lease = await options.ports.lease((port) => openPair(localAddress, port));
      const socket = { pair: lease.opened, port: lease.port, localAddress, sdpAddress };
      return new RtpLeg(options, legOptions, { ...socket, offered, ours, offersOpus: codecs.includes('opus') });
    },
  };
}

function settingAddress(text: string): string {
  const address = canonicalAddress(text);
  if (address === undefined) throw new Error(`${text} is not an IP address`);
  return address;
}

interface RtpLegSocket {
  pair: DatagramPair;
  port: number;
  localAddress: string;
  sdpAddress: string;
  offered: readonly OfferedFormat[];
  ours: OurSide;
  offersOpus: boolean;
}

const defaultMediaTimeoutMs = 15_000;
const defaultFirstMediaTimeoutMs = 30_000;

/** A call's own RTP and RTCP ports. */
class RtpLeg implements MediaLeg {
  readonly #options: RtpLegFactoryOptions;
  readonly #socket: RtpLegSocket;
  readonly #logger: Logger;
  readonly #policy: SourcePolicy;
  readonly #sender: RtpSender;
  readonly #rtcp: RtcpSession;
  readonly #codec: LegCodec;
  readonly #receive: ReceivePath;
  readonly #send: SendPath;
  readonly #description: LocalDescription;
  readonly #dropped: Record<string, number> = {};

  #audio: NegotiatedAudio | undefined;
  #started: { listener: MediaLegListener; source: AudioSource } | undefined;
  #subscription: FrameSubscription | undefined;
  #reportTimer: Timer | undefined;
  #packetsReceived = 0;
  #lastLifeMs: number;
  #failed = false;
  #closed = false;

  constructor(options: RtpLegFactoryOptions, { callId, signallingAddress }: MediaLegOptions, socket: RtpLegSocket) {
    const { clock, random } = options;
    this.#options = options;
    this.#socket = socket;
    this.#logger = options.logger.child({ callId });
    // An address that is no IP trusts nobody but whom the SDP names.
    this.#policy = new SourcePolicy({
      signallingAddress: canonicalAddress(signallingAddress) ?? '',
      trustsNamed: options.facesOwnServer === true,
    });
    this.#sender = new RtpSender({ random, marks: options.facesOwnServer !== true });
    this.#rtcp = new RtcpSession({ clock, random, sender: this.#sender });
    this.#codec = new LegCodec(options.opus);
    this.#receive = new ReceivePath({
      clock,
      sink: {
        onFrame: (frame) => this.#onCallerFrame(frame),
        onDigit: (digit) => this.#onCallerDigit(digit),
      },
    });
    const [policy, sender, codec] = [this.#policy, this.#sender, this.#codec];
    this.#send = new SendPath({ clock, port: socket.pair.rtp, policy, sender, codec });
    const local = { address: socket.sdpAddress, port: socket.port };
    const sessionId = random.bytes(6).readUIntBE(0, 6);
    this.#description = new LocalDescription({ local, sessionId, offered: socket.offered });
    this.#lastLifeMs = clock.now();
    socket.pair.rtp.listen({ onDatagram: this.#onRtp });
    socket.pair.rtcp.listen({ onDatagram: this.#onRtcp });
  }

  get rateHz(): SampleRateHz {
    return this.#codec.rateHz;
  }

  answer(offer: string): Promise<string> {
    return settled(() => this.#answer(offer));
  }

  offer(): Promise<string> {
    return settled(() => {
      invariant(!this.#closed, 'a closed leg makes no offer');
      return this.#description.offer(this.#audio);
    });
  }

  acceptAnswer(answer: string): Promise<void> {
    return settled(() => {
      invariant(!this.#closed, 'a closed leg takes no answer');
      const audio = readAnswer(readDescription(answer), this.#answerable);
      this.#refuseOurselves(audio);
      this.#apply(audio);
    });
  }

  modify(offer: string): Promise<string> {
    return this.answer(offer);
  }

  get onHold(): boolean {
    return this.#audio?.onHold === true;
  }

  start(listener: MediaLegListener, source: AudioSource): void {
    invariant(this.#subscription === undefined && !this.#closed, 'a leg starts once');
    const nowMs = this.#options.clock.now();
    this.#started = { listener, source };
    this.#lastLifeMs = nowMs;
    this.#codec.fixRate();
    this.#receive.start(nowMs);
    this.#subscription = this.#options.frameClock.subscribe({
      onFrame: () => this.#onTick(),
      onFramesSkipped: (frames) => this.#send.skip(frames),
      onError: (cause) => this.#fail({ kind: 'media-error', message: messageOf(cause) }),
    });
    this.#scheduleReport();
  }

  sendDigit(digit: Digit, durationMs: number): boolean {
    return !this.#closed && this.#send.sendDigit(digit, durationMs);
  }

  /** What it tells is relayed by whoever has both. */
  join(): Promise<boolean> {
    return Promise.resolve(false);
  }

  part(): Promise<void> {
    return Promise.resolve();
  }

  get stats(): Readonly<MediaStats> {
    const { reorder } = this.#receive;
    return {
      codec: this.#audio && nameOfCodec(this.#audio),
      packetsReceived: this.#packetsReceived,
      packetsSent: this.#sender.packetsBefore + this.#sender.packets,
      packetsLost: reorder.lost,
      packetsReordered: reorder.reordered,
      packetsDuplicate: reorder.duplicate,
      packetsLate: reorder.late,
      framesConcealed: this.#receive.framesConcealed,
      framesSilenced: this.#receive.framesSilenced,
      framesSkipped: this.#send.framesSkipped,
      dropped: this.#droppedCounts(),
      digits: this.#receive.keys.digits,
      jitterMs: this.#rtcp.jitterMs,
      remoteJitterMs: this.#rtcp.remoteJitterMs,
      remoteLostPackets: this.#rtcp.remoteLostPackets,
      roundTripMs: this.#rtcp.roundTripMs,
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#started = undefined;
    this.#subscription?.end();
    this.#reportTimer?.cancel();
    this.#receive.close();
    if (this.stats.packetsSent > 0) this.#report({ goodbye: true });
    this.#socket.pair.rtp.close();
    this.#socket.pair.rtcp.close();
    this.#options.ports.release(this.#socket.port);
    this.#logger.debug({ port: this.#socket.port, source: this.#policy.source }, 'media closed');
  }

  /** Who answers with Opus unasked would change the rate of a leg that others rely on. */
  get #answerable(): OurSide {
    const { ours, offersOpus } = this.#socket;
    if (offersOpus || this.#audio?.codec === 'opus') return ours;
    return { ...ours, codecs: ours.codecs.filter((codec) => codec !== 'opus') };
  }

  #answer(offer: string): string {
    invariant(!this.#closed, 'a closed leg answers no offer');
    const session = readDescription(offer);
    const choice = chooseAudio(session, this.#socket.ours);
    this.#refuseOurselves(choice.audio);
    this.#apply(choice.audio);
    return this.#description.answer(session, choice);
  }

  #refuseOurselves({ remote }: NegotiatedAudio): void {
    if (remote === undefined || !this.#options.ports.isLeased(remote.port)) return;
    const { localAddress, sdpAddress } = this.#socket;
    const isOurs = remote.address === localAddress || remote.address === sdpAddress;
    if (isOurs) throw new OfferRefused(488, 'the media address is our own');
  }

  #apply(audio: NegotiatedAudio): void {
    const before = this.#audio;
    const nowMs = this.#options.clock.now();
    this.#audio = audio;
    this.#codec.agree(audio);
    this.#receive.useFormat(this.#codec.received);
    this.#receive.setPayloadKinds(audio.receive);
    this.#send.negotiate(audio);
    this.#rtcp.useClock(audio.clockHz);
    if (audio.remote !== undefined) {
      const moved = before?.remote?.address !== audio.remote.address || before.remote.port !== audio.remote.port;
      this.#policy.name(audio.remote, nowMs);
      if (moved) this.#receive.expectNewStream();
    }
    // Silence on hold was allowed: it does not count afterwards.
    if (before !== undefined && !expectsMedia(before)) this.#lastLifeMs = nowMs;
    this.#logger.debug({ remote: audio.remote, codec: audio.codec, onHold: audio.onHold }, 'media negotiated');
  }

  readonly #onRtp = (datagram: Buffer, address: string, port: number): void => {
    const nowMs = this.#options.clock.now();
    this.#options.frameClock.catchUp(nowMs);
    if (this.#closed) return;
    if (!this.#policy.mayHear(address)) {
      this.#drop('foreign-source');
      return;
    }
    const packet = parseRtpPacket(datagram);
    if (typeof packet === 'string') {
      this.#drop(packet);
      return;
    }
    const verdict = this.#policy.judge(packet, address, port, nowMs);
    if (verdict !== 'heard') {
      this.#drop(verdict);
      return;
    }
    this.#packetsReceived += 1;
    this.#lastLifeMs = nowMs;
    const kind = this.#receive.kindOf(packet.payloadType);
    this.#rtcp.onRtpPacket(packet, nowMs, kind === 'pcmu' || kind === 'pcma' || kind === 'opus');
    if (this.#started === undefined) this.#drop('before-start');
    else this.#receive.receive(packet, nowMs);
  };

  // A listener that throws has a bug: its call ends, the packets of the others go on.
  #onCallerFrame(frame: PcmFrame): void {
    try {
      this.#started?.listener.onAudio(this.#codec.toLeg(frame));
    } catch (cause) {
      this.#fail({ kind: 'media-error', message: messageOf(cause) });
    }
  }

  #onCallerDigit(digit: Digit): void {
    try {
      this.#started?.listener.onDigit(digit);
    } catch (cause) {
      this.#fail({ kind: 'media-error', message: messageOf(cause) });
    }
  }

  readonly #onRtcp = (datagram: Buffer, address: string, port: number): void => {
    if (this.#closed) return;
    if (!this.#policy.judgeRtcp(address, port)) {
      this.#drop('foreign-source');
      return;
    }
    const rejection = this.#rtcp.onRtcpDatagram(datagram);
    if (rejection === undefined) this.#lastLifeMs = this.#options.clock.now();
    else this.#drop(rejection);
  };

  #onTick(): void {
    if (this.#started === undefined || this.#closed) return;
    this.#send.tick(this.#started.source);
    const nowMs = this.#options.clock.now();
    if (this.#options.frameClock.isCatchingUp) this.#receive.waitWithFilling(nowMs);
    this.#receive.tick(nowMs);
    this.#checkTimeout(nowMs);
  }

  #checkTimeout(nowMs: number): void {
    if (this.#audio === undefined || !expectsMedia(this.#audio)) return;
    const { mediaTimeoutMs = defaultMediaTimeoutMs, firstMediaTimeoutMs = defaultFirstMediaTimeoutMs } = this.#options;
    const limitMs = this.#packetsReceived > 0 ? mediaTimeoutMs : firstMediaTimeoutMs;
    const silentMs = nowMs - this.#lastLifeMs;
    if (silentMs >= limitMs) this.#fail({ kind: 'media-timeout', silentMs });
  }

  #fail(failure: MediaFailure): void {
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    this.#logger.warn({ failure }, 'media failed');
    this.#started?.listener.onFailure(failure);
  }

  #scheduleReport(): void {
    this.#reportTimer = this.#options.clock.setTimer(this.#rtcp.nextReportDelayMs(), this.#onReportDue);
  }

  readonly #onReportDue = (): void => {
    this.#report({ goodbye: false });
    this.#scheduleReport();
  };

  #report({ goodbye }: { goodbye: boolean }): void {
    const target = this.#policy.takeRtcpDestination();
    if (target === undefined) return;
    this.#socket.pair.rtcp.send(this.#rtcp.buildReport({ goodbye }), target.address, target.port);
  }

  #drop(cause: string): void {
    this.#dropped[cause] = (this.#dropped[cause] ?? 0) + 1;
  }

  #droppedCounts(): Record<string, number> {
    const { rtp, rtcp } = this.#socket.pair;
    const counts: Record<string, number> = { ...this.#dropped };
    const others = {
      'unknown-payload-type': this.#receive.unknownPayloads,
      'bad-telephone-event': this.#receive.keys.badEvents,
      'bad-opus-packet': this.#receive.badAudio,
      'stray-packet': this.#receive.reorder.stray,
      'socket-error': rtp.errors + rtcp.errors,
    };
    for (const [cause, count] of Object.entries(others)) if (count > 0) counts[cause] = count;
    return counts;
  }
}

/** Whether silence of the caller means that something is wrong. */
function expectsMedia(audio: NegotiatedAudio): boolean {
  return audio.receiving && !audio.onHold;
}
