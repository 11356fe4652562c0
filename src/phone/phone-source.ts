import type { PcmFrame } from '../audio/pcm';
import { ToneGenerator } from '../audio/tone';
import type { Digit } from '../media/media-leg';

/** What a phone's user may do during a call. */
export interface PhoneControls {
  press(digit: Digit): void;
  hangUp(): void;
}

/** The user of a phone: what goes into its microphone. 8 kHz, 20 ms a frame. */
export interface PhoneSource {
  /** Called once, at the answer. */
  begin?(controls: PhoneControls): void;
  /** Fills the whole frame. Must not keep it. */
  pull(frame: PcmFrame): void;
  /** 20 ms of the other side, as they come. Must not keep the frame. */
  hear?(frame: PcmFrame): void;
}

/** Says nothing. */
export const silentSource: PhoneSource = { pull: (frame) => void frame.fill(0) };

/** One tone without end. */
export function toneSource(options: { hz: number; dbfs?: number }): PhoneSource {
  const tone = new ToneGenerator(8_000, options.hz, options.dbfs ?? -15);
  return { pull: (frame) => tone.fill(frame) };
}

/** A recording at 8 kHz, once, then silence. */
export function samplesSource(samples: Int16Array): PhoneSource {
  const player = new SamplePlayer();
  player.play(samples);
  return { pull: (frame) => void player.pull(frame) };
}

/** Plays recordings frame by frame. */
export class SamplePlayer {
  #samples: Int16Array = new Int16Array(0);
  #position = 0;

  /** Replaces what still plays. */
  play(samples: Int16Array): void {
    this.#samples = samples;
    this.#position = 0;
  }

  /** Fills the frame, with silence after the end. True while there is more to play. */
  pull(frame: PcmFrame): boolean {
    const left = this.#samples.length - this.#position;
    const count = Math.min(frame.length, left);
    frame.fill(0, count);
    for (let i = 0; i < count; i += 1) frame[i] = this.#samples[this.#position + i] ?? 0;
    this.#position += count;
    return left > count;
  }
}
