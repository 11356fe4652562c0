import { failed } from '../../src/tools/tool-run';
import { VirtualCall } from '../support/virtual-call';
import {
  callerStartsToSpeak,
  callsFunction,
  doneResponse,
  finishResponse,
  modelSays,
  part,
  pcm,
  startResponse,
} from './model-lines';
import { TestTool } from './test-tool';

/** `output CALL` and `create`, in the order in which the model got them. */
function toModel(call: VirtualCall): string[] {
  return call.received.flatMap(({ event }) => {
    if (event.type === 'response.create') return [`create ${purposeOf(event)}`];
    const item = event.item as { type?: string; call_id?: string } | undefined;
    return item?.type === 'function_call_output' ? [`output ${item.call_id}`] : [];
  });
}

function purposeOf(event: Record<string, unknown>): string {
  const { metadata } = event.response as { metadata: Record<string, string> };
  return metadata.purpose ?? 'results';
}

const outputs = (call: VirtualCall): string[] =>
  call.sent('conversation.item.create').map(({ event }) => (event.item as { output: string }).output);

/** The server has added the result to the conversation. */
function takesUp(call: VirtualCall, callId: string): void {
  const item = { id: `out_${callId}`, type: 'function_call_output', call_id: callId, output: '' };
  call.say({ type: 'conversation.item.added', previous_item_id: null, item });
}

function callerStopsSpeaking(call: VirtualCall, itemId = 'item_user'): void {
  call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 1_700, item_id: itemId });
}

/** The model calls the tool without a word. */
function asks(call: VirtualCall, { callId = 'call_1', responseId = 'resp_1', argumentsText = '{}' } = {}): void {
  startResponse(call, { itemId: `item_${responseId}`, responseId });
  callsFunction(call, { responseId, callId, name: 'look_up', argumentsText });
  doneResponse(call, { responseId });
}

async function toolCall(tool = new TestTool(), more: readonly TestTool[] = []) {
  const call = await new VirtualCall({ tools: [tool, ...more, 'hang_up'] }).answered();
  return { call, tool };
}

async function ended(call: VirtualCall): Promise<void> {
  call.caller.bye();
  await call.run(50_000);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers, sent: call.sentAfterEnd }).toEqual({
    calls: 0,
    timers: 0,
    sent: [],
  });
}

const toolsOf = (call: VirtualCall) => call.last('ended')?.snapshot.tools;

describe('the result of a tool', () => {
  test('goes out once, and then the model is asked to speak about it', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    await call.run(2_000);
    expect(toModel(call)).toEqual([]);
    tool.finish();
    await call.run(10);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    expect(outputs(call)).toEqual(['{"found":true}']);
    await ended(call);
    expect(toolsOf(call)).toEqual([{ name: 'look_up', outcome: 'done', failure: undefined, durationMs: 2_000 }]);
  });

  test('that comes before the end of the response that asked for it waits for that end', async () => {
    const { call, tool } = await toolCall();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callsFunction(call, { responseId: 'resp_1', name: 'look_up' });
    await call.run(10);
    tool.finish();
    await call.run(500);
    expect(toModel(call)).toEqual([]);
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(10);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    await ended(call);
  });

  test('that comes while the model answers something else waits for the end of that', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    startResponse(call, { itemId: 'item_2', responseId: 'resp_2' });
    await call.run(10);
    tool.finish();
    await call.run(500);
    expect(toModel(call)).toEqual([]);
    finishResponse(call, { itemId: 'item_2', responseId: 'resp_2' });
    await call.run(10);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    await ended(call);
  });

  test('while the caller speaks is told, and not spoken about before the caller has finished', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    callerStartsToSpeak(call);
    await call.run(300);
    tool.finish();
    await call.run(2_000);
    expect(toModel(call)).toEqual(['output call_1']);
    callerStopsSpeaking(call);
    await call.run(1_600);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    await ended(call);
  });

  test('is part of the answer that the server makes by itself when it had it by then', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    callerStartsToSpeak(call);
    await call.run(10);
    tool.finish();
    await call.run(10);
    takesUp(call, 'call_1');
    callerStopsSpeaking(call);
    modelSays(call, { itemId: 'item_2', responseId: 'resp_2' });
    await call.run(5_000);
    expect(toModel(call)).toEqual(['output call_1']);
    await ended(call);
  });

  test('that crossed the answer of the server is spoken about after it', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    callerStartsToSpeak(call);
    callerStopsSpeaking(call);
    await call.run(10);
    tool.finish();
    await call.run(10);
    modelSays(call, { itemId: 'item_2', responseId: 'resp_2' });
    takesUp(call, 'call_1');
    await call.run(5_000);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    await ended(call);
  });

  test('and the answer before the caller begins to speak: nothing more comes of it', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    await call.run(10);
    tool.finish();
    await call.run(10);
    callerStartsToSpeak(call);
    callerStopsSpeaking(call);
    await call.run(3_000);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    await ended(call);
  });

  test('after the hang-up reaches nobody and is counted', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    await call.run(500);
    call.caller.bye();
    await call.run(10);
    expect(tool.runs[0]?.signal.aborted).toBe(true);
    tool.finish();
    await call.run(1_000);
    expect(toModel(call)).toEqual([]);
    expect([...call.toolbox.discards]).toEqual([['ended', 1]]);
    await ended(call);
    expect(toolsOf(call)).toEqual([{ name: 'look_up', outcome: 'cancelled', failure: undefined, durationMs: 500 }]);
    expect(call.kinds().at(-1)).toBe('ended');
  });

  test('just before the hang-up is on the record as done', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    await call.run(500);
    tool.finish();
    await call.run(0);
    call.caller.bye();
    await ended(call);
    expect([...call.toolbox.discards]).toEqual([]);
    expect(toolsOf(call)).toMatchObject([{ outcome: 'done' }]);
  });

  test('after its time is over is discarded: the model was told of a failure', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    await call.run(8_100);
    expect(outputs(call)).toEqual([expect.stringContaining('did not answer in time')]);
    expect(tool.runs[0]?.signal.aborted).toBe(true);
    tool.finish();
    await call.run(1_000);
    expect(outputs(call)).toHaveLength(1);
    expect([...call.toolbox.discards]).toEqual([['late', 1]]);
    await ended(call);
    expect(toolsOf(call)).toMatchObject([{ outcome: 'failed', failure: 'timed-out', durationMs: 8_000 }]);
  });

  test('at the last moment of its time counts', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    await call.run(7_990);
    tool.finish();
    await call.run(1_000);
    expect(outputs(call)).toEqual(['{"found":true}']);
    await ended(call);
  });
});

describe('a tool and a caller who interrupts', () => {
  test('runs on, and its result is told once', async () => {
    const { call, tool } = await toolCall();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    call.say({ type: 'response.output_audio.delta', ...part('item_1', 'resp_1'), delta: pcm(3_000) });
    callsFunction(call, { responseId: 'resp_1', name: 'look_up' });
    await call.run(500);
    callerStartsToSpeak(call);
    doneResponse(call, { responseId: 'resp_1', status: 'cancelled' });
    callsFunction(call, { responseId: 'resp_1', name: 'look_up' });
    await call.run(500);
    expect(tool.runs).toHaveLength(1);
    expect(tool.runs[0]?.signal.aborted).toBe(false);
    tool.finish();
    callerStopsSpeaking(call);
    await call.run(3_000);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    await ended(call);
  });

  test('is run when its call was complete before the interruption and is told after it', async () => {
    const { call, tool } = await toolCall();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callerStartsToSpeak(call);
    callsFunction(call, { responseId: 'resp_1', name: 'look_up' });
    doneResponse(call, { responseId: 'resp_1', status: 'cancelled' });
    await call.run(10);
    expect(tool.runs).toHaveLength(1);
    await ended(call);
  });

  test('is not run again by a model that asks once more while it runs: both calls get the one result', async () => {
    const { call, tool } = await toolCall();
    asks(call, { argumentsText: '{"a":1,"b":"x"}' });
    await call.run(300);
    callerStartsToSpeak(call);
    callerStopsSpeaking(call);
    asks(call, { callId: 'call_2', responseId: 'resp_2', argumentsText: '{"b":"x","a":1}' });
    await call.run(300);
    expect(tool.runs).toHaveLength(1);
    tool.finish();
    await call.run(2_000);
    expect(toModel(call)).toEqual(['output call_1', 'output call_2', 'create results']);
    await ended(call);
    expect(toolsOf(call)).toHaveLength(2);
  });

  test('is run for other arguments', async () => {
    const { call, tool } = await toolCall();
    asks(call, { argumentsText: '{"a":1}' });
    asks(call, { callId: 'call_2', responseId: 'resp_2', argumentsText: '{"a":2}' });
    await call.run(10);
    expect(tool.runs.map(({ parsed }) => parsed)).toEqual([{ a: 1 }, { a: 2 }]);
    await ended(call);
  });
});

describe('two tools of one response', () => {
  test.each([['in order', [0, 1]] as const, ['the other way round', [1, 0]] as const])(
    'that finish %s are answered by one response, after both',
    async (_, order) => {
      const tools = [new TestTool('look_up'), new TestTool('book')] as const;
      const { call } = await toolCall(tools[0], [tools[1]]);
      startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
      callsFunction(call, { responseId: 'resp_1', callId: 'call_0', name: 'look_up' });
      callsFunction(call, { responseId: 'resp_1', callId: 'call_1', name: 'book' });
      doneResponse(call, { responseId: 'resp_1' });
      await call.run(100);
      tools[order[0]].finish();
      await call.run(1_000);
      expect(toModel(call)).toEqual([`output call_${order[0]}`]);
      tools[order[1]].finish();
      await call.run(1_000);
      expect(toModel(call)).toEqual([`output call_${order[0]}`, `output call_${order[1]}`, 'create results']);
      await ended(call);
    },
  );

  test('that both finish before the response is over go out in the order of their calls', async () => {
    const tools = [new TestTool('look_up'), new TestTool('book')] as const;
    const { call } = await toolCall(tools[0], [tools[1]]);
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callsFunction(call, { responseId: 'resp_1', callId: 'call_0', name: 'look_up' });
    callsFunction(call, { responseId: 'resp_1', callId: 'call_1', name: 'book' });
    await call.run(10);
    tools[1].finish();
    await call.run(10);
    tools[0].finish();
    await call.run(10);
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(10);
    expect(toModel(call)).toEqual(['output call_0', 'output call_1', 'create results']);
    await ended(call);
  });
});

describe('what cannot be run', () => {
  test.each([
    ['a tool that the agent does not have', { name: 'no_such_tool' }, 'unknown-tool'],
    ['a name that every object has', { name: 'constructor' }, 'unknown-tool'],
    ['arguments that are not JSON', { name: 'look_up', argumentsText: '{"a":' }, 'bad-arguments'],
    ['arguments that are no object', { name: 'look_up', argumentsText: '[]' }, 'bad-arguments'],
    ['arguments without end', { name: 'look_up', argumentsText: `{"a":"${'x'.repeat(40_000)}"}` }, 'bad-arguments'],
    ['arguments that do not fit', { name: 'look_up', argumentsText: '{"odd":1}' }, 'bad-arguments'],
  ])('is refused, and the talk goes on: %s', async (_, asked, failure) => {
    const { call, tool } = await toolCall();
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    callsFunction(call, { responseId: 'resp_1', ...asked });
    doneResponse(call, { responseId: 'resp_1' });
    await call.run(10);
    expect(tool.runs).toEqual([]);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    expect(JSON.parse(outputs(call)[0] ?? '')).toEqual({ error: expect.any(String) as string });
    await ended(call);
    expect(toolsOf(call)).toMatchObject([{ outcome: 'failed', failure }]);
  });

  test('a ninth tool at the same time is refused', async () => {
    const { call, tool } = await toolCall();
    for (let i = 0; i < 9; i += 1) {
      asks(call, { callId: `call_${i}`, responseId: `resp_${i}`, argumentsText: `{"a":${i}}` });
    }
    await call.run(10);
    expect(tool.runs).toHaveLength(8);
    expect(outputs(call)).toEqual([expect.stringContaining('Too many')]);
    await ended(call);
  });

  test('a tool that throws or rejects is a failure of the tool, not of the call', async () => {
    const broken = new TestTool();
    broken.run = () => {
      throw new Error('canary 4711');
    };
    const { call } = await toolCall(broken);
    asks(call);
    await call.run(10);
    broken.run = () => Promise.reject(new Error('canary 4711'));
    asks(call, { callId: 'call_2', responseId: 'resp_2' });
    await call.run(10);
    expect(outputs(call)).toEqual(['{"error":"The tool failed."}', '{"error":"The tool failed."}']);
    await ended(call);
    expect(toolsOf(call)).toMatchObject([{ failure: 'broken' }, { failure: 'broken' }]);
  });
});

describe('while a tool runs', () => {
  const sentence = 'Let me look that up.';

  test('the caller hears its sentence after a second of silence, and the answer follows when it is there', async () => {
    const { call, tool } = await toolCall(new TestTool('look_up', { say: sentence }));
    asks(call);
    await call.run(990);
    expect(toModel(call)).toEqual([]);
    await call.run(20);
    expect(toModel(call)).toEqual(['create while-waiting']);
    const [remark] = call.sent('response.create');
    expect(remark?.event.response).toMatchObject({ tool_choice: 'none' });
    expect(JSON.stringify(remark?.event.response)).toContain(sentence);
    const requestId = remark?.event.event_id as string;
    startResponse(call, { itemId: 'item_2', responseId: 'resp_2', requestId });
    call.say({ type: 'response.output_audio.delta', ...part('item_2', 'resp_2'), delta: pcm(800) });
    await call.run(100);
    tool.finish();
    await call.run(100);
    expect(toModel(call)).toEqual(['create while-waiting']);
    finishResponse(call, { itemId: 'item_2', responseId: 'resp_2' });
    await call.run(10);
    expect(toModel(call)).toEqual(['create while-waiting', 'output call_1', 'create results']);
    await ended(call);
  });

  test('it is said once, however long the tool takes', async () => {
    const { call } = await toolCall(new TestTool('look_up', { say: sentence }));
    asks(call);
    await call.run(1_010);
    const requestId = call.sent('response.create')[0]?.event.event_id as string;
    startResponse(call, { itemId: 'item_2', responseId: 'resp_2', requestId });
    finishResponse(call, { itemId: 'item_2', responseId: 'resp_2' });
    await call.run(5_000);
    expect(toModel(call)).toEqual(['create while-waiting']);
    await ended(call);
  });

  test('silence counts from the last word of the agent', async () => {
    const { call } = await toolCall(new TestTool('look_up', { say: sentence }));
    startResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    call.say({ type: 'response.output_audio.delta', ...part('item_1', 'resp_1'), delta: pcm(2_000) });
    callsFunction(call, { responseId: 'resp_1', name: 'look_up' });
    finishResponse(call, { itemId: 'item_1', responseId: 'resp_1' });
    await call.run(2_900);
    expect(toModel(call)).toEqual([]);
    await call.run(200);
    expect(toModel(call)).toEqual(['create while-waiting']);
    await ended(call);
  });

  test('nothing is said to a caller who speaks, nor when the result came in time', async () => {
    const { call, tool } = await toolCall(new TestTool('look_up', { say: sentence }));
    asks(call);
    await call.run(900);
    callerStartsToSpeak(call);
    await call.run(3_000);
    expect(toModel(call)).toEqual([]);
    tool.finish();
    await call.run(10);
    callerStopsSpeaking(call);
    await call.run(5_000);
    expect(toModel(call)).toEqual(['output call_1', 'create results']);
    await ended(call);
  });

  test('a tool may tell of its progress, at most every five seconds', async () => {
    const { call, tool } = await toolCall();
    asks(call);
    await call.run(10);
    tool.runs[0]?.context.progress('I have found the\norder.');
    await call.run(1_100);
    expect(JSON.stringify(call.sent('response.create')[0]?.event.response)).toContain('I have found the order.');
    modelSays(call, { itemId: 'item_2', responseId: 'resp_2', ms: 20 });
    tool.runs[0]?.context.progress('I am looking for the parcel.');
    await call.run(3_000);
    expect(call.sent('response.create')).toHaveLength(1);
    await call.run(2_500);
    expect(call.sent('response.create')).toHaveLength(2);
    await ended(call);
  });

  test('a sound is heard until somebody speaks', async () => {
    const { call, tool } = await toolCall(new TestTool('look_up', { sound: 'ticks' }));
    asks(call);
    await call.run(980);
    expect(call.heardSince(0)).toBe(0);
    await call.run(1_100);
    expect(call.heardSince(0)).toBeGreaterThan(300);
    callerStartsToSpeak(call);
    await call.run(40);
    const atMs = call.clock.now();
    await call.run(2_000);
    expect(call.heardSince(atMs)).toBe(0);
    callerStopsSpeaking(call);
    tool.finish();
    await call.run(3_000);
    expect(call.heardSince(atMs)).toBe(0);
    await ended(call);
  });

  test('arguments and results stand in no line of the log', async () => {
    const { call, tool } = await toolCall();
    asks(call, { argumentsText: '{"a":"canary-4711"}' });
    await call.run(10);
    tool.finish(failed('service-refused', 'canary-4711'));
    await call.run(10);
    await ended(call);
    expect(JSON.stringify(call.log.fields)).not.toContain('canary-4711');
  });
});
