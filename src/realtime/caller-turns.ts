import { RecentIds } from './recent-ids';
import type { RealtimeSessionListener, TranscriptionUsage } from './session-listener';

/** Items that are told apart at any one time; a caller has one or two that are not transcribed yet. */
const itemsMax = 64;

/**
 * What the caller said, as the server tells it: when speech began and stopped, what the transcriber heard, and when
 * there was nothing but silence (the idle timeout commits that silence as if it were a turn). Silence, and turns that
 * were discarded, are taken out of the conversation as soon as they are in it.
 */
export class CallerTurns {
  readonly #listener: RealtimeSessionListener;
  readonly #hasIdleTimeout: () => boolean;
  readonly #deleteItem: (itemId: string) => void;
  readonly #spoken = new RecentIds(itemsMax);
  readonly #silent = new RecentIds(itemsMax);
  readonly #committed = new RecentIds(itemsMax);
  readonly #discarded = new RecentIds(itemsMax);

  constructor(options: {
    listener: RealtimeSessionListener;
    hasIdleTimeout: () => boolean;
    deleteItem: (itemId: string) => void;
  }) {
    this.#listener = options.listener;
    this.#hasIdleTimeout = options.hasIdleTimeout;
    this.#deleteItem = options.deleteItem;
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
    if (!this.#silent.add(itemId)) return;
    this.discard(itemId);
    this.#listener.onIdleTimeout({ itemId });
  }

  /** What turn detection commits was announced as speech, or is the silence of a timeout; without it, we commit. */
  committed(itemId: string): void {
    if (this.#hasIdleTimeout() && !this.#spoken.has(itemId)) this.idleTimeout(itemId);
    this.#committed.add(itemId);
    if (this.#discarded.has(itemId)) this.#deleteItem(itemId);
  }

  /** A turn that says nothing: it leaves the conversation, now or when it is committed. */
  discard(itemId: string): void {
    if (this.#discarded.add(itemId) && this.#committed.has(itemId)) this.#deleteItem(itemId);
  }

  /** Transcribers invent words for silence: those are not passed on. What they cost is. */
  transcribed(event: { itemId: string; transcript: string; usage?: TranscriptionUsage | undefined }): void {
    if (event.usage !== undefined) this.#listener.onTranscriptionUsage(event.usage);
    if (event.transcript === '' || this.#discarded.has(event.itemId)) return;
    this.#listener.onTranscript({ itemId: event.itemId, by: 'caller', text: event.transcript });
  }
}
