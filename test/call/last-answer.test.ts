import { retireMs } from '../../src/realtime/session-retirement';
import { VirtualCall } from '../support/virtual-call';
import { callerStartsToSpeak, doneResponse, part, startResponse } from './model-lines';
import { speakingModel } from './speaking-model';

/** The model, which the test plays, is in the middle of an answer. */
async function inAnAnswer(): Promise<VirtualCall> {
  const call = await new VirtualCall().answered();
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  await call.run(20);
  return call;
}

const cancelled = (call: VirtualCall): void => doneResponse(call, { responseId: 'resp_1', status: 'cancelled' });
const outputTokens = (call: VirtualCall): number | undefined => call.last('ended')?.snapshot.tokens.outputTokens;

async function leavesNothing(call: VirtualCall): Promise<void> {
  await call.run(10_000);
  expect({
    ends: call.events.filter(({ event }) => event.kind === 'ended').length,
    calls: call.calls.active,
    timers: call.clock.pendingTimers,
    connections: call.openConnections,
    legs: call.openLegs.size,
    sent: call.sentAfterEnd,
    errors: call.log.lines.filter((line) => line.startsWith('error')),
  }).toEqual({ ends: 1, calls: 0, timers: 0, connections: 0, legs: 0, sent: [], errors: [] });
}

describe('a call that ends in the middle of an answer', () => {
  test('cancels it, and counts what it cost', async () => {
    const call = await inAnAnswer();
    call.caller.bye();
    await call.run(100);
    expect(call.sent('response.cancel').map(({ event }) => event.response_id)).toEqual(['resp_1']);
    expect(call.events.at(-1)).toMatchObject({ event: { kind: 'state', to: 'ending' } });
    expect(call.openLegs.size).toBe(0);
    cancelled(call);
    await call.run(1);
    expect(outputTokens(call)).toBe(20);
    await leavesNothing(call);
  });

  test('counts what the simulator tells of it, too', async () => {
    const call = await new VirtualCall({
      behaviour: speakingModel({ lengthsMs: { greeting: 20_000 } }),
      agent: { greeting: 'Good day.' },
    }).answered();
    await call.run(500);
    call.caller.bye();
    await call.run(100);
    expect(call.sent('response.cancel')).toHaveLength(1);
    expect(outputTokens(call)).toBeGreaterThan(0);
    await leavesNothing(call);
  });

  test('says BYE and closes its media before it waits', async () => {
    const call = await inAnAnswer();
    call.phone.fail({ kind: 'media-timeout', silentMs: 15_000 });
    expect([call.caller.saw.at(-1)?.kind, call.openLegs.size, call.last('ended')]).toEqual(['bye', 0, undefined]);
    await call.run(20);
    cancelled(call);
    await leavesNothing(call);
    expect(call.last('ended')?.event.reason.kind).toBe('media-failed');
  });

  test('is over two seconds later when the model never tells, as of its own time', async () => {
    const call = await inAnAnswer();
    const endedAtMs = call.clock.wallTimeMs();
    call.caller.bye();
    await call.run(retireMs - 1);
    expect(call.last('ended')).toBeUndefined();
    await call.run(1);
    expect(call.last('ended')?.snapshot).toMatchObject({ endedAtMs, tokens: { outputTokens: 0 } });
    await leavesNothing(call);
  });

  test('is over at once when the session is lost meanwhile', async () => {
    const call = await inAnAnswer();
    call.caller.bye();
    await call.run(100);
    call.peer?.close(1_006, '');
    await call.run(1);
    expect(call.last('ended')?.event.reason.kind).toBe('caller-hung-up');
    await leavesNothing(call);
  });

  test('waits for an answer that was asked for and has not begun, and cancels it', async () => {
    const call = await new VirtualCall({ agent: { greeting: 'Good day.' } }).answered();
    const [create] = call.sent('response.create');
    call.caller.bye();
    await call.run(100);
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1', requestId: String(create?.event.event_id) });
    await call.run(20);
    expect(call.sent('response.cancel')).toHaveLength(1);
    cancelled(call);
    await call.run(20);
    expect(outputTokens(call)).toBe(20);
    await leavesNothing(call);
  });

  test('tells nothing else of what comes meanwhile', async () => {
    const call = await inAnAnswer();
    call.caller.bye();
    const told = call.events.length;
    call.caller.pressByInfo('5');
    call.caller.loseSignalling();
    callerStartsToSpeak(call);
    call.say({ type: 'response.output_audio_transcript.done', ...part('item_1', 'resp_1'), transcript: 'Good' });
    call.say({ type: 'error', error: { type: 'server_error', code: 'odd', message: 'odd' } });
    await call.run(100);
    cancelled(call);
    await call.run(20);
    expect(call.events.slice(told).map(({ event }) => event)).toMatchObject([
      { kind: 'state', to: 'ended' },
      { kind: 'ended' },
    ]);
    await leavesNothing(call);
  });

  test('can be ended at once all the same, once', async () => {
    const call = await inAnAnswer();
    call.caller.bye();
    call.calls.endAll({ kind: 'draining' });
    expect(call.last('ended')?.event.reason.kind).toBe('caller-hung-up');
    expect(call.calls.active).toBe(0);
    await leavesNothing(call);
  });

  test('is waited for by a drain', async () => {
    const call = await inAnAnswer();
    const drained = jest.fn();
    void call.calls.drain({ limitMs: 1_000 }).then(drained);
    call.caller.bye();
    await call.run(500);
    expect(drained).not.toHaveBeenCalled();
    cancelled(call);
    await call.run(20);
    expect(drained).toHaveBeenCalled();
    expect(outputTokens(call)).toBe(20);
    await leavesNothing(call);
  });

  test('with a goodbye of ours counts the answer that this cuts off', async () => {
    const call = await inAnAnswer();
    void call.calls.drain({ limitMs: 0 });
    await call.run(20);
    expect(call.sent('response.cancel')).toHaveLength(1);
    cancelled(call);
    await call.run(20);
    expect([call.openConnections, call.last('ended')]).toEqual([0, undefined]);
    await call.run(2_000);
    expect(outputTokens(call)).toBe(20);
    await leavesNothing(call);
  });
});

test('a call that ends before its model is ready waits for nothing', async () => {
  const call = new VirtualCall({ modelSilent: true });
  call.ring();
  await call.run(100);
  call.caller.cancel();
  expect(call.last('ended')).toBeDefined();
  await leavesNothing(call);
});
