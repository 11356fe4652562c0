import type { Random } from '../runtime/random';
import { bytesPerMs } from './audio-format';
import type { ConversationItem, ItemContent } from './conversation-item';
import { wireItem } from './conversation-item';
import type { EncodedAudio } from './encoded-audio';
import type { IdSource } from './id-source';
import type { ServerEventBody, WireItem, WirePart } from './server-events';
import { agentAudioTokens, textTokens } from './usage';

/** Where the events of one response go. */
export interface ResponseOutlet {
  emit(event: ServerEventBody): void;
  /** An item of the conversation begins; not told for a response outside it. */
  addItem(item: ConversationItem): void;
  /** That item's final form. */
  finishItem(item: ConversationItem): void;
}

type Said = Extract<ItemContent, { type: 'output_audio' | 'output_text' }>;

type Open =
  | { kind: 'message'; item: ConversationItem; outputIndex: number; content: Said; text: string }
  | { kind: 'call'; item: ConversationItem; outputIndex: number; callId: string; name: string };

const obfuscationLengthMin = 8;
const obfuscationLengthRange = 8;

/** Writes the items of one response, one at a time, as events in the order of the live service, and counts them. */
export class ResponseWriter {
  readonly #responseId: string;
  readonly #inConversation: boolean;
  readonly #outlet: ResponseOutlet;
  readonly #ids: IdSource;
  readonly #random: Random;
  readonly #items: ConversationItem[] = [];
  #open: Open | undefined;
  #characters = 0;
  #audioMs = 0;

  constructor(options: {
    responseId: string;
    inConversation: boolean;
    outlet: ResponseOutlet;
    ids: IdSource;
    random: Random;
  }) {
    this.#responseId = options.responseId;
    this.#inConversation = options.inConversation;
    this.#outlet = options.outlet;
    this.#ids = options.ids;
    this.#random = options.random;
  }

  /** Milliseconds of audio written. */
  get audioMs(): number {
    return this.#audioMs;
  }

  get itemCount(): number {
    return this.#items.length;
  }

  get tokens(): { textTokens: number; audioTokens: number } {
    return { textTokens: textTokens(this.#characters), audioTokens: agentAudioTokens(this.#audioMs) };
  }

  /** The items so far, without their audio. */
  get output(): WireItem[] {
    return this.#items.map((item) => wireItem(item));
  }

  openMessage(content: Said): void {
    const item = this.#newItem({ type: 'message', role: 'assistant', content: [] });
    const open: Open = { kind: 'message', item, outputIndex: this.#items.length, content, text: '' };
    this.#begin(open);
    this.#outlet.emit({ type: 'response.content_part.added', ...this.#contentPlace(open), part: partOf(open) });
    // Only now: an item that is being added shows no content yet.
    if (item.body.type === 'message') item.body.content.push(content);
  }

  textDelta(delta: string): void {
    const open = this.#open;
    if (open?.kind !== 'message') return;
    this.#characters += delta.length;
    open.text += delta;
    const isAudio = open.content.type === 'output_audio';
    this.#outlet.emit({
      type: isAudio ? 'response.output_audio_transcript.delta' : 'response.output_text.delta',
      ...this.#contentPlace(open),
      delta,
      obfuscation: this.#obfuscation(),
    });
  }

  /** The octets of `audio` from `start` up to `end`. */
  audioDelta(audio: EncodedAudio, { start, end }: { start: number; end: number }): void {
    const open = this.#open;
    if (open?.kind !== 'message' || open.content.type !== 'output_audio') return;
    this.#audioMs += (end - start) / bytesPerMs(audio.format);
    // A truncation while it speaks decides what stays; the voice goes on and only the caller may not hear it.
    if (open.content.truncatedToMs === undefined) open.content.held = { audio, byteLength: end };
    const delta = audio.base64(start, end);
    this.#outlet.emit({ type: 'response.output_audio.delta', ...this.#contentPlace(open), delta });
  }

  openCall(name: string): void {
    const callId = this.#ids.nextCall();
    const item = this.#newItem({ type: 'function_call', name, callId, argumentsText: '' });
    this.#begin({ kind: 'call', item, outputIndex: this.#items.length, callId, name });
  }

  argumentsDelta(delta: string): void {
    const open = this.#open;
    if (open?.kind !== 'call' || open.item.body.type !== 'function_call') return;
    this.#characters += delta.length;
    open.item.body.argumentsText += delta;
    this.#outlet.emit({
      type: 'response.function_call_arguments.delta',
      ...this.#callPlace(open),
      delta,
      obfuscation: this.#obfuscation(),
    });
  }

  /** Closes what is open; does nothing otherwise. */
  close(status: 'completed' | 'incomplete'): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    if (open.kind === 'message') this.#closeMessage(open);
    else if (status === 'completed') this.#closeCall(open);
    // Half of a call's arguments are never announced as whole: somebody would run it.
    open.item.status = status;
    if (this.#inConversation) this.#outlet.finishItem(open.item);
    this.#outlet.emit({ type: 'response.output_item.done', ...this.#itemPlace(open), item: wireItem(open.item) });
  }

  #closeMessage(open: Extract<Open, { kind: 'message' }>): void {
    const place = this.#contentPlace(open);
    if (open.content.type === 'output_audio') {
      if (open.content.truncatedToMs === undefined) open.content.transcript = open.text;
      this.#outlet.emit({ type: 'response.output_audio.done', ...place });
      this.#outlet.emit({ type: 'response.output_audio_transcript.done', ...place, transcript: open.text });
    } else {
      open.content.text = open.text;
      this.#outlet.emit({ type: 'response.output_text.done', ...place, text: open.text });
    }
    this.#outlet.emit({ type: 'response.content_part.done', ...place, part: partOf(open) });
  }

  #closeCall(open: Extract<Open, { kind: 'call' }>): void {
    if (open.item.body.type !== 'function_call') return;
    this.#outlet.emit({
      type: 'response.function_call_arguments.done',
      ...this.#callPlace(open),
      name: open.name,
      arguments: open.item.body.argumentsText,
    });
  }

  #begin(open: Open): void {
    this.#open = open;
    this.#items.push(open.item);
    this.#outlet.emit({ type: 'response.output_item.added', ...this.#itemPlace(open), item: wireItem(open.item) });
    if (this.#inConversation) this.#outlet.addItem(open.item);
  }

  #newItem(body: ConversationItem['body']): ConversationItem {
    return { id: this.#ids.next('item'), status: 'in_progress', body };
  }

  #itemPlace({ outputIndex }: Open): { response_id: string; output_index: number } {
    return { response_id: this.#responseId, output_index: outputIndex };
  }

  #callPlace(open: Extract<Open, { kind: 'call' }>) {
    return { ...this.#itemPlace(open), item_id: open.item.id, call_id: open.callId };
  }

  #contentPlace(open: Open) {
    return { ...this.#itemPlace(open), item_id: open.item.id, content_index: 0 };
  }

  /** The live service pads text deltas with it; a client must overlook keys that it does not know. */
  #obfuscation(): string {
    return this.#ids.characters(obfuscationLengthMin + Math.floor(this.#random.fraction() * obfuscationLengthRange));
  }
}

function partOf({ content, text }: Extract<Open, { kind: 'message' }>): WirePart {
  return content.type === 'output_audio' ? { type: 'audio', transcript: text } : { type: 'text', text };
}
