import type { HeldAudio } from './encoded-audio';
import type { ItemStatus, WireContent, WireItem } from './server-events';

export type ItemContent =
  | { type: 'input_text'; text: string }
  | { type: 'output_text'; text: string }
  | { type: 'input_image'; imageUrl: string; detail: 'auto' | 'low' | 'high' }
  | { type: 'input_audio'; transcript: string | null; held: HeldAudio | undefined }
  /** `transcript` is undefined once the audio was truncated. `held` grows while the item is being said. */
  | {
      type: 'output_audio';
      transcript: string | undefined;
      held: HeldAudio | undefined;
      truncatedToMs: number | undefined;
    };

export type ItemBody =
  | { type: 'message'; role: 'system' | 'user' | 'assistant'; content: ItemContent[] }
  | { type: 'function_call'; name: string; callId: string; argumentsText: string }
  | { type: 'function_call_output'; callId: string; output: string };

/** One item of a conversation, or of a response outside it. */
export interface ConversationItem {
  readonly id: string;
  status: ItemStatus;
  readonly body: ItemBody;
}

/** The item as events show it; audio only when asked for. */
export function wireItem({ id, status, body }: ConversationItem, { withAudio = false } = {}): WireItem {
  switch (body.type) {
    case 'message': {
      const content = body.content.map((part) => wireContent(part, withAudio));
      // What fits which role was decided when the item was made.
      return { id, type: 'message', status, role: body.role, content } as WireItem;
    }
    case 'function_call':
      return {
        id,
        type: 'function_call',
        status,
        name: body.name,
        call_id: body.callId,
        arguments: body.argumentsText,
      };
    case 'function_call_output':
      return { id, type: 'function_call_output', status, call_id: body.callId, output: body.output };
  }
}

function wireContent(content: ItemContent, withAudio: boolean): WireContent {
  switch (content.type) {
    case 'input_text':
    case 'output_text':
      return { type: content.type, text: content.text };
    case 'input_image':
      return { type: 'input_image', image_url: content.imageUrl, detail: content.detail };
    case 'input_audio':
      return { type: 'input_audio', transcript: content.transcript, ...retrieved(content.held, withAudio) };
    case 'output_audio':
      return {
        type: 'output_audio',
        ...(content.transcript === undefined ? {} : { transcript: content.transcript }),
        ...retrieved(content.held, withAudio),
      };
  }
}

function retrieved(held: HeldAudio | undefined, withAudio: boolean): { audio?: string } {
  return withAudio && held !== undefined ? { audio: held.audio.base64(0, held.byteLength) } : {};
}
