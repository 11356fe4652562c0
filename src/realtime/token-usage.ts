import type { EventFields } from './event-fields';
import type { TokenUsage, TranscriptionUsage } from './session-listener';

/** `response.usage` of `response.done`; a count that is missing or odd is 0. */
export function readTokenUsage(usage: EventFields): TokenUsage {
  const input = usage.maybeWithin('input_token_details');
  const cached = input?.maybeWithin('cached_tokens_details');
  const output = usage.maybeWithin('output_token_details');
  return {
    inputTokens: countOf(usage, 'input_tokens'),
    outputTokens: countOf(usage, 'output_tokens'),
    inputTextTokens: countOf(input, 'text_tokens'),
    inputAudioTokens: countOf(input, 'audio_tokens'),
    inputImageTokens: countOf(input, 'image_tokens'),
    cachedTokens: countOf(input, 'cached_tokens'),
    cachedTextTokens: countOf(cached, 'text_tokens'),
    cachedAudioTokens: countOf(cached, 'audio_tokens'),
    cachedImageTokens: countOf(cached, 'image_tokens'),
    outputTextTokens: countOf(output, 'text_tokens'),
    outputAudioTokens: countOf(output, 'audio_tokens'),
  };
}

/** `usage` of a completed transcription; undefined when there is none that is known. */
export function readTranscriptionUsage(usage: EventFields | undefined): TranscriptionUsage | undefined {
  const kind = usage?.maybeText('type');
  if (kind === 'duration') {
    const seconds = usage?.maybeNumber('seconds') ?? 0;
    return { kind, seconds: Math.min(Math.max(0, seconds), transcribedSecondsMax) };
  }
  if (kind !== 'tokens') return undefined;
  const details = usage?.maybeWithin('input_token_details');
  const inputTextTokens = countOf(details, 'text_tokens');
  const inputTokens = countOf(usage, 'input_tokens');
  return {
    kind,
    inputTextTokens,
    inputAudioTokens: details === undefined ? inputTokens : countOf(details, 'audio_tokens'),
    outputTokens: countOf(usage, 'output_tokens'),
  };
}

/** A session lasts an hour. */
const transcribedSecondsMax = 3_600;

function countOf(fields: EventFields | undefined, key: string): number {
  const count = fields?.maybeNumber(key) ?? 0;
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}
