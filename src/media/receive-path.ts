import { Concealment, type LossFiller } from '../audio/concealment';
import { decodeG711 } from '../audio/g711';
import { levelDbfs } from '../audio/level';
import { OpusConcealment, type OpusVoice } from '../audio/opus';
import { samplesPerFrame, type PcmFrame, type SampleRateHz } from '../audio/pcm';
import type { Clock } from '../runtime/clock';
import { rtpPayloadLengthMax, type RtpPacket } from '../rtp/packet';
import { ReorderBuffer } from '../rtp/reorder-buffer';
import type { RtpClockHz } from '../rtp/sender';
import { timestampDelta } from '../rtp/sequence';
import { CallerKeys } from './caller-keys';
import type { Digit } from './media-leg';
import type { PayloadKind } from './negotiation';

/** What the packets are read as: G.711 at 8 kHz, or Opus at either rate. */
export interface ReceivedFormat {
  /** Of the frames that come out. */
  rateHz: SampleRateHz;
  /** Of timestamps. */
  clockHz: RtpClockHz;
  /** Undefined: G.711. */
  opus: OpusVoice | undefined;
}

const g711: ReceivedFormat = { rateHz: 8_000, clockHz: 8_000, opus: undefined };

/** Where the caller's frames and keys go, frames at the rate of the format. Must not keep the frame. */
export interface ReceiveSink {
  onFrame(frame: PcmFrame): void;
  onDigit(digit: Digit): void;
}

/**
 * When nothing came for longer than this, silence flows in real time: more where packets are longer than 20 ms, and where
 * the network has lately held them back and then let them go in bursts. That memory halves in about 14 s.
 */
const stoppedAfterMs = 60;
const stoppedMarginMs = 40;
const latenessMsMax = 160;
const latenessKept = 0.999;
/** What a gap is filled with at most; a longer one was filled in real time already, or is no gap but a jump. */
const gapMsMax = 500;
/** Beyond this, what is lost is filled with silence: invented speech would mislead (G.711 Appendix I ends here too). */
const concealedMsMax = 60;
/** After a stall of our own, what waits in the kernel is read before anything is filled. */
const stallMs = 40;
const afterStallMs = 10;
/** Frames that one tick fills at most. */
const filledFramesMax = 25;
/** Below this, nobody speaks. */
const quietDbfs = -50;
/** When time must be made up for in the midst of speech, so many frames become one fewer. */
const shortenEvery = 4;
/** Time that was filled and that the sender's timestamps never claimed is forgiven. */
const forgiveAfterMs = 1_000;

/**
 * From the caller's packets to exact 20 ms frames: order, decoding, gaps, keys. It pushes on arrival and holds nothing
 * back but packets behind a gap and parts of a frame.
 *
 * Two clocks must agree: samples given to the sink, and the call's own time. `#ahead` keeps them together: samples that
 * were filled in while RTP had stopped and that the RTP timeline has not claimed yet. A timestamp jump (silence
 * suppression, a key press) uses them up. If instead the missing packets come late and in a burst, nothing that was said
 * is dropped for it: the surplus is made up for afterwards, in pauses first.
 */
export class ReceivePath {
  framesConcealed = 0;
  framesSilenced = 0;
  /** Taken out again to make up for silence that was filled in while packets were only late. */
  framesShortened = 0;
  unknownPayloads = 0;
  /** Packets of Opus that are none. */
  badAudio = 0;

  readonly reorder: ReorderBuffer;
  readonly keys: CallerKeys;

  readonly #sink: ReceiveSink;
  #format = g711;
  #concealment: LossFiller = new Concealment();
  readonly #kinds: (PayloadKind | undefined)[] = new Array<PayloadKind | undefined>(128).fill(undefined);
  readonly #decoded = new Int16Array(rtpPayloadLengthMax);
  /** Views of the start of `#decoded`, made once for each length that occurs. */
  readonly #views = new Map<number, Int16Array>();
  #frameSamples = samplesPerFrame(g711.rateHz);
  #samplesPerMs = g711.rateHz / 1_000;
  #unitsPerSample = 1;
  #filling: PcmFrame = new Int16Array(this.#frameSamples);
  #frame: PcmFrame = new Int16Array(this.#frameSamples);
  #frameLength = 0;

  /** RTP timestamp of the sample after the last one. */
  #expected = 0;
  #lostBefore = 0;
  #restarted = true;
  #lastAudioMs = 0;
  #lastSamples = 0;
  /** Comfort noise or a key came last: what does not come is silence, not loss. */
  #silent = true;
  #concealedSamples = 0;

  /** How much later than the ones before the packets of bursts came, lately. */
  #latenessMs = 0;
  #filledFrames = 0;
  #lastTickMs = 0;
  #fillFromMs = 0;

  #ahead = 0;
  #resumedMs = 0;
  #delivered = 0;
  #anchorMs = 0;
  #anchorDelivered = 0;
  #sinceShortened = 0;
  #merged: PcmFrame = new Int16Array(this.#frameSamples);
  #merging = false;

  constructor({ clock, sink }: { clock: Clock; sink: ReceiveSink }) {
    this.#sink = sink;
    this.reorder = new ReorderBuffer({ clock, sink: this });
    this.keys = new CallerKeys((digit) => this.#sink.onDigit(digit), g711);
    this.start(clock.now());
  }

  /** The call's time begins: from here on, frames keep step with it. */
  start(nowMs: number): void {
    this.#lastAudioMs = nowMs;
    this.#lastTickMs = nowMs;
    this.#fillFromMs = nowMs;
  }

  /** Another one is a new stream, whose numbers tell nothing of the time before. */
  useFormat(format: ReceivedFormat): void {
    const { rateHz, clockHz, opus } = this.#format;
    if (rateHz === format.rateHz && clockHz === format.clockHz && opus === format.opus) return;
    this.#prepare(format);
    this.expectNewStream();
  }

  setPayloadKinds(kinds: ReadonlyMap<number, PayloadKind>): void {
    this.#kinds.fill(undefined);
    for (const [payloadType, kind] of kinds) this.#kinds[payloadType] = kind;
    this.keys.agreeOnEvents([...kinds.values()].includes('telephone-event'));
  }

  kindOf(payloadType: number): PayloadKind | undefined {
    return this.#kinds[payloadType];
  }

  /** The caller has moved: its next packet is believed at once, whatever its numbers are. */
  expectNewStream(): void {
    this.reorder.reset();
    this.keys.expectNewStream();
    this.#restarted = true;
  }

  /** A packet from the caller. Takes ownership of it. */
  receive(packet: RtpPacket, nowMs: number): void {
    // Keys are told whatever their order is; in the reorder buffer their packets only keep their place.
    if (this.#kinds[packet.payloadType] === 'telephone-event') this.keys.onEvent(packet, nowMs);
    this.reorder.push(packet, nowMs);
  }

  /** Each 20 ms: while RTP has stopped, the caller's silence goes on. */
  tick(nowMs: number): void {
    if (nowMs - this.#lastTickMs > stallMs) this.waitWithFilling(nowMs);
    this.#lastTickMs = nowMs;
    const usualMs = Math.max(this.#lastSamples / this.#samplesPerMs, this.#latenessMs);
    const stoppedMs = Math.max(stoppedAfterMs, usualMs + stoppedMarginMs);
    const overMs = nowMs - this.#lastAudioMs - stoppedMs;
    if (overMs < 0 || nowMs < this.#fillFromMs) return;
    if (this.#filledFrames === 0 && this.#ahead === 0) this.#anchor();
    const due = Math.floor(overMs / 20) + 1;
    const frames = Math.min(due - this.#filledFrames, filledFramesMax);
    if (frames <= 0) return;
    this.#filledFrames = due;
    this.#ahead += frames * this.#frameSamples;
    this.#fill(frames * this.#frameSamples, !this.#silent, nowMs);
  }

  /** Packets may have come that were not read yet: their place is not silence. */
  waitWithFilling(nowMs: number): void {
    this.#fillFromMs = nowMs + afterStallMs;
  }

  close(): void {
    this.reorder.reset();
  }

  /** The reorder buffer's sink: packets in order. */
  onPacket(packet: RtpPacket, gap: { lost: number; restarted: boolean }, arrivedMs: number): void {
    this.#lostBefore = gap.restarted ? 0 : this.#lostBefore + gap.lost;
    this.#restarted ||= gap.restarted;
    const kind = this.#kinds[packet.payloadType];
    switch (kind) {
      case 'pcmu':
      case 'pcma': {
        if (packet.payload.length === 0) return;
        const samples = this.#view(packet.payload.length);
        decodeG711(kind, packet.payload, samples);
        this.#advanceTo(packet.timestamp, arrivedMs);
        this.#onAudio(samples, packet.timestamp, arrivedMs);
        return;
      }
      case 'opus':
        this.#onOpus(packet, arrivedMs);
        return;
      case 'comfort-noise':
        this.#advanceTo(packet.timestamp, arrivedMs);
        this.#silent = true;
        return;
      case 'telephone-event':
        this.#silent = true;
        return;
      case undefined:
        this.unknownPayloads += 1;
    }
  }

  #onOpus(packet: RtpPacket, arrivedMs: number): void {
    // The decoder has a memory: what was lost comes before what came.
    this.#advanceTo(packet.timestamp, arrivedMs);
    const samples = this.#format.opus?.decode(packet.payload);
    if (samples !== undefined) {
      this.#onAudio(samples, packet.timestamp, arrivedMs);
      return;
    }
    this.badAudio += 1;
    // As good as lost: the next one shows how long it was.
    this.#lostBefore += 1;
  }

  #onAudio(samples: Int16Array, timestamp: number, arrivedMs: number): void {
    if (this.#filledFrames > 0) this.#resumedMs = arrivedMs;
    this.#filledFrames = 0;
    this.#expected = (timestamp + samples.length * this.#unitsPerSample) >>> 0;
    this.#lastAudioMs = Math.max(this.#lastAudioMs, arrivedMs);
    this.#lastSamples = samples.length;
    this.#silent = false;
    this.#concealedSamples = 0;
    this.keys.hush(samples, arrivedMs);
    this.#concealment.good(samples);
    this.#append(samples, arrivedMs);
    if (this.#ahead > 0) this.#forgive(arrivedMs);
  }

  /** Fills what lies between the last sample and `timestamp`, as far as that has not been filled yet. */
  #advanceTo(timestamp: number, arrivedMs: number): void {
    const lost = this.#lostBefore;
    const idle = this.#idleSamples(arrivedMs);
    const units = this.#restarted ? -1 : timestampDelta({ from: this.#expected, to: timestamp });
    let gap = Math.floor(units / this.#unitsPerSample);
    const gapSamplesMax = gapMsMax * this.#samplesPerMs;
    const believable = Math.max(idle, lost * this.#lastSamples) + this.#ahead + gapSamplesMax;
    // Backwards, or further than time has gone: the sender's clock has jumped, and ours tells how long it was.
    if (gap < 0 || gap > believable) gap = idle;
    else this.#noteLateness(gap, arrivedMs);
    this.#lostBefore = 0;
    this.#restarted = false;
    this.#expected = timestamp;
    this.#ahead -= gap;
    if (this.#ahead >= 0) return;
    const missing = Math.min(-this.#ahead, gapSamplesMax);
    this.#ahead = 0;
    this.#fill(missing, lost > 0 && !this.#silent, arrivedMs);
  }

  #noteLateness(gap: number, arrivedMs: number): void {
    const lateMs = arrivedMs - this.#lastAudioMs - (gap + this.#lastSamples) / this.#samplesPerMs;
    this.#latenessMs = Math.max(this.#latenessMs * latenessKept, Math.min(lateMs, latenessMsMax));
  }

  /** How much longer ago the last audio came than it lasted, in whole frames: jitter is not time. */
  #idleSamples(nowMs: number): number {
    const samples = (nowMs - this.#lastAudioMs) * this.#samplesPerMs - this.#lastSamples;
    return samples <= 0 ? 0 : Math.floor(samples / this.#frameSamples) * this.#frameSamples;
  }

  #fill(samples: number, lossy: boolean, nowMs: number): void {
    if (!lossy) this.#concealment.reset();
    const frameSamples = this.#frameSamples;
    for (let left = samples; left > 0; left -= frameSamples) {
      const chunk = left >= frameSamples ? this.#filling : this.#filling.subarray(0, left);
      if (lossy && this.#concealedSamples < concealedMsMax * this.#samplesPerMs) {
        this.#concealment.conceal(chunk);
        this.#concealedSamples += chunk.length;
        this.framesConcealed += 1;
      } else {
        chunk.fill(0);
        this.framesSilenced += 1;
      }
      this.#append(chunk, nowMs);
    }
  }

  /** Cuts into frames, whatever the packets' length was. */
  #append(samples: Int16Array, nowMs: number): void {
    const frameSamples = this.#frameSamples;
    if (this.#frameLength === 0 && samples.length === frameSamples) {
      this.#onFrame(samples, nowMs);
      return;
    }
    for (let i = 0; i < samples.length; i += 1) {
      this.#frame[this.#frameLength] = samples[i] as number;
      this.#frameLength += 1;
      if (this.#frameLength < frameSamples) continue;
      this.#frameLength = 0;
      this.#onFrame(this.#frame, nowMs);
    }
  }

  #onFrame(frame: PcmFrame, nowMs: number): void {
    const frameSamples = this.#frameSamples;
    if (this.#merging) {
      crossFade({ from: this.#merged, to: frame });
      this.#merging = false;
    } else if (this.#ahead >= frameSamples && this.#surplus(nowMs) >= frameSamples && this.#shorten(frame)) {
      this.#ahead -= frameSamples;
      this.framesShortened += 1;
      return;
    }
    this.#delivered += frameSamples;
    this.#sink.onFrame(frame);
  }

  /** True when the frame is left out: as a pause, or to be blended with the next one. */
  #shorten(frame: PcmFrame): boolean {
    if (levelDbfs(frame) < quietDbfs) return true;
    this.#sinceShortened += 1;
    if (this.#sinceShortened < shortenEvery) return false;
    this.#sinceShortened = 0;
    this.#merged.set(frame);
    this.#merging = true;
    return true;
  }

  /** Samples given since RTP stopped, beyond the time that has passed: what came in a burst after all. */
  #surplus(nowMs: number): number {
    return this.#delivered - this.#anchorDelivered - (nowMs - this.#anchorMs) * this.#samplesPerMs;
  }

  #anchor(): void {
    this.#anchorMs = this.#lastAudioMs;
    this.#anchorDelivered = this.#delivered;
  }

  /** Some senders stop their timestamps with their packets: then nothing comes in a burst and nothing is owed. */
  #forgive(nowMs: number): void {
    if (nowMs - this.#resumedMs >= forgiveAfterMs && this.#surplus(nowMs) < this.#frameSamples) this.#ahead = 0;
  }

  /** Only the clock of the call goes on. */
  #prepare(format: ReceivedFormat): void {
    const { rateHz, clockHz, opus } = format;
    const frameSamples = samplesPerFrame(rateHz);
    this.#lastSamples *= frameSamples / this.#frameSamples;
    this.#format = format;
    this.#frameSamples = frameSamples;
    this.#samplesPerMs = rateHz / 1_000;
    this.#unitsPerSample = clockHz / rateHz;
    this.#filling = new Int16Array(frameSamples);
    this.#frame = new Int16Array(frameSamples);
    this.#merged = new Int16Array(frameSamples);
    this.#frameLength = 0;
    this.#merging = false;
    this.#concealment = opus === undefined ? new Concealment() : new OpusConcealment(opus);
    this.#concealedSamples = 0;
    this.#silent = true;
    this.#ahead = 0;
    this.#delivered = 0;
    this.#anchorDelivered = 0;
    this.keys.useRate(rateHz);
  }

  #view(length: number): Int16Array {
    let view = this.#views.get(length);
    if (view === undefined) {
      view = this.#decoded.subarray(0, length);
      this.#views.set(length, view);
    }
    return view;
  }
}

/** Blends one frame into the other over their whole length, into `to`. */
function crossFade({ from, to }: { from: PcmFrame; to: PcmFrame }): void {
  for (let i = 0; i < to.length; i += 1) {
    const before = from[i] as number;
    to[i] = Math.round(before + (((to[i] as number) - before) * i) / to.length);
  }
}
