import type { CallEvent, CallObserver, CallSnapshot } from '../call/call-observer';
import type { Clock } from '../runtime/clock';
import { callEndRecord, callStartRecord } from './call-record';
import type { Journal } from './journal';

/** Calls that have ended are remembered this far back, against a second end. */
const endedMax = 10_000;

/** Writes what remains of each call: its start before the 200 OK, its end exactly once. */
export class RecordCalls implements CallObserver {
  readonly #journal: Pick<Journal, 'append'>;
  readonly #clock: Clock;
  readonly #ended = new Set<string>();

  constructor({ journal, clock }: { journal: Pick<Journal, 'append'>; clock: Clock }) {
    this.#journal = journal;
    this.#clock = clock;
  }

  onCallEvent(event: CallEvent, snapshot: CallSnapshot): void {
    const atMs = this.#clock.wallTimeMs();
    if (event.kind === 'state' && event.to === 'answering') {
      this.#journal.append(callStartRecord(snapshot, { atMs }), { durable: false });
    } else if (event.kind === 'ended' && this.#isFirstEnd(snapshot.callId)) {
      this.#journal.append(callEndRecord(snapshot, { atMs }), { durable: true });
    }
  }

  #isFirstEnd(callId: string): boolean {
    if (this.#ended.has(callId)) return false;
    this.#ended.add(callId);
    const [oldest] = this.#ended;
    if (this.#ended.size > endedMax && oldest !== undefined) this.#ended.delete(oldest);
    return true;
  }
}
