import { frameMs, type PcmFrame } from '../audio/pcm';
import { levelDbfs } from '../audio/level';
import type { Digit } from '../media/media-leg';
import { SamplePlayer, type PhoneControls, type PhoneSource } from './phone-source';
import { pauseMs, soundDbfs } from './turns';

/** When a step begins. Steps come one after the other: none begins before the one ahead of it has ended. */
export type ScriptMoment =
  /** Milliseconds after the answer, or as soon after it as the step ahead has ended. */
  | { atMs: number }
  /** Milliseconds after the end of the step ahead. */
  | { afterPreviousMs: number }
  /** The agent has been speaking for so long: to interrupt it. */
  | { agentSpeakingMs: number }
  /** The agent has spoken since the step ahead ended, and has been quiet for so long: to answer it. */
  | { agentQuietMs: number };

export type ScriptStep = ScriptMoment & ({ play: Int16Array } | { press: Digit } | { hangUp: true });

/** A user who follows a script and reacts to what is heard. */
export class ScriptSource implements PhoneSource {
  readonly #steps: readonly ScriptStep[];
  readonly #player = new SamplePlayer();
  #controls: PhoneControls | undefined;
  #next = 0;
  #playing = false;
  #frames = 0;
  #previousEndedAt = 0;
  #speakingSince: number | undefined;
  #lastSoundAt = -Infinity;

  /** `play` samples are at 8 kHz. */
  constructor(steps: readonly ScriptStep[]) {
    this.#steps = steps;
  }

  /** True when every step has ended. */
  get finished(): boolean {
    return this.#next >= this.#steps.length && !this.#playing;
  }

  begin(controls: PhoneControls): void {
    this.#controls = controls;
  }

  hear(frame: PcmFrame): void {
    if (levelDbfs(frame) < soundDbfs) return;
    this.#speakingSince ??= this.#frames;
    this.#lastSoundAt = this.#frames;
  }

  pull(frame: PcmFrame): void {
    if (this.#quietMs() > pauseMs) this.#speakingSince = undefined;
    if (!this.#playing) this.#beginDueSteps();
    const goesOn = this.#player.pull(frame);
    this.#frames += 1;
    if (this.#playing && !goesOn) this.#ended();
  }

  #beginDueSteps(): void {
    for (let step = this.#steps[this.#next]; step !== undefined && this.#isDue(step); step = this.#steps[this.#next]) {
      this.#next += 1;
      if ('play' in step) {
        this.#player.play(step.play);
        this.#playing = true;
        return;
      }
      if ('press' in step) this.#controls?.press(step.press);
      else this.#controls?.hangUp();
      this.#ended();
    }
  }

  #ended(): void {
    this.#playing = false;
    this.#previousEndedAt = this.#frames;
  }

  #isDue(moment: ScriptMoment): boolean {
    if ('atMs' in moment) return this.#frames * frameMs >= moment.atMs;
    if ('afterPreviousMs' in moment) return (this.#frames - this.#previousEndedAt) * frameMs >= moment.afterPreviousMs;
    if ('agentSpeakingMs' in moment) {
      const since = this.#speakingSince;
      return since !== undefined && (this.#frames - since) * frameMs >= moment.agentSpeakingMs;
    }
    return this.#lastSoundAt >= this.#previousEndedAt && this.#quietMs() >= moment.agentQuietMs;
  }

  #quietMs(): number {
    return (this.#frames - this.#lastSoundAt) * frameMs;
  }
}
