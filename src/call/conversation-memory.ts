import { textItem, type CreatedItem } from '../realtime/client-events';
import type { FunctionCall } from '../realtime/session-listener';

/** What another session is told of a conversation: the last of it, within both limits. */
export const rememberedItemsMax = 120;
export const rememberedCharactersMax = 24_000;
/** Of one text, result or list of arguments; the rest is cut off. */
const textCharactersMax = 4_000;
/** Kept while a call goes on, so that a conversation of hours does not grow without end. */
const entriesMax = 2 * rememberedItemsMax;

const notWrittenDown = '(The caller spoke. It was not written down.)';
const omitted = '(Earlier parts of this conversation are left out.)';

type Entry =
  | { kind: 'caller'; itemId: string; text: string | undefined; isOver: boolean }
  /** `receivedMs` of sound belong to `text`; `heardMs` is set when the caller cut it off. */
  | { kind: 'agent'; itemId: string; text: string; receivedMs: number; heardMs: number | undefined }
  | { kind: 'note'; text: string }
  | { kind: 'call'; callId: string; name: string; argumentsText: string; output: string | undefined };

/** What a new session is given. */
export interface Remembered {
  readonly items: CreatedItem[];
  /** Function calls among them that have no result yet. */
  readonly openCalls: string[];
}

/**
 * What was said and done in a conversation, in its order, so that another session of the model can go on with it: words
 * of the agent as far as they were heard, words of the caller as far as they were written down, tools with their results.
 */
export class ConversationMemory {
  #entries: Entry[] = [];
  #hasForgotten = false;

  /** The caller began to speak: this is the place of what will be written down. */
  callerBegan(itemId: string): void {
    if (this.#find('caller', itemId) === undefined)
      this.#add({ kind: 'caller', itemId, text: undefined, isOver: false });
  }

  callerStopped(itemId: string): void {
    const entry = this.#find('caller', itemId);
    if (entry !== undefined) entry.isOver = true;
  }

  callerSaid(itemId: string, text: string): void {
    const entry = this.#find('caller', itemId);
    if (entry === undefined) this.#add({ kind: 'caller', itemId, text: cut(text), isOver: true });
    else {
      entry.text = cut(text);
      entry.isOver = true;
    }
  }

  /** So much more of the agent's sound has come. */
  agentSounded(itemId: string, lengthMs: number): void {
    this.#agent(itemId).receivedMs += lengthMs;
  }

  agentSaid(itemId: string, text: string): void {
    this.#agent(itemId).text = cut(text);
  }

  /** The caller has heard no more than this of it. */
  agentHeard(itemId: string, heardMs: number): void {
    const entry = this.#find('agent', itemId);
    if (entry !== undefined) entry.heardMs = Math.min(heardMs, entry.heardMs ?? Number.POSITIVE_INFINITY);
  }

  /** It is no part of the conversation. */
  forget(itemId: string): void {
    this.#entries = this.#entries.filter((entry) => !('itemId' in entry) || entry.itemId !== itemId);
  }

  /** Something that the caller did, in words. */
  noted(text: string): void {
    this.#add({ kind: 'note', text: cut(text) });
  }

  called({ callId, name, argumentsText }: FunctionCall): void {
    this.#add({
      kind: 'call',
      callId,
      name,
      // Half a JSON text is none.
      argumentsText: argumentsText.length <= textCharactersMax ? argumentsText : '{}',
      output: undefined,
    });
  }

  answered(callId: string, output: string): void {
    const entry = this.#entries.find((one) => one.kind === 'call' && one.callId === callId);
    if (entry?.kind === 'call') entry.output ??= cut(output);
  }

  /** A turn that goes on is not in it: the new session hears it from its beginning. */
  recall(): Remembered {
    const items: CreatedItem[][] = [];
    let characters = 0;
    let count = 0;
    let isCut = this.#hasForgotten;
    let isFull = false;
    for (const entry of [...this.#entries].reverse()) {
      const told = itemsOf(entry);
      const length = told.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
      isFull ||= count + told.length > rememberedItemsMax || characters + length > rememberedCharactersMax;
      // A result that is still to come needs its call.
      if (isFull && !(entry.kind === 'call' && entry.output === undefined)) {
        isCut ||= told.length > 0;
        continue;
      }
      items.push(told);
      count += told.length;
      characters += length;
    }
    const openCalls = this.#entries.flatMap((entry) =>
      entry.kind === 'call' && entry.output === undefined ? [entry.callId] : [],
    );
    const beginning = !isCut ? [] : [textItem({ role: 'system', text: omitted })];
    return { items: [...beginning, ...items.reverse().flat()], openCalls };
  }

  /** The turn that went on was not this session's: it will be heard again, under another name. */
  forgetOpenTurn(): void {
    this.#entries = this.#entries.filter((entry) => entry.kind !== 'caller' || entry.isOver);
  }

  #agent(itemId: string): Extract<Entry, { kind: 'agent' }> {
    const known = this.#find('agent', itemId);
    if (known !== undefined) return known;
    const entry: Entry = { kind: 'agent', itemId, text: '', receivedMs: 0, heardMs: undefined };
    this.#add(entry);
    return entry;
  }

  #find<K extends 'caller' | 'agent'>(kind: K, itemId: string): Extract<Entry, { kind: K }> | undefined {
    const found = this.#entries.findLast((entry) => entry.kind === kind && entry.itemId === itemId);
    return found as Extract<Entry, { kind: K }> | undefined;
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length <= entriesMax) return;
    this.#hasForgotten = true;
    const oldest = this.#entries.findIndex((one) => one.kind !== 'call' || one.output !== undefined);
    this.#entries.splice(Math.max(0, oldest), 1);
  }
}

function itemsOf(entry: Entry): CreatedItem[] {
  switch (entry.kind) {
    case 'caller':
      if (!entry.isOver) return [];
      return [textItem({ role: 'user', text: entry.text ?? notWrittenDown })];
    case 'agent': {
      const text = heardText(entry);
      return text === '' ? [] : [textItem({ role: 'assistant', text })];
    }
    case 'note':
      return [textItem({ role: 'user', text: entry.text })];
    case 'call': {
      const { callId, name, argumentsText, output } = entry;
      const call: CreatedItem = { type: 'function_call', call_id: callId, name, arguments: argumentsText };
      return output === undefined ? [call] : [call, { type: 'function_call_output', call_id: callId, output }];
    }
  }
}

/** Words are taken to be spoken evenly; the one in which the caller cut in counts as not heard. */
function heardText({ text, receivedMs, heardMs }: Extract<Entry, { kind: 'agent' }>): string {
  if (heardMs === undefined || heardMs >= receivedMs) return text;
  const heard = text.slice(0, Math.floor((text.length * heardMs) / receivedMs));
  const words = heard.slice(0, Math.max(0, heard.lastIndexOf(' '))).trimEnd();
  return words === '' ? '' : `${words} ...`;
}

function cut(text: string): string {
  return text.length <= textCharactersMax ? text : `${text.slice(0, textCharactersMax)} ...`;
}
