import { invariant } from '../runtime/invariant';
import { amplitudeOf } from './level';

/** A sine without end, phase-continuous from one frame to the next. */
export class ToneGenerator {
  readonly #stepRadians: number;
  readonly #amplitude: number;
  #phaseRadians = 0;

  /** `hz` must lie below half the rate, `dbfs` (see `levelDbfs`) at or below 0. */
  constructor(rateHz: number, hz: number, dbfs: number) {
    invariant(hz > 0 && hz < rateHz / 2, 'a tone lies between 0 Hz and half the sample rate');
    invariant(dbfs <= 0, 'a tone cannot be louder than full scale');
    this.#stepRadians = (2 * Math.PI * hz) / rateHz;
    this.#amplitude = amplitudeOf(dbfs);
  }

  /** Overwrites the whole frame, of any length. */
  fill(frame: Int16Array): void {
    let phase = this.#phaseRadians;
    for (let i = 0; i < frame.length; i += 1) {
      frame[i] = Math.round(this.#amplitude * Math.sin(phase));
      phase += this.#stepRadians;
      // Kept small: a phase that grows for hours loses the digits that the ear hears.
      if (phase >= 2 * Math.PI) phase -= 2 * Math.PI;
    }
    this.#phaseRadians = phase;
  }

  /** The next frame starts at a zero crossing again. */
  reset(): void {
    this.#phaseRadians = 0;
  }
}
