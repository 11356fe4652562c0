import { samplesPerFrame, type PcmFrame, type SampleRateHz } from '../audio/pcm';
import type { Recording } from '../audio/recording';
import { createRateConverter } from '../audio/resampler';
import { CallerVoice } from './caller-voice';

/** What was said before the voice was noticed, in frames of 20 ms. */
const leadFrames = 15;
/** Who is silent for this long has finished: 600 ms. */
const pauseFrames = 30;
/** Longer ones are told in pieces: 10 s. */
const utteranceFramesMax = 500;

/**
 * Cuts what a supervisor says to an agent into utterances: from a voice to a pause. They are kept at every rate, converted as
 * they come: a hand-over may change what is needed, and ten seconds at once would keep the process from all calls.
 */
export class Whisper {
  readonly #convert: Readonly<Record<SampleRateHz, (frame: PcmFrame) => PcmFrame>>;
  readonly #sink: (speech: Recording) => void;
  readonly #voice = new CallerVoice();
  #frames: Recording[] = [];
  #speaking = false;
  #quietFrames = 0;

  /** `sink` gets each utterance, and may keep it. */
  constructor({ fromHz, sink }: { fromHz: SampleRateHz; sink: (speech: Recording) => void }) {
    this.#convert = { 8_000: frameConverter(fromHz, 8_000), 24_000: frameConverter(fromHz, 24_000) };
    this.#sink = sink;
  }

  /** 20 ms of the supervisor. Does not keep the frame. */
  push(frame: PcmFrame): void {
    this.#voice.push(frame);
    this.#frames.push({ 8_000: this.#convert[8_000](frame), 24_000: this.#convert[24_000](frame) });
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
    const frames = this.#frames;
    this.#frames = [];
    this.#speaking = false;
    this.#quietFrames = 0;
    this.#sink({ 8_000: joined(frames, 8_000), 24_000: joined(frames, 24_000) });
  }
}

function frameConverter(fromHz: SampleRateHz, toHz: SampleRateHz): (frame: PcmFrame) => PcmFrame {
  const converter = createRateConverter(fromHz, toHz);
  return (frame) => {
    const converted = new Int16Array(samplesPerFrame(toHz));
    converter.process(frame, converted);
    return converted;
  };
}

function joined(frames: readonly Recording[], rateHz: SampleRateHz): Int16Array {
  const length = samplesPerFrame(rateHz);
  const samples = new Int16Array(frames.length * length);
  frames.forEach((frame, index) => samples.set(frame[rateHz], index * length));
  return samples;
}
