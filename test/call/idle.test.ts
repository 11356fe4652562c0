import type { IdleRules } from '../../src/dialplan/conversation-rules';
import { pcmuOffer, VirtualCall, type VirtualCallOptions } from '../support/virtual-call';
import { speakingModel, speechLevels, type SpokenFor } from './speaking-model';

const afterMs = 6_000;
const rules: IdleRules = {
  afterMs,
  checkInsMax: 2,
  then: 'hang_up',
  by: 'bridge',
  checkIn: undefined,
  goodbye: undefined,
};

const serverVad = (idle_timeout?: string) => ({
  type: 'server_vad',
  ...(idle_timeout === undefined ? {} : { idle_timeout }),
});

/** A caller who hears the greeting and says nothing. */
async function silentCaller(options: VirtualCallOptions & { by?: IdleRules['by']; then?: IdleRules['then'] } = {}) {
  const { by = 'bridge', then = 'hang_up', ...rest } = options;
  const behaviour = speakingModel();
  const call = await new VirtualCall({
    behaviour,
    idle: { ...rules, by, then },
    ...rest,
    agent: { greeting: 'Hello.', turn_detection: serverVad(by === 'server' ? '6s' : undefined), ...rest.agent },
  }).answered();
  return { call, asked: behaviour.asked };
}

/** When the caller last heard this, in the clock's milliseconds: the end of its last frame. */
function lastHeard(call: VirtualCall, what: SpokenFor): number {
  const heard = call.phone.heard.filter(({ samples }) =>
    samples.some((one) => Math.abs(one - speechLevels[what]) < 300),
  );
  return (heard.at(-1)?.atMs ?? Number.NaN) + 20;
}

function heardMs(call: VirtualCall, what: SpokenFor): number {
  const isOf = (sample: number): boolean => Math.abs(sample - speechLevels[what]) < 400;
  return call.phone.heard.reduce((sum, { samples }) => sum + samples.filter(isOf).length, 0) / 8;
}

function decisions(call: VirtualCall): { atMs: number; decision: string; by: string; checkIns: number }[] {
  return call.events.flatMap(({ atMs, event }) => {
    if (event.kind !== 'idle-timeout') return [];
    const { decision, by, checkIns } = event;
    return [{ atMs, decision, by, checkIns }];
  });
}

const saw = (call: VirtualCall): string[] => call.caller.saw.map(({ kind }) => kind);

async function leavesNothing(call: VirtualCall): Promise<void> {
  call.caller.bye();
  await call.run(100);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
  expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
  const errors = call.events.flatMap(({ event }) => (event.kind === 'model-error' ? [event] : []));
  expect(errors).toEqual([]);
}

const speech = (ms: number): Int16Array =>
  Int16Array.from({ length: ms * 8 }, (_, i) => 8_000 * Math.sin(i * 0.9) * Math.sin(i * 0.011));

const hold = pcmuOffer.replace('a=sendrecv', 'a=sendonly').replace('o=- 1 1', 'o=- 1 2');
const resume = pcmuOffer.replace('o=- 1 1', 'o=- 1 3');

describe('by the bridge', () => {
  test('the check-in is decided 6 s after the agent was last heard, and at most one frame later', async () => {
    const { call } = await silentCaller();
    await call.run(8_000);
    const [first] = decisions(call);
    const lateMs = (first?.atMs ?? 0) - (lastHeard(call, 'greeting') + afterMs);
    expect(first).toMatchObject({ decision: 'check-in', by: 'bridge', checkIns: 1 });
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(20);
    await leavesNothing(call);
  });

  test('after two check-ins comes a goodbye that is heard whole, and then BYE', async () => {
    const { call, asked } = await silentCaller();
    await call.run(40_000);
    expect(asked).toEqual(['greeting', 'check-in', 'check-in', 'goodbye']);
    expect(decisions(call).map(({ decision }) => decision)).toEqual(['check-in', 'check-in', 'goodbye']);
    expect(heardMs(call, 'goodbye')).toBeGreaterThan(790);
    const bye = call.caller.saw.find(({ kind }) => kind === 'bye');
    expect(bye?.atMs).toBeGreaterThan(lastHeard(call, 'goodbye'));
    expect(call.last('ended')?.event.reason).toEqual({ kind: 'caller-idle' });
    expect(call.clock.pendingTimers).toBe(0);
  });

  test('the server is told of no timeout', async () => {
    const { call } = await silentCaller();
    await call.run(30_000);
    const timeouts = call.sent('session.update').map(({ event }) => JSON.stringify(event));
    expect(timeouts).toHaveLength(1);
    expect(timeouts[0]).toContain('"idle_timeout_ms":null');
  });

  test('with then: wait the caller is asked twice and then left alone', async () => {
    const { call, asked } = await silentCaller({ then: 'wait' });
    await call.run(90_000);
    expect(asked).toEqual(['greeting', 'check-in', 'check-in']);
    expect(saw(call)).not.toContain('bye');
    await leavesNothing(call);
  });

  test('words of the plan are what the model is told', async () => {
    const idle: IdleRules = { ...rules, checkInsMax: 1, checkIn: 'Ask in rhyme.', goodbye: 'Leave in rhyme.' };
    const { call } = await silentCaller({ idle });
    await call.run(16_000);
    const told = call
      .sent('response.create')
      .map(({ event }) => (event.response as { instructions: string }).instructions);
    expect(told.slice(1)).toEqual(['Ask in rhyme.', 'Leave in rhyme.']);
    await leavesNothing(call);
  });

  test('a caller who says something is asked anew from the beginning', async () => {
    const { call, asked } = await silentCaller();
    await call.run(16_500);
    call.phone.say(speech(1_500));
    await call.run(11_000);
    expect(asked).toEqual(['greeting', 'check-in', 'check-in', 'answer', 'check-in']);
    expect(decisions(call).map(({ checkIns }) => checkIns)).toEqual([1, 2, 1]);
    await leavesNothing(call);
  });

  test('a caller who speaks during the goodbye keeps the line', async () => {
    const { call } = await silentCaller({ idle: { ...rules, checkInsMax: 0 } });
    await call.run(7_400);
    call.phone.say(speech(1_000));
    await call.run(5_000);
    expect(saw(call)).not.toContain('bye');
    await leavesNothing(call);
  });

  test.each(['refusal', 'failure'] as const)('a %s of the goodbye has a recording say it', async (fault) => {
    const error = { type: 'invalid_request_error', code: 'broken', message: 'No.' };
    const behaviour = speakingModel({
      plan: ({ metadata }) => (metadata?.['purpose'] === 'idle-goodbye' ? { outputs: [], [fault]: error } : undefined),
    });
    const { call } = await silentCaller({ behaviour, idle: { ...rules, checkInsMax: 0 } });
    await call.run(20_000);
    expect(call.last('ended')?.event.reason).toEqual({ kind: 'caller-idle' });
    expect(call.heardSince(7_000)).toBeGreaterThan(5_400);
  });

  test('semantic turn detection and none at all have check-ins, too', async () => {
    for (const type of ['semantic_vad', 'none']) {
      const { call, asked } = await silentCaller({ agent: { turn_detection: { type } } });
      await call.run(8_000);
      expect(asked).toEqual(['greeting', 'check-in']);
      await leavesNothing(call);
    }
  });
});

describe('by the server', () => {
  test('the timeout is sent, switched off while the agent is heard, and on again with a cleared input', async () => {
    const { call } = await silentCaller({ by: 'server' });
    await call.run(3_000);
    const sent = call.received
      .map(({ event }) => event)
      .filter(({ type }) => type === 'session.update' || type === 'input_audio_buffer.clear')
      .map((event) => /"idle_timeout_ms":(\w+)/.exec(JSON.stringify(event))?.[1] ?? 'clear');
    expect(sent).toEqual(['6000', 'null', 'clear', '6000']);
    await leavesNothing(call);
  });

  test('no check-in comes early by the heard clock, and the goodbye is ours', async () => {
    const { call, asked } = await silentCaller({ by: 'server' });
    await call.run(8_500);
    const [first] = decisions(call);
    expect(first).toMatchObject({ decision: 'check-in', by: 'server', checkIns: 1 });
    expect(first?.atMs).toBeGreaterThanOrEqual(lastHeard(call, 'greeting') + afterMs);
    await call.run(40_000);
    expect(asked).toEqual(['greeting', 'check-in', 'check-in', 'goodbye']);
    expect(decisions(call).map(({ by }) => by)).toEqual(['server', 'server', 'bridge']);
    expect(call.last('ended')?.event.reason).toEqual({ kind: 'caller-idle' });
  });

  test('the silence leaves the history, and the words that were invented for it are not told', async () => {
    const { call } = await silentCaller({ by: 'server', agent: { transcription: { model: 'gpt-4o-transcribe' } } });
    await call.run(10_000);
    expect(decisions(call)).toHaveLength(1);
    expect(call.sent('conversation.item.delete')).toHaveLength(1);
    const words = call.events.flatMap(({ event }) => (event.kind === 'transcript' ? [event.by] : []));
    expect(words).not.toContain('caller');
    await leavesNothing(call);
  });

  test('a server that forgets its timeout is stood in for', async () => {
    const { call, asked } = await silentCaller({ by: 'server', agent: { turn_detection: { type: 'semantic_vad' } } });
    await call.run(12_000);
    expect(asked).toEqual(['greeting', 'check-in']);
    expect(decisions(call)[0]).toMatchObject({ by: 'bridge' });
    await leavesNothing(call);
  });
});

// Every race in both orders: what happens, and whether it is there just before or just after the decision falls.
const busyWith: Record<string, (call: VirtualCall) => () => void> = {
  'a tool that runs': (call) => call.conversation.occupations.begin('tool'),
  'a transfer that is under way': (call) => call.conversation.occupations.begin('transfer'),
  'an announcement': (call) => {
    call.conversation.announce('session-warning');
    return () => undefined;
  },
  'keys that are pressed': (call) => {
    call.phone.press('5');
    return () => undefined;
  },
  hold: (call) => {
    void call.caller.reinvite(hold);
    return () => void call.caller.reinvite(resume);
  },
  'a caller who begins to speak': (call) => {
    call.phone.say(speech(2_000));
    return () => undefined;
  },
};

describe.each(['bridge', 'server'] as const)('with check-ins by the %s', (by) => {
  test.each(Object.keys(busyWith))('%s just before the decision puts it off', async (what) => {
    const { call } = await silentCaller({ by });
    await runUntil(call, 6_600);
    const end = busyWith[what]?.(call);
    await call.run(1_500);
    expect(decisions(call).filter(({ decision }) => decision !== 'too-early')).toEqual([]);
    end?.();
    await call.run(14_000);
    expect(decisions(call).filter(({ decision }) => decision === 'check-in').length).toBeGreaterThan(0);
    await leavesNothing(call);
  });

  test.each(Object.keys(busyWith))('%s just after the decision does no harm', async (what) => {
    const { call } = await silentCaller({ by });
    while (decisions(call).length === 0 && call.clock.now() < 12_000) await call.run(1);
    const end = busyWith[what]?.(call);
    await call.run(6_000);
    expect(decisions(call).filter(({ decision }) => decision === 'check-in')).toHaveLength(1);
    end?.();
    await call.run(14_000);
    expect(saw(call)).not.toContain('rejected');
    await leavesNothing(call);
  });

  test('a greeting that still plays when the timeout would be over is not cut short', async () => {
    const behaviour = speakingModel({ lengthsMs: { greeting: 12_000 } });
    const { call } = await silentCaller({ by, behaviour });
    await call.run(11_800);
    expect(decisions(call)).toEqual([]);
    await call.run(1_000);
    expect(heardMs(call, 'greeting')).toBeGreaterThan(11_990);
    await call.run(8_000);
    expect(decisions(call)).toHaveLength(1);
    await leavesNothing(call);
  });

  test('a caller who hangs up at any moment leaves nothing behind', async () => {
    for (const atMs of [100, 900, 3_000, 7_150, 7_300, 8_000, 14_000, 21_000, 22_500]) {
      const { call } = await silentCaller({ by });
      await call.run(atMs);
      await leavesNothing(call);
    }
  });
});

async function runUntil(call: VirtualCall, atMs: number): Promise<void> {
  await call.run(Math.max(0, atMs - call.clock.now()));
}
