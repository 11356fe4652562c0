import type { PcmFrame } from '../audio/pcm';

/** How a response ended (`response.done`). */
export interface ResponseDone {
  responseId: string;
  status: 'completed' | 'cancelled' | 'failed' | 'incomplete';
  /** `turn_detected`, `client_cancelled`, `max_output_tokens`, an error code ...; undefined when completed. */
  reason: string | undefined;
  /** What the server says of a failure: for people, and for the time after which to try again. */
  message?: string | undefined;
  usage: TokenUsage | undefined;
}

/** A response that we asked for, as we asked for it. */
export interface RequestedResponse {
  instructions: string | undefined;
  metadata: Readonly<Record<string, string>>;
}

/** What the transcription of one turn of the caller took; billed at the price of the transcription's model. */
export type TranscriptionUsage =
  | { kind: 'tokens'; inputTextTokens: number; inputAudioTokens: number; outputTokens: number }
  | { kind: 'duration'; seconds: number };

/** One limit of the account (`rate_limits.updated`). */
export interface RateLimit {
  /** `tokens`, `requests`. */
  name: string;
  limit: number;
  remaining: number;
  resetMs: number;
}

/** `response.done.response.usage`, every count present (0 when the server left it out). */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  inputTextTokens: number;
  inputAudioTokens: number;
  inputImageTokens: number;
  cachedTokens: number;
  cachedTextTokens: number;
  cachedAudioTokens: number;
  cachedImageTokens: number;
  outputTextTokens: number;
  outputAudioTokens: number;
}

/** A function that the model wants called. Told once per `callId`, only when the call is complete. */
export interface FunctionCall {
  callId: string;
  name: string;
  /** A JSON text made by the model: untrusted. */
  argumentsText: string;
  responseId: string;
}

/** A tool of an MCP server that the API itself has called (`mcp_call`): nothing is to be done about it. */
export interface ServerToolCall {
  callId: string;
  /** The label of the MCP server: the name of the tool in the plan. */
  server: string;
  name: string;
  failed: boolean;
}

/** Why the session is over. */
export type SessionEnded =
  /** We closed it. */
  | { kind: 'closed' }
  /** The server refused us: key, model, quota, permission. Trying again does not help. */
  | { kind: 'refused'; code: string; message: string }
  /** 60 minutes are over (`session_expired`). */
  | { kind: 'expired' }
  /** Network, restart, overload: a new session may work. */
  | { kind: 'lost'; closeCode: number; message: string };

/** One item's audio, identified as the API does. */
export interface ItemContent {
  itemId: string;
  contentIndex: number;
}

/** What the model does, in the order of its events. Called synchronously: must not throw, must not await. */
export interface RealtimeSessionListener {
  /** Our first `session.update` was accepted. `expiresAtMs` is Unix milliseconds. */
  onReady(ready: { sessionId: string; model: string; expiresAtMs: number | undefined }): void;
  onSpeechStarted(event: { itemId: string; audioStartMs: number }): void;
  onSpeechStopped(event: { itemId: string; audioEndMs: number }): void;
  /** What the server had of the caller was thrown away: a turn that had begun will not stop. */
  onInputCleared(): void;
  /**
   * `input_audio_buffer.timeout_triggered`: nobody spoke for the idle timeout. The silence that it commits is taken out
   * of the conversation, and its transcript is not told.
   */
  onIdleTimeout(event: { itemId: string }): void;
  /** The answer to results of tools was asked for, now that nothing else is said: whoever waits, waits for the model. */
  onAnswerToResultsAsked(): void;
  /** `request` is set for a response that we asked for; turn detection and the answers to tools have none. */
  onResponseStarted(event: { responseId: string; request: RequestedResponse | undefined }): void;
  /**
   * Decoded audio at `RealtimeSession.outputRateHz`, any length above 0. Audio of a cancelled response is not passed on.
   * The listener takes ownership of the array.
   */
  onAudio(event: ItemContent & { responseId: string; samples: PcmFrame }): void;
  /** No more audio for this content: generated whole, or cut off by a cancellation. */
  onAudioDone(event: ItemContent & { responseId: string }): void;
  onResponseDone(event: ResponseDone): void;
  onFunctionCall(call: FunctionCall): void;
  onServerToolCall(call: ServerToolCall): void;
  /** Final texts: what the model said (in full, heard or not), and what the transcriber believes the caller said. */
  onTranscript(event: { itemId: string; by: 'agent' | 'caller'; text: string }): void;
  onTranscriptionUsage(usage: TranscriptionUsage): void;
  onRateLimits(limits: readonly RateLimit[]): void;
  /** An error event that ended nothing. Benign ones (`response_cancel_not_active` ...) are not passed on. */
  onError(error: { code: string; message: string }): void;
  /** Told exactly once, last. */
  onEnded(ended: SessionEnded): void;
}
