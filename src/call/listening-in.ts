import { mix } from '../audio/mix';
import { samplesPerFrame, type PcmFrame, type SampleRateHz } from '../audio/pcm';
import type { CallerLine, LineAgent, LineTap } from './caller-line';
import { RelayQueue } from './relay-queue';
import type { SecondLeg } from './second-leg';
import { Whisper } from './whisper';

export interface ListeningInOptions {
  line: CallerLine;
  callerRateHz: SampleRateHz;
  /** The supervisor's. */
  leg: SecondLeg;
  /** Once each 20 ms, after the supervisor got them. */
  onFrame(): void;
  /** An utterance of the supervisor; `told` is false when no agent took it. */
  onWhisper(told: boolean): void;
}

/**
 * A supervisor on a line, unheard by the caller: gets both directions as one, without what is secret, and is heard by the
 * other end alone while whispering. Nothing that anybody else hears changes while not.
 */
export class ListeningIn implements LineTap {
  readonly #options: ListeningInOptions;
  /** Of the caller, until the frame of the other direction is there. */
  readonly #caller: RelayQueue;
  readonly #silence: PcmFrame;
  readonly #callerFrame: PcmFrame;
  readonly #voice: PcmFrame;
  readonly #mixed: PcmFrame;
  #isWhispering = false;
  #whisper: { readonly to: LineAgent; readonly speech: Whisper } | undefined;

  constructor(options: ListeningInOptions) {
    const { callerRateHz } = options;
    const newFrame = (): PcmFrame => new Int16Array(samplesPerFrame(callerRateHz));
    this.#options = options;
    this.#caller = new RelayQueue({ fromHz: callerRateHz, toHz: callerRateHz });
    [this.#silence, this.#callerFrame, this.#voice, this.#mixed] = [newFrame(), newFrame(), newFrame(), newFrame()];
  }

  /** Whether the other end hears the supervisor. */
  whisper(isOn: boolean): void {
    this.#isWhispering = isOn;
    // Half a sentence is told to nobody.
    this.#whisper = undefined;
  }

  onCaller(frame: PcmFrame): PcmFrame {
    const { line, leg } = this.#options;
    this.#caller.push(line.isSecret ? this.#silence : frame);
    if (!this.#isWhispering || line.agent !== undefined) return frame;
    leg.toCaller.pull(this.#voice);
    mix(frame, this.#voice, this.#mixed);
    return this.#mixed;
  }

  onHeard(frame: PcmFrame): void {
    const { line, leg } = this.#options;
    this.#caller.pull(this.#callerFrame);
    mix(this.#callerFrame, frame, this.#mixed);
    leg.toCallee.push(this.#mixed);
    if (!this.#isWhispering || line.agent !== undefined) {
      // Also when nobody is to hear it: what is said now must not be heard later.
      leg.toCaller.pull(this.#voice);
      if (this.#isWhispering && line.agent !== undefined) this.#whisperTo(line.agent).push(this.#voice);
    }
    this.#options.onFrame();
  }

  #whisperTo(agent: LineAgent): Whisper {
    if (this.#whisper?.to === agent) return this.#whisper.speech;
    const { callerRateHz } = this.#options;
    const speech = new Whisper({
      fromHz: callerRateHz,
      sink: (said) => this.#options.onWhisper(agent.onWhisper(said)),
    });
    this.#whisper = { to: agent, speech };
    return speech;
  }
}
