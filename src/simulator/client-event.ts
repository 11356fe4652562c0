import {
  formatShape,
  instructionsShape,
  maxOutputTokensShape,
  metadataShape,
  modalitiesShape,
  promptShape,
} from './session-shape';
import { reasoningShape, toolChoiceShape, toolsShape, voiceShape } from './session-shape';
import type { AudioFormat } from './audio-format';
import type { Modality, Voice } from './session-settings';
import type { Shape } from './shape';
import {
  aBoolean,
  anArray,
  anInteger,
  anObject,
  anyValue,
  aString,
  aVariant,
  either,
  isObject,
  nullOr,
  oneOf,
} from './shape';

/** `response.create.response`: what is set overrides the session for one response. */
export interface ResponseOptions {
  conversation?: 'auto' | 'none';
  /** Items and references that stand in for the conversation. */
  input?: WireInputItem[];
  instructions?: string;
  output_modalities?: Modality[];
  audio?: { output?: { format?: AudioFormat; voice?: Voice } };
  tools?: Record<string, unknown>[];
  tool_choice?: string | Record<string, unknown>;
  max_output_tokens?: number | 'inf';
  metadata?: Record<string, string> | null;
}

export interface WireInputContent {
  type: 'input_text' | 'output_text' | 'text' | 'input_audio' | 'input_image';
  text?: string;
  audio?: string;
  transcript?: string | null;
  image_url?: string;
  detail?: 'auto' | 'low' | 'high';
}

export type WireInputItem =
  | { type: 'message'; id?: string; role: 'system' | 'user' | 'assistant'; content: WireInputContent[] }
  | { type: 'function_call'; id?: string; name: string; call_id?: string; arguments: string }
  | { type: 'function_call_output'; id?: string; call_id: string; output: string }
  | { type: 'item_reference'; id: string };

export type ClientEvent = { event_id?: string } & (
  | { type: 'session.update'; session: unknown }
  | { type: 'input_audio_buffer.append'; audio: string }
  | { type: 'input_audio_buffer.commit' }
  | { type: 'input_audio_buffer.clear' }
  | { type: 'conversation.item.create'; item: WireInputItem; previous_item_id?: string | null }
  | { type: 'conversation.item.retrieve'; item_id: string }
  | { type: 'conversation.item.truncate'; item_id: string; content_index: number; audio_end_ms: number }
  | { type: 'conversation.item.delete'; item_id: string }
  | { type: 'response.create'; response?: ResponseOptions | null }
  | { type: 'response.cancel'; response_id?: string }
);

/** Why an event was not understood, for the `error` event. */
export interface EventProblem {
  code: string;
  message: string;
  param: string | null;
  eventId: string | null;
}

export type ParsedEvent = { kind: 'event'; event: ClientEvent } | { kind: 'problem'; problem: EventProblem };

/** One text message of a client: an event of the protocol, or what is wrong with it. Never throws. */
export function parseClientEvent(text: string): ParsedEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid({ code: 'invalid_json', message: 'The message is not valid JSON.', param: null, eventId: null });
  }
  if (!isObject(value)) return invalid({ ...notAnEvent, eventId: null });
  const eventId = typeof value.event_id === 'string' ? value.event_id.slice(0, eventIdLengthMax) : null;
  if (typeof value.type !== 'string') return invalid({ ...notAnEvent, eventId });
  const shape = shapes.get(value.type);
  if (shape === undefined) return invalid({ ...unknownType(value.type), eventId });
  const found = shape(value);
  if (found !== undefined) return invalid({ ...found, param: found.param === '' ? null : found.param, eventId });
  // The shape has just said so.
  return { kind: 'event', event: value as unknown as ClientEvent };
}

/** Octets of base64 that one append may carry: the documented 15 MiB. */
export const appendAudioBytesMax = 15 * 1024 * 1024;

const eventIdLengthMax = 512;
const itemIdLengthMax = 512;
const itemTextLengthMax = 1_000_000;
const contentPartsMax = 128;
const inputItemsMax = 1_000;

const notAnEvent = { code: 'invalid_event', message: 'The event must be an object with a string type.', param: null };

function unknownType(type: string): Omit<EventProblem, 'eventId'> {
  const supported = acceptedTypes.map((each) => `'${each}'`).join(', ');
  const message = `Invalid value: '${type.slice(0, 100)}'. Supported values are: ${supported}.`;
  return { code: 'invalid_value', message, param: 'type' };
}

function invalid(problem: EventProblem): ParsedEvent {
  return { kind: 'problem', problem };
}

const textShape = aString({ atMost: itemTextLengthMax });
const idShape = aString({ atMost: itemIdLengthMax });

const contentShape = aVariant({
  input_text: anObject({ type: anyValue, text: textShape }, { required: ['text'] }),
  output_text: anObject({ type: anyValue, text: textShape }, { required: ['text'] }),
  text: anObject({ type: anyValue, text: textShape }, { required: ['text'] }),
  input_audio: anObject(
    { type: anyValue, audio: aString({ atMost: appendAudioBytesMax }), transcript: nullOr(textShape) },
    { required: ['audio'] },
  ),
  input_image: anObject(
    { type: anyValue, image_url: aString({ atMost: appendAudioBytesMax }), detail: oneOf(['auto', 'low', 'high']) },
    { required: ['image_url'] },
  ),
});

const commonKeys = {
  type: anyValue,
  id: idShape,
  object: oneOf(['realtime.item']),
  status: oneOf(['completed', 'incomplete', 'in_progress']),
};

const itemVariants: Record<string, Shape> = {
  message: anObject(
    {
      ...commonKeys,
      role: oneOf(['system', 'user', 'assistant']),
      content: anArray(contentShape, { atMost: contentPartsMax }),
    },
    { required: ['role', 'content'] },
  ),
  function_call: anObject(
    { ...commonKeys, name: aString({ atMost: 64 }), call_id: idShape, arguments: textShape },
    { required: ['name', 'arguments'] },
  ),
  function_call_output: anObject(
    { ...commonKeys, call_id: idShape, output: textShape },
    { required: ['call_id', 'output'] },
  ),
};

const referenceShape = anObject({ type: anyValue, id: idShape }, { required: ['id'] });

const responseShape = nullOr(
  anObject({
    conversation: oneOf(['auto', 'none']),
    input: anArray(aVariant({ ...itemVariants, item_reference: referenceShape }), { atMost: inputItemsMax }),
    instructions: instructionsShape,
    output_modalities: modalitiesShape,
    audio: anObject({ output: anObject({ format: formatShape, voice: voiceShape }) }),
    tools: toolsShape,
    tool_choice: toolChoiceShape,
    parallel_tool_calls: aBoolean,
    max_output_tokens: maxOutputTokensShape,
    metadata: metadataShape,
    prompt: promptShape,
    reasoning: reasoningShape,
  }),
);

function eventShape(keys: Record<string, Shape>, required: readonly string[] = []): Shape {
  return anObject({ type: anyValue, event_id: aString({ atMost: eventIdLengthMax }), ...keys }, { required });
}

const shapes = new Map<string, Shape>([
  // The session itself is looked at with the state of the conversation in hand.
  ['session.update', eventShape({ session: either([{ when: isObject, shape: anyValue }], 'a session') }, ['session'])],
  ['input_audio_buffer.append', eventShape({ audio: aString({ atMost: appendAudioBytesMax }) }, ['audio'])],
  ['input_audio_buffer.commit', eventShape({})],
  ['input_audio_buffer.clear', eventShape({})],
  [
    'conversation.item.create',
    eventShape({ item: aVariant(itemVariants), previous_item_id: nullOr(idShape) }, ['item']),
  ],
  ['conversation.item.retrieve', eventShape({ item_id: idShape }, ['item_id'])],
  [
    'conversation.item.truncate',
    eventShape(
      {
        item_id: idShape,
        content_index: anInteger({ atLeast: 0, atMost: contentPartsMax }),
        audio_end_ms: anInteger({ atLeast: 0, atMost: Number.MAX_SAFE_INTEGER }),
      },
      ['item_id', 'content_index', 'audio_end_ms'],
    ),
  ],
  ['conversation.item.delete', eventShape({ item_id: idShape }, ['item_id'])],
  ['response.create', eventShape({ response: responseShape })],
  ['response.cancel', eventShape({ response_id: idShape })],
]);

/** The list that the live service prints; the two `session.` ones beside `session.update` belong to translation. */
const acceptedTypes = [
  'session.update',
  'session.close',
  'input_audio_buffer.append',
  'session.input_audio_buffer.append',
  'input_audio_buffer.commit',
  'input_audio_buffer.clear',
  'conversation.item.create',
  'conversation.item.truncate',
  'conversation.item.delete',
  'conversation.item.retrieve',
  'response.create',
  'response.cancel',
];
