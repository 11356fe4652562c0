import { RecentIds } from './recent-ids';
import type { RealtimeSessionListener } from './session-listener';

/** Items that are told apart at any one time; a caller has one or two that are not transcribed yet. */
const itemsMax = 64;

/**
 * What the caller said, as the server tells it: when speech began and stopped, what the transcriber heard, and when
 * there was nothing but silence (the idle timeout commits that silence as if it were a turn).
 */
export class CallerTurns {
  readonly #listener: RealtimeSessionListener;
  readonly #hasIdleTimeout: boolean;
  readonly #spoken = new RecentIds(itemsMax);
  readonly #silent = new RecentIds(itemsMax);

  constructor({ listener, hasIdleTimeout }: { listener: RealtimeSessionListener; hasIdleTimeout: boolean }) {
    this.#listener = listener;
    this.#hasIdleTimeout = hasIdleTimeout;
  }

  speechStarted({ itemId, audioStartMs }: { itemId: string; audioStartMs: number }): void {
    this.#spoken.add(itemId);
    this.#listener.onSpeechStarted({ itemId, audioStartMs });
  }

  /** Some servers tell an idle timeout as the end of a speech that never began. */
  speechStopped({ itemId, audioEndMs }: { itemId: string; audioEndMs: number }): void {
    if (this.#spoken.has(itemId)) this.#listener.onSpeechStopped({ itemId, audioEndMs });
  }

  idleTimeout(itemId: string): void {
    if (this.#silent.add(itemId)) this.#listener.onIdleTimeout({ itemId });
  }

  /** We commit nothing ourselves: what turn detection commits was announced as speech, or is the silence of a timeout. */
  committed(itemId: string): void {
    if (this.#hasIdleTimeout && !this.#spoken.has(itemId)) this.idleTimeout(itemId);
  }

  /** Transcribers invent words for silence: those are not passed on. */
  transcribed({ itemId, transcript }: { itemId: string; transcript: string }): void {
    if (transcript === '' || this.#silent.has(itemId)) return;
    this.#listener.onTranscript({ itemId, by: 'caller', text: transcript });
  }
}
