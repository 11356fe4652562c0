import type { IdleRules } from '../../src/dialplan/conversation-rules';
import type { Agent } from '../../src/dialplan/plan';
import type { Random } from '../../src/runtime/random';
import { seededRandom } from '../../src/runtime/random';
import type { PlannedOutput, ResponsePlan } from '../../src/simulator/behaviour';
import type { ConversationItem } from '../../src/simulator/conversation-item';
import { done, failed } from '../../src/tools/tool-run';
import { pcmuOffer } from '../support/virtual-call';
import { chance, pick } from './random-model';
import { SilenceWatch } from './silence-watch';
import { speakingModel } from './speaking-model';
import { TestTool } from './test-tool';
import { destination, TransferringCall } from './transferring-call';

// Everything at once: a greeting, turns, barge-in, idle callers, tools (two at once, late, twice), hold, keys, transfers
// that succeed or fail, and a hang-up in any state. RINGBRIDGE_SEEDS asks for more schedules than a run of all tests has.

// Frame by frame for a minute or more: slow beside other work, and never stuck.
jest.setTimeout(60_000);

const silenceMs = 5_000;
/** The guarantee joins waits that are this close together, and a filler stands behind what is queued. */
const toleranceMs = 1_100;
const none = { busy: undefined, noAnswer: undefined, failure: undefined };
const seeds = Array.from({ length: Number(process.env.RINGBRIDGE_SEEDS ?? 60) }, (_, seed) => seed);

type Happening = () => unknown;

test.each(seeds)('a whole conversation ends once, and leaves nothing and nobody behind (seed %i)', async (seed) => {
  const random = seededRandom(9_000 + seed);
  const tools = [new TestTool('look_up', { say: 'One moment.', sound: 'ticks' }), new TestTool('book')] as const;
  const call = conversation(random, tools);
  call.ring();
  await call.run(pick(random, [0, 20, 200, 200, 200, 200]));
  const watch = new SilenceWatch(call);
  const live = (): boolean => call.calls.active > 0;
  if (live() && call.caller.saw.some(({ kind }) => kind === 'answered')) {
    for (let step = 0; step < 14 && live(); step += 1) {
      pick(random, happenings(call, random, tools))();
      await watch.run(pick(random, [0, 20, 20, 200, 900, 2_500, 6_200]));
    }
  }
  pick(random, [() => call.caller.bye(), () => call.caller.cancel(), () => call.caller.lose('timer')])();
  call.caller.bye();
  // Results that come when nobody waits any longer.
  for (const tool of tools) for (let i = 0; i < 20; i += 1) tool.finish();
  await call.expectClean();

  expect(watch.longestMs).toBeLessThanOrEqual(silenceMs + toleranceMs);
  expect({ calls: call.calls.active, after: call.sentAfterEnd }).toEqual({ calls: 0, after: [] });
  expectOnce(
    call.sent('conversation.item.create').flatMap(({ event }) => (event.item as { call_id?: string }).call_id ?? []),
  );
  expectOnce(call.events.flatMap(({ event }) => (event.kind === 'function-call' ? [event.callId] : [])));
  expectOnce(tools.flatMap(({ runs }) => runs.map(({ context }) => context.runId)));
  expect(call.attempts.every(({ outcome, endedAtMs }) => outcome !== undefined && endedAtMs !== undefined)).toBe(true);
  expect(call.events.flatMap(({ event }) => (event.kind === 'model-error' ? [event] : []))).toEqual([]);
});

const expectOnce = (ids: readonly string[]): void => expect(ids).toEqual([...new Set(ids)]);

function conversation(random: Random, tools: readonly TestTool[]): TransferringCall {
  const turns = pick<Agent['turns']>(random, [
    undefined,
    undefined,
    { kind: 'reversible', decideAfterMs: 500 },
    { kind: 'push-to-talk', key: '*' },
  ]);
  const by = turns === undefined && chance(random, 0.5) ? 'server' : 'bridge';
  const idle: IdleRules = {
    afterMs: by === 'server' ? 5_000 : 3_000,
    checkInsMax: pick(random, [0, 1, 2]),
    then: pick(random, ['hang_up', 'wait', { transferTo: 'sales' }] as const),
    by,
    checkIn: undefined,
    goodbye: undefined,
  };
  const sales = destination('sales', { ringLimitMs: 5_000, otherwise: { ...none, busy: 'hand-over' } });
  const handOver = destination('hand-over', { method: 'refer', ringLimitMs: 5_000 });
  let calls = 0;
  return new TransferringCall([sales, handOver], {
    behaviour: speakingModel({
      lengthsMs: { greeting: pick(random, [300, 3_000]), answer: pick(random, [300, 4_000]) },
      plan: ({ metadata, lastItem }) =>
        metadata?.['purpose'] === undefined && !isResult(lastItem) ? withCalls(random, () => (calls += 1)) : undefined,
    }),
    turns,
    ...(chance(random, 0.7) && { idle }),
    tools: [...tools, 'transfer_call', 'hang_up'],
    transfers: ['sales', 'hand-over'],
    agent: {
      ...(chance(random, 0.7) && { greeting: 'Good day.' }),
      turn_detection:
        turns === undefined
          ? { type: 'server_vad', ...(by === 'server' && { idle_timeout: '5s' }) }
          : turns.kind === 'push-to-talk'
            ? { type: 'none' }
            : { type: 'server_vad', create_response: false, interrupt_response: false },
    },
    decision: (answer) => ({ ...answer, guarantees: { firstSoundMs: undefined, silenceMs } }),
  });
}

const isResult = (item: ConversationItem | undefined): boolean => item?.body.type === 'function_call_output';

/** Most answers call something, some with words before it. */
function withCalls(random: Random, count: () => number): ResponsePlan | undefined {
  const one = (): PlannedOutput => {
    const name = pick(random, ['look_up', 'look_up', 'book', 'transfer_call', 'hang_up', 'no_such_tool']);
    const given = name === 'transfer_call' ? { destination: pick(random, ['sales', 'sales', 'nobody']) } : {};
    const own = name === 'book' ? { number: count() } : given;
    return { kind: 'function-call', name, argumentsText: chance(random, 0.05) ? '{' : JSON.stringify(own) };
  };
  if (chance(random, 0.3)) return undefined;
  return { outputs: chance(random, 0.4) ? [one(), one()] : [one()], delayMs: pick(random, [0, 0, 1_000]) };
}

function happenings(call: TransferringCall, random: Random, tools: readonly TestTool[]): readonly Happening[] {
  const say =
    (ms: number): Happening =>
    () =>
      call.phone.say(speech(ms));
  const offer = (direction: string): string =>
    pcmuOffer.replace('a=sendrecv', direction).replace('o=- 1 1', `o=- 1 ${call.clock.now() + 2}`);
  const callee = call.callees.called.at(-1);
  return [
    say(1_000),
    say(1_000),
    say(2_500),
    say(150),
    () => call.phone.press('*'),
    () => call.phone.press('5'),
    () => pick(random, tools).finish(),
    () => pick(random, tools).finish(failed('broken', 'no')),
    () => pick(random, tools).finish(done('{"late":true}')),
    () => pick(random, tools).runs.at(-1)?.context.progress('Still at it.'),
    () => void call.caller.reinvite(offer('a=sendonly')),
    () => void call.caller.reinvite(offer('a=sendrecv')),
    () => callee?.ring(),
    () => callee?.ring(183, pcmuOffer),
    () => callee?.answer(pcmuOffer),
    () => callee?.reject(pick(random, [486, 603, 503])),
    () => callee?.bye(),
    () => call.caller.tellReferred({ kind: 'accepted' }),
    () => call.caller.tellReferred({ kind: 'status', status: pick(random, [180, 200, 486]) }),
    () => chance(random, 0.3) && call.caller.bye(),
    () => undefined,
    () => undefined,
  ];
}

function speech(ms: number): Int16Array {
  return Int16Array.from({ length: ms * 8 }, (_, i) => 8_000 * Math.sin(i * 0.9) * Math.sin(i * 0.011));
}
