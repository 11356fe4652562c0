import type { Child, ChildListener } from '../../src/workers/fork-worker';
import type { FromWorker, ToWorker } from '../../src/workers/messages';

/** A worker process that the test plays. */
export class FakeChild implements Child {
  readonly pid: number;
  readonly received: ToWorker[] = [];
  killed = false;
  readonly #listener: ChildListener;
  #gone = false;

  constructor(listener: ChildListener, pid: number) {
    this.#listener = listener;
    this.pid = pid;
  }

  send(message: ToWorker): void {
    if (!this.#gone) this.received.push(message);
  }

  /** The system needs a moment, in which the process may still be heard of. */
  kill(): void {
    this.killed = true;
  }

  say(message: FromWorker): void {
    this.#listener.onMessage(structuredClone(message));
  }

  sayNonsense(message: unknown): void {
    this.#listener.onMessage(message);
  }

  /** Comes up with the plan that it was sent. */
  come(): void {
    this.say({ kind: 'ready', model: 'simulator', planHash: this.start.plan.hash });
  }

  get start() {
    const [first] = this.received;
    if (first?.kind !== 'start') throw new Error('the first message must be the start');
    return first.start;
  }

  kinds(): string[] {
    return this.received.map(({ kind }) => kind);
  }

  go(how = 'exit code 1'): void {
    this.#gone = true;
    this.#listener.onGone(how);
  }
}
