import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import type { Recording } from '../audio/recording';
import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import { AppendBuffer } from './append-buffer';
import { formatsOf } from './agent-schema';
import { rateHzOf } from './audio-format';
import { CallerTurns } from './caller-turns';
import {
  itemCreate,
  itemDelete,
  itemTruncate,
  speechItemCreate,
  textItem,
  type ClientEvent,
  type CreatedItem,
  type Truncation,
} from './client-events';
import { EventChannel } from './event-channel';
import type { FunctionResult } from './function-calls';
import type { ConnectionClosed } from './model-connection';
import { RecentIds } from './recent-ids';
import { Responses, type ResponsesHost } from './responses';
import type { ServerError, ServerEvent, SessionFacts } from './server-events';
import { endOfConnection, fatalErrorOf, isBenign, printableMessage } from './session-end';
import { takeEvent, type SessionParts } from './session-events';
import type { RealtimeSessionListener, SessionEnded } from './session-listener';
import type { RealtimeSessionOptions, SessionStats } from './session-options';
import { Retirement } from './session-retirement';
import { SessionSetup, type SessionAgent } from './session-setup';
import type { UpdateAnswer } from './session-updates';

/** The API's maximum session, for servers that do not tell `expires_at`. */
const sessionLengthMs = 3_600_000;
/** A 1001 this close to the end is the end. */
const expiryToleranceMs = 5_000;

/**
 * One conversation with a Realtime model over one connection: our configuration, the caller's audio up, the model's
 * audio and wishes down. It holds to the API's rules so that the call need not know them: one response at a time,
 * truncation within what was received, function results once and in time.
 *
 * Before `onReady` and after `close` the methods that send do nothing, except that responses asked for early wait.
 */
export class RealtimeSession {
  /** Of the caller's frames. */
  readonly inputRateHz: SampleRateHz;
  /** Of the agent's audio. */
  readonly outputRateHz: SampleRateHz;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listener: RealtimeSessionListener;
  readonly #setup: SessionSetup;
  readonly #channel: EventChannel;
  readonly #callerTurns: CallerTurns;
  readonly #responses: Responses;
  readonly #appendBuffer: AppendBuffer;
  readonly #parts: SessionParts;
  readonly #unknownNames = new RecentIds(32);
  readonly #counts = {
    eventsUnknown: 0,
    errorsBenign: 0,
    framesUnsendable: 0,
  };
  readonly #retirement: Retirement;
  /** The server has agreed to our configuration. */
  #isConfigured = false;

  /** Connects; all that follows is told to the listener, and never before this has returned. */
  static open(options: RealtimeSessionOptions): RealtimeSession {
    return new RealtimeSession(options);
  }

  private constructor(options: RealtimeSessionOptions) {
    const { agent, clock } = options;
    const formats = formatsOf(agent);
    this.inputRateHz = rateHzOf[formats.input];
    this.outputRateHz = rateHzOf[formats.output];
    this.#clock = clock;
    this.#logger = options.logger;
    this.#listener = options.listener;
    this.#retirement = new Retirement({ clock, onLimit: () => this.close() });
    this.#setup = new SessionSetup({
      agent,
      tools: options.tools,
      model: options.endpoint.model,
      send: (session) => this.#sendUpdate(session),
    });
    this.#appendBuffer = new AppendBuffer({
      format: formats.input,
      framesPerAppend: options.framesPerAppend ?? 1,
    });
    this.#callerTurns = new CallerTurns({
      listener: options.listener,
      hasIdleTimeout: () => this.#setup.hasIdleTimeout,
      deleteItem: (itemId) => this.deleteItem(itemId),
    });
    this.#responses = new Responses({
      clock,
      format: formats.output,
      listener: options.listener,
      host: this.#responsesHost(),
    });
    this.#parts = {
      setup: this.#setup,
      responses: this.#responses,
      callerTurns: this.#callerTurns,
      listener: options.listener,
      onConfigured: (session) => this.#onConfigured(session),
      onError: (error) => this.#onErrorEvent(error),
      onUnknown: (name) => this.#onUnknown(name),
    };
    this.#channel = new EventChannel({
      ...options,
      listener: {
        onOpen: () => this.#onOpen(),
        onEvent: (event) => this.#onEvent(event),
        onClosing: () => this.#stop(),
        onClosed: (closed, known) => this.#onClosed(closed, known),
      },
    });
  }

  /** 20 ms of the caller at `inputRateHz`. Must not be kept: the frame is copied. */
  appendAudio(frame: PcmFrame): void {
    if (this.#isReady) this.#appendBuffer.push(frame, this.#channel.connection);
    else this.#counts.framesUnsendable += 1;
  }

  /**
   * Makes the model speak, as soon as no other response is active. `instructions` replace the agent's for this once;
   * `metadata` (at most 15 pairs) comes back with the response in the API's logs.
   */
  createResponse(request: { instructions?: string; metadata?: Readonly<Record<string, string>> } = {}): void {
    if (this.#channel.isOver) return;
    this.#responses.request({ instructions: request.instructions, metadata: request.metadata ?? {} });
  }

  /**
   * Makes the model say something in passing: only if nothing is being said, asked for or awaited, else it is dropped and
   * false is returned. It calls no tools.
   */
  remark(request: { instructions: string; metadata: Readonly<Record<string, string>> }): boolean {
    return this.#channel.isOpen && this.#responses.remark(request);
  }

  /**
   * Tells the session that another language (ISO 639-1) is spoken from now on, in its instructions and transcription as
   * far as the agent has them. Resolves with false when nothing could be told or the server refused.
   */
  setLanguage(language: string): Promise<boolean> {
    return this.#isReady ? this.#setup.setLanguage(language) : Promise.resolve(false);
  }

  /** Stops the response that is active or asked for, if any; from now on none of its audio is passed on. */
  cancelResponse(): void {
    this.#responses.cancel();
  }

  /**
   * Tells the model that only the first `audioEndMs` of a content were heard (`conversation.item.truncate`); more than
   * was received is cut to that. Returns what was sent; undefined when there was nothing to truncate.
   */
  truncate({ itemId, contentIndex, audioEndMs }: Truncation): number | undefined {
    const receivedMs = this.#responses.receivedMs({ itemId, contentIndex });
    if (receivedMs === undefined || !this.#channel.isOpen) return undefined;
    const heardMs = Math.max(0, Math.min(Math.floor(audioEndMs), receivedMs));
    this.#channel.send(itemTruncate(this.#channel.nextEventId(), { itemId, contentIndex, audioEndMs: heardMs }));
    return heardMs;
  }

  /** Whether the model of this session made the sound of an item. */
  hasMade(itemId: string): boolean {
    return this.#responses.receivedMs({ itemId, contentIndex: 0 }) !== undefined;
  }

  /** Takes an item out of the conversation (`conversation.item.delete`). */
  deleteItem(itemId: string): void {
    this.#channel.send(itemDelete(this.#channel.nextEventId(), itemId));
  }

  /** A turn of the caller that says nothing: it leaves the conversation, and its transcript is not told. */
  discardTurn(itemId: string): void {
    this.#callerTurns.discard(itemId);
  }

  /** The caller's turn has not ended, and is not waited for any longer: what was asked for goes out. */
  callerStopped(): void {
    this.#responses.callerStopped({ answered: false });
    this.#responses.sendNext();
  }

  /** Cancels the response that turn detection is about to make. */
  refuseNextResponse(): void {
    this.#responses.refuseNext();
  }

  /** Sets the idle timeout of `server_vad` anew; undefined switches it off. Other turn detections have none. */
  setIdleTimeout(idleTimeoutMs: number | undefined): void {
    this.#setup.setIdleTimeout(idleTimeoutMs);
  }

  /** The model has been heard, or may have been: its voice cannot change any more. */
  get hasSpoken(): boolean {
    return this.#setup.hasSpoken;
  }

  /**
   * Another agent speaks in this session from now on (`session.update`): its instructions, tools and ways of listening,
   * and its voice while the model has not spoken. `whyNewSession` says what cannot be changed. `answered` is told whether
   * the server agrees, before anything that the server says after that.
   */
  takeOver(next: SessionAgent, answered: (answer: UpdateAnswer) => void): void {
    if (this.#isReady) this.#setup.takeOver(next, { maySetVoice: !this.hasSpoken }, answered);
    else answered('lost');
  }

  /**
   * What was said before this session began. `openCalls` are function calls among the items that have no result yet:
   * it may be submitted like that of a call which was made here.
   */
  adoptConversation({ items, openCalls }: { items: readonly CreatedItem[]; openCalls: readonly string[] }): void {
    for (const item of items) this.#channel.send(itemCreate(this.#channel.nextEventId(), item));
    this.#responses.adoptCalls(openCalls);
  }

  /** Makes a turn of what was appended since the last one, when no turn detection does. It needs at least 100 ms. */
  commitInput(): void {
    this.#channel.send({ type: 'input_audio_buffer.commit', event_id: this.#channel.nextEventId() });
  }

  /** Throws away what was appended since the last turn. */
  clearInput(): void {
    this.#channel.send({ type: 'input_audio_buffer.clear', event_id: this.#channel.nextEventId() });
  }

  /** Adds a text to the conversation; by itself it makes the model say nothing. */
  createItem(item: { role: 'user' | 'system'; text: string }): void {
    this.#channel.send(itemCreate(this.#channel.nextEventId(), textItem(item)));
  }

  /** Adds speech that is no turn of the caller, under a text that says whose it is. */
  createSpeechItem({ text, speech }: { text: string; speech: Recording }): void {
    if (!this.#channel.isOpen) return;
    const audio = this.#appendBuffer.encodeBeside(speech);
    this.#channel.send(speechItemCreate(this.#channel.nextEventId(), { text, audio }));
  }

  /** One result, as `submitToolResults` takes several. Returns whether the model gets it. */
  submitToolResult({ respond = true, ...result }: Omit<FunctionResult, 'respond'> & Partial<FunctionResult>): boolean {
    return this.submitToolResults([{ ...result, respond }]).every((isTaken) => isTaken);
  }

  /**
   * Results of function calls, usually JSON texts, that are there at the same moment. A result goes out when the response
   * that made the call is over and no other is active, only once per call; when all calls of that response have one, the
   * model is asked to speak as soon as the caller does not, unless all said `respond: false` (or `unless-spoken`, and it
   * had said something with the call). Returns, for each, whether the model gets it.
   */
  submitToolResults(results: readonly FunctionResult[]): boolean[] {
    if (!this.#channel.isOpen) return results.map(() => false);
    return this.#responses.submit(results).map((outcome, index) => {
      const isTaken = outcome === 'sent' || outcome === 'held';
      if (!isTaken) {
        this.#logger.warn({ functionCallId: results[index]?.callId, outcome }, 'discarded a function result');
      }
      return isTaken;
    });
  }

  get stats(): SessionStats {
    const { framesUnsendable, ...counts } = this.#counts;
    return {
      ...this.#channel.stats,
      ...counts,
      eventsStale: this.#responses.eventsStale,
      framesAppended: this.#appendBuffer.framesAppended,
      framesDropped: this.#appendBuffer.framesDropped + framesUnsendable,
    };
  }

  /**
   * Nothing more is wanted of it. It closes as soon as it has told the usage of a response that goes on or was asked for, which
   * is cancelled; without one at once, and after 2 s at most. `onOver` runs when it tells nothing more: before this returns,
   * if that is so already. Twice is fine.
   */
  retire(onOver: () => void = () => undefined): void {
    this.#retirement.whenOver(onOver);
    if (!this.#retirement.begin()) return;
    this.#responses.stop();
    this.#closeWhenIdle();
  }

  /** Ends the session: no listener method but `onEnded` is called afterwards. Twice is fine. */
  close(): void {
    this.#channel.close({ kind: 'closed' });
  }

  // The channel.

  #onOpen(): void {
    this.#setup.expiresAtMs = this.#clock.wallTimeMs() + sessionLengthMs;
    // Before `session.created` has come: it saves a round trip, and the server takes events in order.
    this.#setup.begin();
  }

  #onEvent(event: ServerEvent): void {
    takeEvent(event, this.#parts);
    this.#responses.sendNext();
    if (this.#retirement.isUnderWay) this.#closeWhenIdle();
  }

  #onClosed(closed: ConnectionClosed, known: SessionEnded | undefined): void {
    this.#stop();
    this.#setup.close();
    const { expiresAtMs } = this.#setup;
    const sessionIsOld = expiresAtMs !== undefined && this.#clock.wallTimeMs() >= expiresAtMs - expiryToleranceMs;
    const ended = known ?? endOfConnection(closed, { sessionIsOld });
    this.#logger.debug({ ended: ended.kind, closeCode: closed.code, ...this.stats }, 'model session ended');
    this.#listener.onEnded(ended);
  }

  #closeWhenIdle(): void {
    if (this.#responses.isIdle) this.close();
  }

  #stop(): void {
    this.#responses.close();
    this.#retirement.end();
  }

  // The events.

  /** Every `session.updated` holds the whole session, so each of them is checked. */
  #onConfigured(session: SessionFacts): void {
    const mismatch = this.#setup.updated(session);
    if (mismatch !== undefined) {
      this.#channel.close({ kind: 'refused', code: 'audio_format_mismatch', message: mismatch });
      return;
    }
    if (this.#isConfigured) {
      this.#setup.accepted();
      return;
    }
    this.#isConfigured = true;
    const { sessionId, model, expiresAtMs } = this.#setup;
    this.#listener.onReady({ sessionId, model, expiresAtMs });
    if (this.#channel.isOpen) this.#responses.start();
  }

  #onErrorEvent(error: ServerError): void {
    const fatal = fatalErrorOf(error);
    if (fatal !== undefined) {
      this.#channel.expectClose(fatal);
      return;
    }
    const code = error.code ?? error.type ?? 'unknown';
    const message = printableMessage({ code, message: error.message });
    if (!this.#isConfigured && this.#setup.isFirst(error.eventId)) {
      // A refused update changes nothing at all: this session would speak with the server's own defaults.
      this.#channel.close({ kind: 'refused', code, message });
      return;
    }
    this.#setup.refused(error.eventId);
    const isDealtWith = this.#responses.refused(error);
    if (isBenign(error)) this.#counts.errorsBenign += 1;
    else if (!isDealtWith) this.#listener.onError({ code, message });
  }

  #onUnknown(name: string): void {
    this.#counts.eventsUnknown += 1;
    if (this.#unknownNames.add(name)) this.#logger.debug({ name }, 'unknown server event');
  }

  #responsesHost(): ResponsesHost {
    return {
      isOpen: () => this.#channel.isOpen,
      nextEventId: () => this.#channel.nextEventId(),
      send: (event) => this.#channel.send(event),
      onFatalError: (fatal) => this.#channel.expectClose(fatal),
    };
  }

  // Sending.

  #sendUpdate(session: Extract<ClientEvent, { type: 'session.update' }>['session']): string | undefined {
    if (!this.#channel.isOpen) return undefined;
    const eventId = this.#channel.nextEventId();
    this.#channel.send({ type: 'session.update', event_id: eventId, session });
    return eventId;
  }

  /** Events go both ways, and the server has agreed to our configuration. */
  get #isReady(): boolean {
    return this.#isConfigured && this.#channel.isOpen;
  }
}
