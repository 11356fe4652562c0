import type { Random } from '../../src/runtime/random';
import { seededRandom } from '../../src/runtime/random';
import { done, failed } from '../../src/tools/tool-run';
import { VirtualCall } from '../support/virtual-call';
import { callsFunction, doneResponse, startResponse } from './model-lines';
import { chance, pick } from './random-model';
import { TestTool } from './test-tool';

const seeds = Array.from({ length: 120 }, (_, seed) => seed);

/** A model that keeps the API's rules, asks for tools at any moment, and answers what it is asked for. */
class ToolUser {
  readonly #call: VirtualCall;
  readonly #random: Random;
  readonly #answered = new Set<string>();
  #responses = 0;
  #turns = 0;
  #active: string | undefined;
  #speaking = false;
  callIds: string[] = [];

  constructor(call: VirtualCall, random: Random) {
    this.#call = call;
    this.#random = random;
  }

  act(): void {
    pick(this.#random, [
      () => this.#answer(),
      () => this.#answer(),
      () => this.#answer(),
      () => this.#end('completed'),
      () => this.#end('completed'),
      () => this.#ask(),
      () => this.#ask(),
      () => this.#tellAgain(),
      () => this.#speech(),
    ])();
  }

  /** Everything that goes on comes to its end. */
  async settle(): Promise<void> {
    for (let i = 0; i < 30; i += 1) {
      if (this.#speaking) this.#speech();
      this.#end('completed');
      await this.#call.run(1_600);
      this.#answer();
      await this.#call.run(20);
    }
    this.#end('completed');
    await this.#call.run(20);
  }

  #answer(): void {
    if (this.#active !== undefined) return;
    const asked = this.#call.sent('response.create').find(({ event }) => !this.#answered.has(event.event_id as string));
    if (asked === undefined) return;
    const requestId = asked.event.event_id as string;
    this.#answered.add(requestId);
    this.#begin(requestId);
  }

  #begin(requestId?: string): void {
    this.#responses += 1;
    this.#active = `resp_${this.#responses}`;
    startResponse(this.#call, { itemId: `item_${this.#responses}`, responseId: this.#active, requestId });
  }

  #end(status: string): void {
    if (this.#active === undefined) return;
    doneResponse(this.#call, { responseId: this.#active, status });
    this.#active = undefined;
  }

  #ask(): void {
    if (this.#active === undefined) this.#begin();
    const callId = `call_${this.callIds.length}`;
    this.callIds.push(callId);
    this.#tell(callId, this.#active ?? '');
  }

  /** The API announces each call several times; nobody may be served twice. */
  #tellAgain(): void {
    const callId = this.callIds.at(-1);
    if (callId !== undefined && this.#active !== undefined) this.#tell(callId, this.#active);
  }

  #tell(callId: string, responseId: string): void {
    const name = pick(this.#random, ['look_up', 'look_up', 'book', 'no_such_tool']);
    const argumentsText = pick(this.#random, ['{}', '{"a":1}', '{"a":2}', '{', '{"odd":1}']);
    callsFunction(this.#call, { responseId, callId, name, argumentsText });
  }

  #speech(): void {
    this.#speaking = !this.#speaking;
    const itemId = `user_${this.#turns}`;
    if (this.#speaking) {
      this.#call.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 0, item_id: itemId });
      this.#end('cancelled');
      return;
    }
    this.#turns += 1;
    this.#call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 0, item_id: itemId });
    if (chance(this.#random, 0.8)) this.#begin();
  }
}

test.each(seeds)('every call of a tool gets one result, whoever speaks when (seed %i)', async (seed) => {
  const random = seededRandom(5_000 + seed);
  const tools = [
    new TestTool('look_up', { say: 'One moment.', ...(chance(random, 0.5) && { sound: 'ticks' as const }) }),
    new TestTool('book'),
  ] as const;
  // Nothing is said here: without the tick of every frame a minute passes in no time.
  const call = await new VirtualCall({ tools: [...tools], onLeg: (leg) => (leg.start = () => undefined) }).answered();
  const model = new ToolUser(call, random);
  const hangsUp = chance(random, 0.3);
  for (let step = 0; step < 60; step += 1) {
    if (chance(random, 0.6)) model.act();
    else if (chance(random, 0.6)) pick(random, tools).finish(pick(random, [done('{}'), failed('broken', 'no')]));
    else if (chance(random, 0.3)) pick(random, tools).runs.at(-1)?.context.progress('Still at it.');
    await call.run(pick(random, [0, 1, 20, 20, 300, 1_500, 4_000]));
    if (hangsUp && step === 40) call.caller.bye();
  }
  if (!hangsUp) await model.settle();
  // Late results come to nothing.
  for (const tool of tools) for (let i = 0; i < 20; i += 1) tool.finish();
  await call.run(10);

  const results = call.sent('conversation.item.create').map(({ event }) => (event.item as { call_id: string }).call_id);
  expect(new Set(results).size).toBe(results.length);
  if (!hangsUp) expect([...results].sort()).toEqual([...new Set(model.callIds)].sort());
  expect(tools.flatMap(({ runs }) => runs).length).toBeLessThanOrEqual(model.callIds.length);
  const runIds = tools.flatMap(({ runs }) => runs.map(({ context }) => context.runId));
  expect(new Set(runIds).size).toBe(runIds.length);

  call.caller.bye();
  await call.run(100);
  const told = call.events.flatMap(({ event }) => (event.kind === 'function-call' ? [event.callId] : []));
  expect(new Set(told).size).toBe(told.length);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers, sent: call.sentAfterEnd }).toEqual({
    calls: 0,
    timers: 0,
    sent: [],
  });
  expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
});
