import type { RequestedResponse, ResponseDone } from '../realtime/session-listener';
import type { Clock, Timer } from '../runtime/clock';

export interface GoodbyeHost {
  ask(request: { instructions: string; metadata: Readonly<Record<string, string>> }): void;
  /** The call ends when this response was heard. */
  endAfter(responseId: string): void;
  /** The model does not say it: a recording does. */
  sayRecorded(): void;
}

/** A model that has not begun to say goodbye by then is not waited for. */
const beginMsMax = 5_000;
const purpose = 'idle-goodbye';

//  none ─▶ asked ─▶ begun ─▶ none
type State = { kind: 'none' } | { kind: 'asked'; timer: Timer } | { kind: 'begun'; responseId: string };

/** A goodbye in the model's own words, at which the call ends; a recording says it when the model does not. */
export class ModelGoodbye {
  readonly #clock: Clock;
  readonly #host: GoodbyeHost;
  #state: State = { kind: 'none' };

  constructor({ clock, host }: { clock: Clock; host: GoodbyeHost }) {
    this.#clock = clock;
    this.#host = host;
  }

  ask(instructions: string): void {
    this.cancel();
    const timer = this.#clock.setTimer(beginMsMax, () => this.#giveUp());
    this.#state = { kind: 'asked', timer };
    this.#host.ask({ instructions, metadata: { purpose } });
  }

  responseStarted(responseId: string, request: RequestedResponse | undefined): void {
    if (this.#state.kind !== 'asked' || request?.metadata['purpose'] !== purpose) return;
    this.#state.timer.cancel();
    this.#state = { kind: 'begun', responseId };
    this.#host.endAfter(responseId);
  }

  responseDone({ responseId, status }: ResponseDone): void {
    if (this.#state.kind !== 'begun' || this.#state.responseId !== responseId) return;
    if (status === 'completed') this.#state = { kind: 'none' };
    else this.#giveUp();
  }

  /** The caller is there after all. Twice is fine. */
  cancel(): void {
    if (this.#state.kind === 'asked') this.#state.timer.cancel();
    this.#state = { kind: 'none' };
  }

  #giveUp(): void {
    this.cancel();
    this.#host.sayRecorded();
  }
}
