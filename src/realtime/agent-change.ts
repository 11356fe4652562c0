import { formatsOf, type AgentSession } from './agent-schema';

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

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
