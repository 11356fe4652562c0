import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import { samplesPerFrame } from '../audio/pcm';
import type { RateConverter } from '../audio/resampler';
import { createRateConverter } from '../audio/resampler';

/** The caller's audio on its way to the agent: one 20 ms frame in, one at the model's rate out, at once. */
export class CallerAudio {
  readonly #converter: RateConverter;
  readonly #modelFrame: PcmFrame;
  readonly #sink: (frame: PcmFrame) => void;
  #frames = 0;

  /** `sink` must not keep the frame. */
  constructor(options: { legRateHz: SampleRateHz; modelRateHz: SampleRateHz; sink: (frame: PcmFrame) => void }) {
    this.#converter = createRateConverter(options.legRateHz, options.modelRateHz);
    this.#modelFrame = new Int16Array(samplesPerFrame(options.modelRateHz));
    this.#sink = options.sink;
  }

  /** Frames passed on: the model's clock, in units of 20 ms. */
  get frames(): number {
    return this.#frames;
  }

  push(frame: PcmFrame): void {
    this.#converter.process(frame, this.#modelFrame);
    this.#frames += 1;
    this.#sink(this.#modelFrame);
  }
}
