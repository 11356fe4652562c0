import { VirtualCall } from '../support/virtual-call';
import { callerStartsToSpeak, callsFunction, doneResponse, startResponse } from './model-lines';
import { TestTool } from './test-tool';

// A server that hears speech and never its end (music behind the caller, an engine) must hold nothing back for ever.

const silenceMs = 8_000;

async function talkingCaller(): Promise<{ call: VirtualCall; tool: TestTool }> {
  const tool = new TestTool();
  const call = await new VirtualCall({
    tools: [tool],
    decision: (answer) => ({ ...answer, guarantees: { firstSoundMs: undefined, silenceMs } }),
  }).answered();
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  callsFunction(call, { responseId: 'resp_1', name: 'look_up' });
  doneResponse(call, { responseId: 'resp_1' });
  await call.run(20);
  callerStartsToSpeak(call);
  await call.run(20);
  return { call, tool };
}

async function leavesNothing(call: VirtualCall): Promise<void> {
  call.caller.bye();
  await call.run(10_000);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers, sent: call.sentAfterEnd }).toEqual({
    calls: 0,
    timers: 0,
    sent: [],
  });
  expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
}

const breaches = (call: VirtualCall): string[] =>
  call.events.flatMap(({ event }) => (event.kind === 'guarantee-broken' ? [`${event.guarantee} ${event.remedy}`] : []));

test('the answer to a tool waits for a minute and no longer', async () => {
  const { call, tool } = await talkingCaller();
  tool.finish();
  await call.run(59_900);
  expect(call.sent('response.create')).toEqual([]);
  await call.run(200);
  expect(call.sent('response.create')).toHaveLength(1);
  expect(call.kinds().filter((kind) => kind === 'endless-speech')).toHaveLength(1);
  await leavesNothing(call);
});

test('what is asked for afterwards is not held back either', async () => {
  const { call, tool } = await talkingCaller();
  await call.run(70_000);
  tool.finish();
  await call.run(20);
  expect(call.sent('response.create')).toHaveLength(1);
  await leavesNothing(call);
});

test('silence is no longer explained by it, and filled within the time that the route promises', async () => {
  const { call } = await talkingCaller();
  // Its deadline is past: that it failed is what the model is asked to speak of.
  await call.run(60_000);
  expect(breaches(call)).toEqual([]);
  await call.run(silenceMs + 100);
  expect(breaches(call)).toEqual(['silence filler']);
  await leavesNothing(call);
});

test('speech that ends in time is waited for, and each turn has its own minute', async () => {
  const { call, tool } = await talkingCaller();
  tool.finish();
  for (let turn = 0; turn < 3; turn += 1) {
    await call.run(50_000);
    call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 900, item_id: 'item_user' });
    callerStartsToSpeak(call);
  }
  expect(call.kinds()).not.toContain('endless-speech');
  expect(call.sent('response.create')).toEqual([]);
  await leavesNothing(call);
});

test('the end of such a turn, when it comes after all, is an end like any other', async () => {
  const { call } = await talkingCaller();
  await call.run(61_000);
  call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 900, item_id: 'item_user' });
  await call.run(20);
  expect(call.conversation.occupations.has('responding')).toBe(true);
  await leavesNothing(call);
});

test('a model that never answers to the result of a tool is not waited for in silence', async () => {
  const tool = new TestTool();
  const call = await new VirtualCall({
    tools: [tool],
    decision: (answer) => ({ ...answer, guarantees: { firstSoundMs: undefined, silenceMs } }),
  }).answered();
  startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
  callsFunction(call, { responseId: 'resp_1', name: 'look_up' });
  doneResponse(call, { responseId: 'resp_1' });
  await call.run(1_000);
  tool.finish();
  await call.run(20);
  expect(call.sent('response.create')).toHaveLength(1);
  await call.run(silenceMs);
  expect(breaches(call)).toEqual(['silence filler']);
  await call.run(silenceMs + 1_000);
  expect(breaches(call)).toEqual(['silence filler', 'silence apology']);
  await call.run(5_000);
  expect(call.last('ended')?.event.reason).toEqual({ kind: 'guarantee-broken', guarantee: 'silence' });
});
