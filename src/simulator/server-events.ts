import type { AudioFormat } from './audio-format';
import type { SessionSettings } from './session-settings';

export type ItemStatus = 'completed' | 'incomplete' | 'in_progress';

type InputText = { type: 'input_text'; text: string };

/** `transcript` is never missing, only null: agents-js dies of a missing key. Audio is base64, only on retrieval. */
type InputAudio = { type: 'input_audio'; transcript: string | null; audio?: string };

type InputImage = { type: 'input_image'; image_url: string; detail: 'auto' | 'low' | 'high' };

type OutputText = { type: 'output_text'; text: string };

/** Without `transcript` after a truncation. Audio is base64, only on retrieval. */
type OutputAudio = { type: 'output_audio'; transcript?: string; audio?: string };

export type WireContent = InputText | InputAudio | InputImage | OutputText | OutputAudio;

type WireMessage =
  | { role: 'system'; content: InputText[] }
  | { role: 'user'; content: (InputText | InputAudio | InputImage)[] }
  | { role: 'assistant'; content: (OutputText | OutputAudio)[] };

/** An item as it travels; the live service sends no `object` key. */
export type WireItem = { id: string; status: ItemStatus } & (
  | ({ type: 'message' } & WireMessage)
  | { type: 'function_call'; name: string; call_id: string; arguments: string }
  | { type: 'function_call_output'; call_id: string; output: string }
);

/** The parts of a response use other type names than the items that they become. */
export type WirePart = { type: 'audio'; transcript: string } | { type: 'text'; text: string };

/** `response.done.response.usage`. The details sum to the totals; cached tokens are a subset of the input. */
export interface WireUsage {
  total_tokens: number;
  input_tokens: number;
  output_tokens: number;
  input_token_details: {
    text_tokens: number;
    audio_tokens: number;
    image_tokens: number;
    cached_tokens: number;
    cached_tokens_details: { text_tokens: number; audio_tokens: number; image_tokens: number };
  };
  output_token_details: { text_tokens: number; audio_tokens: number };
}

export type WireStatusDetails =
  | { type: 'cancelled'; reason: 'turn_detected' | 'client_cancelled' }
  | { type: 'incomplete'; reason: 'max_output_tokens' | 'content_filter' }
  | { type: 'failed'; error: { type: string; code: string; message: string } };

/** Every key is always present, as on the live service. */
export interface WireResponse {
  object: 'realtime.response';
  id: string;
  status: 'in_progress' | 'completed' | 'cancelled' | 'failed' | 'incomplete';
  status_details: WireStatusDetails | null;
  output: WireItem[];
  /** Null for a response outside the conversation. */
  conversation_id: string | null;
  output_modalities: ('text' | 'audio')[];
  max_output_tokens: number | 'inf';
  /** A custom voice is shown by its id. */
  audio: { output: { format: AudioFormat; voice: string } };
  usage: WireUsage | null;
  metadata: Record<string, string> | null;
}

export interface WireError {
  type: string;
  code: string | null;
  message: string;
  param: string | null;
  /** The client event that caused it, when it had an id. */
  event_id: string | null;
}

/** `….input_audio_transcription.completed.usage`: by tokens or by time, as the transcription model is billed. */
export type TranscriptionUsage =
  | {
      type: 'tokens';
      total_tokens: number;
      input_tokens: number;
      input_token_details: { text_tokens: number; audio_tokens: number };
      output_tokens: number;
    }
  | { type: 'duration'; seconds: number };

export interface TokenLogprob {
  token: string;
  logprob: number;
  bytes: number[];
}

interface InResponse {
  response_id: string;
  output_index: number;
}

interface InContent extends InResponse {
  item_id: string;
  content_index: number;
}

interface Placed {
  item: WireItem;
  /** Null for the first item; the key is missing in transcription sessions. */
  previous_item_id?: string | null;
}

interface Transcribed {
  item_id: string;
  content_index: number;
}

/** One event for each of the types, so that `Extract` finds them. */
type EachOf<Type extends string, Body> = Type extends string ? { type: Type } & Body : never;

type TextDelta = InContent & { delta: string; obfuscation: string };
type CallPlace = InResponse & { item_id: string; call_id: string };

/** What the simulator says, without the `event_id` that every event gets on its way out. */
export type ServerEventBody =
  | EachOf<'session.created' | 'session.updated', { session: SessionSettings }>
  | { type: 'error'; error: WireError }
  | {
      type: 'rate_limits.updated';
      rate_limits: { name: 'tokens'; limit: number; remaining: number; reset_seconds: number }[];
    }
  | EachOf<'conversation.item.added' | 'conversation.item.done', Placed>
  | { type: 'conversation.item.retrieved'; item: WireItem }
  | { type: 'conversation.item.deleted'; item_id: string }
  | { type: 'conversation.item.truncated'; item_id: string; content_index: number; audio_end_ms: number }
  | EachOf<
      'conversation.item.input_audio_transcription.delta',
      Transcribed & { delta: string; obfuscation: string; logprobs?: TokenLogprob[] }
    >
  | EachOf<
      'conversation.item.input_audio_transcription.completed',
      Transcribed & { transcript: string; usage: TranscriptionUsage; logprobs?: TokenLogprob[] }
    >
  | EachOf<
      'conversation.item.input_audio_transcription.failed',
      Transcribed & { error: { type: string; code: string; message: string } }
    >
  | { type: 'input_audio_buffer.committed'; item_id: string; previous_item_id?: string | null }
  | { type: 'input_audio_buffer.cleared' }
  | { type: 'input_audio_buffer.speech_started'; audio_start_ms: number; item_id: string }
  | { type: 'input_audio_buffer.speech_stopped'; audio_end_ms: number; item_id: string }
  | { type: 'input_audio_buffer.timeout_triggered'; audio_start_ms: number; audio_end_ms: number; item_id: string }
  | EachOf<'response.created' | 'response.done', { response: WireResponse }>
  | EachOf<'response.output_item.added' | 'response.output_item.done', InResponse & { item: WireItem }>
  | EachOf<'response.content_part.added' | 'response.content_part.done', InContent & { part: WirePart }>
  | EachOf<'response.output_audio.delta', InContent & { delta: string }>
  | EachOf<'response.output_audio.done', InContent>
  | EachOf<'response.output_audio_transcript.delta' | 'response.output_text.delta', TextDelta>
  | EachOf<'response.output_audio_transcript.done', InContent & { transcript: string }>
  | EachOf<'response.output_text.done', InContent & { text: string }>
  | EachOf<'response.function_call_arguments.delta', CallPlace & { delta: string; obfuscation: string }>
  | EachOf<'response.function_call_arguments.done', CallPlace & { name: string; arguments: string }>;

/** One JSON object of the server's side of the protocol. */
export type ServerEvent = ServerEventBody & { event_id: string };
