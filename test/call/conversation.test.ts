import { pcmuOffer, promptLevels, VirtualCall } from '../support/virtual-call';
import {
  callerStartsToSpeak,
  callsFunction,
  doneResponse,
  finishResponse,
  part,
  pcm,
  startResponse,
} from './model-lines';

const saw = (call: VirtualCall): string[] => call.caller.saw.map(({ kind }) => kind);
const endKind = (call: VirtualCall): string | undefined => call.last('ended')?.event.reason.kind;

async function ended(call: VirtualCall): Promise<void> {
  await call.run(10_000);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
}

/** Results of functions, as the model got them. */
function results(call: VirtualCall): { callId: unknown; output: unknown }[] {
  return call.sent('conversation.item.create').map(({ event }) => {
    const item = event.item as { call_id: unknown; output: string };
    return { callId: item.call_id, output: JSON.parse(item.output) as unknown };
  });
}

const stillOpen = (callId: string) => ({ callId, output: expect.objectContaining({ hung_up: false }) as unknown });

function says(call: VirtualCall, { itemId = 'item_1', responseId = 'resp_1', ms = 1_000, level = 1_000 } = {}): void {
  call.say({ type: 'response.output_audio.delta', ...part(itemId, responseId), delta: pcm(ms, level) });
  call.say({ type: 'response.output_audio.done', ...part(itemId, responseId) });
}

describe('hanging up by an agent whom the caller interrupts', () => {
  test('is not done when the call of the function comes after the interruption', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    says(call);
    await call.run(300);
    callerStartsToSpeak(call);
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1', status: 'cancelled' });
    await call.run(8_000);
    expect(saw(call)).not.toContain('bye');
    expect(results(call)).toEqual([stillOpen('call_1')]);
    expect(call.sent('response.create')).toEqual([]);
    call.caller.bye();
    await ended(call);
  });

  test('is done when a later answer asks for it again', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callerStartsToSpeak(call);
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1', status: 'cancelled' });
    startResponse(call, { itemId: 'item_2', responseId: 'resp_2' });
    callsFunction(call, { responseId: 'resp_2', callId: 'call_2' });
    doneResponse(call, { responseId: 'resp_2' });
    await ended(call);
    expect(results(call)).toEqual([stillOpen('call_1')]);
    expect(endKind(call)).toBe('agent-hung-up');
  });

  test('is done by an agent who may not be interrupted and whom the caller spoke over before', async () => {
    const call = await new VirtualCall({
      agent: { turn_detection: { type: 'semantic_vad', interrupt_response: false } },
    }).answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callerStartsToSpeak(call);
    says(call);
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1' });
    await ended(call);
    expect(endKind(call)).toBe('agent-hung-up');
  });

  test('tells the model of every call of the function that it made', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    says(call);
    callsFunction(call, { responseId: 'resp_1', callId: 'call_1' });
    callsFunction(call, { responseId: 'resp_1', callId: 'call_2' });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(300);
    callerStartsToSpeak(call);
    await call.run(100);
    expect(results(call)).toEqual([stillOpen('call_1'), stillOpen('call_2')]);
    call.caller.bye();
    await ended(call);
  });

  test('happens in the tail after the last word, too: the line stays open', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    says(call, { ms: 200 });
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(300);
    callerStartsToSpeak(call);
    await call.run(5_000);
    expect(saw(call)).not.toContain('bye');
    call.caller.bye();
    await ended(call);
  });
});

describe('hanging up by the agent', () => {
  test('waits for the words of the answer that asked for it, also when they come last', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callsFunction(call, { responseId: 'resp_1' });
    await call.run(1_000);
    says(call, { ms: 1_000 });
    await call.run(1_500);
    expect(saw(call)).not.toContain('bye');
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(300);
    expect(saw(call)).toContain('bye');
    await ended(call);
  });

  test('is carried out when the model is lost after its whole goodbye was received', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    says(call, { ms: 2_000 });
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(500);
    call.peer?.close(1_006, '');
    await ended(call);
    const loud = call.phone.heard.filter(({ samples }) => samples.some((sample) => Math.abs(sample - 1_000) < 50));
    expect(loud.length).toBeGreaterThanOrEqual(98);
    expect(endKind(call)).toBe('agent-hung-up');
  });

  test('gives way to an apology when the model is lost in the middle of its goodbye', async () => {
    const call = await new VirtualCall().answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    says(call, { ms: 2_000 });
    callsFunction(call, { responseId: 'resp_1' });
    await call.run(500);
    const atMs = call.clock.now();
    call.peer?.close(1_006, '');
    await ended(call);
    expect(call.heardSince(atMs)).toBeGreaterThan(promptLevels.apology - 50);
    expect(endKind(call)).toBe('model-lost');
  });

  test('gives way to the goodbye of a time limit', async () => {
    const call = await new VirtualCall({ decision: (answer) => ({ ...answer, lengthLimitMs: 1_000 }) }).answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    says(call, { ms: 5_000 });
    callsFunction(call, { responseId: 'resp_1' });
    finishResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    await ended(call);
    expect(call.heardSince(1_300)).toBeGreaterThan(promptLevels['session-goodbye'] - 50);
    expect(endKind(call)).toBe('length-limit');
    expect(saw(call)).toEqual(['ringing', 'answered', 'bye']);
  });

  test('leaves no timer when the call ends as its last words begin', async () => {
    const call: VirtualCall = new VirtualCall({
      onEvent: ({ kind }) => {
        if (kind === 'agent-audio-started') call.calls.endAll({ kind: 'draining' });
      },
    });
    await call.answered();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    says(call, { ms: 20 });
    callsFunction(call, { responseId: 'resp_1' });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(30);
    expect(endKind(call)).toBe('draining');
    expect(call.clock.pendingTimers).toBe(0);
  });
});

describe('a recorded goodbye', () => {
  test('is not begun again by a second reason to leave', async () => {
    const call = await new VirtualCall({ decision: (answer) => ({ ...answer, lengthLimitMs: 1_000 }) }).answered();
    await call.run(500);
    call.peer?.close(1_006, '');
    await ended(call);
    expect(call.heardSince(0)).toBeLessThan(promptLevels['session-goodbye'] - 50);
    expect(endKind(call)).toBe('model-lost');
  });

  test('does not keep a caller who has put us on hold', async () => {
    const call = await new VirtualCall().answered();
    call.peer?.close(1_006, '');
    await call.run(300);
    const hold = pcmuOffer.replace('a=sendrecv', 'a=inactive');
    await call.caller.reinvite(hold.replace('o=- 1 1', 'o=- 1 2'));
    await call.run(12_000);
    expect(saw(call)).toContain('bye');
    await ended(call);
  });

  test('is heard to its end by a caller who comes back from hold in time', async () => {
    const call = await new VirtualCall().answered();
    call.peer?.close(1_006, '');
    await call.run(300);
    await call.caller.reinvite(pcmuOffer.replace('a=sendrecv', 'a=inactive').replace('o=- 1 1', 'o=- 1 2'));
    await call.run(3_000);
    await call.caller.reinvite(pcmuOffer.replace('o=- 1 1', 'o=- 1 3'));
    await ended(call);
    const loud = call.phone.heard.filter(({ samples }) => samples.some((sample) => sample > 2_900));
    expect(loud.length).toBeGreaterThanOrEqual(48);
    expect(endKind(call)).toBe('model-lost');
  });
});
