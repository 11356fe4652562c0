import type { Clock } from '../runtime/clock';

const failuresMax = 5;
const windowMs = 30_000;
const openMs = 15_000;

//  closed ─▶ open ─▶ probing ─▶ closed      probing may go back to open
type State = { state: 'closed' } | { state: 'open'; untilMs: number } | { state: 'probing' };

/** What one try may tell the breaker; only the first word counts. */
export interface Attempt {
  succeeded(): void;
  failed(): void;
  /** Given up for a reason that says nothing about the service. */
  abandoned(): void;
}

/**
 * Spares a service that fails, and callers the wait for it: after 5 failures within 30 s it is not asked for 15 s; then
 * one request tries, and its outcome decides.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  #state: State = { state: 'closed' };
  #failedAtMs: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#state.state !== 'closed';
  }

  /** Undefined when the service is not to be asked now. */
  attempt(): Attempt | undefined {
    const { state } = this.#state;
    if (state === 'probing') return undefined;
    if (this.#state.state === 'open') {
      if (this.#clock.now() < this.#state.untilMs) return undefined;
      this.#state = { state: 'probing' };
    }
    const isProbe = this.#state.state === 'probing';
    let told = false;
    const once = (tell: () => void) => () => {
      if (!told) tell();
      told = true;
    };
    return {
      succeeded: once(() => this.#succeeded(isProbe)),
      failed: once(() => this.#failed(isProbe)),
      abandoned: once(() => this.#abandoned(isProbe)),
    };
  }

  #succeeded(isProbe: boolean): void {
    if (!isProbe) return;
    this.#state = { state: 'closed' };
    this.#failedAtMs = [];
  }

  #failed(isProbe: boolean): void {
    const nowMs = this.#clock.now();
    this.#failedAtMs = [...this.#failedAtMs.filter((atMs) => atMs > nowMs - windowMs), nowMs].slice(-failuresMax);
    const isTooMany = this.#state.state === 'closed' && this.#failedAtMs.length >= failuresMax;
    if (isProbe || isTooMany) this.#state = { state: 'open', untilMs: nowMs + openMs };
  }

  /** The next request may try again. */
  #abandoned(isProbe: boolean): void {
    if (isProbe) this.#state = { state: 'open', untilMs: this.#clock.now() };
  }
}
