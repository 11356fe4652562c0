import type { VirtualCall } from '../support/virtual-call';

// What a model sends, event by event, when a test plays it through `VirtualCall.say`.

/** 24 kHz PCM of a steady level, as the model sends it. */
export const pcm = (ms: number, level = 1_000): string =>
  Buffer.from(new Int16Array(ms * 24).fill(level).buffer).toString('base64');

/** The model speaks one item, whole. */
export function modelSays(call: VirtualCall, { itemId = 'item_1', responseId = 'resp_1', ms = 1_000 } = {}): void {
  startResponse(call, { itemId, responseId });
  call.say({ type: 'response.output_audio.delta', ...part(itemId, responseId), delta: pcm(ms) });
  finishResponse(call, { itemId, responseId });
}

export const part = (itemId: string, responseId: string, contentIndex = 0) => ({
  response_id: responseId,
  item_id: itemId,
  output_index: 0,
  content_index: contentIndex,
});

export function startResponse(
  call: VirtualCall,
  { itemId, responseId, requestId }: { itemId: string; responseId: string; requestId?: string | undefined },
): void {
  const metadata = requestId === undefined ? null : { client_event_id: requestId };
  const response = { id: responseId, status: 'in_progress', output: [], usage: null, metadata };
  call.say({ type: 'response.created', response });
  call.say({
    type: 'response.output_item.added',
    response_id: responseId,
    output_index: 0,
    item: { id: itemId, type: 'message', role: 'assistant', status: 'in_progress', content: [] },
  });
}

export function finishResponse(
  call: VirtualCall,
  { itemId, responseId, status = 'completed' }: { itemId: string; responseId: string; status?: string },
): void {
  call.say({ type: 'response.output_audio.done', ...part(itemId, responseId) });
  doneResponse(call, { responseId, status });
}

export function doneResponse(
  call: VirtualCall,
  { responseId, status = 'completed' }: { responseId: string; status?: string },
): void {
  const usage = {
    total_tokens: 30,
    input_tokens: 10,
    output_tokens: 20,
    input_token_details: { text_tokens: 4, audio_tokens: 6, cached_tokens: 0 },
    output_token_details: { text_tokens: 5, audio_tokens: 15 },
  };
  call.say({ type: 'response.done', response: { id: responseId, status, status_details: null, output: [], usage } });
}

/** The whole call of a function, once its arguments are complete. */
export function callsFunction(
  call: VirtualCall,
  options: { responseId: string; callId?: string; name?: string; argumentsText?: string },
): void {
  const { responseId, callId = 'call_1', name = 'hang_up', argumentsText = '{}' } = options;
  call.say({
    type: 'response.output_item.done',
    response_id: responseId,
    output_index: 1,
    item: {
      id: `item_${callId}`,
      type: 'function_call',
      status: 'completed',
      name,
      call_id: callId,
      arguments: argumentsText,
    },
  });
}

export function callerStartsToSpeak(call: VirtualCall, itemId = 'item_user'): void {
  call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 700, item_id: itemId });
}
