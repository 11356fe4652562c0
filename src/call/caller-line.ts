import type { PcmFrame } from '../audio/pcm';
import type { AudioSource } from '../media/media-leg';

/** Whom the caller hears, and who hears the caller. */
export interface LineEnd {
  readonly source: AudioSource;
  /** 20 ms of the caller. Must not keep the frame. */
  onAudio(frame: PcmFrame): void;
}

/** Quieter is silence: what resampling leaves behind after a sound. */
const quietLevel = 16;

/**
 * What the caller's media leg is connected to: the agent, or a person. While the caller waits, a sound goes wherever the
 * other end is silent.
 */
export class CallerLine implements AudioSource {
  #end: LineEnd;
  #overheard: AudioSource | undefined;
  #waitingSound: PcmFrame | undefined;
  #place = 0;

  constructor(end: LineEnd) {
    this.#end = end;
  }

  connect(end: LineEnd): void {
    this.#end = end;
    this.#overheard = undefined;
  }

  /** The caller hears this in place of the other end, and is heard by nobody. */
  hear(source: AudioSource): void {
    this.#overheard = source;
  }

  /** Back to the other end. */
  connectAgain(): void {
    this.#overheard = undefined;
  }

  /** A recording at the leg's rate, played over and over; undefined ends it. */
  fillSilence(sound: PcmFrame | undefined): void {
    this.#waitingSound = sound;
    this.#place = 0;
  }

  /** 20 ms of the caller. */
  push(frame: PcmFrame): void {
    if (this.#overheard === undefined) this.#end.onAudio(frame);
  }

  pull(frame: PcmFrame): void {
    (this.#overheard ?? this.#end.source).pull(frame);
    const sound = this.#waitingSound;
    if (sound === undefined || sound.length === 0 || isAudible(frame)) return;
    for (let i = 0; i < frame.length; i += 1) {
      frame[i] = sound[this.#place] ?? 0;
      this.#place = (this.#place + 1) % sound.length;
    }
  }
}

/** Whether a frame holds more than what silence leaves. */
export function isAudible(frame: PcmFrame): boolean {
  for (const sample of frame) if (sample > quietLevel || sample < -quietLevel) return true;
  return false;
}
