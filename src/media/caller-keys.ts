import { DtmfDetector } from '../audio/dtmf-detector';
import type { SampleRateHz } from '../audio/pcm';
import type { RtpPacket } from '../rtp/packet';
import { parseTelephoneEvent, TelephoneEventReceiver } from '../rtp/telephone-event';
import type { Digit } from './media-leg';

/** The keys that a caller presses: as telephone-event, or as tones where no events were agreed on. Each is told once. */
export class CallerKeys {
  digits = 0;
  badEvents = 0;

  readonly #onDigit: (digit: Digit) => void;
  readonly #events = new TelephoneEventReceiver();
  #tones: DtmfDetector;
  #listensForTones = false;

  constructor(onDigit: (digit: Digit) => void, { rateHz }: { rateHz: SampleRateHz }) {
    this.#onDigit = onDigit;
    this.#tones = this.#detectorAt(rateHz);
  }

  /** The rate of the samples is another one. */
  useRate(rateHz: SampleRateHz): void {
    this.#tones = this.#detectorAt(rateHz);
  }

  /** Where events were agreed on, a tone is an echo of one or somebody's voice. */
  agreeOnEvents(areAgreed: boolean): void {
    this.#listensForTones = !areAgreed;
    this.#tones.reset();
  }

  /** Another sender's timestamps may repeat. */
  expectNewStream(): void {
    this.#events.reset();
  }

  /** A packet of telephone-event, in whatever order. */
  onEvent(packet: RtpPacket, nowMs: number): void {
    const event = parseTelephoneEvent(packet.payload);
    if (typeof event === 'string') {
      this.badEvents += 1;
      return;
    }
    const digit = this.#events.receive(event, packet.timestamp, nowMs);
    if (digit !== undefined) this.#tell(digit);
  }

  /**
   * Listens to samples, and silences those that are the tone of a key. Some gateways send a key both as event and as tone,
   * others only as tone: it is no speech.
   */
  hush(samples: Int16Array, arrivedMs: number): void {
    if (this.#listensForTones) this.#tones.process(samples);
    const isKey = this.#tones.sounding !== undefined || this.#tones.suspected;
    if (isKey || this.#events.isSounding(arrivedMs)) samples.fill(0);
  }

  #detectorAt(rateHz: SampleRateHz): DtmfDetector {
    return new DtmfDetector((key) => this.#tell(key), { fromHz: rateHz });
  }

  #tell(digit: Digit): void {
    this.digits += 1;
    this.#onDigit(digit);
  }
}
