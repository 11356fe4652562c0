import type { AudioFormat } from './audio-format';
import { decodeBase64 } from './base64';
import type { WireInputContent, WireInputItem } from './client-event';
import type { ConversationItem, ItemContent } from './conversation-item';
import { WholeAudio } from './encoded-audio';
import type { IdSource } from './id-source';

export type ClientItem =
  { kind: 'item'; item: ConversationItem } | { kind: 'rejected'; code: string; message: string; param: string };

type CreatedItem = Exclude<WireInputItem, { type: 'item_reference' }>;

/** What an item comes into. */
export interface ItemSurroundings {
  ids: IdSource;
  /** The items that are there already. */
  items: readonly ConversationItem[];
  format: AudioFormat;
}

/** The item that a client wants, unless it does not fit its role or the other items. `param` is a path below the item. */
export function itemFromClient(wire: CreatedItem, { ids, items, format }: ItemSurroundings): ClientItem {
  const id = wire.id ?? ids.next('item');
  if (items.some((item) => item.id === id)) {
    return rejected('invalid_value', `An item with the id '${id.slice(0, 60)}' already exists.`, 'id');
  }
  switch (wire.type) {
    case 'message':
      return messageFromClient(id, wire, format);
    case 'function_call': {
      const callId = wire.call_id ?? ids.nextCall();
      const body = { type: wire.type, name: wire.name, callId, argumentsText: wire.arguments };
      return { kind: 'item', item: { id, status: 'completed', body } };
    }
    case 'function_call_output': {
      // A call that is still being written is not in the conversation yet.
      if (!items.some((item) => isCompletedCall(item, wire.call_id))) {
        const message = `No function call with the id '${wire.call_id.slice(0, 60)}' is in the conversation.`;
        return rejected('invalid_tool_call_id', message, 'call_id');
      }
      const body = { type: wire.type, callId: wire.call_id, output: wire.output };
      return { kind: 'item', item: { id, status: 'completed', body } };
    }
  }
}

function isCompletedCall({ body, status }: ConversationItem, callId: string): boolean {
  return body.type === 'function_call' && body.callId === callId && status === 'completed';
}

const allowedContent = {
  system: ['input_text'],
  user: ['input_text', 'input_audio', 'input_image'],
  assistant: ['output_text', 'text'],
};

function messageFromClient(
  id: string,
  wire: Extract<CreatedItem, { type: 'message' }>,
  format: AudioFormat,
): ClientItem {
  const content: ItemContent[] = [];
  for (const [index, part] of wire.content.entries()) {
    if (!allowedContent[wire.role].includes(part.type)) {
      const message = `Content of type '${part.type}' is not allowed in a message of role '${wire.role}'.`;
      return rejected('invalid_value', message, `content[${index}].type`);
    }
    const converted = contentFromClient(part, format);
    if (converted === undefined) {
      return rejected('invalid_value', 'The audio is not valid base64.', `content[${index}].audio`);
    }
    content.push(converted);
  }
  return { kind: 'item', item: { id, status: 'completed', body: { type: 'message', role: wire.role, content } } };
}

function contentFromClient(part: WireInputContent, format: AudioFormat): ItemContent | undefined {
  switch (part.type) {
    case 'input_text':
      return { type: 'input_text', text: part.text ?? '' };
    case 'output_text':
    case 'text':
      return { type: 'output_text', text: part.text ?? '' };
    case 'input_image':
      return { type: 'input_image', imageUrl: part.image_url ?? '', detail: part.detail ?? 'auto' };
    case 'input_audio': {
      const bytes = decodeBase64(part.audio ?? '');
      if (bytes === undefined) return undefined;
      const audio = new WholeAudio(format, bytes);
      return { type: 'input_audio', transcript: part.transcript ?? null, held: { audio, byteLength: bytes.length } };
    }
  }
}

function rejected(code: string, message: string, param: string): ClientItem {
  return { kind: 'rejected', code, message, param };
}
