import type { AgentSession, TurnDetection } from './agent-schema';
import { wireAudioFormats, type WireAudioFormat } from './audio-format';

/** A function that the model may call. */
export interface FunctionTool {
  /** Letters, digits, `_` and `-`: another character gets the whole session refused. */
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Readonly<Record<string, unknown>>;
}

/**
 * The `session` of our one `session.update` (API `RealtimeSessionCreateRequest`). What the agent leaves open is left out
 * where the API's default is "none", and stated where live defaults have changed before.
 */
export function sessionConfig({
  agent,
  tools,
}: {
  agent: AgentSession;
  tools: readonly FunctionTool[];
}): SessionConfig {
  const format = wireAudioFormats[agent.audio_format];
  return {
    type: 'realtime',
    output_modalities: ['audio'],
    instructions: agent.instructions,
    audio: {
      input: {
        format,
        ...(agent.noise_reduction === undefined ? {} : { noise_reduction: { type: agent.noise_reduction } }),
        ...(agent.transcription === undefined ? {} : { transcription: transcriptionConfig(agent.transcription) }),
        turn_detection: turnDetectionConfig(agent.turn_detection),
      },
      output: { format, voice: agent.voice, speed: agent.speed },
    },
    tools: tools.map(({ name, description, parameters }) => ({ type: 'function', name, description, parameters })),
    tool_choice: 'auto',
    max_output_tokens: agent.max_output_tokens ?? 'inf',
  };
}

export interface SessionConfig {
  type: 'realtime';
  output_modalities: ['audio'];
  instructions: string;
  audio: {
    input: {
      format: WireAudioFormat;
      noise_reduction?: { type: 'near_field' | 'far_field' };
      transcription?: TranscriptionConfig;
      turn_detection: TurnDetectionConfig;
    };
    output: { format: WireAudioFormat; voice: string; speed: number };
  };
  tools: (FunctionTool & { type: 'function' })[];
  tool_choice: 'auto';
  max_output_tokens: number | 'inf';
}

export interface TranscriptionConfig {
  model: string;
  language?: string;
  prompt?: string;
}

/** Times in milliseconds. */
export type TurnDetectionConfig =
  | {
      type: 'server_vad';
      threshold: number;
      prefix_padding_ms: number;
      silence_duration_ms: number;
      idle_timeout_ms: number | null;
      create_response: boolean;
      interrupt_response: boolean;
    }
  | {
      type: 'semantic_vad';
      eagerness: 'low' | 'medium' | 'high' | 'auto';
      create_response: boolean;
      interrupt_response: boolean;
    };

function turnDetectionConfig(detection: TurnDetection): TurnDetectionConfig {
  const flags = { create_response: detection.create_response, interrupt_response: detection.interrupt_response };
  switch (detection.type) {
    case 'server_vad':
      return {
        type: 'server_vad',
        threshold: detection.threshold,
        prefix_padding_ms: detection.prefix,
        // 500 in the documents, 200 in live sessions: never left to the server.
        silence_duration_ms: detection.silence,
        idle_timeout_ms: detection.idle_timeout ?? null,
        ...flags,
      };
    case 'semantic_vad':
      return { type: 'semantic_vad', eagerness: detection.eagerness, ...flags };
  }
}

function transcriptionConfig({
  model,
  language,
  prompt,
}: NonNullable<AgentSession['transcription']>): TranscriptionConfig {
  return {
    model,
    ...(language === undefined ? {} : { language }),
    ...(prompt === undefined ? {} : { prompt }),
  };
}
