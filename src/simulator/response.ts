import type { Timer } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { AudioFormat } from './audio-format';
import { bytesPerMs } from './audio-format';
import type { PlannedOutput, ResponsePlan } from './behaviour';
import type { IdSource } from './id-source';
import type { ResponseOutlet } from './response-writer';
import { ResponseWriter } from './response-writer';
import type { WireResponse, WireStatusDetails, WireUsage } from './server-events';
import type { Modality } from './session-settings';
import type { Timers } from './timers';

/** The settings of one response: the session's, with those of its `response.create` over them. */
export interface ResponseSettings {
  /** Null: outside the conversation. */
  conversationId: string | null;
  modality: Modality;
  format: AudioFormat;
  voice: string;
  maxOutputTokens: number | 'inf';
  metadata: Record<string, string> | null;
}

export interface ResponseTiming {
  /** From `response.created` to the first output. */
  firstOutputMs: number;
  /** Audio is made this many times faster than it is spoken. */
  audioSpeed: number;
}

/** What a response needs of its session. */
export interface ResponseOwner extends ResponseOutlet {
  /** Usage for what was put out. */
  measure(output: { textTokens: number; audioTokens: number }): WireUsage;
  /** Told once, after `response.done`. */
  onDone(response: Response): void;
}

type Ending = { status: Exclude<WireResponse['status'], 'in_progress'>; details: WireStatusDetails | null };

/** The transcript runs ahead of the audio that it belongs to. */
const transcriptLeadMs = 800;
const wordsPerDelta = 3;
const textDeltaIntervalMs = 30;
const argumentsDeltaIntervalMs = 20;
const argumentCharactersPerDelta = 12;

/**
 * One response, from `response.created` to `response.done`. It paces itself on the session's timers and can be cancelled
 * at any point: what was opened is closed, as `incomplete`.
 */
export class Response {
  readonly id: string;
  readonly settings: ResponseSettings;
  readonly #plan: ResponsePlan;
  readonly #timing: ResponseTiming;
  readonly #owner: ResponseOwner;
  readonly #timers: Timers;
  readonly #writer: ResponseWriter;
  #state: 'new' | 'running' | 'done' = 'new';
  #steps: Generator<number, Ending> | undefined;
  #timer: Timer | undefined;

  constructor(options: {
    id: string;
    settings: ResponseSettings;
    plan: ResponsePlan;
    timing: ResponseTiming;
    owner: ResponseOwner;
    ids: IdSource;
    random: Random;
    timers: Timers;
  }) {
    this.id = options.id;
    this.settings = options.settings;
    this.#plan = options.plan;
    this.#timing = options.timing;
    this.#owner = options.owner;
    this.#timers = options.timers;
    this.#writer = new ResponseWriter({
      responseId: options.id,
      inConversation: options.settings.conversationId !== null,
      outlet: options.owner,
      ids: options.ids,
      random: options.random,
    });
  }

  /** Milliseconds of audio made so far. */
  get audioMs(): number {
    return this.#writer.audioMs;
  }

  /** Messages and function calls begun so far. */
  get itemCount(): number {
    return this.#writer.itemCount;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Says `response.created` and goes to work. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.#owner.emit({ type: 'response.created', response: this.#wire('in_progress', null, null) });
    this.#steps = this.#run();
    this.#advance();
  }

  /** Ends a running response early. Afterwards nothing comes of it. */
  cancel(reason: 'turn_detected' | 'client_cancelled'): void {
    if (this.#state === 'running') this.#finish({ status: 'cancelled', details: { type: 'cancelled', reason } });
  }

  #advance(): void {
    if (this.#state !== 'running' || this.#steps === undefined) return;
    const step = this.#steps.next();
    if (step.done === true) this.#finish(step.value);
    else this.#timer = this.#timers.after(step.value, () => this.#advance());
  }

  /** Yields the milliseconds before each next step. */
  *#run(): Generator<number, Ending> {
    yield this.#timing.firstOutputMs + (this.#plan.delayMs ?? 0);
    for (const output of this.#plan.outputs) {
      const isWhole = yield* this.#put(output);
      if (!isWhole) return { status: 'incomplete', details: { type: 'incomplete', reason: 'max_output_tokens' } };
    }
    const error = this.#plan.failure;
    if (error !== undefined) return { status: 'failed', details: { type: 'failed', error } };
    return { status: 'completed', details: null };
  }

  /** False when the tokens ran out. */
  *#put(output: PlannedOutput): Generator<number, boolean> {
    switch (output.kind) {
      case 'message':
        return this.settings.modality === 'audio' ? yield* this.#speak(output) : yield* this.#write(output.text);
      case 'function-call':
        return yield* this.#call(output);
    }
  }

  *#speak({ text, speech }: Extract<PlannedOutput, { kind: 'message' }>): Generator<number, boolean> {
    const audio = speech.encode(this.settings.format);
    const perMs = bytesPerMs(audio.format);
    const words = textDeltas(text);
    this.#writer.openMessage({ type: 'output_audio', transcript: '', held: undefined, truncatedToMs: undefined });
    let said = 0;
    for (let start = 0; start < audio.byteLength;) {
      const share = Math.min(1, (start + transcriptLeadMs * perMs) / audio.byteLength);
      for (; said < words.length * share; said += 1) this.#writer.textDelta(words[said] ?? '');
      const end = audio.deltaEnd(start);
      this.#writer.audioDelta(audio, { start, end });
      if (this.#isOutOfTokens()) return false;
      yield (end - start) / perMs / this.#timing.audioSpeed;
      start = end;
    }
    for (; said < words.length; said += 1) this.#writer.textDelta(words[said] ?? '');
    this.#writer.close('completed');
    return true;
  }

  *#write(text: string): Generator<number, boolean> {
    this.#writer.openMessage({ type: 'output_text', text: '' });
    for (const delta of textDeltas(text)) {
      this.#writer.textDelta(delta);
      if (this.#isOutOfTokens()) return false;
      yield textDeltaIntervalMs;
    }
    this.#writer.close('completed');
    return true;
  }

  *#call({ name, argumentsText }: Extract<PlannedOutput, { kind: 'function-call' }>): Generator<number, boolean> {
    this.#writer.openCall(name);
    for (let i = 0; i < argumentsText.length; i += argumentCharactersPerDelta) {
      yield argumentsDeltaIntervalMs;
      this.#writer.argumentsDelta(argumentsText.slice(i, i + argumentCharactersPerDelta));
      if (this.#isOutOfTokens()) return false;
    }
    this.#writer.close('completed');
    return true;
  }

  #isOutOfTokens(): boolean {
    if (this.settings.maxOutputTokens === 'inf') return false;
    const { textTokens, audioTokens } = this.#writer.tokens;
    return textTokens + audioTokens >= this.settings.maxOutputTokens;
  }

  #finish({ status, details }: Ending): void {
    this.#state = 'done';
    this.#timer?.cancel();
    this.#writer.close('incomplete');
    // A failed response bills nothing.
    const usage = status === 'failed' ? null : this.#owner.measure(this.#writer.tokens);
    this.#owner.emit({ type: 'response.done', response: this.#wire(status, details, usage) });
    this.#owner.onDone(this);
  }

  #wire(status: WireResponse['status'], details: WireStatusDetails | null, usage: WireUsage | null): WireResponse {
    return {
      object: 'realtime.response',
      id: this.id,
      status,
      status_details: details,
      output: this.#writer.output,
      conversation_id: this.settings.conversationId,
      output_modalities: [this.settings.modality],
      max_output_tokens: this.settings.maxOutputTokens,
      audio: { output: { format: this.settings.format, voice: this.settings.voice } },
      usage,
      metadata: this.settings.metadata,
    };
  }
}

/** A few words each; together the text. */
function textDeltas(text: string): string[] {
  const words = text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
  const deltas: string[] = [];
  for (let i = 0; i < words.length; i += wordsPerDelta) deltas.push(words.slice(i, i + wordsPerDelta).join(''));
  return deltas;
}
