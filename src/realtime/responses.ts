import type { Clock } from '../runtime/clock';
import { AgentAudio } from './agent-audio';
import type { AudioFormat } from './agent-schema';
import { toolOutputCreate, type ClientEvent } from './client-events';
import { FunctionCalls, type FunctionResult, type SubmitOutcome } from './function-calls';
import { RecentIds } from './recent-ids';
import { ResponseSequencer, type ResponseRequest } from './response-sequencer';
import type { CompletedCall, FinishedFacts, ResponseContent, ResponseFacts, ServerError } from './server-events';
import { fatalErrorOf, printableMessage, type FatalError } from './session-end';
import type { ItemContent, RealtimeSessionListener, RequestedResponse, ResponseDone } from './session-listener';

/** What the session lends to its responses. */
export interface ResponsesHost {
  /** False once the session closes: the listener then hears no more. */
  isOpen(): boolean;
  nextEventId(): string;
  send(event: ClientEvent): void;
  /** A response failed with an error that ends the session. */
  onFatalError(fatal: FatalError): void;
}

/**
 * What the model does in answer: which response is the one that is heard, its audio, its function calls, its end. Of
 * responses that were cancelled, are over, or are not of this conversation nothing is played.
 */
export class Responses {
  readonly #host: ResponsesHost;
  readonly #listener: RealtimeSessionListener;
  readonly #sequencer: ResponseSequencer;
  readonly #functionCalls: FunctionCalls;
  readonly #audio: AgentAudio;
  /** Responses of which the caller hears something. */
  readonly #spoken = new RecentIds(64);
  /** Audio and calls of responses that nobody follows (any more). */
  eventsStale = 0;

  constructor(options: { clock: Clock; format: AudioFormat; listener: RealtimeSessionListener; host: ResponsesHost }) {
    const { clock, format, host, listener } = options;
    this.#host = host;
    this.#listener = listener;
    this.#audio = new AgentAudio(format);
    this.#sequencer = new ResponseSequencer({
      clock,
      actions: {
        nextEventId: () => host.nextEventId(),
        send: (event) => host.send(event),
        onStarted: (responseId, request) => listener.onResponseStarted({ responseId, request: asked(request) }),
        onAnswerToResultsAsked: () => listener.onAnswerToResultsAsked(),
        onAbandoned: ({ responseId, reason }) =>
          this.#finish({ responseId, status: 'failed', reason, usage: undefined }),
        onFailed: ({ code, message }) => listener.onError({ code, message: printableMessage({ code, message }) }),
        onIdle: () => this.#functionCalls.flush(),
      },
    });
    this.#functionCalls = new FunctionCalls({
      isIdle: () => this.#sequencer.isIdle(),
      hasSpoken: (responseId) => this.#spoken.has(responseId),
      sendOutput: (result) => host.send(toolOutputCreate(host.nextEventId(), result)),
      requestResponse: () =>
        void this.#sequencer.request({ instructions: undefined, metadata: {}, origin: 'tool-results' }),
      resultsSeen: () => this.#sequencer.resultsSeen(),
    });
  }

  /** The session is configured: responses may be asked for. */
  start(): void {
    this.#sequencer.start();
  }

  request(request: { instructions: string | undefined; metadata: Readonly<Record<string, string>> }): void {
    this.#sequencer.request({ ...request, origin: 'asked' });
  }

  /** Says something only if nothing else is being said, asked for or awaited, and calls no tools; else false. */
  remark(request: { instructions: string; metadata: Readonly<Record<string, string>> }): boolean {
    return this.#sequencer.request({ ...request, origin: 'passing' });
  }

  /** Calls of a session before this one: results may be submitted for them. */
  adoptCalls(callIds: readonly string[]): void {
    for (const callId of callIds) {
      this.#functionCalls.announce({ callId, responseId: `adopted ${callId}`, responseOver: true });
    }
  }

  /** The server has added a function result to the conversation. */
  resultSeen(callId: string): void {
    this.#functionCalls.seen(callId);
  }

  cancel(): void {
    this.#sequencer.cancel();
  }

  callerSpeaks(how: { interrupts: boolean }): void {
    this.#sequencer.callerSpeaks(how);
  }

  callerStopped(how: { answered: boolean }): void {
    this.#sequencer.callerStopped(how);
  }

  refuseNext(): void {
    this.#sequencer.refuseNext();
  }

  submit(results: readonly FunctionResult[]): SubmitOutcome[] {
    return this.#functionCalls.submit(results);
  }

  /** Whole milliseconds of audio that were received; undefined for a content without audio. */
  receivedMs(content: ItemContent): number | undefined {
    return this.#audio.receivedMs(content);
  }

  /** An event was dealt with: perhaps the next response may go out. */
  sendNext(): void {
    this.#sequencer.sendNext();
  }

  /** Nothing is asked for or goes on. */
  get isIdle(): boolean {
    return this.#sequencer.isIdle();
  }

  /** Cancels everything, and asks for nothing more. */
  stop(): void {
    this.#sequencer.stop();
  }

  close(): void {
    this.#sequencer.close();
  }

  // The events.

  created(response: ResponseFacts): void {
    this.#sequencer.created(response);
  }

  audioDelta(delta: ResponseContent & { audio: Buffer }): void {
    if (this.#sequencer.follow(delta.responseId) !== 'active') {
      this.eventsStale += 1;
      return;
    }
    const samples = this.#audio.decode(delta);
    if (samples === undefined || !this.#host.isOpen()) return;
    const { responseId, itemId, contentIndex } = delta;
    this.#spoken.add(responseId);
    this.#listener.onAudio({ responseId, itemId, contentIndex, samples });
  }

  audioDone({ responseId, itemId, contentIndex }: ResponseContent): void {
    if (this.#audio.finish({ itemId, contentIndex })) this.#listener.onAudioDone({ responseId, itemId, contentIndex });
  }

  transcriptDone({ responseId, itemId, transcript }: ResponseContent & { transcript: string }): void {
    if (transcript === '' || !this.#isOfConversation(responseId)) return;
    this.#listener.onTranscript({ itemId, by: 'agent', text: transcript });
  }

  textDone(responseId: string): void {
    if (!this.#isOfConversation(responseId)) return;
    const message = 'the model answered in text: the caller hears nothing';
    this.#listener.onError({ code: 'text_only_answer', message });
  }

  /** Announced once by the session although the API tells each call four times: this is the last safe and first whole one. */
  callDone({ responseId, call }: { responseId: string; call: CompletedCall }): void {
    if (!this.#isOfConversation(responseId)) {
      this.eventsStale += 1;
      return;
    }
    const responseOver = this.#sequencer.follow(responseId) === 'over';
    const isNew = this.#functionCalls.announce({ callId: call.callId, responseId, responseOver });
    if (isNew) this.#listener.onFunctionCall({ ...call, responseId });
  }

  done(response: ResponseFacts & FinishedFacts): void {
    if (!this.#sequencer.done(response)) return;
    const { responseId, status, reason, usage, error } = response;
    this.#finish({
      responseId,
      status,
      reason,
      ...(error === undefined ? {} : { message: printableMessage(error) }),
      usage,
    });
    const fatal = error && fatalErrorOf(error);
    if (fatal !== undefined) this.#host.onFatalError(fatal);
  }

  /** True when the error answers our `response.create`; the listener was told if that response will not come. */
  refused(error: ServerError): boolean {
    return this.#sequencer.refused(error);
  }

  #finish(done: ResponseDone): void {
    for (const { responseId, itemId, contentIndex } of this.#audio.finishResponse(done.responseId)) {
      if (this.#host.isOpen()) this.#listener.onAudioDone({ responseId, itemId, contentIndex });
    }
    this.#functionCalls.responseOver(done.responseId);
    if (this.#host.isOpen()) this.#listener.onResponseDone(done);
  }

  #isOfConversation(responseId: string): boolean {
    const phase = this.#sequencer.follow(responseId);
    return phase !== 'out-of-band' && phase !== 'stale';
  }
}

/** Answers to tool results are nobody's request: the listener did not ask for them by itself. */
function asked(request: ResponseRequest | undefined): RequestedResponse | undefined {
  if (request?.origin !== 'asked') return undefined;
  return { instructions: request.instructions, metadata: request.metadata };
}
