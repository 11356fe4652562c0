import type { PcmFrame } from '../audio/pcm';
import { frameMs } from '../audio/pcm';

/** Of a caller who is silent: a voice is noticed by the server up to this long after it began. */
const silentMsKept = 1_000;
/** Of a caller who speaks: longer turns lose their beginning to the next agent. */
const spokenMsKept = 30_000;
/** 20 ms frames that go out for each one that comes: half a second, so that a slow connection is not flooded. */
const framesPerPush = 25;
/** Frames that are kept to be filled again: as many as a silent caller needs. */
const spareFramesMax = silentMsKept / frameMs;

//  passing ─▶ waiting ─▶ passing      waiting: the caller speaks to nobody yet; then what waited goes out, from the
//                                     beginning of the turn to a new session, from where it stopped to the old one
/**
 * The last of what the caller said, so that a session which begins in the middle of a turn hears it whole: frames pass
 * through, and those of the turn that goes on are kept.
 */
export class CallerTail {
  readonly #sink: (frame: PcmFrame) => void;
  #frames: PcmFrame[] = [];
  /** Forgotten ones: a caller who is silent costs no new memory. */
  readonly #spare: PcmFrame[] = [];
  /** How many of the kept frames have been passed on. */
  #passed = 0;
  #isWaiting = false;
  #wasSpeaking = false;
  /** Frames that no agent hears, because more than the limit waited. */
  framesDropped = 0;

  /** `sink` must not keep the frame. */
  constructor(sink: (frame: PcmFrame) => void) {
    this.#sink = sink;
  }

  /** 20 ms of the caller; copied. */
  push(frame: PcmFrame, { isSpeaking }: { isSpeaking: boolean }): void {
    // What was said before is a turn of its own, and the agent has it.
    if (this.#wasSpeaking && !isSpeaking && !this.#isWaiting) this.#forget(this.#passed);
    this.#wasSpeaking = isSpeaking;
    const kept = this.#spare.pop() ?? new Int16Array(frame.length);
    kept.set(frame);
    this.#frames.push(kept);
    if (!this.#isWaiting) this.#pass();
    this.#trim(isSpeaking);
  }

  /** From now on nothing is passed on. */
  wait(): void {
    this.#isWaiting = true;
  }

  /** Everything that is kept goes out again, to another session. */
  beginAgain(): void {
    this.#passed = 0;
    this.goOn();
  }

  /** What waits goes out. */
  goOn(): void {
    this.#isWaiting = false;
    this.#pass();
  }

  #pass(): void {
    const until = Math.min(this.#frames.length, this.#passed + framesPerPush);
    for (; this.#passed < until; this.#passed += 1) {
      const frame = this.#frames[this.#passed];
      if (frame !== undefined) this.#sink(frame);
    }
  }

  #trim(isSpeaking: boolean): void {
    const keptMax = (isSpeaking || this.#isWaiting ? spokenMsKept : silentMsKept) / frameMs;
    const excess = this.#frames.length - keptMax;
    if (excess <= 0) return;
    const unheard = this.#isWaiting ? Math.max(0, excess - this.#passed) : 0;
    this.framesDropped += unheard;
    this.#forget(this.#isWaiting ? excess : Math.min(excess, this.#passed));
  }

  #forget(count: number): void {
    const forgotten = this.#frames.splice(0, count);
    for (const frame of forgotten) if (this.#spare.length < spareFramesMax) this.#spare.push(frame);
    this.#passed = Math.max(0, this.#passed - count);
  }
}
