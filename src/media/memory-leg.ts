import { samplesPerFrame, type PcmFrame, type SampleRateHz } from '../audio/pcm';
import type { Clock } from '../runtime/clock';
import { invariant } from '../runtime/invariant';
import type { FrameClock, FrameSubscription } from './frame-clock';
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
import { settled } from './settled';

/** 20 ms that the caller heard. */
export interface HeardFrame {
  atMs: number;
  samples: PcmFrame;
}

/** The person at the other end of a `MemoryLeg`. */
export class MemoryPhone {
  /** What the agent said, frame by frame. */
  readonly heard: HeardFrame[] = [];
  /** Keys that came from the agent's side. */
  readonly keys: { digit: Digit; durationMs: number; atMs: number }[] = [];

  readonly #frameLength: number;
  readonly #queue: PcmFrame[] = [];
  #listener: MediaLegListener | undefined;

  constructor({ rateHz }: { rateHz: SampleRateHz }) {
    this.#frameLength = samplesPerFrame(rateHz);
  }

  /** Queues speech, one frame each 20 ms; a part of a frame is filled up with silence. When nothing waits, it is silent. */
  say(samples: Int16Array): void {
    for (let start = 0; start < samples.length; start += this.#frameLength) {
      const frame = new Int16Array(this.#frameLength);
      frame.set(samples.subarray(start, start + this.#frameLength));
      this.#queue.push(frame);
    }
  }

  /** Presses a key, now. */
  press(digit: Digit): void {
    this.#listener?.onDigit(digit);
  }

  /** The leg fails, now. */
  fail(failure: MediaFailure): void {
    this.#listener?.onFailure(failure);
  }

  /** For the leg: whom to tell; undefined when the leg is closed. */
  connect(listener: MediaLegListener | undefined): void {
    this.#listener = listener;
  }

  /** For the leg: the caller's next 20 ms. */
  nextFrame(): PcmFrame {
    return this.#queue.shift() ?? new Int16Array(this.#frameLength);
  }
}

export interface MemoryLegFactoryOptions {
  clock: Clock;
  frameClock: FrameClock;
  /** Of every leg, or of each by its call id; 8 kHz unless given. */
  rateHz?: SampleRateHz | ((callId: string) => SampleRateHz);
}

/** Legs without packets, for whole calls on a virtual clock. Each call's phone is found by its call id. */
export class MemoryLegFactory implements MediaLegFactory {
  /** By call id; a phone stays after its leg has closed, until it is deleted here. */
  readonly phones = new Map<string, MemoryPhone>();
  /** When set, the next legs are refused with it, as when no port is free. */
  refusal: Error | undefined;

  readonly #options: MemoryLegFactoryOptions;
  #legs = 0;

  constructor(options: MemoryLegFactoryOptions) {
    this.#options = options;
  }

  create({ callId, codecs = bothLaws }: MediaLegOptions): Promise<MediaLeg> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    const { rateHz: given = 8_000 } = this.#options;
    const rateHz = typeof given === 'number' ? given : given(callId);
    const phone = new MemoryPhone({ rateHz });
    this.phones.set(callId, phone);
    this.#legs += 1;
    return Promise.resolve(
      new MemoryLeg(this.#options, { phone, rateHz, sessionId: this.#legs, offered: ownFormatsOf(codecs, bothLaws) }),
    );
  }
}

const ourSide: OurSide = { family: 'IP4', codecs: bothLaws };
/** No packet ever goes there (RFC 5737). */
const ourMedia = { address: '192.0.2.1', port: 10_000 };

interface MemoryLegParts {
  phone: MemoryPhone;
  rateHz: SampleRateHz;
  sessionId: number;
  offered: readonly OfferedFormat[];
}

class MemoryLeg implements MediaLeg {
  readonly rateHz: SampleRateHz;

  readonly #clock: Clock;
  readonly #frameClock: FrameClock;
  readonly #phone: MemoryPhone;
  readonly #description: LocalDescription;
  #audio: NegotiatedAudio | undefined;
  #subscription: FrameSubscription | undefined;
  #listener: MediaLegListener | undefined;
  #failed = false;
  #closed = false;
  #received = 0;
  #sent = 0;
  #skipped = 0;
  #digits = 0;

  constructor({ clock, frameClock }: MemoryLegFactoryOptions, { phone, rateHz, ...description }: MemoryLegParts) {
    this.#clock = clock;
    this.#frameClock = frameClock;
    this.#phone = phone;
    this.rateHz = rateHz;
    this.#description = new LocalDescription({ local: ourMedia, ...description });
  }

  answer(offer: string): Promise<string> {
    return settled(() => {
      invariant(!this.#closed, 'a closed leg answers no offer');
      const session = readDescription(offer);
      const choice = chooseAudio(session, ourSide);
      this.#audio = choice.audio;
      return this.#description.answer(session, choice);
    });
  }

  offer(): Promise<string> {
    return settled(() => {
      invariant(!this.#closed, 'a closed leg makes no offer');
      return this.#description.offer();
    });
  }

  acceptAnswer(answer: string): Promise<void> {
    return settled(() => {
      invariant(!this.#closed, 'a closed leg takes no answer');
      this.#audio = readAnswer(readDescription(answer), ourSide);
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
    this.#listener = listener;
    this.#phone.connect({
      onAudio: (frame) => this.#listener?.onAudio(frame),
      onDigit: (digit) => this.#onDigit(digit),
      onFailure: (failure) => this.#onFailure(failure),
    });
    this.#subscription = this.#frameClock.subscribe({
      onFrame: () => this.#onFrame(source),
      onFramesSkipped: (frames) => (this.#skipped += frames),
      onError: (cause) => this.#onFailure({ kind: 'media-error', message: String(cause) }),
    });
  }

  sendDigit(digit: Digit, durationMs: number): boolean {
    if (this.#closed || this.#audio?.event === undefined) return false;
    this.#phone.keys.push({ digit, durationMs, atMs: this.#clock.now() });
    return true;
  }

  /** What it tells is relayed by whoever has both. */
  join(): Promise<boolean> {
    return Promise.resolve(false);
  }

  part(): Promise<void> {
    return Promise.resolve();
  }

  get stats(): Readonly<MediaStats> {
    return {
      codec: this.#audio && nameOfCodec(this.#audio),
      packetsReceived: this.#received,
      packetsSent: this.#sent,
      packetsLost: 0,
      packetsReordered: 0,
      packetsDuplicate: 0,
      packetsLate: 0,
      framesConcealed: 0,
      framesSilenced: 0,
      framesSkipped: this.#skipped,
      dropped: {},
      digits: this.#digits,
      jitterMs: 0,
      remoteJitterMs: undefined,
      remoteLostPackets: undefined,
      roundTripMs: undefined,
    };
  }

  close(): void {
    this.#closed = true;
    this.#listener = undefined;
    this.#phone.connect(undefined);
    this.#subscription?.end();
  }

  #onFrame(source: AudioSource): void {
    if (this.#audio?.sending === true) {
      const samples = new Int16Array(samplesPerFrame(this.rateHz));
      source.pull(samples);
      this.#sent += 1;
      this.#phone.heard.push({ atMs: this.#clock.now(), samples });
    }
    this.#received += 1;
    this.#listener?.onAudio(this.#phone.nextFrame());
  }

  #onDigit(digit: Digit): void {
    this.#digits += 1;
    this.#listener?.onDigit(digit);
  }

  #onFailure(failure: MediaFailure): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#listener?.onFailure(failure);
  }
}
