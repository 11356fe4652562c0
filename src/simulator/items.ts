import type { ClientEvent } from './client-event';
import type { Conversation, Placement } from './conversation';
import { wireItem, type ConversationItem } from './conversation-item';
import type { IdSource } from './id-source';
import { itemFromClient } from './item-from-client';
import type { ServerEventBody, WireItem } from './server-events';
import type { ErrorReport } from './session-context';
import type { SessionSettings } from './session-settings';

type EventOf<Type extends ClientEvent['type']> = Extract<ClientEvent, { type: Type }>;

/** What clients do to the items of the conversation, and what everybody is told of it. */
export class Items {
  readonly #ids: IdSource;
  readonly #conversation: Conversation;
  readonly #settings: () => SessionSettings;
  readonly #emit: (event: ServerEventBody) => void;
  readonly #emitError: (error: ErrorReport) => void;

  constructor(options: {
    ids: IdSource;
    conversation: Conversation;
    settings: () => SessionSettings;
    emit: (event: ServerEventBody) => void;
    emitError: (error: ErrorReport) => void;
  }) {
    this.#ids = options.ids;
    this.#conversation = options.conversation;
    this.#settings = options.settings;
    this.#emit = options.emit;
    this.#emitError = options.emitError;
  }

  /** Adds and announces; false when `placement` names an item that is not there. */
  add(item: ConversationItem, placement: Placement = { kind: 'last' }): boolean {
    if (!this.#conversation.add(item, placement)) return false;
    this.#emit({ type: 'conversation.item.added', ...this.#placed(item) });
    return true;
  }

  /** Announces the final form, unless it was deleted while it was being said. */
  finish(item: ConversationItem): void {
    if (this.#conversation.find(item.id) === undefined) return;
    this.#emit({ type: 'conversation.item.done', ...this.#placed(item) });
  }

  create({ item, previous_item_id, event_id }: EventOf<'conversation.item.create'>): void {
    // The shape of the event allows references only inside a response.
    if (item.type === 'item_reference') return;
    const { format } = this.#settings().audio.input;
    const made = itemFromClient(item, { ids: this.#ids, items: this.#conversation.items, format });
    if (made.kind === 'rejected') {
      this.#emitError({ code: made.code, message: made.message, param: `item.${made.param}`, event_id });
    } else if (this.add(made.item, placementOf(previous_item_id))) {
      this.finish(made.item);
    } else {
      const message = 'The item after which to insert is not in the conversation.';
      this.#emitError({ code: 'invalid_value', message, param: 'previous_item_id', event_id });
    }
  }

  retrieve({ item_id, event_id }: EventOf<'conversation.item.retrieve'>): void {
    const item = this.#conversation.find(item_id);
    if (item === undefined) this.#emitError(unknownItem('retrieve', item_id, event_id));
    else this.#emit({ type: 'conversation.item.retrieved', item: wireItem(item, { withAudio: true }) });
  }

  truncate({ item_id, content_index, audio_end_ms, event_id }: EventOf<'conversation.item.truncate'>): void {
    const result = this.#conversation.truncate({
      itemId: item_id,
      contentIndex: content_index,
      audioEndMs: audio_end_ms,
    });
    switch (result.kind) {
      case 'truncated':
        this.#emit({ type: 'conversation.item.truncated', item_id, content_index, audio_end_ms });
        break;
      case 'unknown-item':
        this.#emitError(unknownItem('truncate', item_id, event_id));
        break;
      case 'not-audio':
        this.#emitError({ code: 'unsupported_content_type', message: onlyAudio, event_id });
        break;
      case 'too-long':
        this.#emitError({
          code: 'invalid_value',
          message: `Audio content of ${Math.floor(result.actualMs)}ms is already shorter than ${audio_end_ms}ms`,
          param: 'audio_end_ms',
          event_id,
        });
        break;
    }
  }

  delete({ item_id, event_id }: EventOf<'conversation.item.delete'>): void {
    if (this.#conversation.delete(item_id)) this.#emit({ type: 'conversation.item.deleted', item_id });
    else this.#emitError(unknownItem('delete', item_id, event_id));
  }

  #placed(item: ConversationItem): { item: WireItem; previous_item_id?: string | null } {
    const wire = wireItem(item);
    // Captures of transcription sessions lack the key.
    if (this.#settings().type === 'transcription') return { item: wire };
    return { item: wire, previous_item_id: this.#conversation.previousOf(item.id) };
  }
}

const onlyAudio = 'Only model output audio messages can be truncated';

function unknownItem(
  doing: 'retrieve' | 'truncate' | 'delete',
  itemId: string,
  eventId: string | undefined,
): ErrorReport {
  const shown = itemId.slice(0, 60);
  return {
    code: `item_${doing}_invalid_item_id`,
    message: `Error with item ${doing}: the item with id '${shown}' does not exist.`,
    event_id: eventId,
  };
}

function placementOf(previousItemId: string | null | undefined): Placement {
  if (previousItemId === undefined || previousItemId === null) return { kind: 'last' };
  return previousItemId === 'root' ? { kind: 'first' } : { kind: 'after', itemId: previousItemId };
}
