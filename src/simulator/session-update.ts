import type {
  ConversationSettings,
  InputAudioSettings,
  SessionSettings,
  TranscriptionSessionSettings,
} from './session-settings';
import { defaultTurnDetection } from './session-settings';
import { conversationShape, transcriptionSessionShape } from './session-shape';
import type { ShapeProblem } from './shape';
import { isObject } from './shape';

/** What the state of the conversation forbids to change. */
export interface UpdateLimits {
  /** The model has spoken: its voice is fixed. */
  hasSpoken: boolean;
  /** A response is under way: its speed is fixed. */
  isResponding: boolean;
}

export type SessionUpdate<Settings> =
  | { kind: 'updated'; settings: Settings }
  /** Nothing was changed. `param` is null for a conflict with the conversation. */
  | { kind: 'rejected'; problem: Omit<ShapeProblem, 'param'> & { param: string | null } };

/**
 * Merges the `session` of a `session.update` into the current one, wholly or not at all. Only keys that are present
 * change: objects merge, arrays replace, null clears what may be null. `current` is left as it is.
 */
export function updateSession(
  current: SessionSettings,
  patch: unknown,
  limits: UpdateLimits,
): SessionUpdate<SessionSettings> {
  const shape = current.type === 'realtime' ? conversationShape : transcriptionSessionShape;
  const found = shape(patch);
  if (found !== undefined) return rejected(found.code, found.message, joined('session', found.param));
  // The shape has just said so.
  const checked = patch as Record<string, unknown>;
  return current.type === 'realtime'
    ? updateConversation(current, checked, limits)
    : updateTranscription(current, checked);
}

/** Models that find no turns themselves: the client commits. */
const manualOnly = new Set(['gpt-realtime-whisper', 'gpt-live-transcribe']);

function updateConversation(
  current: ConversationSettings,
  patch: Record<string, unknown>,
  { hasSpoken, isResponding }: UpdateLimits,
): SessionUpdate<ConversationSettings> {
  const { model: _fixed, ...changes } = patch;
  const settings = merge(current, changes) as ConversationSettings;
  settings.audio.input = completedInput(settings.audio.input, current);
  settings.audio.output.format = completedFormat(settings.audio.output.format);
  if (hasSpoken && !same(settings.audio.output.voice, current.audio.output.voice)) {
    return rejected('cannot_update_voice', 'Cannot update the voice once the model has spoken in this session.', null);
  }
  if (isResponding && settings.audio.output.speed !== current.audio.output.speed) {
    return rejected('invalid_value', 'The speed can only change between turns.', 'session.audio.output.speed');
  }
  if (current.tracing !== null && !same(settings.tracing, current.tracing)) {
    return rejected('invalid_value', 'Tracing cannot change once it is set.', 'session.tracing');
  }
  return { kind: 'updated', settings };
}

function updateTranscription(
  current: TranscriptionSessionSettings,
  patch: Record<string, unknown>,
): SessionUpdate<TranscriptionSessionSettings> {
  const settings = merge(current, patch) as TranscriptionSessionSettings;
  settings.audio.input = completedInput(settings.audio.input, current);
  if (manualOnly.has(settings.audio.input.transcription?.model ?? '')) {
    if (asksForTurnDetection(patch)) {
      const param = 'session.audio.input.turn_detection';
      return rejected('invalid_value', 'Turn detection is not supported by this transcription model.', param);
    }
    settings.audio.input.turn_detection = null;
  }
  return { kind: 'updated', settings };
}

function asksForTurnDetection(patch: Record<string, unknown>): boolean {
  const audio = isObject(patch.audio) ? patch.audio : {};
  const input = isObject(audio.input) ? audio.input : {};
  return isObject(input.turn_detection);
}

/** Fills in what a merge leaves out: the defaults of another kind of turn detection, explicit nulls, the PCM rate. */
function completedInput(merged: InputAudioSettings, current: SessionSettings): InputAudioSettings {
  const { turn_detection: wanted, transcription } = merged;
  const before = current.audio.input.turn_detection;
  const sameKind = wanted !== null && before !== null && wanted.type === before.type;
  return {
    format: completedFormat(merged.format),
    transcription: transcription === null ? null : { ...emptyTranscription, ...transcription },
    noise_reduction: merged.noise_reduction,
    turn_detection:
      wanted === null || sameKind ? wanted : onlyKnownKeys(defaultTurnDetection(wanted.type, current.type), wanted),
  };
}

const emptyTranscription = { model: null, language: null, prompt: null };

/** After a change of kind the merge still holds keys of the kind before. */
function onlyKnownKeys<T extends object>(defaults: T, merged: object): T {
  const known = Object.entries(merged).filter(([key]) => key in defaults);
  return { ...defaults, ...Object.fromEntries(known) };
}

function completedFormat(format: InputAudioSettings['format']): InputAudioSettings['format'] {
  return format.type === 'audio/pcm' ? { type: 'audio/pcm', rate: 24_000 } : { type: format.type };
}

function merge(current: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(current) ? { ...current } : {};
  for (const [key, value] of Object.entries(patch))
    merged[key] = mergesWhole.has(key) ? value : merge(merged[key], value);
  // Nested objects that were not in the patch are still shared with `current`; `audio` is written to afterwards.
  if (isObject(merged.audio)) merged.audio = structuredClone(merged.audio);
  return merged;
}

/** Objects that are one value: half of an old one would make no sense. */
const mergesWhole = new Set(['tool_choice', 'truncation', 'tracing', 'prompt', 'voice', 'reasoning']);

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function joined(parent: string, param: string): string {
  if (param === '') return parent;
  return param.startsWith('[') ? parent + param : `${parent}.${param}`;
}

function rejected(code: string, message: string, param: string | null): SessionUpdate<never> {
  return { kind: 'rejected', problem: { code, message, param } };
}
