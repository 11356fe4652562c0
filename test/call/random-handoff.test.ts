import type { Agent } from '../../src/dialplan/plan';
import type { Random } from '../../src/runtime/random';
import { seededRandom } from '../../src/runtime/random';
import type { PlannedOutput, ResponsePlan } from '../../src/simulator/behaviour';
import { done, failed } from '../../src/tools/tool-run';
import { pcmuOffer, VirtualCall, type VirtualAgent, type VirtualCallOptions } from '../support/virtual-call';
import { chance, pick } from './random-model';
import { speakingModel } from './speaking-model';
import { TestTool } from './test-tool';

// Agents who hand a call to and fro, in the same session and in new ones, under random schedules of all that can happen
// meanwhile. The simulator holds the API's rules: what it refuses shows as an error of the model.

const silenceMs = 4_000;
const frameMs = 20;
/** The guarantee joins waits that are this close together, and a filler stands behind what is queued. */
const toleranceMs = 1_100;
const names = ['reception', 'billing', 'support'] as const;

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  'agents who hand over leave one record, no tool twice, no timer and no long silence (seed %i)',
  async (seed) => {
    const random = seededRandom(9_000 + seed);
    const tool = new TestTool('look_up');
    const call = new VirtualCall(randomOptions(random, tool));
    await call.answered();
    let longestMs = 0;
    let silentMs = 0;
    for (let step = 0; step < 18 && call.calls.active > 0; step += 1) {
      somethingHappens(call, random, tool);
      for (let ms = pick(random, [20, 60, 300, 900, 2_500]); ms > 0 && call.calls.active > 0; ms -= frameMs) {
        await call.run(frameMs);
        silentMs = waitsInSilence(call) ? silentMs + frameMs : 0;
        longestMs = Math.max(longestMs, silentMs);
      }
    }
    call.caller.bye();
    await call.run(100);
    for (let i = 0; i < 20; i += 1) tool.finish();
    await call.run(10);

    expect(longestMs).toBeLessThanOrEqual(silenceMs + toleranceMs);
    expect(call.kinds().filter((kind) => kind === 'ended')).toHaveLength(1);
    expect({ calls: call.calls.active, timers: call.clock.pendingTimers, after: call.sentAfterEnd }).toEqual({
      calls: 0,
      timers: 0,
      after: [],
    });
    expect(call.openLegs.size + call.openConnections).toBe(0);
    expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
    runsNothingTwice(call, tool);
    tellsEachHandoff(call);
    expect(call.events.flatMap(({ event }) => (event.kind === 'model-error' ? [event] : []))).toEqual([]);
  },
);

function randomOptions(random: Random, tool: TestTool): VirtualCallOptions {
  const calls = (): PlannedOutput[] => {
    const what = random.fraction();
    const handOff = {
      kind: 'function-call' as const,
      name: 'hand_off',
      argumentsText: JSON.stringify({ agent: pick(random, names) }),
    };
    const lookUp = {
      kind: 'function-call' as const,
      name: 'look_up',
      argumentsText: pick(random, ['{}', '{"a":1}']),
    };
    if (what < 0.3) return [handOff];
    if (what < 0.45) return [lookUp, handOff];
    if (what < 0.5) return [handOff, handOff];
    return what < 0.6 ? [lookUp] : [];
  };
  const speaking = speakingModel({ lengthsMs: { answer: pick(random, [300, 1_500, 4_000]) } });
  const plan = speaking.open(random);
  const lostAfter = chance(random, 0.15) ? 1 + Math.floor(random.fraction() * 3) : undefined;
  return {
    behaviour: {
      name: 'handing',
      open: () => ({
        ...plan,
        respond: (request): ResponsePlan => {
          const spoken = plan.respond(request);
          return { ...spoken, outputs: [...(chance(random, 0.9) ? spoken.outputs : []), ...calls()] };
        },
      }),
    },
    // Now and then a session is not to be had.
    onConnect: (_peer, count) => (count === lostAfter ? 'silent' : undefined),
    ...randomAgent(random, tool),
    colleagues: { billing: randomAgent(random, tool), support: randomAgent(random, tool) },
    decision: (answer) => ({ ...answer, guarantees: { firstSoundMs: undefined, silenceMs } }),
  };
}

function randomAgent(random: Random, tool: TestTool): VirtualAgent & Required<Pick<VirtualAgent, 'tools'>> {
  const turns = pick<Agent['turns']>(random, [
    undefined,
    undefined,
    { kind: 'reversible', decideAfterMs: 300 },
    { kind: 'push-to-talk', key: '*' },
  ]);
  const detection =
    turns === undefined
      ? { type: 'server_vad', interrupt_response: chance(random, 0.8) }
      : turns.kind === 'push-to-talk'
        ? { type: 'none' }
        : { type: 'server_vad', create_response: false, interrupt_response: false };
  const idle = { checkInsMax: 2, by: 'bridge', checkIn: undefined, goodbye: undefined } as const;
  return {
    agent: {
      voice: pick(random, ['marin', 'marin', 'cedar']),
      speed: pick(random, [1, 1, 1.2]),
      audio_format: pick(random, ['pcm', 'pcm', 'pcm', 'pcmu']),
      turn_detection: detection,
      ...(chance(random, 0.5) && { transcription: { model: 'gpt-4o-transcribe' } }),
      greeting: 'Good day.',
    },
    turns,
    ...(chance(random, 0.5) && { idle: { ...idle, afterMs: pick(random, [1_000, 3_000]), then: 'wait' } }),
    tools: ['hand_off', 'hang_up', tool],
  };
}

function somethingHappens(call: VirtualCall, random: Random, tool: TestTool): void {
  const speech = (ms: number) =>
    Int16Array.from({ length: ms * 8 }, (_, i) => 6_000 * Math.sin(i * 0.9) * Math.sin(i * 0.011));
  const offer = (direction: string) =>
    pcmuOffer.replace('a=sendrecv', direction).replace('o=- 1 1', `o=- 1 ${call.clock.now()}`);
  pick(random, [
    () => call.phone.say(speech(600)),
    () => call.phone.say(speech(600)),
    () => call.phone.say(speech(2_000)),
    () => call.phone.press('*'),
    () => call.phone.press('5'),
    () => void call.caller.reinvite(offer('a=sendonly')),
    () => void call.caller.reinvite(offer('a=sendrecv')),
    () => tool.finish(pick(random, [done('{}'), failed('broken', 'no')])),
    () => tool.finish(),
    () => tool.finish(),
    () => (chance(random, 0.1) ? call.peers.at(-1)?.close(1_006, '') : undefined),
    () => undefined,
  ])();
}

function waitsInSilence(call: VirtualCall): boolean {
  const { current } = call.conversation.occupations;
  const isExplained = (['caller-speaking', 'hold', 'transfer', 'digits'] as const).some((one) => current.has(one));
  const isWaiting = (['responding', 'tool', 'handoff', 'agent-speaking'] as const).some((one) => current.has(one));
  const isHeard = call.phone.heard.at(-1)?.samples.some((sample) => Math.abs(sample) > 100) === true;
  return isWaiting && !isExplained && !isHeard;
}

/** No function call is told of twice, and none has two results in any session. */
function runsNothingTwice(call: VirtualCall, tool: TestTool): void {
  const told = call.events.flatMap(({ event }) => (event.kind === 'function-call' ? [event.callId] : []));
  expect(new Set(told).size).toBe(told.length);
  const started = call.events.flatMap(({ event }) =>
    event.kind === 'tool-started' && event.name === 'look_up' ? [event] : [],
  );
  expect(tool.runs).toHaveLength(started.length);
  const outputs = call.sent('conversation.item.create').flatMap(({ event, session }) => {
    const item = event.item as { type: string; call_id: string };
    return item.type === 'function_call_output' ? [`${session} ${item.call_id}`] : [];
  });
  expect(new Set(outputs).size).toBe(outputs.length);
}

/** The record tells of each hand-over once, and they follow one another. */
function tellsEachHandoff(call: VirtualCall): void {
  const { handoffs, agent } = call.events.at(-1)!.snapshot;
  let speaking = 'reception';
  for (const { from, to, outcome } of handoffs) {
    expect(from).toBe(speaking);
    if (outcome === 'handed-off') speaking = to;
  }
  expect(agent).toBe(speaking);
}
