import type { Clock, Timer } from '../runtime/clock';
import type { WhileWaiting } from '../tools/while-waiting';

/** What is done against a caller's silence. */
export interface WaitingHost {
  isQuiet(): boolean;
  say(sentence: string): boolean;
  waitingSound(isOn: boolean): void;
}

/** A run that may keep the caller waiting. */
interface Waiter {
  readonly what: WhileWaiting;
  readonly sinceMs: number;
  /** What is to be said next; undefined when all was said. */
  sentence: string | undefined;
}

const progressAfterMs = 1_000;
/** Progress that is told more often than this is a nuisance. */
const sayAgainMs = 5_000;
/** A sentence that could not be said just now is tried again. */
const tryAgainMs = 500;

/**
 * Sees to it that a caller who waits for a tool hears something: when nobody has spoken for the time that the tool names,
 * the agent says its sentence, or a sound begins that stops as soon as anybody speaks.
 */
export class ToolWaiting {
  readonly #clock: Clock;
  readonly #host: WaitingHost;
  readonly #waiters = new Map<object, Waiter>();
  #quietSinceMs: number | undefined;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #soundIsOn = false;
  #timer: Timer | undefined;

  constructor({ clock, host }: { clock: Clock; host: WaitingHost }) {
    this.#clock = clock;
    this.#host = host;
  }

  add(run: object, what: WhileWaiting | undefined): void {
    const waiting = what ?? { afterMs: progressAfterMs, say: undefined, sound: undefined };
    this.#waiters.set(run, { what: waiting, sinceMs: this.#clock.now(), sentence: waiting.say });
    this.lineChanged();
  }

  /** Replaces what was not said yet. */
  progress(run: object, sentence: string): void {
    const waiter = this.#waiters.get(run);
    if (waiter === undefined || sentence === '') return;
    waiter.sentence = sentence;
    this.lineChanged();
  }

  remove(run: object): void {
    if (this.#waiters.delete(run)) this.lineChanged();
  }

  lineChanged(): void {
    if (!this.#host.isQuiet() || this.#waiters.size === 0) {
      this.#stop();
      return;
    }
    this.#quietSinceMs ??= this.#clock.now();
    this.#schedule();
  }

  close(): void {
    this.#waiters.clear();
    this.#stop();
  }

  #stop(): void {
    this.#quietSinceMs = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#soundIsOn) this.#host.waitingSound(false);
    this.#soundIsOn = false;
  }

  #schedule({ notBeforeMs = 0 }: { notBeforeMs?: number } = {}): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueMs = Math.min(...[...this.#waiters.values()].map((waiter) => this.#dueMs(waiter)));
    if (!Number.isFinite(dueMs)) return;
    const delayMs = Math.max(dueMs, notBeforeMs) - this.#clock.now();
    this.#timer = this.#clock.setTimer(delayMs, () => this.#fill());
  }

  /** When something should be heard because of this run; infinite when nothing is left to be. */
  #dueMs(waiter: Waiter): number {
    const { what, sentence, sinceMs } = waiter;
    const silentMs = Math.max(this.#quietSinceMs ?? 0, sinceMs) + what.afterMs;
    if (what.sound !== undefined && !this.#soundIsOn) return silentMs;
    if (sentence === undefined) return Number.POSITIVE_INFINITY;
    return sentence === what.say ? silentMs : Math.max(silentMs, this.#saidAtMs + sayAgainMs);
  }

  #fill(): void {
    this.#timer = undefined;
    if (!this.#host.isQuiet()) {
      this.lineChanged();
      return;
    }
    const nowMs = this.#clock.now();
    const due = [...this.#waiters.values()].filter((waiter) => this.#dueMs(waiter) <= nowMs);
    if (!this.#soundIsOn && due.some(({ what }) => what.sound !== undefined)) {
      this.#soundIsOn = true;
      this.#host.waitingSound(true);
    }
    const speaker = due.find((waiter) => waiter.sentence !== undefined);
    if (speaker?.sentence === undefined) {
      this.#schedule();
    } else if (this.#host.say(speaker.sentence)) {
      speaker.sentence = undefined;
      this.#saidAtMs = nowMs;
      this.#schedule({ notBeforeMs: nowMs + tryAgainMs });
    } else {
      this.#schedule({ notBeforeMs: nowMs + tryAgainMs });
    }
  }
}
