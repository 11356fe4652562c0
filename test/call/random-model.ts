import type { Random } from '../../src/runtime/random';
import type { VirtualCall } from '../support/virtual-call';
import {
  callerStartsToSpeak,
  callsFunction,
  doneResponse,
  finishResponse,
  part,
  pcm,
  startResponse,
} from './model-lines';

export function pick<T>(random: Random, choices: readonly T[]): T {
  if (choices.length === 0) throw new Error('nothing to choose from');
  return choices[Math.floor(random.fraction() * choices.length)] as T;
}

export const chance = (random: Random, probability: number): boolean => random.fraction() < probability;

export interface RandomItem {
  itemId: string;
  responseId: string;
  /** Every item has a level of its own, so that what the caller heard tells the items apart. */
  level: number;
}

const firstLevel = 6_000;
const levelStep = 400;
const itemsMax = 60;

/** A model that keeps to no order: it says what the protocol has, when it likes, about responses old, new and unknown. */
export class RandomModel {
  readonly items: RandomItem[] = [];
  readonly #call: VirtualCall;
  readonly #random: Random;
  #answered = 0;
  #callIds = 0;

  constructor({ call, random }: { call: VirtualCall; random: Random }) {
    this.#call = call;
    this.#random = random;
  }

  /** One thing, right or wrong. */
  act(): void {
    if (this.#call.peer === undefined) return;
    this.#answerRequests();
    const { itemId, responseId } = this.#anItem();
    pick(this.#random, [
      () => this.#begin(),
      () => this.#begin(),
      () => this.#speak(this.#begin()),
      () => this.#speak(this.#begin(), { whole: true }),
      () => this.#speak(this.#anItem()),
      () => this.#speak(this.#anItem()),
      () => this.#speak({ ...this.#anItem(), responseId: this.#anItem().responseId }),
      () => this.#call.say({ type: 'response.output_audio.done', ...part(itemId, responseId) }),
      () => doneResponse(this.#call, { responseId, status: this.#status() }),
      () => doneResponse(this.#call, { responseId: 'resp_nobody', status: this.#status() }),
      () => callerStartsToSpeak(this.#call, `item_user_${Math.floor(this.#random.fraction() * 4)}`),
      () => callerStartsToSpeak(this.#call),
      () => this.#call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 900, item_id: 'item_user' }),
      () => this.#call.say({ type: 'input_audio_buffer.timeout_triggered', item_id: `idle_${this.items.length}` }),
      () => this.#callFunction(responseId),
      () => this.#callFunction(responseId),
      () => this.#hangUpAfter(),
      () => this.#err(),
      () => this.#transcribe(itemId, responseId),
      () => this.#call.peer?.send(this.#garbage()),
    ])();
  }

  /** The connection breaks or is closed. */
  leave(): void {
    const [code, reason] = pick(this.#random, [
      [1_006, ''],
      [1_011, 'internal'],
      [1_001, 'session_expired'],
      [4_000, 'invalid_request_error.insufficient_quota'],
      [1_000, ''],
    ] as const);
    this.#call.peer?.close(code, reason);
  }

  /** Some requests get their response, some an error, some nothing. */
  #answerRequests(): void {
    const requests = this.#call.sent('response.create');
    for (; this.#answered < requests.length; this.#answered += 1) {
      const requestId = String(requests[this.#answered]?.event.event_id);
      const outcome = this.#random.fraction();
      if (outcome < 0.7) this.#begin(requestId);
      else if (outcome < 0.85) this.#err(requestId);
    }
  }

  #begin(requestId?: string): RandomItem {
    const count = Math.min(this.items.length, itemsMax);
    const item = { itemId: `item_${count}`, responseId: `resp_${count}`, level: firstLevel + levelStep * count };
    if (this.items.length < itemsMax) this.items.push(item);
    // Now and then nobody announces the response.
    if (chance(this.#random, 0.9)) startResponse(this.#call, { ...item, requestId });
    return item;
  }

  #anItem(): RandomItem {
    return this.items.length === 0 ? this.#begin() : pick(this.#random, this.items.slice(-4));
  }

  #speak(item: RandomItem, { whole = false } = {}): void {
    const deltas = 1 + Math.floor(this.#random.fraction() * 4);
    for (let i = 0; i < deltas; i += 1) {
      const ms = pick(this.#random, [1, 7, 20, 100, 400, 900]);
      const place = part(item.itemId, item.responseId, chance(this.#random, 0.05) ? 1 : 0);
      this.#call.say({ type: 'response.output_audio.delta', ...place, delta: pcm(ms, item.level) });
    }
    if (whole) finishResponse(this.#call, item);
  }

  #hangUpAfter(): void {
    const item = this.#begin();
    this.#speak(item);
    this.#call.say({ type: 'response.output_audio.done', ...part(item.itemId, item.responseId) });
    this.#callFunction(item.responseId, 'hang_up');
    if (chance(this.#random, 0.8)) doneResponse(this.#call, item);
  }

  #callFunction(responseId: string, name = pick(this.#random, ['hang_up', 'no_such_tool', '__proto__'])): void {
    if (chance(this.#random, 0.8)) this.#callIds += 1;
    const argumentsText = pick(this.#random, ['{}', '{}', '{"reason":"done"}', '[]', '{', '']);
    callsFunction(this.#call, { responseId, name, callId: `call_${this.#callIds}`, argumentsText });
  }

  #err(eventId: string | null = null): void {
    const code = pick(this.#random, [
      'conversation_already_has_active_response',
      'response_cancel_not_active',
      'item_truncate_invalid_item_id',
      'rate_limit_exceeded',
      null,
    ]);
    const error = { type: 'invalid_request_error', code, message: 'no', param: null, event_id: eventId };
    this.#call.say({ type: 'error', error });
  }

  #transcribe(itemId: string, responseId: string): void {
    const transcript = 'Well.';
    this.#call.say({ type: 'response.output_audio_transcript.done', ...part(itemId, responseId), transcript });
    const item = { item_id: 'item_user', content_index: 0 };
    this.#call.say({ type: 'conversation.item.input_audio_transcription.completed', ...item, transcript });
  }

  #status(): string {
    return pick(this.#random, ['completed', 'cancelled', 'failed', 'incomplete']);
  }

  #garbage(): string {
    return pick(this.#random, [
      '{',
      '[]',
      'null',
      '{"type":5}',
      '{"type":"of.the.future","event_id":"e"}',
      '{"type":"response.output_audio.delta","delta":"!!!"}',
      '{"type":"response.done"}',
      '{"type":"session.updated","session":null}',
    ]);
  }
}
