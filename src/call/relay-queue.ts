import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import { samplesPerFrame } from '../audio/pcm';
import type { RateConverter } from '../audio/resampler';
import { createRateConverter } from '../audio/resampler';
import type { AudioSource } from '../media/media-leg';

/** What a direction of a joined call has cost, in frames of 20 ms. */
export interface RelayStats {
  /** Frames that went over. */
  relayed: number;
  /** Frames that waited when one was pulled, at most: what the relay adds to the delay. */
  delayFramesMax: number;
  /** Frames that found the queue full: the oldest went. */
  dropped: number;
  /** Times that nothing was there. */
  gaps: number;
}

/** Both legs follow one frame clock, so that one frame waits at most; the rest is for a leg that begins later. */
const framesMax = 3;

/** One direction of a joined call: frames of one leg are pushed, and the other leg pulls them on its own time. */
export class RelayQueue implements AudioSource {
  readonly #converter: RateConverter;
  readonly #converted: PcmFrame;
  readonly #frames: PcmFrame[];
  readonly #stats: RelayStats = { relayed: 0, delayFramesMax: 0, dropped: 0, gaps: 0 };
  #first = 0;
  #count = 0;
  #flowing = false;

  constructor({ fromHz, toHz }: { fromHz: SampleRateHz; toHz: SampleRateHz }) {
    this.#converter = createRateConverter(fromHz, toHz);
    this.#converted = new Int16Array(samplesPerFrame(toHz));
    this.#frames = Array.from({ length: framesMax }, () => new Int16Array(samplesPerFrame(toHz)));
  }

  get stats(): Readonly<RelayStats> {
    return { ...this.#stats };
  }

  /** 20 ms of the one leg. Does not keep the frame. */
  push(frame: PcmFrame): void {
    this.#converter.process(frame, this.#converted);
    if (this.#count === framesMax) {
      this.#first = (this.#first + 1) % framesMax;
      this.#count -= 1;
      if (this.#flowing) this.#stats.dropped += 1;
    }
    this.#frames[(this.#first + this.#count) % framesMax]?.set(this.#converted);
    this.#count += 1;
  }

  /** The next 20 ms for the other leg; silence when nothing has come. */
  pull(frame: PcmFrame): void {
    const next = this.#count === 0 ? undefined : this.#frames[this.#first];
    if (next === undefined) {
      if (this.#flowing) this.#stats.gaps += 1;
      frame.fill(0);
      return;
    }
    if (!this.#flowing) this.#begin();
    this.#stats.delayFramesMax = Math.max(this.#stats.delayFramesMax, this.#count);
    frame.set(this.#frames[this.#first] ?? next);
    this.#first = (this.#first + 1) % framesMax;
    this.#count -= 1;
    this.#stats.relayed += 1;
  }

  /** What waited from before would be a delay that never ends: only the newest counts. */
  #begin(): void {
    this.#flowing = true;
    this.#first = (this.#first + this.#count - 1) % framesMax;
    this.#count = 1;
  }
}
