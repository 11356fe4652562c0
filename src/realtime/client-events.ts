import type { ItemContent } from './session-listener';
import type { SessionConfig, SessionPatch } from './session-config';
import type { TakeOverUpdate } from './session-takeover';

/**
 * The client events that we send, exactly as they go on the wire. Each carries an `event_id`: an `error` event that
 * answers it echoes that id, and nothing else does.
 */
export type ClientEvent =
  OrdinaryEvent | { type: 'session.update'; event_id: string; session: SessionConfig | SessionPatch | TakeOverUpdate };

/** All but a take-over, whose nulls the API's published types do not know. */
export type OrdinaryEvent =
  | { type: 'session.update'; event_id: string; session: SessionConfig | SessionPatch }
  | { type: 'conversation.item.create'; event_id: string; item: CreatedItem }
  | {
      type: 'conversation.item.truncate';
      event_id: string;
      item_id: string;
      content_index: number;
      audio_end_ms: number;
    }
  | { type: 'conversation.item.delete'; event_id: string; item_id: string }
  | { type: 'input_audio_buffer.commit' | 'input_audio_buffer.clear'; event_id: string }
  | { type: 'response.create'; event_id: string; response: ResponseParameters }
  | { type: 'response.cancel'; event_id: string; response_id: string };

export type CreatedItem =
  | { type: 'message'; role: 'user' | 'system'; content: [{ type: 'input_text'; text: string }] }
  | {
      type: 'message';
      role: 'user';
      content: [{ type: 'input_text'; text: string }, { type: 'input_audio'; audio: string }];
    }
  | { type: 'message'; role: 'assistant'; content: [{ type: 'output_text'; text: string }] }
  | { type: 'function_call'; call_id: string; name: string; arguments: string }
  | { type: 'function_call_output'; call_id: string; output: string };

export interface ResponseParameters {
  instructions?: string;
  /** Left out where the session's applies. */
  tool_choice?: 'none';
  /** At most 16 pairs, keys to 64 and values to 512 characters. */
  metadata: Record<string, string>;
}

/** The text message of an event. */
export function serialise(event: ClientEvent): string {
  return JSON.stringify(event);
}

/**
 * The text message of `input_audio_buffer.append`. Fifty of them a second leave for each call, so the text is put
 * together by hand: base64 needs no escaping, and no `event_id`, because nothing ever answers it.
 */
export function appendMessage(base64: string): string {
  return `{"type":"input_audio_buffer.append","audio":"${base64}"}`;
}

export function itemTruncate(eventId: string, { itemId, contentIndex, audioEndMs }: Truncation): OrdinaryEvent {
  return {
    type: 'conversation.item.truncate',
    event_id: eventId,
    item_id: itemId,
    content_index: contentIndex,
    audio_end_ms: audioEndMs,
  };
}

/** How much of an item's audio was heard, in whole milliseconds. */
export interface Truncation extends ItemContent {
  audioEndMs: number;
}

export function itemDelete(eventId: string, itemId: string): OrdinaryEvent {
  return { type: 'conversation.item.delete', event_id: eventId, item_id: itemId };
}

export function itemCreate(eventId: string, item: CreatedItem): OrdinaryEvent {
  return { type: 'conversation.item.create', event_id: eventId, item };
}

/** A text from the caller's side (`user`), from us (`system`), or what the model once said (`assistant`). */
export function textItem({ role, text }: { role: 'user' | 'system' | 'assistant'; text: string }): CreatedItem {
  if (role === 'assistant') return { type: 'message', role, content: [{ type: 'output_text', text }] };
  return { type: 'message', role, content: [{ type: 'input_text', text }] };
}

/** Speech that is no turn of the caller, with a text that says whose it is; `audio` is base64 in the session's format. */
export function speechItemCreate(eventId: string, { text, audio }: { text: string; audio: string }): OrdinaryEvent {
  return {
    type: 'conversation.item.create',
    event_id: eventId,
    item: {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text },
        { type: 'input_audio', audio },
      ],
    },
  };
}

/** The result of a function call. By itself it makes the model say nothing. */
export function toolOutputCreate(
  eventId: string,
  { callId, output }: { callId: string; output: string },
): OrdinaryEvent {
  return {
    type: 'conversation.item.create',
    event_id: eventId,
    item: { type: 'function_call_output', call_id: callId, output },
  };
}

/**
 * `metadata.client_event_id` comes back in `response.created` and `response.done` and tells this response from those
 * that the server's turn detection makes.
 */
export function responseCreate(
  eventId: string,
  {
    instructions,
    metadata,
    withoutTools = false,
  }: { instructions: string | undefined; metadata: Readonly<Record<string, string>>; withoutTools?: boolean },
): OrdinaryEvent {
  return {
    type: 'response.create',
    event_id: eventId,
    response: {
      ...(instructions === undefined ? {} : { instructions }),
      ...(withoutTools ? { tool_choice: 'none' } : {}),
      metadata: { ...metadata, client_event_id: eventId },
    },
  };
}

export function responseCancel(eventId: string, responseId: string): OrdinaryEvent {
  return { type: 'response.cancel', event_id: eventId, response_id: responseId };
}
