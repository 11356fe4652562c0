import type { EventFields } from './event-fields';
import type { TokenUsage } from './session-listener';

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

function countOf(fields: EventFields | undefined, key: string): number {
  const count = fields?.maybeNumber(key) ?? 0;
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}
