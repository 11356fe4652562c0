import type { AudioFormat } from './agent-schema';
import { audioFormatOf } from './audio-format';
import { EventFields, isJsonObject, type JsonObject } from './event-fields';
import type {
  ItemContent,
  RateLimit,
  ResponseDone,
  ServerToolCall,
  TokenUsage,
  TranscriptionUsage,
} from './session-listener';
import { readTokenUsage, readTranscriptionUsage } from './token-usage';

/** Parses one text message of the server. Never throws, whatever the text. */
export function parseServerEvent(text: string): ServerEvent | RejectedMessage {
  if (text.length > messageCharsMax) return { type: 'rejected', reason: 'too-long' };
  if (isNestedDeeperThan(depthMax, text)) return { type: 'rejected', reason: 'too-deep' };
  const value = parseJson(text);
  if (value === undefined) return { type: 'rejected', reason: 'not-json' };
  return isJsonObject(value) ? readEvent(value) : { type: 'rejected', reason: 'not-an-object' };
}

/**
 * The server events that a call needs, by the API's names, with the API's fields in our spelling. `unneeded` are other
 * events of the API; `unknown` is what the API may add.
 */
export type ServerEvent =
  | { type: 'session.created'; session: SessionFacts }
  | { type: 'session.updated'; session: SessionFacts }
  | { type: 'error'; error: ServerError }
  | { type: 'input_audio_buffer.speech_started'; itemId: string; audioStartMs: number }
  | { type: 'input_audio_buffer.speech_stopped'; itemId: string; audioEndMs: number }
  | { type: 'input_audio_buffer.timeout_triggered'; itemId: string }
  | { type: 'input_audio_buffer.committed'; itemId: string }
  | { type: 'input_audio_buffer.cleared' }
  | {
      type: 'conversation.item.input_audio_transcription.completed';
      itemId: string;
      transcript: string;
      usage: TranscriptionUsage | undefined;
    }
  | { type: 'rate_limits.updated'; limits: RateLimit[] }
  | { type: 'response.created'; response: ResponseFacts }
  | ({ type: 'response.output_audio.delta'; audio: Buffer } & ResponseContent)
  | ({ type: 'response.output_audio.done' } & ResponseContent)
  | ({ type: 'response.output_audio_transcript.done'; transcript: string } & ResponseContent)
  | ({ type: 'response.output_text.done'; text: string } & ResponseContent)
  | {
      type: 'response.output_item.done';
      responseId: string;
      call: CompletedCall | undefined;
      serverCall: ServerToolCall | undefined;
    }
  /** `outputOf` is the call whose result was added; undefined for other items. */
  | { type: 'conversation.item.added'; outputOf: string | undefined }
  | { type: 'mcp_list_tools.failed' }
  | { type: 'response.done'; response: ResponseFacts & FinishedFacts }
  | { type: 'unneeded'; name: string }
  | { type: 'unknown'; name: string };

/** A message that is not an event as the API describes it. `field` is a path such as `response.id`. */
export interface RejectedMessage {
  type: 'rejected';
  reason: 'too-long' | 'too-deep' | 'not-json' | 'not-an-object' | 'no-type' | 'bad-field' | 'bad-base64';
  name?: string;
  field?: string;
}

/** Of the effective session object; undefined where the server said nothing. */
export interface SessionFacts {
  id: string | undefined;
  model: string | undefined;
  /** Unix milliseconds. */
  expiresAtMs: number | undefined;
  /** `unsupported` is a format that exists but is none of ours. */
  inputFormat: AudioFormat | 'unsupported' | undefined;
  outputFormat: AudioFormat | 'unsupported' | undefined;
  interruptResponse: boolean | undefined;
  createResponse: boolean | undefined;
}

/** The inside of an `error` event; `eventId` is that of the client event at fault. */
export interface ServerError {
  type: string | undefined;
  code: string | undefined;
  message: string;
  eventId: string | undefined;
}

/** What identifies a response. `conversation: none` makes an out-of-band one, whose `conversation_id` is null. */
export interface ResponseFacts {
  responseId: string;
  /** What our `response.create` had in `metadata.client_event_id`; the server copies it. */
  requestId: string | undefined;
  outOfBand: boolean;
}

/** How a response ended. */
export interface FinishedFacts {
  status: ResponseDone['status'];
  reason: string | undefined;
  error: { code: string; message: string } | undefined;
  usage: TokenUsage | undefined;
}

export interface ResponseContent extends ItemContent {
  responseId: string;
}

/** A function call item whose arguments are whole. */
export interface CompletedCall {
  callId: string;
  name: string;
  argumentsText: string;
}

/** 16 s of base64 PCM, or the longest instructions echoed with their tools. */
export const messageCharsMax = 1_048_576;

/** JSON Schemas of tools come back in `session.updated` and nest deepest; a nested text costs the parser its stack. */
const depthMax = 64;

const unknownNameCharsMax = 100;
const rateLimitsMax = 8;

const readers: Readonly<Record<Exclude<ServerEvent['type'], 'unneeded' | 'unknown'>, EventReader>> = {
  'session.created': (fields) => ({ type: 'session.created', session: readSession(fields.within('session')) }),
  'session.updated': (fields) => ({ type: 'session.updated', session: readSession(fields.within('session')) }),
  error: (fields) => ({ type: 'error', error: readError(fields.within('error')) }),
  'input_audio_buffer.speech_started': (fields) => ({
    type: 'input_audio_buffer.speech_started',
    itemId: fields.id('item_id'),
    audioStartMs: fields.offsetMs('audio_start_ms'),
  }),
  'input_audio_buffer.speech_stopped': (fields) => ({
    type: 'input_audio_buffer.speech_stopped',
    itemId: fields.id('item_id'),
    audioEndMs: fields.offsetMs('audio_end_ms'),
  }),
  'input_audio_buffer.timeout_triggered': (fields) => ({
    type: 'input_audio_buffer.timeout_triggered',
    itemId: fields.id('item_id'),
  }),
  'input_audio_buffer.committed': (fields) => ({ type: 'input_audio_buffer.committed', itemId: fields.id('item_id') }),
  'input_audio_buffer.cleared': () => ({ type: 'input_audio_buffer.cleared' }),
  'conversation.item.input_audio_transcription.completed': (fields) => ({
    type: 'conversation.item.input_audio_transcription.completed',
    itemId: fields.id('item_id'),
    transcript: fields.text('transcript'),
    usage: readTranscriptionUsage(fields.maybeWithin('usage')),
  }),
  'rate_limits.updated': (fields) => ({
    type: 'rate_limits.updated',
    limits: fields.maybeList('rate_limits').slice(0, rateLimitsMax).map(readRateLimit),
  }),
  'response.created': (fields) => ({ type: 'response.created', response: readResponse(fields.within('response')) }),
  'response.output_audio.delta': (fields) => ({
    type: 'response.output_audio.delta',
    ...readContent(fields),
    audio: fields.base64('delta'),
  }),
  'response.output_audio.done': (fields) => ({ type: 'response.output_audio.done', ...readContent(fields) }),
  'response.output_audio_transcript.done': (fields) => ({
    type: 'response.output_audio_transcript.done',
    ...readContent(fields),
    transcript: fields.text('transcript'),
  }),
  'response.output_text.done': (fields) => ({
    type: 'response.output_text.done',
    ...readContent(fields),
    text: fields.text('text'),
  }),
  'response.output_item.done': (fields) => ({
    type: 'response.output_item.done',
    responseId: fields.id('response_id'),
    call: readCompletedCall(fields.within('item')),
    serverCall: readServerToolCall(fields.within('item')),
  }),
  'conversation.item.added': (fields) => {
    const item = fields.maybeWithin('item');
    const isOutput = item?.maybeText('type') === 'function_call_output';
    return { type: 'conversation.item.added', outputOf: isOutput ? item.maybeId('call_id') : undefined };
  },
  'mcp_list_tools.failed': () => ({ type: 'mcp_list_tools.failed' }),
  'response.done': (fields) => {
    const response = fields.within('response');
    return { type: 'response.done', response: { ...readResponse(response), ...readFinish(response) } };
  },
};

type EventReader = (fields: EventFields) => ServerEvent;

// A Map, because a stranger's type may be `constructor`.
const readerByName = new Map<string, EventReader>(Object.entries(readers));

const unneededNames = new Set([
  'conversation.created',
  'conversation.item.created',
  'conversation.item.done',
  'conversation.item.deleted',
  'conversation.item.retrieved',
  'conversation.item.truncated',
  'conversation.item.input_audio_transcription.delta',
  'conversation.item.input_audio_transcription.failed',
  'conversation.item.input_audio_transcription.segment',
  'input_audio_buffer.dtmf_event_received',
  'output_audio_buffer.started',
  'output_audio_buffer.stopped',
  'output_audio_buffer.cleared',
  'response.output_item.added',
  'response.content_part.added',
  'response.content_part.done',
  'response.output_audio_transcript.delta',
  'response.output_text.delta',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
  'response.mcp_call_arguments.delta',
  'response.mcp_call_arguments.done',
  'response.mcp_call.in_progress',
  'response.mcp_call.completed',
  'response.mcp_call.failed',
  'mcp_list_tools.in_progress',
  'mcp_list_tools.completed',
]);

function readEvent(body: JsonObject): ServerEvent | RejectedMessage {
  const name = body['type'];
  if (typeof name !== 'string') return { type: 'rejected', reason: 'no-type' };
  const reader = readerByName.get(name);
  if (reader === undefined) {
    const isKnown = unneededNames.has(name);
    return { type: isKnown ? 'unneeded' : 'unknown', name: isKnown ? name : name.slice(0, unknownNameCharsMax) };
  }
  const fields = new EventFields(body);
  const event = reader(fields);
  return fields.problem === undefined ? event : { type: 'rejected', name, ...fields.problem };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One pass over the text. Brackets inside strings do not count, and strings are skipped: most of it is base64. */
function isNestedDeeperThan(limit: number, text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x22 /* " */) {
      i = endOfString(text, i);
    } else if (code === 0x7b /* { */ || code === 0x5b /* [ */) {
      depth += 1;
      if (depth > limit) return true;
    } else if (code === 0x7d /* } */ || code === 0x5d /* ] */) {
      depth -= 1;
    }
  }
  return false;
}

/** Index of the quote that closes the string opened at `start`; the text's length when none does. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c /* \ */) backslashes += 1;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function readSession(session: EventFields): SessionFacts {
  const audio = session.maybeWithin('audio');
  const input = audio?.maybeWithin('input');
  const expiresAt = session.maybeNumber('expires_at');
  return {
    id: session.maybeId('id'),
    model: session.maybeId('model'),
    expiresAtMs: expiresAt === undefined ? undefined : expiresAt * 1_000,
    inputFormat: readFormat(input?.maybeWithin('format')),
    outputFormat: readFormat(audio?.maybeWithin('output')?.maybeWithin('format')),
    interruptResponse: input?.maybeWithin('turn_detection')?.maybeFlag('interrupt_response'),
    createResponse: input?.maybeWithin('turn_detection')?.maybeFlag('create_response'),
  };
}

function readFormat(format: EventFields | undefined): SessionFacts['inputFormat'] {
  if (format === undefined) return undefined;
  return audioFormatOf({ type: format.maybeText('type'), rate: format.maybeNumber('rate') }) ?? 'unsupported';
}

function readRateLimit(limit: EventFields): RateLimit {
  return {
    name: limit.maybeId('name') ?? '',
    limit: limit.maybeNumber('limit') ?? 0,
    remaining: limit.maybeNumber('remaining') ?? 0,
    resetMs: Math.max(0, (limit.maybeNumber('reset_seconds') ?? 0) * 1_000),
  };
}

/** Only the object itself is required: an error must not be lost because it is oddly told. */
function readError(error: EventFields): ServerError {
  return {
    type: error.maybeId('type'),
    code: error.maybeId('code'),
    message: error.maybeText('message') ?? '',
    eventId: error.maybeId('event_id'),
  };
}

function readContent(fields: EventFields): ResponseContent {
  return {
    responseId: fields.id('response_id'),
    itemId: fields.id('item_id'),
    contentIndex: fields.index('content_index'),
  };
}

function readResponse(response: EventFields): ResponseFacts {
  return {
    responseId: response.id('id'),
    requestId: response.maybeWithin('metadata')?.maybeId('client_event_id'),
    outOfBand: response.isNull('conversation_id'),
  };
}

/** A status that the API does not list counts as failed: the response is over all the same. */
function readFinish(response: EventFields): FinishedFacts {
  const told = response.maybeText('status');
  const status = told === 'completed' || told === 'cancelled' || told === 'incomplete' ? told : 'failed';
  const details = response.maybeWithin('status_details');
  const error = details?.maybeWithin('error');
  const code = error?.maybeId('code') ?? error?.maybeId('type');
  const usage = response.maybeWithin('usage');
  return {
    status,
    reason: status === 'completed' ? undefined : (code ?? details?.maybeId('reason') ?? 'unknown'),
    error: code === undefined ? undefined : { code, message: error?.maybeText('message') ?? '' },
    usage: usage === undefined ? undefined : readTokenUsage(usage),
  };
}

/** Undefined for other items, and for a call that was cut off: its arguments are not whole and it must not be run. */
function readCompletedCall(item: EventFields): CompletedCall | undefined {
  if (item.maybeText('type') !== 'function_call' || item.maybeText('status') !== 'completed') return undefined;
  return { callId: item.id('call_id'), name: item.id('name'), argumentsText: item.text('arguments') };
}

/** A call that the server itself has made to an MCP server, well or not. */
function readServerToolCall(item: EventFields): ServerToolCall | undefined {
  if (item.maybeText('type') !== 'mcp_call') return undefined;
  return {
    callId: item.maybeId('id') ?? '',
    server: item.maybeId('server_label') ?? '',
    name: item.maybeId('name') ?? '',
    failed: item.maybeWithin('error') !== undefined || item.maybeText('error') !== undefined,
  };
}
