import type { AudioFormat } from './audio-format';
import { pcmFormat } from './audio-format';

export interface ServerVad {
  type: 'server_vad';
  /** 0 to 1: higher needs louder speech. */
  threshold: number;
  prefix_padding_ms: number;
  silence_duration_ms: number;
  /** The last three are missing in a transcription session. */
  idle_timeout_ms?: number | null;
  create_response?: boolean;
  interrupt_response?: boolean;
}

export interface SemanticVad {
  type: 'semantic_vad';
  eagerness: 'low' | 'medium' | 'high' | 'auto';
  create_response?: boolean;
  interrupt_response?: boolean;
}

export type TurnDetection = ServerVad | SemanticVad;

export interface TranscriptionSettings {
  model: string | null;
  language: string | null;
  prompt: string | null;
  languages?: string[];
  keywords?: string[];
  delay?: string;
}

export interface InputAudioSettings {
  format: AudioFormat;
  transcription: TranscriptionSettings | null;
  noise_reduction: { type: 'near_field' | 'far_field'; strength?: number } | null;
  turn_detection: TurnDetection | null;
}

export type Voice = string | { id: string };
export type Modality = 'audio' | 'text';

/** The session object of a conversation, as `session.created` and `session.updated` show it: nothing is left out. */
export interface ConversationSettings {
  type: 'realtime';
  object: 'realtime.session';
  id: string;
  model: string;
  output_modalities: Modality[];
  instructions: string;
  tools: Record<string, unknown>[];
  tool_choice: string | Record<string, unknown>;
  max_output_tokens: number | 'inf';
  tracing: 'auto' | Record<string, unknown> | null;
  truncation: 'auto' | 'disabled' | Record<string, unknown>;
  prompt: Record<string, unknown> | null;
  /** Unix seconds. */
  expires_at: number;
  audio: { input: InputAudioSettings; output: { format: AudioFormat; voice: Voice; speed: number } };
  include: string[] | null;
  /** Only there once the client has set them. */
  parallel_tool_calls?: boolean;
  reasoning?: Record<string, unknown>;
}

/** The session object of a transcription session: it has an ear and no voice. */
export interface TranscriptionSessionSettings {
  type: 'transcription';
  object: 'realtime.transcription_session';
  id: string;
  expires_at: number;
  audio: { input: InputAudioSettings };
  include: string[] | null;
}

export type SessionSettings = ConversationSettings | TranscriptionSessionSettings;

/** What a `server_vad` without further keys means on the live service (its documentation says 500 ms of silence). */
export const liveServerVad: Required<ServerVad> = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 200,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
};

export const liveSemanticVad: Required<SemanticVad> = {
  type: 'semantic_vad',
  eagerness: 'auto',
  create_response: true,
  interrupt_response: true,
};

const transcriptionVad: ServerVad = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 200,
};

interface NewSession {
  id: string;
  expiresAtSeconds: number;
}

/** A new conversation, in the key order of the live service. */
export function newConversationSettings({
  id,
  expiresAtSeconds,
  model,
}: NewSession & { model: string }): ConversationSettings {
  return {
    type: 'realtime',
    object: 'realtime.session',
    id,
    model,
    output_modalities: ['audio'],
    instructions: 'You are the simulator of a voice model. Answer with what the script says.',
    tools: [],
    tool_choice: 'auto',
    max_output_tokens: 'inf',
    tracing: null,
    truncation: 'auto',
    prompt: null,
    expires_at: expiresAtSeconds,
    audio: {
      input: { format: pcmFormat, transcription: null, noise_reduction: null, turn_detection: { ...liveServerVad } },
      output: { format: pcmFormat, voice: 'alloy', speed: 1 },
    },
    include: null,
  };
}

export function newTranscriptionSettings({ id, expiresAtSeconds }: NewSession): TranscriptionSessionSettings {
  return {
    type: 'transcription',
    object: 'realtime.transcription_session',
    id,
    expires_at: expiresAtSeconds,
    audio: {
      input: { format: pcmFormat, transcription: null, noise_reduction: null, turn_detection: { ...transcriptionVad } },
    },
    include: null,
  };
}

/** The defaults that a change to another kind of turn detection starts from. */
export function defaultTurnDetection(kind: TurnDetection['type'], session: SessionSettings['type']): TurnDetection {
  if (session === 'realtime') return kind === 'server_vad' ? { ...liveServerVad } : { ...liveSemanticVad };
  return kind === 'server_vad' ? { ...transcriptionVad } : { type: 'semantic_vad', eagerness: 'auto' };
}
