import type { AgentSession } from './agent-schema';
import { sessionConfig, type SessionConfig, type SessionTool } from './session-config';

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
