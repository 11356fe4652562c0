import { decodeG711, encodeG711 } from '../../src/audio/g711';
import { ToneGenerator } from '../../src/audio/tone';
import { FrameClock, type FrameSubscriber, type FrameSubscription } from '../../src/media/frame-clock';
import { timestampDelta } from '../../src/rtp/sequence';
import type { RtpPacket } from '../../src/rtp/packet';
import { systemClock } from '../../src/runtime/clock';
import { pcmuSilence, RtpPhone } from './rtp-phone';
import { lateness } from './samples';
import type { SipCall, SipCaller } from './sip-caller';

const rateHz = 8_000;
const packetSamples = 160;
const packetsPerSecond = rateHz / packetSamples;

/** The phones' own heartbeat: how late it is shows what this process and the machine spoil before the bridge can. */
export const phoneClock = new FrameClock({ clock: systemClock });

/** One caller of a load: sends its tone without end, and keeps what it hears while it is told to. */
export class TonePhone implements FrameSubscriber {
  readonly #call: SipCall;
  readonly #rtp: RtpPhone;
  readonly #second: Uint8Array;
  readonly #subscription: FrameSubscription;
  #sent = 0;

  readonly #recording: Uint8Array;
  readonly #arrivals: { index: number; atMs: number }[] = [];
  /** By the bridge's timeline, in packets. */
  readonly #came: boolean[] = [];
  #isRecording = false;
  #firstTimestamp: number | undefined;

  static async place(
    caller: SipCaller,
    options: { user: string; toneHz: number; recordMsMax: number },
  ): Promise<TonePhone> {
    const rtp = await RtpPhone.open();
    const call = await caller.call({ user: options.user, rtpPort: rtp.port });
    return new TonePhone(call, rtp, options);
  }

  private constructor(call: SipCall, rtp: RtpPhone, options: { toneHz: number; recordMsMax: number }) {
    this.#call = call;
    this.#rtp = rtp;
    this.#second = pcmuSecond(options.toneHz);
    this.#recording = new Uint8Array((options.recordMsMax * rateHz) / 1_000);
    rtp.start({ remotePort: call.remoteRtpPort, onPacket: (packet, arrivedMs) => this.#onPacket(packet, arrivedMs) });
    this.#subscription = phoneClock.subscribe(this);
  }

  onFrame(): void {
    this.#rtp.send(this.#second, (this.#sent % packetsPerSecond) * packetSamples);
    this.#sent += 1;
  }

  onFramesSkipped(frames: number): void {
    this.#rtp.skip(frames);
    this.#sent += frames;
  }

  onError(cause: unknown): void {
    throw cause;
  }

  begin(): void {
    this.#recording.fill(pcmuSilence);
    this.#arrivals.length = 0;
    this.#came.length = 0;
    this.#firstTimestamp = undefined;
    this.#isRecording = true;
  }

  end(): void {
    this.#isRecording = false;
  }

  /** Frames of the bridge's timeline, from the first to the last that came, that did not come. */
  get missing(): number {
    return this.#came.filter((came) => !came).length;
  }

  /** Of packets at this phone, against start + n x 20 ms. */
  lateness(): number[] {
    return lateness(this.#arrivals);
  }

  /** What was heard, silence where nothing came. */
  samples(): Int16Array {
    const octets = this.#recording.subarray(0, this.#came.length * packetSamples);
    const samples = new Int16Array(octets.length);
    decodeG711('pcmu', octets, samples);
    return samples;
  }

  /** Seconds of which every packet came: the first, the one in the middle and the last. */
  wholeSeconds(): Int16Array[] {
    const samples = this.samples();
    const whole: Int16Array[] = [];
    let start = 0;
    while (start + packetsPerSecond <= this.#came.length) {
      const gap = this.#came.slice(start, start + packetsPerSecond).lastIndexOf(false);
      if (gap < 0) whole.push(samples.subarray(start * packetSamples, start * packetSamples + rateHz));
      start += gap < 0 ? packetsPerSecond : gap + 1;
    }
    return [whole[0], whole[whole.length >> 1], whole.at(-1)].filter((second) => second !== undefined);
  }

  async hangUp(): Promise<void> {
    this.#subscription.end();
    await this.#call.hangUp();
    this.#rtp.close();
  }

  #onPacket(packet: RtpPacket, atMs: number): void {
    if (!this.#isRecording) return;
    this.#firstTimestamp ??= packet.timestamp;
    const index = timestampDelta({ from: this.#firstTimestamp, to: packet.timestamp }) / packetSamples;
    const offset = index * packetSamples;
    if (index < 0 || offset + packetSamples > this.#recording.length) return;
    this.#arrivals.push({ index, atMs });
    while (this.#came.length <= index) this.#came.push(false);
    this.#came[index] = true;
    this.#recording.set(packet.payload.subarray(0, packetSamples), offset);
  }
}

/** A tone of whole hertz fits a second exactly. */
function pcmuSecond(hz: number): Uint8Array {
  const samples = new Int16Array(rateHz);
  new ToneGenerator(rateHz, hz, -10).fill(samples);
  const octets = new Uint8Array(rateHz);
  encodeG711('pcmu', samples, octets);
  return octets;
}
