import type { CallState } from '../../src/call/call-state';
import { moveCall } from '../../src/call/call-state';
import { retireMs } from '../../src/realtime/session-retirement';
import type { Random } from '../../src/runtime/random';
import { seededRandom } from '../../src/runtime/random';
import type { Fault } from '../../src/simulator/fault';
import { scenario } from '../../src/simulator/scenario';
import { parseScenario } from '../../src/simulator/scenario-file';
import { pcmuOffer, VirtualCall } from '../support/virtual-call';
import type { VirtualCallOptions } from '../support/virtual-call';
import type { RandomItem } from './random-model';
import { chance, pick, RandomModel } from './random-model';

const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);

test.each(seeds(200))('a call with an erratic model ends once and leaves nothing behind (seed %i)', async (seed) => {
  const random = seededRandom(seed);
  const { hasBug, ...sabotaged } = sabotage(random);
  const call = new VirtualCall({ ...randomOptions(random), ...sabotaged });
  const model = new RandomModel({ call, random });
  call.ring();
  for (let step = 0; step < 45 && call.calls.active > 0; step += 1) {
    if (chance(random, 0.7)) model.act();
    else if (chance(random, 0.8)) callerActs(call, random);
    else if (chance(random, 0.3)) somethingBreaks(call, random, () => model.leave());
    await call.run(pick(random, [0, 0, 1, 5, 20, 20, 60, 200, 500]));
  }
  await goesAway(call, random);
  leavesNothing(call);
  if (!hasBug) hasNoBug(call);
  tellsItsStory(call);
  endsOnceForTheCaller(call);
  for (const item of model.items) claimsNoMoreThanWasHeard(call, item);
});

test.each(seeds(50))('a call with the simulator ends once and leaves nothing behind (seed %i)', async (seed) => {
  const random = seededRandom(1_000 + seed);
  const behaviour = randomScenario(random);
  const call = new VirtualCall({ ...randomOptions(random), behaviour, simulator: { faults: randomFaults(random) } });
  call.ring();
  for (let step = 0; step < 14 && call.calls.active > 0; step += 1) {
    callerActs(call, random);
    if (chance(random, 0.03)) somethingBreaks(call, random, () => call.peer?.close(1_006, ''));
    await call.run(pick(random, [20, 100, 400, 1_200]));
  }
  await goesAway(call, random);
  leavesNothing(call);
  hasNoBug(call);
  tellsItsStory(call);
  endsOnceForTheCaller(call);
  // As the API does, the simulator refuses a truncation beyond what it sent and a result for a call that it never made.
  expect(call.events.flatMap(({ event }) => (event.kind === 'model-error' ? [event] : []))).toEqual([]);
});

/** What is decided before the INVITE. */
function randomOptions(random: Random): VirtualCallOptions {
  const lengthLimitMs = pick(random, [undefined, undefined, undefined, undefined, 700, 2_500]);
  const badAnswer = chance(random, 0.2);
  return {
    agent: {
      ...(chance(random, 0.5) && { greeting: 'Good day.' }),
      turn_detection: pick(random, [
        { type: 'server_vad' },
        { type: 'server_vad' },
        { type: 'server_vad', interrupt_response: false },
        { type: 'semantic_vad' },
        { type: 'none' },
      ]),
    },
    tools: chance(random, 0.9) ? ['hang_up'] : [],
    decision: (answer) => ({ ...answer, lengthLimitMs }),
    lateOffer: chance(random, 0.15),
    caller: {
      ackDelayMs: pick(random, [0, 0, 0, 30, 'never']),
      answerTo: () => (badAnswer ? pick(random, ['garbage', undefined]) : pcmuOffer),
      ...(chance(random, 0.03) && { offer: pick(random, ['hello', pcmuOffer.replace('AVP 0 101', 'AVP 18')]) }),
    },
    modelSilent: chance(random, 0.03),
    ...(chance(random, 0.3) && { mediaDelayMs: pick(random, [0, 40]) }),
    services: { timeWarningMs: 150 },
  };
}

/** In some calls something of ours has a bug, or an observer ends the call in the middle of a step. */
function sabotage(random: Random): VirtualCallOptions & { hasBug: boolean } {
  const broken = (): never => {
    throw new Error('broken');
  };
  const kind = pick(random, ['model-ready', 'state', 'agent-audio-started', 'barge-in', 'function-call', 'digit']);
  if (chance(random, 0.85)) return { hasBug: false };
  return pick<VirtualCallOptions & { hasBug: boolean }>(random, [
    { hasBug: true, services: { route: broken } },
    { hasBug: true, services: { modelFor: broken } },
    { hasBug: true, services: { openSession: broken } },
    { hasBug: true, onLeg: (leg) => (leg.start = broken) },
    { hasBug: true, onLeg: (leg) => (leg.modify = broken) },
    {
      hasBug: true,
      onEvent: (event) => {
        if (event.kind === kind) broken();
      },
    },
    {
      hasBug: false,
      onEvent: (event, call) => {
        if (event.kind === kind) call.calls.endAll({ kind: 'draining' });
      },
    },
    {
      hasBug: false,
      onLeg: (leg) => (leg.start = (listener) => listener.onFailure({ kind: 'media-error', message: 'broken' })),
    },
  ]);
}

function callerActs(call: VirtualCall, random: Random): void {
  const hold = pcmuOffer.replace('a=sendrecv', 'a=sendonly').replace('o=- 1 1', `o=- 1 ${call.clock.now()}`);
  const resume = pcmuOffer.replace('o=- 1 1', `o=- 1 ${call.clock.now() + 1}`);
  const speech = Int16Array.from({ length: 4_000 }, (_, i) => 6_000 * Math.sin(i * 0.9) * Math.sin(i * 0.011));
  pick(random, [
    () => void call.caller.reinvite(hold),
    () => void call.caller.reinvite(resume),
    () => void call.caller.reinvite(resume),
    () => void call.caller.reinvite(undefined),
    () => void call.caller.reinvite('garbage'),
    () => call.caller.pressByInfo('5'),
    () => aPhone(call)?.press('#'),
    () => aPhone(call)?.say(speech),
    () => aPhone(call)?.say(speech),
    () => aPhone(call)?.say(speech),
  ])();
}

function somethingBreaks(call: VirtualCall, random: Random, breakModel: () => void): void {
  pick(random, [
    () => pick(random, ways)(call),
    () => pick(random, ways)(call),
    breakModel,
    breakModel,
    breakModel,
    () => aPhone(call)?.fail({ kind: 'media-error', message: 'broken' }),
    () => void call.calls.drain({ limitMs: 300 }),
    () => call.calls.endAll({ kind: 'draining' }),
  ])();
}

/** How a caller goes. */
const ways = [
  (call: VirtualCall) => call.caller.cancel(),
  (call: VirtualCall) => call.caller.bye(),
  (call: VirtualCall) => call.caller.lose('no ACK'),
  (call: VirtualCall) => call.caller.loseServer(),
] as const;

const aPhone = (call: VirtualCall) => [...call.media.phones.values()][0];

/** Whoever is still there leaves; what is under way to the model and a media leg that is being made still arrive. */
async function goesAway(call: VirtualCall, random: Random): Promise<void> {
  pick(random, ways)(call);
  // A CANCEL after the answer comes to nothing.
  call.caller.bye();
  await call.run(100 + retireMs);
}

function leavesNothing(call: VirtualCall): void {
  expect({
    calls: call.calls.active,
    timers: call.clock.pendingTimers,
    openLegs: call.openLegs.size,
    frames: call.frameClock.subscribers,
    openConnections: call.openConnections,
    sentAfterEnd: call.sentAfterEnd,
  }).toEqual({ calls: 0, timers: 0, openLegs: 0, frames: 0, openConnections: 0, sentAfterEnd: [] });
}

function hasNoBug(call: VirtualCall): void {
  expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
}

/** States in legal order, one end and nothing after it, times that go forward. */
function tellsItsStory(call: VirtualCall): void {
  let state: CallState = 'ringing';
  for (const { event } of call.events) {
    if (event.kind !== 'state') continue;
    expect(event.from).toBe(state);
    state = moveCall(event);
  }
  expect(state).toBe('ended');
  expect(call.kinds().filter((kind) => kind === 'ended')).toHaveLength(1);
  expect(call.kinds().at(-1)).toBe('ended');
  const last = call.last('ended')?.snapshot;
  const times = [last?.startedAtMs, last?.answeredAtMs, last?.firstAudioAtMs, last?.endedAtMs];
  const known = times.filter((time) => time !== undefined);
  expect(known).toEqual([...known].sort((a, b) => a - b));
}

/** At most one final word, the one that fits, and none to a caller who has gone. */
function endsOnceForTheCaller(call: VirtualCall): void {
  const kinds = call.caller.saw.map(({ kind }) => kind).filter((kind) => kind !== 'ringing');
  const reason = call.last('ended')?.event.reason.kind;
  const answered = call.last('ended')?.snapshot.answeredAtMs !== undefined;
  const goodbye = reason === 'caller-hung-up' ? [] : [answered ? 'bye' : 'rejected'];
  expect(kinds).toEqual([...(answered ? ['answered'] : []), ...goodbye]);
}

function claimsNoMoreThanWasHeard(call: VirtualCall, { itemId, level }: RandomItem): void {
  const claims = call.sent('conversation.item.truncate').filter(({ event }) => event.item_id === itemId);
  if (claims.length === 0) return;
  const isOfItem = (sample: number): boolean => Math.abs(sample - level) < 150;
  const frames = aPhone(call)?.heard ?? [];
  const heard = frames.reduce((count, { samples }) => count + samples.filter(isOfItem).length, 0);
  const claimedMs = claims.reduce((sum, { event }) => sum + Number(event.audio_end_ms), 0);
  // A fade and the resampler's edges are not at the item's level.
  expect(claimedMs).toBeLessThanOrEqual(heard / 8 + 10 * claims.length);
}

function randomScenario(random: Random) {
  const turn = () => ({
    say: 'Well, well.',
    audio: `speech:${pick(random, [200, 900, 3_000])}ms`,
    ...(chance(random, 0.3) && { calls: [{ name: pick(random, ['hang_up', 'no_such_tool']), arguments: {} }] }),
    ...(chance(random, 0.2) && { delay: '700ms' }),
  });
  const parsed = parseScenario(JSON.stringify({ turns: [turn(), turn(), turn()], after: 'start-again' }), {
    folders: [],
  });
  if (parsed.kind !== 'scenario') throw new Error(parsed.reason);
  return scenario('scenario:random', parsed.scenario);
}

function randomFaults(random: Random): Fault[] {
  const afterMs = Math.floor(random.fraction() * 6_000);
  const faults: Fault[] = [
    { kind: 'close', code: 1_011, reason: '', afterMs },
    { kind: 'stall', lengthMs: 900, afterMs },
    { kind: 'malformed', text: '{"type":', afterMs },
    { kind: 'stall', lengthMs: undefined, afterMs },
  ];
  return chance(random, 0.6) ? [] : [pick(random, faults)];
}
