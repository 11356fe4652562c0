import { samplesPerFrame, type PcmFrame, type SampleRateHz, type Speech } from '../audio/pcm';
import { createRateConverter, type RateConverter } from '../audio/resampler';
import { CallerVoice } from './caller-voice';

/** What was said before the voice was noticed, in frames of 20 ms. */
const leadFrames = 15;
/** Who is silent for this long has finished: 600 ms. */
const pauseFrames = 30;
/** Longer ones are told in pieces: 10 s. */
const utteranceFramesMax = 500;

/** Cuts what a supervisor says to an agent into utterances: from a voice to a pause. */
export class Whisper {
  readonly #converter: RateConverter;
  readonly #frameSamples: number;
  /** Of the utterances. */
  readonly rateHz: SampleRateHz;
  readonly #sink: (speech: Speech) => void;
  readonly #voice = new CallerVoice();
  #frames: PcmFrame[] = [];
  #speaking = false;
  #quietFrames = 0;

  /** `sink` gets each utterance at `toHz`, and may keep it. */
  constructor(options: { fromHz: SampleRateHz; toHz: SampleRateHz; sink: (speech: Speech) => void }) {
    this.#converter = createRateConverter(options.fromHz, options.toHz);
    this.#frameSamples = samplesPerFrame(options.toHz);
    this.rateHz = options.toHz;
    this.#sink = options.sink;
  }

  /** Somebody is in the middle of an utterance. */
  get isUnderWay(): boolean {
    return this.#speaking;
  }

  /** 20 ms of the supervisor. Does not keep the frame. */
  push(frame: PcmFrame): void {
    const converted = new Int16Array(this.#frameSamples);
    this.#converter.process(frame, converted);
    this.#voice.push(frame);
    this.#frames.push(converted);
    const isAudible = this.#voice.isAudible;
    if (!this.#speaking && !isAudible) {
      if (this.#frames.length > leadFrames) this.#frames.shift();
      return;
    }
    this.#speaking = true;
    this.#quietFrames = isAudible ? 0 : this.#quietFrames + 1;
    if (this.#quietFrames >= pauseFrames || this.#frames.length >= utteranceFramesMax) this.#tell();
  }

  #tell(): void {
    const samples = new Int16Array(this.#frames.length * this.#frameSamples);
    this.#frames.forEach((frame, index) => samples.set(frame, index * this.#frameSamples));
    this.#frames = [];
    this.#speaking = false;
    this.#quietFrames = 0;
    this.#sink({ samples, rateHz: this.rateHz });
  }
}
