import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import { decodeBase64 } from './base64';
import type { Behaviour, BehaviourRun } from './behaviour';
import type { ClientEvent } from './client-event';
import { parseClientEvent } from './client-event';
import { Conversation } from './conversation';
import type { Fault } from './fault';
import { IdSource } from './id-source';
import { Items } from './items';
import { Outbox, type OutboxPorts } from './outbox';
import { Responses } from './responses';
import type { ServerEvent, ServerEventBody } from './server-events';
import { liveTiming, type ErrorReport, type SessionContext, type SimulatorTiming } from './session-context';
import { newConversationSettings, newTranscriptionSettings, type SessionSettings } from './session-settings';
import { updateSession } from './session-update';
import { Timers } from './timers';
import { Turns, type HeardAudio } from './turns';

export interface SimulatorSessionOptions {
  /** A transcription session hears and never answers; `model` is not used. */
  intent?: 'conversation' | 'transcription';
  timing?: Partial<SimulatorTiming>;
  /** Beside those of the behaviour, counted from `start`. */
  faults?: readonly Fault[];
  heardAudio?: HeardAudio | undefined;
}

/**
 * One session of a simulated Realtime server, without any network: client messages go in through `receive`, server
 * events come out through `send`, all of it synchronously on `clock`. The same inputs at the same times with the same
 * seed give the same events, byte for byte. `send` may call `receive`: the events stay in order.
 */
export class SimulatorSession {
  /** Such as `tone:600`. */
  readonly behaviourName: string;
  readonly #context: SessionContext;
  readonly #timing: SimulatorTiming;
  readonly #ids: IdSource;
  readonly #timers: Timers;
  readonly #outbox: Outbox;
  readonly #conversation = new Conversation();
  readonly #behaviour: BehaviourRun;
  readonly #faults: readonly Fault[];
  readonly #items: Items;
  readonly #responses: Responses;
  readonly #turns: Turns;
  #settings: SessionSettings;
  #state: 'new' | 'open' | 'closed' = 'new';

  constructor({
    clock,
    random,
    behaviour,
    model,
    options = {},
    ...ports
  }: OutboxPorts & {
    clock: Clock;
    random: Random;
    behaviour: Behaviour;
    /** As `session.model` shows it. */
    model: string;
    options?: SimulatorSessionOptions;
  }) {
    this.#timing = { ...liveTiming, ...options.timing };
    this.#faults = options.faults ?? [];
    this.#ids = new IdSource({ clock, random });
    this.#timers = new Timers(clock, () => this.#outbox.flush());
    this.#outbox = new Outbox({
      ...ports,
      // Whoever closes is done: no timer may outlive the connection.
      close: (code, reason) => {
        this.end();
        ports.close(code, reason);
      },
      ...(ports.abort === undefined ? {} : { abort: () => this.#abort(ports.abort) }),
    });
    this.behaviourName = behaviour.name;
    this.#behaviour = behaviour.open(random);
    const expiresAtSeconds = Math.floor((clock.wallTimeMs() + this.#timing.sessionLifeMs) / 1_000);
    const id = this.#ids.next('sess');
    this.#settings =
      options.intent === 'transcription'
        ? newTranscriptionSettings({ id, expiresAtSeconds })
        : newConversationSettings({ id, expiresAtSeconds, model });
    this.#items = new Items({
      ids: this.#ids,
      conversation: this.#conversation,
      settings: () => this.#settings,
      emit: (event) => this.#emit(event),
      emitError: (error) => this.#emitError(error),
    });
    this.#context = this.#newContext(clock, random);
    this.#responses = new Responses(this.#context, {
      onStarted: () => this.#turns.onResponseStarted(),
      onDone: (audioMs) => this.#turns.onResponseDone(audioMs),
      callerAudio: () => this.#turns.lastClip,
    });
    this.#turns = new Turns(this.#context, {
      onInterruption: () => this.#responses.interrupt(),
      onAnswerWanted: (cause) => this.#responses.create({ cause, options: {}, eventId: null }),
    });
    this.#turns.heardAudio = options.heardAudio;
  }

  get id(): string {
    return this.#settings.id;
  }

  get settings(): SessionSettings {
    return this.#settings;
  }

  /** Listens to what the model hears: samples as they were appended, before any turn detection. */
  set heardAudio(tap: HeardAudio | undefined) {
    this.#turns.heardAudio = tap;
  }

  /** Says `session.created`. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#emit({ type: 'session.created', session: this.#settings });
    this.#timers.after(this.#timing.sessionLifeMs, () => this.#expire());
    this.#suffer(this.#faults);
    this.#suffer(this.#behaviour.faults);
    this.#outbox.flush();
  }

  /** One text message of the client. Never throws, whatever it holds. */
  receive(text: string): void {
    if (this.#state !== 'open') return;
    const parsed = parseClientEvent(text);
    if (parsed.kind === 'event') this.#handle(parsed.event);
    else this.#emitError({ ...parsed.problem, event_id: parsed.problem.eventId });
    this.#outbox.flush();
  }

  /** A binary message: the protocol has none. */
  receiveBinary(): void {
    if (this.#state !== 'open') return;
    this.#emitError({ code: 'invalid_event', message: 'Binary messages are not supported.' });
    this.#outbox.flush();
  }

  /** The connection is gone: no timer and no event is left. Twice is fine. */
  end(): void {
    this.#state = 'closed';
    this.#timers.close();
    this.#outbox.close();
  }

  #handle(event: ClientEvent): void {
    const eventId = event.event_id ?? null;
    switch (event.type) {
      case 'session.update':
        this.#update(event.session, eventId);
        break;
      case 'input_audio_buffer.append':
        this.#append(event.audio, eventId);
        break;
      case 'input_audio_buffer.commit':
        this.#commit(eventId);
        break;
      case 'input_audio_buffer.clear':
        this.#turns.clear();
        this.#emit({ type: 'input_audio_buffer.cleared' });
        break;
      case 'conversation.item.create':
        this.#items.create(event);
        break;
      case 'conversation.item.retrieve':
        this.#items.retrieve(event);
        break;
      case 'conversation.item.truncate':
        this.#items.truncate(event);
        break;
      case 'conversation.item.delete':
        this.#items.delete(event);
        break;
      case 'response.create':
        this.#responses.create({ cause: 'client', options: event.response ?? {}, eventId });
        break;
      case 'response.cancel':
        this.#responses.cancel(event.response_id, eventId);
        break;
    }
  }

  #update(patch: unknown, eventId: string | null): void {
    const update = updateSession(this.#settings, patch, {
      hasSpoken: this.#responses.hasSpoken,
      isResponding: this.#responses.isResponding,
    });
    if (update.kind === 'rejected') {
      this.#emitError({ ...update.problem, event_id: eventId });
      return;
    }
    this.#settings = update.settings;
    this.#emit({ type: 'session.updated', session: this.#settings });
    this.#turns.reconfigure();
  }

  #append(audio: string, eventId: string | null): void {
    const bytes = decodeBase64(audio);
    if (bytes !== undefined) {
      this.#turns.append(bytes);
      return;
    }
    this.#emitError({
      code: 'invalid_value',
      message: 'The audio is not valid base64.',
      param: 'audio',
      event_id: eventId,
    });
  }

  #commit(eventId: string | null): void {
    const result = this.#turns.commit();
    if (result.kind === 'committed') return;
    const message =
      'Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, ' +
      `but buffer only has ${result.bufferedMs.toFixed(2)}ms of audio.`;
    this.#emitError({ code: 'input_audio_buffer_commit_empty', message, event_id: eventId });
  }

  #expire(): void {
    const minutes = Math.round(this.#timing.sessionLifeMs / 60_000);
    const message = `Your session hit the maximum duration of ${minutes} minutes.`;
    this.#emitError({ code: 'session_expired', message });
    this.#outbox.push({ kind: 'close', code: 1001, reason: message });
  }

  #suffer(faults: readonly Fault[]): void {
    for (const fault of faults) this.#timers.after(fault.afterMs, () => this.#sufferNow(fault));
  }

  #abort(drop: (() => void) | undefined): void {
    this.end();
    drop?.();
  }

  #sufferNow(fault: Fault): void {
    switch (fault.kind) {
      case 'close':
        this.#outbox.push({ kind: 'close', code: fault.code, reason: fault.reason });
        break;
      case 'abort':
        this.#outbox.push({ kind: 'abort' });
        break;
      case 'malformed':
        this.#outbox.push({ kind: 'text', text: fault.text });
        break;
      case 'error':
        this.#emitError(fault.error);
        break;
      case 'stall':
        this.#outbox.hold();
        if (fault.lengthMs !== undefined) this.#timers.after(fault.lengthMs, () => this.#outbox.release());
    }
  }

  #emit(event: ServerEventBody): void {
    const { type, ...rest } = event;
    // Spreading a union loses which member it was; the type comes first in captures.
    this.#outbox.push({ kind: 'event', event: { type, event_id: this.#ids.next('event'), ...rest } as ServerEvent });
  }

  #emitError({ type = 'invalid_request_error', code, message, param = null, event_id = null }: ErrorReport): void {
    this.#emit({ type: 'error', error: { type, code, message, param, event_id } });
  }

  #newContext(clock: Clock, random: Random): SessionContext {
    return {
      clock,
      random,
      ids: this.#ids,
      timers: this.#timers,
      timing: this.#timing,
      behaviour: this.#behaviour,
      conversation: this.#conversation,
      conversationId: this.#ids.next('conv'),
      settings: () => this.#settings,
      emit: (event) => this.#emit(event),
      emitError: (error) => this.#emitError(error),
      addItem: (item) => this.#items.add(item),
      finishItem: (item) => this.#items.finish(item),
      suffer: (faults) => this.#suffer(faults),
    };
  }
}
