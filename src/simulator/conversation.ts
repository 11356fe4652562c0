import { bytesPerMs, bytesPerSample } from './audio-format';
import type { ConversationItem, ItemContent } from './conversation-item';
import { heldMs, type HeldAudio } from './encoded-audio';

/** More than an hour of lively talk; above it the oldest item goes, as `truncation: auto` lets the oldest go. */
export const conversationItemsMax = 2_000;

/** Octets of items' audio kept for retrieval and echo; above it the oldest items keep their texts only. */
export const conversationAudioBytesMax = 64 * 1024 * 1024;

export type Placement = { kind: 'last' } | { kind: 'first' } | { kind: 'after'; itemId: string };

export type Truncation =
  | { kind: 'truncated' }
  | { kind: 'unknown-item' }
  /** Not an assistant message with audio at that index. */
  | { kind: 'not-audio' }
  | { kind: 'too-long'; actualMs: number };

/** The ordered items that the model has in mind. */
export class Conversation {
  readonly #items: ConversationItem[] = [];

  get items(): readonly ConversationItem[] {
    return this.#items;
  }

  find(itemId: string): ConversationItem | undefined {
    return this.#items.find(({ id }) => id === itemId);
  }

  get last(): ConversationItem | undefined {
    return this.#items.at(-1);
  }

  /** The item before `itemId`: null for the first one, and for one that is not there. */
  previousOf(itemId: string): string | null {
    const index = this.#items.findIndex(({ id }) => id === itemId);
    return this.#items[index - 1]?.id ?? null;
  }

  /** False when `placement` names an item that is not there. */
  add(item: ConversationItem, placement: Placement): boolean {
    const index = this.#indexFor(placement);
    if (index === undefined) return false;
    this.#items.splice(index, 0, item);
    if (this.#items.length > conversationItemsMax) this.#items.shift();
    return true;
  }

  delete(itemId: string): boolean {
    const index = this.#items.findIndex(({ id }) => id === itemId);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    return true;
  }

  /**
   * Forgets what the model said after `audioEndMs`, with the whole text: it must not believe that it said what nobody
   * heard. Measured against the octets made so far, also while the item is still being said.
   */
  truncate({
    itemId,
    contentIndex,
    audioEndMs,
  }: {
    itemId: string;
    contentIndex: number;
    audioEndMs: number;
  }): Truncation {
    const item = this.find(itemId);
    if (item === undefined) return { kind: 'unknown-item' };
    const content = assistantAudio(item, contentIndex);
    if (content === undefined) return { kind: 'not-audio' };
    const actualMs = content.truncatedToMs ?? (content.held === undefined ? 0 : heldMs(content.held));
    if (audioEndMs > actualMs) return { kind: 'too-long', actualMs };
    content.truncatedToMs = audioEndMs;
    content.transcript = undefined;
    if (content.held !== undefined) content.held = cut(content.held, audioEndMs);
    return { kind: 'truncated' };
  }

  /** Lets the oldest audio go where there is too much of it. */
  limitAudio(): void {
    let bytes = 0;
    for (const item of [...this.#items].reverse()) {
      if (item.body.type !== 'message' || item.body.role !== 'user') continue;
      for (const content of item.body.content) {
        if (content.type !== 'input_audio' || content.held === undefined) continue;
        bytes += content.held.byteLength;
        if (bytes > conversationAudioBytesMax) content.held = undefined;
      }
    }
  }

  #indexFor(placement: Placement): number | undefined {
    switch (placement.kind) {
      case 'last':
        return this.#items.length;
      case 'first':
        return 0;
      case 'after': {
        const index = this.#items.findIndex(({ id }) => id === placement.itemId);
        return index < 0 ? undefined : index + 1;
      }
    }
  }
}

function cut({ audio }: HeldAudio, lengthMs: number): HeldAudio {
  const size = bytesPerSample(audio.format);
  return { audio, byteLength: Math.floor((lengthMs * bytesPerMs(audio.format)) / size) * size };
}

function assistantAudio(
  item: ConversationItem,
  contentIndex: number,
): Extract<ItemContent, { type: 'output_audio' }> | undefined {
  if (item.body.type !== 'message' || item.body.role !== 'assistant') return undefined;
  const content = item.body.content[contentIndex];
  return content?.type === 'output_audio' ? content : undefined;
}
