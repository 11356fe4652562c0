import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import type { RealtimeSession } from '../realtime/session';
import { CallerAudio } from './caller-audio';
import { CallerTail } from './caller-tail';

/** The caller's audio on its way to the agent that is in force, whichever session that is. */
export class CallerEar {
  readonly #legRateHz: SampleRateHz;
  readonly #tail: CallerTail | undefined;
  #audio: CallerAudio;

  /** `isKept`: another session may have to hear the turn that goes on. */
  constructor(options: { legRateHz: SampleRateHz; session: RealtimeSession; isKept: boolean }) {
    this.#legRateHz = options.legRateHz;
    this.#audio = this.#audioFor(options.session);
    this.#tail = options.isKept ? new CallerTail((frame) => this.#audio.push(frame)) : undefined;
  }

  /** 20 ms of the caller. Must not keep the frame. */
  push(frame: PcmFrame, { isSpeaking }: { isSpeaking: boolean }): void {
    if (this.#tail === undefined) this.#audio.push(frame);
    else this.#tail.push(frame, { isSpeaking });
  }

  /** The session in force hears nothing more; what the caller says waits. */
  wait(): void {
    this.#tail?.wait();
  }

  /** The session in force hears what waited. */
  goOn(): void {
    this.#tail?.goOn();
  }

  /** Another session hears the turn that goes on, from its beginning. */
  listenAgain(session: RealtimeSession): void {
    this.#audio = this.#audioFor(session);
    this.#tail?.beginAgain();
  }

  #audioFor(session: RealtimeSession): CallerAudio {
    return new CallerAudio({
      legRateHz: this.#legRateHz,
      modelRateHz: session.inputRateHz,
      sink: (frame) => session.appendAudio(frame),
    });
  }
}
