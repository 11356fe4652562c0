import type { AudioFormat } from './audio-format';
import type { SessionSettings } from './session-settings';

export type ItemStatus = 'completed' | 'incomplete' | 'in_progress';

/** Content of an item as it travels. Audio is base64 and only present on retrieval. */
export type WireContent =
  | { type: 'input_text'; text: string }
  | { type: 'output_text'; text: string }
  | { type: 'input_image'; image_url: string; detail: 'auto' | 'low' | 'high' }
  /** `transcript` is never missing, only null: agents-js dies of a missing key. */
  | { type: 'input_audio'; transcript: string | null; audio?: string }
  /** Without `transcript` after a truncation. */
  | { type: 'output_audio'; transcript?: string; audio?: string };

/** An item as it travels; the live service sends no `object` key. */
export type WireItem =
  | { id: string; type: 'message'; status: ItemStatus; role: 'system' | 'user' | 'assistant'; content: WireContent[] }
  | { id: string; type: 'function_call'; status: ItemStatus; name: string; call_id: string; arguments: string }
  | { id: string; type: 'function_call_output'; status: ItemStatus; call_id: string; output: string };

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
  audio: { output: { format: AudioFormat; voice: string | { id: string } } };
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

/** What the simulator says, without the `event_id` that every event gets on its way out. */
export type ServerEventBody =
  | { type: 'session.created' | 'session.updated'; session: SessionSettings }
  | { type: 'error'; error: WireError }
  | {
      type: 'rate_limits.updated';
      rate_limits: { name: 'tokens'; limit: number; remaining: number; reset_seconds: number }[];
    }
  | ({ type: 'conversation.item.added' | 'conversation.item.done' } & Placed)
  | { type: 'conversation.item.retrieved'; item: WireItem }
  | { type: 'conversation.item.deleted'; item_id: string }
  | { type: 'conversation.item.truncated'; item_id: string; content_index: number; audio_end_ms: number }
  | ({
      type: 'conversation.item.input_audio_transcription.delta';
      delta: string;
      obfuscation: string;
      logprobs?: TokenLogprob[];
    } & Transcribed)
  | ({
      type: 'conversation.item.input_audio_transcription.completed';
      transcript: string;
      usage: TranscriptionUsage;
      logprobs?: TokenLogprob[];
    } & Transcribed)
  | ({
      type: 'conversation.item.input_audio_transcription.failed';
      error: { type: string; code: string; message: string };
    } & Transcribed)
  | { type: 'input_audio_buffer.committed'; item_id: string; previous_item_id?: string | null }
  | { type: 'input_audio_buffer.cleared' }
  | { type: 'input_audio_buffer.speech_started'; audio_start_ms: number; item_id: string }
  | { type: 'input_audio_buffer.speech_stopped'; audio_end_ms: number; item_id: string }
  | {
      type: 'input_audio_buffer.timeout_triggered';
      audio_start_ms: number;
      audio_end_ms: number;
      item_id: string;
    }
  | { type: 'response.created' | 'response.done'; response: WireResponse }
  | ({ type: 'response.output_item.added' | 'response.output_item.done'; item: WireItem } & InResponse)
  | ({ type: 'response.content_part.added' | 'response.content_part.done'; part: WirePart } & InContent)
  | ({ type: 'response.output_audio.delta'; delta: string } & InContent)
  | ({ type: 'response.output_audio.done' } & InContent)
  | ({
      type: 'response.output_audio_transcript.delta' | 'response.output_text.delta';
      delta: string;
      obfuscation: string;
    } & InContent)
  | ({ type: 'response.output_audio_transcript.done'; transcript: string } & InContent)
  | ({ type: 'response.output_text.done'; text: string } & InContent)
  | ({
      type: 'response.function_call_arguments.delta';
      item_id: string;
      call_id: string;
      delta: string;
      obfuscation: string;
    } & InResponse)
  | ({
      type: 'response.function_call_arguments.done';
      item_id: string;
      call_id: string;
      name: string;
      arguments: string;
    } & InResponse);

/** One JSON object of the server's side of the protocol. */
export type ServerEvent = ServerEventBody & { event_id: string };
