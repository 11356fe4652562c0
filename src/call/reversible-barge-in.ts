import type { Clock, Timer } from '../runtime/clock';

export interface BargeInHost {
  /** The caller's line carries a voice now. */
  isCallerAudible(): boolean;
  /** Silences the agent, within a frame, so that it can go on at the same sample. */
  hold(): void;
  resume(): void;
  interrupt(): void;
  /** This turn of the caller said nothing. */
  murmur(itemId: string): void;
}

/** After a murmur the same turn goes on with another voice: that one is meant. Looked at this often. */
const secondLookMs = 100;

//  idle ─▶ deciding ─▶ interrupted ─▶ idle      (the voice goes on until the decision)
//                  └─▶ murmured ─▶ idle         (it did not; when it comes back in the same turn: interrupted)
type State =
  | { kind: 'idle' }
  | { kind: 'deciding'; itemId: string; timer: Timer }
  | { kind: 'interrupted'; itemId: string }
  | { kind: 'murmured'; itemId: string; timer: Timer };

/**
 * On speech the agent falls silent at once; after the decision time it either gives way, because the caller still
 * speaks, or goes on where it stopped, because that was only a murmur ("uh-huh", a cough).
 */
export class ReversibleBargeIn {
  readonly #clock: Clock;
  readonly #decideAfterMs: number;
  readonly #host: BargeInHost;
  #state: State = { kind: 'idle' };

  constructor({ clock, decideAfterMs, host }: { clock: Clock; decideAfterMs: number; host: BargeInHost }) {
    this.#clock = clock;
    this.#decideAfterMs = decideAfterMs;
    this.#host = host;
  }

  /** `speech_started` while the agent is busy. */
  speechStarted(itemId: string): void {
    this.#stopTimer();
    this.#host.hold();
    const timer = this.#clock.setTimer(this.#decideAfterMs, () => this.#decide(itemId));
    this.#state = { kind: 'deciding', itemId, timer };
  }

  /** What the turn was. One that ends before the decision was short. */
  speechStopped(itemId: string): 'murmur' | 'turn' {
    const state = this.#state;
    if (state.kind === 'idle' || state.itemId !== itemId) return 'turn';
    this.#stopTimer();
    this.#state = { kind: 'idle' };
    switch (state.kind) {
      case 'deciding':
        this.#host.resume();
        this.#host.murmur(itemId);
        return 'murmur';
      case 'murmured':
        this.#host.murmur(itemId);
        return 'murmur';
      case 'interrupted':
        return 'turn';
    }
  }

  /** The turn will not be told of any more. */
  forget(): void {
    if (this.#state.kind === 'deciding') this.#host.resume();
    this.close();
  }

  /** Twice is fine. */
  close(): void {
    this.#stopTimer();
    this.#state = { kind: 'idle' };
  }

  #decide(itemId: string): void {
    if (this.#host.isCallerAudible()) {
      this.#interrupt(itemId);
      return;
    }
    this.#host.resume();
    this.#lookAgain(itemId);
  }

  #lookAgain(itemId: string): void {
    const timer = this.#clock.setTimer(secondLookMs, () => {
      if (this.#host.isCallerAudible()) this.#interrupt(itemId);
      else this.#lookAgain(itemId);
    });
    this.#state = { kind: 'murmured', itemId, timer };
  }

  #interrupt(itemId: string): void {
    this.#state = { kind: 'interrupted', itemId };
    this.#host.interrupt();
  }

  #stopTimer(): void {
    if (this.#state.kind === 'deciding' || this.#state.kind === 'murmured') this.#state.timer.cancel();
  }
}
