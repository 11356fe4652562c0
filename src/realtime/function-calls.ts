/** What becomes of the results: each call of `sendOutput` puts one on the wire. */
export interface FunctionCallActions {
  sendOutput(result: { callId: string; output: string }): void;
  /** All results of one response are on the wire: the model should speak about them. */
  requestResponse(): void;
}

/** What became of a result. Only `sent` and `held` ones reach the model. */
export type SubmitOutcome = 'sent' | 'held' | 'duplicate' | 'unknown';

/** Calls that are remembered, so that none is run or answered twice. */
const callsMax = 512;

interface Call {
  batch: Batch;
  answered: boolean;
}

/** The calls of one response. */
interface Batch {
  responseId: string;
  responseOver: boolean;
  unanswered: number;
  /** Somebody wants the model to speak when all results are there. */
  respond: boolean;
  /** Results that came before the response was over. */
  held: { callId: string; output: string }[];
}

/**
 * Keeps the API's rules for function results: none before the `response.done` of the response that made the call (the
 * server may not know the call yet, error `invalid_tool_call_id`), one per call, one `response.create` for all calls of
 * one response.
 */
export class FunctionCalls {
  readonly #actions: FunctionCallActions;
  readonly #calls = new Map<string, Call>();
  /** Batches whose response goes on or whose results are missing. */
  readonly #batches = new Map<string, Batch>();

  constructor(actions: FunctionCallActions) {
    this.#actions = actions;
  }

  /** A call was announced. False when it was announced before: then it must not be run again. */
  announce({
    callId,
    responseId,
    responseOver,
  }: {
    callId: string;
    responseId: string;
    responseOver: boolean;
  }): boolean {
    if (this.#calls.has(callId)) return false;
    let batch = this.#batches.get(responseId);
    if (batch === undefined) {
      batch = { responseId, responseOver, unanswered: 0, respond: false, held: [] };
      this.#batches.set(responseId, batch);
    }
    batch.unanswered += 1;
    this.#calls.set(callId, { batch, answered: false });
    if (this.#calls.size > callsMax) this.#forgetOldest();
    return true;
  }

  submit({ callId, output, respond }: { callId: string; output: string; respond: boolean }): SubmitOutcome {
    const call = this.#calls.get(callId);
    if (call === undefined) return 'unknown';
    if (call.answered) return 'duplicate';
    const { batch } = call;
    call.answered = true;
    batch.unanswered -= 1;
    batch.respond ||= respond;
    if (!batch.responseOver) {
      batch.held.push({ callId, output });
      return 'held';
    }
    this.#actions.sendOutput({ callId, output });
    this.#settle(batch);
    return 'sent';
  }

  /** `response.done`, or another sign that the response is over: what was held goes out. */
  responseOver(responseId: string): void {
    const batch = this.#batches.get(responseId);
    if (batch === undefined || batch.responseOver) return;
    batch.responseOver = true;
    for (const result of batch.held) this.#actions.sendOutput(result);
    batch.held = [];
    this.#settle(batch);
  }

  #settle(batch: Batch): void {
    if (batch.unanswered > 0) return;
    this.#batches.delete(batch.responseId);
    if (batch.respond) this.#actions.requestResponse();
  }

  #forgetOldest(): void {
    for (const [callId, { batch, answered }] of this.#calls) {
      this.#calls.delete(callId);
      if (!answered) {
        // Nobody can answer it any more: the rest of its batch must not wait for it.
        batch.unanswered -= 1;
        if (batch.responseOver) this.#settle(batch);
      }
      return;
    }
  }
}
