import type { AgentSession } from './agent-schema';
import { formatsOf } from './audio-format';
import { sessionConfig, type SessionConfig, type SessionTool } from './session-config';

/** Why one agent cannot follow another in the same session of the API. */
export type NewSessionReason = 'voice' | 'audio-format' | 'prompt' | 'tracing' | 'reasoning' | 'parallel-tool-calls';

/**
 * Why `to` needs a session of its own after `from`; undefined when a `session.update` is enough. The API fixes the voice
 * once the model has spoken (`cannot_update_voice`) and tracing once it is set; formats are for the session; instructions
 * that were set replace a hosted prompt; `reasoning` and `parallel_tool_calls` have no value that means the model's own.
 */
export function whyNewSession(
  from: AgentSession,
  to: AgentSession,
  { maySetVoice }: { maySetVoice: boolean },
): NewSessionReason | undefined {
  if (!maySetVoice && !isSame(from.voice, to.voice)) return 'voice';
  if (!isSame(formatsOf(from), formatsOf(to))) return 'audio-format';
  if (to.prompt !== undefined && from.prompt === undefined) return 'prompt';
  if (from.tracing !== undefined && !isSame(from.tracing, to.tracing)) return 'tracing';
  if (from.reasoning !== undefined && to.reasoning === undefined) return 'reasoning';
  if (from.parallel_tool_calls !== undefined && to.parallel_tool_calls === undefined) return 'parallel-tool-calls';
  return undefined;
}

type Input = SessionConfig['audio']['input'];
type Output = SessionConfig['audio']['output'];

/** A whole configuration that clears (`null`) what the agent before had and this one has not. */
export type TakeOverUpdate = Omit<SessionConfig, 'audio' | 'prompt' | 'include'> & {
  prompt: NonNullable<SessionConfig['prompt']> | null;
  include: NonNullable<SessionConfig['include']> | null;
  audio: {
    input: Omit<Input, 'noise_reduction' | 'transcription'> & {
      noise_reduction: NonNullable<Input['noise_reduction']> | null;
      transcription: NonNullable<Input['transcription']> | null;
    };
    output: Omit<Output, 'voice'> & Partial<Pick<Output, 'voice'>>;
  };
};

/** The `session.update` by which `to` follows `from` in the same session. Tracing that is set may not even be repeated. */
export function takeOverUpdate({
  from,
  to,
  maySetVoice,
}: {
  from: AgentSession;
  to: { agent: AgentSession; tools: readonly SessionTool[] };
  maySetVoice: boolean;
}): TakeOverUpdate {
  const { tracing, ...config } = sessionConfig(to);
  const { input, output } = config.audio;
  const { voice, ...sound } = output;
  return {
    ...config,
    ...(config.instructions === undefined && config.prompt === undefined && { instructions: '' }),
    prompt: config.prompt ?? null,
    truncation: config.truncation ?? 'auto',
    include: config.include ?? null,
    ...(from.tracing === undefined && tracing !== undefined && { tracing }),
    audio: {
      input: {
        ...input,
        noise_reduction: input.noise_reduction ?? null,
        transcription: input.transcription ?? null,
      },
      output: maySetVoice ? { ...sound, voice } : sound,
    },
  };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
