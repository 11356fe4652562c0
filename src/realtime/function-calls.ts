/** What becomes of the results: each call of `sendOutput` puts one on the wire. */
export interface FunctionCallActions {
  /** Whether no response is active or asked for: only then results go out. */
  isIdle(): boolean;
  /** Whether the caller hears something of a response. */
  hasSpoken(responseId: string): boolean;
  sendOutput(result: { callId: string; output: string }): void;
  /** All results of one response are on the wire: the model should speak about them. */
  requestResponse(): void;
  /** The server has every result that was put on the wire. */
  resultsSeen(): void;
}

/**
 * The result of one call. `respond` says whether the model shall speak about it; `unless-spoken`: if it said nothing with
 * the call; `at-once`: without waiting for the other calls of the same response.
 */
export interface FunctionResult {
  callId: string;
  output: string;
  respond: boolean | 'unless-spoken' | 'at-once';
}

/** What became of a result. Only `sent` and `held` ones reach the model. */
export type SubmitOutcome = 'sent' | 'held' | 'duplicate' | 'unknown';

/** Calls that are remembered, so that none is run or answered twice. */
const callsMax = 512;

interface Call {
  callId: string;
  /** Calls are numbered as they were announced. */
  order: number;
  batch: Batch;
  /** Undefined while it is awaited. */
  output: string | undefined;
  isSent: boolean;
  atOnce: boolean;
}

/** The calls of one response. */
interface Batch {
  responseId: string;
  responseOver: boolean;
  unsent: number;
  /** Somebody wants the model to speak when all results are there. */
  respond: boolean;
  respondUnlessSpoken: boolean;
}

/**
 * Keeps the API's rules for function results: none before the `response.done` of the response that made the call (the
 * server may not know the call yet, error `invalid_tool_call_id`), one per call, one `response.create` for all calls of
 * one response. None goes out while another response is active, and those that waited go in the order of their calls.
 */
export class FunctionCalls {
  readonly #actions: FunctionCallActions;
  readonly #calls = new Map<string, Call>();
  /** Batches whose response goes on or whose results are missing. */
  readonly #batches = new Map<string, Batch>();
  /** Calls whose results wait to be sent. */
  #ready: Call[] = [];
  /** Results that the server has not taken up yet. */
  readonly #unseen = new Set<string>();
  #announced = 0;

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
      batch = { responseId, responseOver, unsent: 0, respond: false, respondUnlessSpoken: false };
      this.#batches.set(responseId, batch);
    }
    batch.unsent += 1;
    this.#announced += 1;
    this.#calls.set(callId, { callId, order: this.#announced, batch, output: undefined, isSent: false, atOnce: false });
    if (this.#calls.size > callsMax) this.#forgetOldest();
    return true;
  }

  /** Results that are there at the same moment: what may go goes together, and one response answers it. */
  submit(results: readonly FunctionResult[]): SubmitOutcome[] {
    const submitted = results.map((result) => this.#accept(result));
    this.flush();
    return submitted.map((each) => (typeof each === 'string' ? each : each.isSent ? 'sent' : 'held'));
  }

  /** `response.done`, or another sign that the response is over: its results may go out. */
  responseOver(responseId: string): void {
    const batch = this.#batches.get(responseId);
    if (batch === undefined) return;
    batch.responseOver = true;
    this.flush();
  }

  /** Puts on the wire what waits and may go. */
  flush(): void {
    if (this.#ready.length === 0 || !this.#actions.isIdle()) return;
    const going = this.#ready.filter(({ batch }) => batch.responseOver).sort((one, other) => one.order - other.order);
    this.#ready = this.#ready.filter(({ batch }) => !batch.responseOver);
    for (const call of going) {
      call.isSent = true;
      call.batch.unsent -= 1;
      this.#unseen.add(call.callId);
      this.#actions.sendOutput({ callId: call.callId, output: call.output ?? '' });
    }
    const batches = new Set(going.map(({ batch }) => batch));
    const isSettled = [...batches].filter((batch) => this.#settle(batch)).length > 0;
    if (isSettled || going.some(({ atOnce }) => atOnce)) this.#actions.requestResponse();
  }

  /** The server has added the result of a call to the conversation. */
  seen(callId: string): void {
    if (this.#unseen.delete(callId) && this.#unseen.size === 0) this.#actions.resultsSeen();
  }

  #accept({ callId, output, respond }: FunctionResult): Call | 'unknown' | 'duplicate' {
    const call = this.#calls.get(callId);
    if (call === undefined) return 'unknown';
    if (call.output !== undefined) return 'duplicate';
    call.output = output;
    call.atOnce = respond === 'at-once';
    call.batch.respond ||= respond === true;
    call.batch.respondUnlessSpoken ||= respond === 'unless-spoken';
    this.#ready.push(call);
    return call;
  }

  /** True when the batch has all its results on the wire, and now wants an answer. */
  #settle(batch: Batch): boolean {
    if (batch.unsent > 0 || !batch.responseOver) return false;
    this.#batches.delete(batch.responseId);
    const isSilent = batch.respondUnlessSpoken && !this.#actions.hasSpoken(batch.responseId);
    return batch.respond || isSilent;
  }

  #forgetOldest(): void {
    for (const [callId, call] of this.#calls) {
      this.#calls.delete(callId);
      this.#unseen.delete(callId);
      if (!call.isSent) {
        // Nobody can answer it any more: the rest of its batch must not wait for it.
        this.#ready = this.#ready.filter((ready) => ready !== call);
        call.batch.unsent -= 1;
        if (this.#settle(call.batch)) this.#actions.requestResponse();
      }
      return;
    }
  }
}
