import type { PcmFrame } from '../audio/pcm';
import type { Recording } from '../audio/recording';
import type { AudioSource } from '../media/media-leg';

/** An agent at the other end of a line, as whoever listens in needs it. */
export interface LineAgent {
  /** False once it says its last words, or is gone. */
  readonly isTalking: boolean;
  /** While it is true nothing of the caller's line may be told to anybody. */
  readonly isSecure: boolean;
  /** What a supervisor says and the caller does not hear. False when it reaches nobody. */
  onWhisper(speech: Recording): boolean;
  /** It is not needed any more. Twice is fine. */
  close(): void;
}

/** Whom the caller hears, and who hears the caller. */
export interface LineEnd {
  readonly source: AudioSource;
  /** Undefined: a person, or nobody yet. */
  readonly agent: LineAgent | undefined;
  /** 20 ms of the caller. Must not keep the frame. */
  onAudio(frame: PcmFrame): void;
}

/** Somebody who listens in on a line. */
export interface LineTap {
  /** 20 ms of the caller. Returns what the other end gets of them: this frame, unchanged, or one of its own. */
  onCaller(frame: PcmFrame): PcmFrame;
  /** 20 ms as the caller hears them. Must neither keep nor change the frame. */
  onHeard(frame: PcmFrame): void;
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
  #tap: LineTap | undefined;
  #isSecret = false;

  constructor(end: LineEnd) {
    this.#end = end;
  }

  /** Undefined: a person, or nobody yet, is at the other end. */
  get agent(): LineAgent | undefined {
    return this.#end.agent;
  }

  /** What the caller says or keys in is for nobody's ears. It stays so when the agent left in the middle of that. */
  get isSecret(): boolean {
    return this.#isSecret;
  }

  connect(end: LineEnd): void {
    this.#end = end;
    this.#overheard = undefined;
    this.#isSecret = false;
  }

  /** The caller hears this in place of the other end, and is heard by nobody. */
  hear(source: AudioSource): void {
    this.#overheard = source;
  }

  /** Back to the other end. */
  connectAgain(): void {
    this.#overheard = undefined;
  }

  /** A recording at the leg's rate, played over and over; the one that is played already goes on. Undefined ends it. */
  fillSilence(sound: PcmFrame | undefined): void {
    if (sound !== this.#waitingSound) this.#place = 0;
    this.#waitingSound = sound;
  }

  /** From now on both directions are told to it too; undefined ends that. */
  tap(tap: LineTap | undefined): void {
    this.#tap = tap;
  }

  /** 20 ms of the caller. */
  push(frame: PcmFrame): void {
    const { agent } = this.#end;
    if (agent?.isTalking === true) this.#isSecret = agent.isSecure;
    const passedOn = this.#tap === undefined ? frame : this.#tap.onCaller(frame);
    if (this.#overheard === undefined) this.#end.onAudio(passedOn);
  }

  pull(frame: PcmFrame): void {
    (this.#overheard ?? this.#end.source).pull(frame);
    if (this.#waitingSound !== undefined) this.#fill(frame, this.#waitingSound);
    this.#tap?.onHeard(frame);
  }

  #fill(frame: PcmFrame, sound: PcmFrame): void {
    if (sound.length === 0 || isAudible(frame)) return;
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
