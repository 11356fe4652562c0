import type { Clock, Timer } from '../runtime/clock';
import type { Timers } from './timers';

//  off ─▶ playing ─▶ waiting ─▶ off      (a voice, or another response, leads from any of them to off)
type State =
  | { kind: 'off' }
  /** The caller is taken to hear the end of the last answer. */
  | { kind: 'playing'; timer: Timer }
  /** Undefined timer: no idle timeout is set, and the time counts all the same. */
  | { kind: 'waiting'; sinceMs: number; startOffsetMs: number; timer: Timer | undefined };

/**
 * `idle_timeout_ms` of `server_vad`: counts from `response.done` plus the playback time of the audio that was generated.
 * Switching turn detection off does not stop it: if it is on again after the timeout, it fires at once.
 */
export class IdleTimeout {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #timeoutMs: () => number | null;
  readonly #offsetMs: () => number;
  readonly #onTimeout: (range: { startMs: number; endMs: number }) => void;
  #state: State = { kind: 'off' };

  constructor(options: {
    clock: Clock;
    timers: Timers;
    /** The setting as it is now. */
    timeoutMs: () => number | null;
    /** Offset of the input audio as it is now. */
    offsetMs: () => number;
    /** The silent part of the input audio. */
    onTimeout: (range: { startMs: number; endMs: number }) => void;
  }) {
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#timeoutMs = options.timeoutMs;
    this.#offsetMs = options.offsetMs;
    this.#onTimeout = options.onTimeout;
  }

  /** From where on silent audio may be needed; undefined when it is not counting. */
  get startOffsetMs(): number | undefined {
    return this.#state.kind === 'waiting' ? this.#state.startOffsetMs : undefined;
  }

  /** A response of the conversation is done, with so much audio. */
  arm(playbackMs: number): void {
    this.disarm();
    this.#state = { kind: 'playing', timer: this.#timers.after(playbackMs, () => this.#wait()) };
  }

  disarm(): void {
    if (this.#state.kind !== 'off') this.#state.timer?.cancel();
    this.#state = { kind: 'off' };
  }

  /** The input buffer was cleared: the wait begins anew. */
  restart(): void {
    if (this.#state.kind !== 'waiting') return;
    this.#state.timer?.cancel();
    this.#wait();
  }

  /** The settings changed. */
  reconsider(): void {
    if (this.#state.kind !== 'waiting') return;
    this.#state.timer?.cancel();
    this.#state.timer = this.#startTimer(this.#state.sinceMs);
  }

  #wait(): void {
    const sinceMs = this.#clock.now();
    this.#state = { kind: 'waiting', sinceMs, startOffsetMs: this.#offsetMs(), timer: this.#startTimer(sinceMs) };
  }

  #startTimer(sinceMs: number): Timer | undefined {
    const timeoutMs = this.#timeoutMs();
    if (timeoutMs === null) return undefined;
    return this.#timers.after(sinceMs + timeoutMs - this.#clock.now(), () => this.#fire());
  }

  #fire(): void {
    if (this.#state.kind !== 'waiting') return;
    const startMs = this.#state.startOffsetMs;
    this.#state = { kind: 'off' };
    this.#onTimeout({ startMs, endMs: this.#offsetMs() });
  }
}
