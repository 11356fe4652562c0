import type { Breach } from '../../src/call/guarantees';
import type { GuaranteeRules } from '../../src/dialplan/conversation-rules';
import { retireMs } from '../../src/realtime/session-retirement';
import type { ResponsePlan } from '../../src/simulator/behaviour';
import { promptLevels, VirtualCall, type VirtualCallOptions } from '../support/virtual-call';
import { callerStartsToSpeak } from './model-lines';
import { speakingModel, speechLevels } from './speaking-model';

const promised = (guarantees: Partial<GuaranteeRules>): VirtualCallOptions => ({
  decision: (answer) => ({ ...answer, guarantees: { firstSoundMs: undefined, silenceMs: undefined, ...guarantees } }),
});

const breaches = (call: VirtualCall): readonly Breach[] => call.events.at(-1)?.snapshot.breaches ?? [];

/** The longest time in which the caller heard nothing, from a moment to the end. */
function longestSilenceMs(call: VirtualCall, fromMs: number): number {
  let longest = 0;
  let since = fromMs;
  for (const { atMs, samples } of call.phone.heard) {
    if (samples.some((sample) => Math.abs(sample) > 100)) since = atMs;
    longest = Math.max(longest, atMs - since);
  }
  return longest;
}

async function leavesNothing(call: VirtualCall): Promise<void> {
  call.caller.bye();
  // The model that the test plays does not say what a cancelled answer cost.
  await call.run(100 + retireMs);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
}

function callerHasSpoken(call: VirtualCall): void {
  callerStartsToSpeak(call);
  call.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 900, item_id: 'item_user' });
}

describe('the first sound', () => {
  test('that does not come in time is replaced by a filler, and that stands on the record', async () => {
    const call = await new VirtualCall({
      agent: { greeting: 'Hello.' },
      ...promised({ firstSoundMs: 2_000 }),
    }).answered();
    await call.run(1_700);
    expect(call.heardSince(0)).toBe(0);
    await call.run(300);
    expect(call.heardSince(0)).toBeGreaterThan(promptLevels['please-wait'] - 100);
    expect(breaches(call)).toEqual([{ guarantee: 'first-sound', remedy: 'filler', atMs: 2_000 }]);
    await leavesNothing(call);
  });

  test('that comes in time breaks nothing', async () => {
    const behaviour = speakingModel();
    const call = await new VirtualCall({
      behaviour,
      agent: { greeting: 'Hello.' },
      ...promised({ firstSoundMs: 2_000 }),
    }).answered();
    await call.run(6_000);
    expect(breaches(call)).toEqual([]);
    await leavesNothing(call);
  });

  test('is not made over a caller who speaks first', async () => {
    const call = await new VirtualCall(promised({ firstSoundMs: 2_000 })).answered();
    callerStartsToSpeak(call);
    await call.run(3_000);
    expect(breaches(call)).toEqual([]);
    await leavesNothing(call);
  });
});

describe('silence while the caller waits', () => {
  test('is filled once, and then the call ends with an apology: there is always an exit', async () => {
    const call = await new VirtualCall(promised({ silenceMs: 4_000 })).answered();
    callerHasSpoken(call);
    const fromMs = call.clock.now();
    await call.run(20_000);
    expect(breaches(call).map(({ guarantee, remedy }) => `${guarantee}: ${remedy}`)).toEqual([
      'silence: filler',
      'silence: apology',
    ]);
    expect(longestSilenceMs(call, fromMs)).toBeLessThanOrEqual(4_040);
    expect(call.last('ended')?.event.reason).toEqual({ kind: 'guarantee-broken', guarantee: 'silence' });
    expect(call.caller.saw.map(({ kind }) => kind)).toEqual(['ringing', 'answered', 'bye']);
    expect(call.clock.pendingTimers).toBe(0);
  });

  test('is filled as often as a tool needs, and ends nothing', async () => {
    const call = await new VirtualCall(promised({ silenceMs: 3_000 })).answered();
    const end = call.conversation.occupations.begin('tool');
    const fromMs = call.clock.now();
    await call.run(20_000);
    end();
    expect(breaches(call).length).toBeGreaterThanOrEqual(4);
    expect(breaches(call).every(({ remedy }) => remedy === 'filler')).toBe(true);
    expect(longestSilenceMs(call, fromMs)).toBeLessThanOrEqual(3_040);
    await leavesNothing(call);
  });

  test.each(['hold', 'transfer', 'digits'] as const)('is explained by %s', async (occupation) => {
    const call = await new VirtualCall(promised({ silenceMs: 3_000 })).answered();
    callerHasSpoken(call);
    const end = call.conversation.occupations.begin(occupation);
    await call.run(8_000);
    expect(breaches(call)).toEqual([]);
    end();
    await call.run(3_500);
    expect(breaches(call)).toHaveLength(1);
    await leavesNothing(call);
  });

  test('in which nobody waits for the agent is the business of the idle policy', async () => {
    const call = await new VirtualCall({
      behaviour: speakingModel(),
      agent: { greeting: 'Hello.' },
      ...promised({ silenceMs: 3_000 }),
    }).answered();
    await call.run(30_000);
    expect(breaches(call)).toEqual([]);
    await leavesNothing(call);
  });

  test('is counted anew after each answer', async () => {
    const slow = (): ResponsePlan => ({ ...saying, delayMs: 3_500 });
    const call = await new VirtualCall({
      behaviour: speakingModel({ plan: slow }),
      ...promised({ silenceMs: 3_000 }),
    }).answered();
    for (let turn = 0; turn < 3; turn += 1) {
      call.phone.say(speech(1_000));
      await call.run(9_000);
    }
    expect(breaches(call).map(({ remedy }) => remedy)).toEqual(['filler', 'filler', 'filler']);
    await leavesNothing(call);
  });
});

describe('a response that fails', () => {
  const limited = (wait: string): ResponsePlan => ({
    outputs: [],
    failure: {
      type: 'tokens',
      code: 'rate_limit_exceeded',
      message: `Rate limit reached. Please try again in ${wait}.`,
    },
  });

  async function greetingFails(plans: (ResponsePlan | undefined)[]): Promise<{ call: VirtualCall; asked: string[] }> {
    const behaviour = speakingModel({ plan: (_request, count) => plans[count] });
    const call = await new VirtualCall({
      behaviour,
      agent: { greeting: 'Hello.' },
      ...promised({ silenceMs: 4_000 }),
    }).answered();
    return { call, asked: behaviour.asked };
  }

  test('for the rate limit is filled, and asked for again, the same, after the time that the server names', async () => {
    const { call, asked } = await greetingFails([limited('1.5s')]);
    await call.run(5_000);
    expect(asked).toEqual(['greeting', 'greeting']);
    const [first, second] = call.sent('response.create');
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(1_500);
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeLessThan(1_900);
    expect(call.heardSince(0)).toBeGreaterThan(speechLevels.greeting - 100);
    expect(breaches(call)).toMatchObject([{ guarantee: 'answer', remedy: 'filler' }]);
    await leavesNothing(call);
  });

  test('within the server is asked for again at once', async () => {
    const failure = { type: 'server_error', code: 'server_error', message: 'The server had an error.' };
    const { call, asked } = await greetingFails([{ outputs: [], failure }]);
    await call.run(3_000);
    expect(asked).toEqual(['greeting', 'greeting']);
    await leavesNothing(call);
  });

  test.each([
    ['three times in a row', [limited('1s'), limited('1s'), limited('1s')]],
    ['for longer than a caller waits', [limited('2m30s')]],
  ])('%s ends the call with an apology', async (_why, plans) => {
    const { call } = await greetingFails(plans);
    const fromMs = call.clock.now();
    await call.run(15_000);
    expect(call.last('ended')?.event.reason).toEqual({ kind: 'model-failing', code: 'rate_limit_exceeded' });
    expect(breaches(call).at(-1)).toMatchObject({ guarantee: 'answer', remedy: 'apology' });
    expect(longestSilenceMs(call, fromMs)).toBeLessThanOrEqual(4_040);
    expect(call.clock.pendingTimers).toBe(0);
  });

  test('is not asked for again when the caller speaks meanwhile', async () => {
    const { call, asked } = await greetingFails([limited('3s')]);
    await call.run(1_500);
    call.phone.say(speech(1_000));
    await call.run(6_000);
    expect(asked).toEqual(['greeting', 'answer']);
    await leavesNothing(call);
  });
});

test('the length of a route is warned of and ends the call, on the record', async () => {
  const call = await new VirtualCall({
    decision: (answer) => ({ ...answer, lengthLimitMs: 4_000 }),
    services: { timeWarningMs: 1_000 },
  }).answered();
  await call.run(8_000);
  expect(breaches(call)).toMatchObject([{ guarantee: 'length', remedy: 'goodbye' }]);
  expect(call.last('ended')?.event.reason).toEqual({ kind: 'length-limit' });
});

const { outputs } = speakingModel()
  .open({ fraction: () => 0 } as never)
  .respond({ cause: 'turn', instructions: undefined, metadata: null, lastItem: undefined, callerAudio: undefined });
const saying: ResponsePlan = { outputs };

function speech(ms: number): Int16Array {
  return Int16Array.from({ length: ms * 8 }, (_, i) => 8_000 * Math.sin(i * 0.9) * Math.sin(i * 0.011));
}
