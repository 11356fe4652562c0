import { encodeG711 } from '../audio/g711';
import type { Clock } from '../runtime/clock';
import { rtpHeaderLength } from '../rtp/packet';
import { samplesPerPacket, type RtpSender } from '../rtp/sender';
import type { DatagramPort } from '../rtp/socket';
import type { SourcePolicy } from '../rtp/source-policy';
import { TelephoneEventSender } from '../rtp/telephone-event';
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
  readonly #frame = new Int16Array(samplesPerPacket);
  #audio: NegotiatedAudio | undefined;

  constructor(parts: { clock: Clock; port: DatagramPort; policy: SourcePolicy; sender: RtpSender }) {
    this.#clock = parts.clock;
    this.#port = parts.port;
    this.#policy = parts.policy;
    this.#sender = parts.sender;
  }

  negotiate(audio: NegotiatedAudio): void {
    this.#audio = audio;
  }

  /** False when telephone-event was not negotiated, or when too many keys wait. */
  sendDigit(digit: Digit, durationMs: number): boolean {
    return this.#audio?.eventPayloadType !== undefined && this.#keys.enqueue(digit, durationMs);
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
    const step = this.#keys.next(this.#sender.timestamp);
    // Keys that still wait when a re-INVITE takes telephone-event away are used up and not heard.
    if (step === undefined || audio.eventPayloadType === undefined) return undefined;
    return this.#sender.eventPacket(audio.eventPayloadType, step, nowMs);
  }

  #audioPacket(audio: NegotiatedAudio, source: AudioSource, nowMs: number): Buffer {
    source.pull(this.#frame);
    const packet = this.#sender.audioPacket(audio.payloadType, nowMs);
    encodeG711(audio.law, this.#frame, packet, rtpHeaderLength);
    return packet;
  }
}
