import type { Agent } from '../../src/dialplan/plan';
import type { Random } from '../../src/runtime/random';
import { seededRandom } from '../../src/runtime/random';
import { pcmuOffer, VirtualCall, type VirtualCallOptions } from '../support/virtual-call';
import { chance, pick } from './random-model';
import { SilenceWatch } from './silence-watch';
import { speakingModel } from './speaking-model';

// Idle policies, turns and guarantees together, under random schedules of everything that can happen to a call.

const silenceMs = 4_000;
/** The guarantee joins waits that are this close together, and a filler stands behind what is queued. */
const toleranceMs = 1_100;
const seeds = Array.from({ length: 40 }, (_, seed) => seed);

test.each(seeds)(
  'a call under every policy ends once, leaves nothing and is never silent too long (seed %i)',
  async (seed) => {
    const random = seededRandom(5_000 + seed);
    const call = await new VirtualCall(randomOptions(random)).answered();
    const watch = new SilenceWatch(call);
    const ends: (() => void)[] = [];
    for (let step = 0; step < 16 && call.calls.active > 0; step += 1) {
      somethingHappens(call, random, ends);
      await watch.run(pick(random, [20, 200, 900, 2_500, 6_200]));
    }
    for (const end of ends) end();
    await watch.run(500);
    call.caller.bye();
    await call.run(100);
    expect(watch.longestMs).toBeLessThanOrEqual(silenceMs + toleranceMs);
    expect(call.kinds().filter((kind) => kind === 'ended')).toHaveLength(1);
    expect({ calls: call.calls.active, timers: call.clock.pendingTimers, after: call.sentAfterEnd }).toEqual({
      calls: 0,
      timers: 0,
      after: [],
    });
    expect(call.openLegs.size + call.openConnections).toBe(0);
    expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
    expect(call.events.flatMap(({ event }) => (event.kind === 'model-error' ? [event] : []))).toEqual([]);
  },
);

function randomOptions(random: Random): VirtualCallOptions {
  const turns = pick<Agent['turns']>(random, [
    undefined,
    { kind: 'reversible', decideAfterMs: pick(random, [200, 700]) },
    { kind: 'push-to-talk', key: '*' },
  ]);
  const by = turns === undefined && chance(random, 0.5) ? 'server' : 'bridge';
  const afterMs = by === 'server' ? 5_000 : pick(random, [1_000, 3_000]);
  const detection =
    turns === undefined
      ? { type: 'server_vad', ...(by === 'server' && { idle_timeout: '5s' }), interrupt_response: chance(random, 0.8) }
      : turns.kind === 'push-to-talk'
        ? { type: 'none' }
        : { type: 'server_vad', create_response: false, interrupt_response: false };
  const failure = { type: 'tokens', code: 'rate_limit_exceeded', message: 'Please try again in 1.5s.' };
  return {
    behaviour: speakingModel({
      lengthsMs: { greeting: pick(random, [300, 4_000]), answer: pick(random, [300, 2_000, 7_000]) },
      // Some answers take long, some fail.
      plan: () => (chance(random, 0.1) ? { outputs: [], failure, delayMs: pick(random, [0, 2_000]) } : undefined),
    }),
    turns,
    idle: {
      afterMs,
      checkInsMax: pick(random, [0, 1, 2]),
      then: pick(random, ['hang_up', 'wait']),
      by,
      checkIn: undefined,
      goodbye: undefined,
    },
    agent: { ...(chance(random, 0.7) && { greeting: 'Good day.' }), turn_detection: detection },
    decision: (answer) => ({ ...answer, guarantees: { firstSoundMs: pick(random, [undefined, 1_000]), silenceMs } }),
  };
}

function somethingHappens(call: VirtualCall, random: Random, ends: (() => void)[]): void {
  const speech = (ms: number): Int16Array =>
    Int16Array.from({ length: ms * 8 }, (_, i) => 8_000 * Math.sin(i * 0.9) * Math.sin(i * 0.011));
  const offer = (change: string): string =>
    pcmuOffer.replace('a=sendrecv', change).replace('o=- 1 1', `o=- 1 ${call.clock.now() + 2}`);
  pick(random, [
    () => call.phone.say(speech(pick(random, [100, 300, 1_500]))),
    () => call.phone.say(speech(pick(random, [100, 300, 1_500]))),
    () => call.phone.press('*'),
    () => call.phone.press('5'),
    () => void call.caller.reinvite(offer('a=sendonly')),
    () => void call.caller.reinvite(offer('a=sendrecv')),
    () => ends.push(call.conversation.occupations.begin(pick(random, ['tool', 'transfer', 'digits']))),
    () => ends.shift()?.(),
    () => ends.shift()?.(),
    () => call.conversation.announce('session-warning'),
    () => undefined,
    () => undefined,
  ])();
}
