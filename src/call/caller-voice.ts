import { levelDbfs } from '../audio/level';
import type { PcmFrame } from '../audio/pcm';

/** Quieter than this nobody speaks on a telephone line. */
const voiceDbfsMin = -45;
/** A voice stands out from what goes on all the time. */
const aboveNoiseDb = 10;
/** How fast a noise that stays becomes background: about a second for 10 dB. */
const noiseRiseDbPerFrame = 0.2;
/** Frames that are looked back on: 200 ms. */
const recentFrames = 10;
/** Of those so many make a voice; the gaps between syllables are shorter. */
const voicedFramesMin = 4;

/**
 * Whether the caller's line carries a voice at this moment, by its level in 20 ms frames against the background. It is
 * quicker than the server, and knows nothing of words.
 */
export class CallerVoice {
  #noiseDbfs = -70;
  /** The last frames, newest in the lowest bit; 1 is voiced. */
  #recent = 0;

  /** Must not keep the frame. */
  push(frame: PcmFrame): void {
    const level = levelDbfs(frame);
    const isVoiced = level > Math.max(voiceDbfsMin, this.#noiseDbfs + aboveNoiseDb);
    this.#noiseDbfs = Math.min(level, this.#noiseDbfs + noiseRiseDbPerFrame);
    this.#recent = ((this.#recent << 1) | (isVoiced ? 1 : 0)) & ((1 << recentFrames) - 1);
  }

  /** In the last 200 ms there was a voice. */
  get isAudible(): boolean {
    let count = 0;
    for (let rest = this.#recent; rest !== 0; rest &= rest - 1) count += 1;
    return count >= voicedFramesMin;
  }
}
