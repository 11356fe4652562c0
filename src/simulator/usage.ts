import type { Conversation } from './conversation';
import type { ConversationItem, ItemContent } from './conversation-item';
import { heldMs } from './encoded-audio';
import type { WireUsage } from './server-events';

/** Tokens of one piece of the context. */
export interface ContextPart {
  /** An item id with its state, so that a truncated item is another piece than the whole one. */
  key: string;
  textTokens: number;
  audioTokens: number;
}

const callerAudioMsPerToken = 100;
const agentAudioMsPerToken = 50;
const charactersPerToken = 4;
/** Role and delimiters of a message. */
const tokensPerMessage = 3;
/** The cache holds whole blocks. */
const cacheBlockTokens = 64;

/** An estimate: the real count depends on the words. */
export function textTokens(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}

/** 20 tokens for a second of what the model says. */
export function agentAudioTokens(lengthMs: number): number {
  return Math.ceil(lengthMs / agentAudioMsPerToken);
}

/** 10 tokens for a second of what the caller says. */
export function callerAudioTokens(lengthMs: number): number {
  return Math.floor(lengthMs / callerAudioMsPerToken);
}

/** What the model reads before it answers: instructions with tools, then items. */
export function contextOf(instructions: string, items: Conversation['items']): ContextPart[] {
  const parts: ContextPart[] = [
    { key: `instructions ${instructions}`, textTokens: textTokens(instructions.length), audioTokens: 0 },
  ];
  for (const item of items) parts.push(itemPart(item));
  return parts;
}

/** Finds how much of each response's input was already read for the one before. */
export class UsageMeter {
  #lastContext: readonly ContextPart[] = [];
  #lastTotal = 0;

  /** Tokens of the last response, read and written. */
  get lastTotal(): number {
    return this.#lastTotal;
  }

  /** Usage of a response that read `context`; the next one will find it in the cache. */
  measure(context: readonly ContextPart[], output: { textTokens: number; audioTokens: number }): WireUsage {
    const text = sum(context, 'textTokens');
    const audio = sum(context, 'audioTokens');
    const known = this.#knownPart(context);
    const cached =
      Math.floor((sum(known, 'textTokens') + sum(known, 'audioTokens')) / cacheBlockTokens) * cacheBlockTokens;
    const cachedText = Math.min(cached, sum(known, 'textTokens'));
    this.#lastContext = context;
    this.#lastTotal = text + audio + output.textTokens + output.audioTokens;
    return {
      total_tokens: this.#lastTotal,
      input_tokens: text + audio,
      output_tokens: output.textTokens + output.audioTokens,
      input_token_details: {
        text_tokens: text,
        audio_tokens: audio,
        image_tokens: 0,
        cached_tokens: cached,
        cached_tokens_details: { text_tokens: cachedText, audio_tokens: cached - cachedText, image_tokens: 0 },
      },
      output_token_details: { text_tokens: output.textTokens, audio_tokens: output.audioTokens },
    };
  }

  #knownPart(context: readonly ContextPart[]): readonly ContextPart[] {
    const firstNew = context.findIndex((part, index) => part.key !== this.#lastContext[index]?.key);
    return firstNew < 0 ? context : context.slice(0, firstNew);
  }
}

function sum(parts: readonly ContextPart[], kind: 'textTokens' | 'audioTokens'): number {
  return parts.reduce((total, part) => total + part[kind], 0);
}

function itemPart({ id, body }: ConversationItem): ContextPart {
  switch (body.type) {
    case 'message': {
      let text = tokensPerMessage;
      let audio = 0;
      for (const content of body.content) {
        text += textTokens(textOf(content).length);
        audio += audioTokensOf(content);
      }
      return { key: `${id} ${text} ${audio}`, textTokens: text, audioTokens: audio };
    }
    case 'function_call':
      return callPart(id, body.name + body.argumentsText);
    case 'function_call_output':
      return callPart(id, body.output);
  }
}

function callPart(id: string, text: string): ContextPart {
  return { key: id, textTokens: tokensPerMessage + textTokens(text.length), audioTokens: 0 };
}

function textOf(content: ItemContent): string {
  switch (content.type) {
    case 'input_text':
    case 'output_text':
      return content.text;
    case 'output_audio':
      return content.transcript ?? '';
    // The model hears the caller; the transcript is another model's and not part of what it reads.
    case 'input_audio':
    case 'input_image':
      return '';
  }
}

function audioTokensOf(content: ItemContent): number {
  switch (content.type) {
    case 'input_audio':
      return content.held === undefined ? 0 : callerAudioTokens(heldMs(content.held));
    case 'output_audio':
      return content.held === undefined ? 0 : agentAudioTokens(heldMs(content.held));
    case 'input_text':
    case 'output_text':
    case 'input_image':
      return 0;
  }
}
