import type { Clock } from '../runtime/clock';
import { unitsPerPacket, type RtpSender } from '../rtp/sender';
import type { DatagramPort } from '../rtp/socket';
import type { SourcePolicy } from '../rtp/source-policy';
import { TelephoneEventSender } from '../rtp/telephone-event';
import type { LegCodec } from './leg-codec';
import type { AudioSource, Digit } from './media-leg';
import type { NegotiatedAudio } from './negotiation';

/**
 * From the agent's frames to packets: one each 20 ms. A frame is pulled only when it will be sent, so while the caller is
 * on hold or cannot be reached the agent's speech waits and only the timestamps go on.
 */
export class SendPath {
  framesSkipped = 0;

  readonly #clock: Clock;
  readonly #port: DatagramPort;
  readonly #policy: SourcePolicy;
  readonly #sender: RtpSender;
  readonly #keys = new TelephoneEventSender();
  readonly #codec: LegCodec;
  #audio: NegotiatedAudio | undefined;

  constructor(parts: { clock: Clock; port: DatagramPort; policy: SourcePolicy; sender: RtpSender; codec: LegCodec }) {
    this.#clock = parts.clock;
    this.#port = parts.port;
    this.#policy = parts.policy;
    this.#sender = parts.sender;
    this.#codec = parts.codec;
  }

  negotiate(audio: NegotiatedAudio): void {
    this.#audio = audio;
    this.#sender.useClock(audio.clockHz);
  }

  /** False when telephone-event was not negotiated, or when too many keys wait. */
  sendDigit(digit: Digit, durationMs: number): boolean {
    return this.#audio?.event !== undefined && this.#keys.enqueue(digit, durationMs);
  }

  tick(source: AudioSource): void {
    const audio = this.#audio;
    const target = audio?.sending === true ? this.#policy.takeDestination() : undefined;
    const nowMs = this.#clock.now();
    if (audio === undefined || target === undefined) {
      this.#sender.skip(1, { marker: true, nowMs });
      return;
    }
    const packet = this.#eventPacket(audio, nowMs) ?? this.#audioPacket(audio, source, nowMs);
    this.#port.send(packet, target.address, target.port);
  }

  /** Time has passed without packets: a stalled process. */
  skip(frames: number): void {
    this.framesSkipped += frames;
    this.#sender.skip(frames, { marker: false, nowMs: this.#clock.now() });
  }

  #eventPacket(audio: NegotiatedAudio, nowMs: number): Buffer | undefined {
    const { event } = audio;
    const step = this.#keys.next(this.#sender.timestamp, unitsPerPacket(event?.clockHz ?? audio.clockHz));
    // Keys that still wait when a re-INVITE takes telephone-event away are used up and not heard.
    if (step === undefined || event === undefined) return undefined;
    return this.#sender.eventPacket(event.payloadType, step, nowMs);
  }

  #audioPacket(audio: NegotiatedAudio, source: AudioSource, nowMs: number): Buffer {
    source.pull(this.#codec.frame);
    return this.#sender.audioPacket(audio.payloadType, this.#codec.encode(), nowMs);
  }
}
