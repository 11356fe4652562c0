import type { PcmFrame } from '../audio/pcm';

/** One direction of a call, sample by sample from the answer on. */
export class AlignedTrack {
  readonly #rateHz: number;
  readonly #samplesMax: number;
  readonly #slackSamples: number;
  #samples: Int16Array;
  #length = 0;
  #full = false;

  constructor({ rateHz, lengthMaxMs }: { rateHz: number; lengthMaxMs: number }) {
    this.#rateHz = rateHz;
    this.#samplesMax = Math.floor((rateHz * lengthMaxMs) / 1_000);
    this.#slackSamples = (rateHz * slackMs) / 1_000;
    this.#samples = new Int16Array(rateHz);
  }

  /**
   * Adds a frame that began at `atMs`. Frames follow each other without a seam; only when time has run clearly ahead of
   * the samples is the difference filled with silence. Copies the frame.
   */
  append(frame: PcmFrame, atMs: number): void {
    const due = Math.max(0, Math.round((atMs * this.#rateHz) / 1_000));
    const behind = due - this.#length;
    const start = this.#length === 0 || behind > this.#slackSamples ? Math.max(this.#length, due) : this.#length;
    if (start + frame.length > this.#samplesMax) {
      this.#full = true;
      return;
    }
    this.#reserve(start + frame.length);
    this.#samples.set(frame, start);
    this.#length = start + frame.length;
  }

  get length(): number {
    return this.#length;
  }

  /** The limit was reached, and what came later is not here. */
  get full(): boolean {
    return this.#full;
  }

  /** A copy, filled with silence up to `length`. */
  toSamples(length: number): Int16Array {
    const copy = new Int16Array(Math.max(length, this.#length));
    copy.set(this.#samples.subarray(0, this.#length));
    return copy;
  }

  #reserve(length: number): void {
    if (length <= this.#samples.length) return;
    const larger = new Int16Array(Math.max(length, this.#samples.length * 2));
    larger.set(this.#samples.subarray(0, this.#length));
    this.#samples = larger;
  }
}

/** Jitter that is no gap. */
const slackMs = 60;
