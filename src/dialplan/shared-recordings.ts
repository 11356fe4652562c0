import type { Recording } from '../audio/recording';
import type { PlanRecording } from './plan-recordings';

/**
 * One copy of each recording for all plans of a process: calls go on with the plan that they began with, and a plan that was
 * changed elsewhere has the same recordings. By content, so that a file that changes in place is another recording; and it
 * keeps none that no plan holds any more.
 */
export class SharedRecordings {
  readonly #sounds = new Map<string, WeakRef<Recording>>();

  /** Recordings that some plan holds, or held a moment ago. */
  get size(): number {
    for (const [digest, sound] of this.#sounds) if (sound.deref() === undefined) this.#sounds.delete(digest);
    return this.#sounds.size;
  }

  /** The copy of the same file that is there already; else this one, from now on. */
  share(recording: PlanRecording): PlanRecording {
    const { digest, sound: made } = recording;
    const sound = this.#sounds.get(digest)?.deref();
    if (sound !== undefined) return { digest, sound };
    this.#sounds.set(digest, new WeakRef(made));
    return recording;
  }
}
