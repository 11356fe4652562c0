import type { Clock, Timer } from '../runtime/clock';
import type { AgentVoice } from './agent-voice';
import type { EndReason } from './end-reason';

/** What follows when the caller has heard everything. */
export type Following =
  | EndReason
  | { kind: 'transfer'; destination: string; callId: string | undefined }
  /** Another agent takes over. */
  | { kind: 'handoff' };

/** Something that waits until the caller has heard everything: the end of the call, or a transfer. */
export interface PendingEnd {
  reason: Following;
  /** The tool calls that asked for it; none when we did. */
  callIds: readonly string[];
  /** Of the last of them: it may still have words to come. */
  responseId: string | undefined;
}

/** Phones hold some frames in their own buffer and drop them at a BYE: let the last words out. */
const hangUpTailMs = 200;

/** How long a goodbye may make no progress towards the caller's ear. */
const hangUpPatienceMs = 5_000;

/** Ends the call, transfers it or hands it over, when the caller has heard the last words, and also when nothing of them gets through. */
export class Farewell {
  readonly #clock: Clock;
  readonly #voice: AgentVoice;
  readonly #follow: (what: Following) => void;
  #pending: PendingEnd | undefined;
  #timer: Timer | undefined;

  /** `follow` does what was waited for. */
  constructor({ clock, voice, follow }: { clock: Clock; voice: AgentVoice; follow: (what: Following) => void }) {
    this.#clock = clock;
    this.#voice = voice;
    this.#follow = follow;
  }

  get pending(): PendingEnd | undefined {
    return this.#pending;
  }

  /** The call ends as soon as what was received is heard: the model has nothing to add. */
  get isWhole(): boolean {
    const responseId = this.#pending?.responseId;
    return responseId !== undefined && !this.#voice.isResponding(responseId);
  }

  begin(pending: PendingEnd): void {
    this.#pending = pending;
    this.#endWhenStuck(pending.reason);
    this.endIfHeard();
  }

  /** To be asked whenever something was heard, or a response is over. */
  endIfHeard(): void {
    const pending = this.#pending;
    if (pending === undefined || !this.#voice.isHeard) return;
    if (pending.responseId !== undefined && this.#voice.isResponding(pending.responseId)) return;
    const isHandoff = pending.reason.kind === 'handoff';
    if (isHandoff && this.#voice.isRespondingAtAll) return;
    this.#timer?.cancel();
    // Whoever takes over plays into the same line: nothing is cut off.
    this.#timer = this.#clock.setTimer(isHandoff ? 0 : hangUpTailMs, () => this.#end(pending.reason));
  }

  /** The call goes on; returns what had been pending. Twice is fine. */
  cancel(): PendingEnd | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#timer?.cancel();
    return pending;
  }

  /** A leg that no longer pulls (hold) must not keep a finished call: without any progress the call ends unheard. */
  #endWhenStuck(reason: Following): void {
    const { queuedMs } = this.#voice.playout;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(hangUpPatienceMs, () => {
      if (this.#voice.playout.queuedMs !== queuedMs) this.#endWhenStuck(reason);
      else this.#end(reason);
    });
  }

  #end(what: Following): void {
    this.#pending = undefined;
    this.#follow(what);
  }
}
