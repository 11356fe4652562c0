import { formatsOf, languageName, type AgentSession, type TurnDetection } from './agent-schema';
import { invariant } from '../runtime/invariant';
import { wireAudioFormats, type WireAudioFormat } from './audio-format';

/** A function that the model may call. */
export interface FunctionTool {
  /** Letters, digits, `_` and `-`: another character gets the whole session refused. */
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Readonly<Record<string, unknown>>;
}

/** An MCP server whose tools the API calls by itself (API tool type `mcp`). */
export interface McpServerTool {
  serverLabel: string;
  serverUrl: string;
  description: string | undefined;
  /** Undefined for a server that wants none. */
  authorization: string | undefined;
  /** Undefined for all. */
  allowedTools: readonly string[] | undefined;
}

export type SessionTool = FunctionTool | McpServerTool;

/**
 * The `session` of our first `session.update` (API `RealtimeSessionCreateRequest`). What the agent leaves open is left out
 * where the API's default is "none", and stated where live defaults have changed before.
 */
export function sessionConfig({ agent, tools }: { agent: AgentSession; tools: readonly SessionTool[] }): SessionConfig {
  const formats = formatsOf(agent);
  return {
    type: 'realtime',
    output_modalities: ['audio'],
    ...instructionsConfig(agent),
    ...(agent.prompt === undefined ? {} : { prompt: promptConfig(agent.prompt) }),
    audio: {
      input: {
        format: wireAudioFormats[formats.input],
        ...noiseReductionConfig(agent.noise_reduction),
        ...transcriptionConfig(agent),
        turn_detection: turnDetectionConfig(agent.turn_detection),
      },
      output: { format: wireAudioFormats[formats.output], voice: agent.voice, speed: agent.speed },
    },
    tools: tools.map(toolConfig),
    tool_choice: toolChoiceConfig(agent.tool_choice),
    ...(agent.parallel_tool_calls === undefined ? {} : { parallel_tool_calls: agent.parallel_tool_calls }),
    max_output_tokens: agent.max_output_tokens ?? 'inf',
    ...(agent.truncation === undefined ? {} : { truncation: truncationConfig(agent.truncation) }),
    ...(agent.reasoning === undefined ? {} : { reasoning: agent.reasoning }),
    ...(agent.tracing === undefined ? {} : { tracing: tracingConfig(agent.tracing) }),
    ...(agent.include === undefined ? {} : { include: agent.include }),
  };
}

export interface SessionConfig {
  type: 'realtime';
  output_modalities: ['audio'];
  /** Left out with a hosted prompt, which brings its own. */
  instructions?: string;
  prompt?: HostedPromptConfig;
  audio: {
    input: {
      format: WireAudioFormat;
      noise_reduction?: NoiseReductionConfig;
      transcription?: TranscriptionConfig;
      turn_detection: TurnDetectionConfig | null;
    };
    output: { format: WireAudioFormat; voice: string | { id: string }; speed: number };
  };
  tools: ToolConfig[];
  tool_choice: ToolChoiceConfig;
  parallel_tool_calls?: boolean;
  max_output_tokens: number | 'inf';
  truncation?: TruncationConfig;
  reasoning?: NonNullable<AgentSession['reasoning']>;
  tracing?: TracingConfig;
  include?: NonNullable<AgentSession['include']>;
}

export type ToolConfig =
  | (FunctionTool & { type: 'function' })
  | {
      type: 'mcp';
      server_label: string;
      server_url: string;
      server_description?: string;
      authorization?: string;
      allowed_tools?: string[];
      require_approval: 'never';
    };

/**
 * What tells a session that another language is spoken now; undefined when it has nothing that could be told: a hosted
 * prompt would be replaced by instructions, and nobody writes down what the caller says.
 */
export function languageUpdate(agent: AgentSession, language: string): SessionPatch | undefined {
  const { instructions } = instructionsConfig({ ...agent, language });
  const { transcription } = agent;
  // A model that is told several languages finds out by itself which one is spoken.
  const spoken = transcription === undefined || transcription.languages !== undefined ? undefined : transcription;
  if (instructions === undefined && spoken === undefined) return undefined;
  return {
    type: 'realtime',
    ...(instructions === undefined ? {} : { instructions }),
    ...(spoken === undefined
      ? {}
      : { audio: { input: { ...transcriptionInput({ ...agent, transcription: { ...spoken, language } }) } } }),
  };
}

export interface NoiseReductionConfig {
  type: 'near_field' | 'far_field';
  strength?: number;
}

export type TracingConfig = 'auto' | { workflow_name?: string; group_id?: string; metadata?: Record<string, string> };

export interface HostedPromptConfig {
  id: string;
  version?: string;
  variables?: Record<string, string>;
}

export type ToolChoiceConfig = 'auto' | 'none' | 'required' | { type: 'function'; name: string };

export type TruncationConfig =
  | 'auto'
  | 'disabled'
  | { type: 'retention_ratio'; retention_ratio: number; token_limits?: { post_instructions: number } };

export interface TranscriptionConfig {
  model: string;
  language?: string;
  languages?: string[];
  prompt?: string;
  keywords?: string[];
  delay?: 'minimal' | 'low' | 'medium' | 'high' | 'xhigh';
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

/** The API has no field for the language that is spoken: the model is told. Instructions beside a hosted prompt replace it. */
function instructionsConfig({ instructions, language }: AgentSession): { instructions?: string } {
  if (instructions === undefined) return {};
  const name = language === undefined ? undefined : languageName(language);
  return { instructions: name === undefined ? instructions : `${instructions}\n\nSpeak ${name}.` };
}

function promptConfig({ id, version, variables }: NonNullable<AgentSession['prompt']>): HostedPromptConfig {
  return { id, ...(version === undefined ? {} : { version }), ...(variables === undefined ? {} : { variables }) };
}

/** The part of a `session.update` that changes turn detection and nothing else. */
export function turnDetectionUpdate(detection: TurnDetection): SessionPatch {
  return { type: 'realtime', audio: { input: { turn_detection: turnDetectionConfig(detection) } } };
}

/** Keys that are left out stay as they are. */
export interface SessionPatch {
  type: 'realtime';
  instructions?: string;
  audio?: { input: { turn_detection?: TurnDetectionConfig | null; transcription?: TranscriptionConfig } };
}

function noiseReductionConfig(reduction: AgentSession['noise_reduction']): { noise_reduction?: NoiseReductionConfig } {
  if (reduction === undefined) return {};
  return { noise_reduction: typeof reduction === 'string' ? { type: reduction } : reduction };
}

function tracingConfig(tracing: NonNullable<AgentSession['tracing']>): TracingConfig {
  if (tracing === 'auto') return tracing;
  const { workflow_name, group_id, metadata } = tracing;
  return {
    ...(workflow_name === undefined ? {} : { workflow_name }),
    ...(group_id === undefined ? {} : { group_id }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function turnDetectionConfig(detection: TurnDetection): TurnDetectionConfig | null {
  switch (detection.type) {
    case 'server_vad':
      return {
        type: 'server_vad',
        threshold: detection.threshold,
        prefix_padding_ms: detection.prefix,
        // 500 in the documents, 200 in live sessions: never left to the server.
        silence_duration_ms: detection.silence,
        idle_timeout_ms: detection.idle_timeout ?? null,
        create_response: detection.create_response,
        interrupt_response: detection.interrupt_response,
      };
    case 'semantic_vad':
      return {
        type: 'semantic_vad',
        eagerness: detection.eagerness,
        create_response: detection.create_response,
        interrupt_response: detection.interrupt_response,
      };
    case 'none':
      return null;
  }
}

function transcriptionConfig({ transcription, language }: AgentSession): { transcription?: TranscriptionConfig } {
  if (transcription === undefined) return {};
  const { model, languages, prompt, keywords, delay } = transcription;
  const spoken = transcription.language ?? (languages === undefined ? language : undefined);
  return {
    transcription: {
      model,
      ...(spoken === undefined ? {} : { language: spoken }),
      ...(languages === undefined ? {} : { languages }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(keywords === undefined ? {} : { keywords }),
      ...(delay === undefined ? {} : { delay }),
    },
  };
}

function transcriptionInput(agent: AgentSession): { transcription: TranscriptionConfig } {
  const { transcription } = transcriptionConfig(agent);
  invariant(transcription !== undefined, 'an agent with transcription has its configuration');
  return { transcription };
}

/** Nobody is there to approve anything during a call: an admin has, by writing the tool into the plan. */
function toolConfig(tool: SessionTool): ToolConfig {
  if ('name' in tool) {
    const { name, description, parameters } = tool;
    return { type: 'function', name, description, parameters };
  }
  const { serverLabel, serverUrl, description, authorization, allowedTools } = tool;
  return {
    type: 'mcp',
    server_label: serverLabel,
    server_url: serverUrl,
    ...(description === undefined ? {} : { server_description: description }),
    ...(authorization === undefined ? {} : { authorization }),
    ...(allowedTools === undefined ? {} : { allowed_tools: [...allowedTools] }),
    require_approval: 'never',
  };
}

function toolChoiceConfig(choice: AgentSession['tool_choice']): ToolChoiceConfig {
  return typeof choice === 'object' ? { type: 'function', name: choice.tool } : (choice ?? 'auto');
}

function truncationConfig(truncation: NonNullable<AgentSession['truncation']>): TruncationConfig {
  if (typeof truncation === 'string') return truncation;
  const { retention_ratio, token_limit } = truncation;
  return {
    type: 'retention_ratio',
    retention_ratio,
    ...(token_limit === undefined ? {} : { token_limits: { post_instructions: token_limit } }),
  };
}
