import type { IdleRules } from '../../src/dialplan/conversation-rules';
import { pcmuOffer, promptLevels } from '../support/virtual-call';
import { speakingModel, speechLevels } from './speaking-model';
import { destination, TransferringCall } from './transferring-call';

// `idle.then: DESTINATION`: a caller who stays silent is sent on.

const rules: IdleRules = {
  afterMs: 6_000,
  checkInsMax: 2,
  then: { transferTo: 'desk' },
  by: 'bridge',
  checkIn: undefined,
  goodbye: undefined,
};
const frameMs = 20;

async function silentCaller(idle: IdleRules = rules): Promise<TransferringCall> {
  return new TransferringCall([destination('desk')], {
    behaviour: speakingModel(),
    idle,
    // The agent itself may transfer nobody.
    tools: ['hang_up'],
    agent: {
      greeting: 'Hello.',
      turn_detection: { type: 'server_vad', ...(idle.by === 'server' && { idle_timeout: '6s' }) },
    },
  }).answered();
}

const decisions = (call: TransferringCall) =>
  call.events.flatMap(({ atMs, event }) => (event.kind === 'idle-timeout' ? [{ atMs, decision: event.decision }] : []));

/** The end of the last frame of a voice. */
function lastHeardMs(call: TransferringCall, level: number): number {
  const frames = call.phone.heard.filter(({ samples }) => samples.some((one) => Math.abs(one - level) < 300));
  return (frames.at(-1)?.atMs ?? Number.NaN) + frameMs;
}

test.each(['bridge', 'server'] as const)(
  'by the %s: after the last check-in was heard whole, and 6 s more',
  async (by) => {
    const call = await silentCaller({ ...rules, by });
    await call.run(40_000);
    expect(decisions(call).map(({ decision }) => decision)).toEqual(['check-in', 'check-in', 'transfer']);
    const waitedMs = decisions(call)[2]!.atMs - lastHeardMs(call, speechLevels['check-in']);
    expect(waitedMs).toBeGreaterThanOrEqual(6_000);
    expect(waitedMs).toBeLessThanOrEqual(6_000 + frameMs);
    expect(call.callees.called.map(({ invite }) => invite.uri)).toEqual(['sip:desk@192.0.2.7']);
    expect(call.heardSince(call.clock.now() - 1_000)).toBe(promptLevels['hold-music']);
    call.caller.bye();
    await call.expectClean();
  },
);

test('the destination gets the caller, and the model is let go', async () => {
  const call = await silentCaller({ ...rules, checkInsMax: 0 });
  await call.run(8_000);
  call.callee.answer(pcmuOffer);
  await call.run(100);
  expect(call.outcomes()).toEqual(['joined']);
  expect(call.openConnections).toBe(0);
  call.callee.bye();
  expect(call.ended()).toBe('transfer-ended');
  await call.expectClean();
});

test('a caller whom nobody takes is told goodbye after another 6 s, and the line closes when it was heard', async () => {
  const call = await silentCaller({ ...rules, checkInsMax: 0 });
  await call.run(8_000);
  call.callee.reject(486);
  const backAtMs = call.clock.now();
  await call.run(12_000);
  expect(decisions(call).map(({ decision }) => decision)).toEqual(['transfer', 'goodbye']);
  expect(decisions(call)[1]!.atMs - backAtMs).toBeGreaterThanOrEqual(6_000);
  // No tool asked, so that none has a result.
  expect(call.told).toEqual([]);
  expect(call.ended()).toBe('caller-idle');
  const bye = call.caller.saw.find(({ kind }) => kind === 'bye');
  expect(bye?.atMs).toBeGreaterThan(lastHeardMs(call, speechLevels.goodbye));
  expect(call.callees.called).toHaveLength(1);
  await call.expectClean();
});

test('a caller who speaks after a transfer that failed may be sent on again', async () => {
  const call = await silentCaller({ ...rules, checkInsMax: 0 });
  await call.run(8_000);
  call.callee.reject(486);
  await call.run(1_000);
  call.phone.say(Int16Array.from({ length: 8_000 }, (_, i) => 8_000 * Math.sin(i * 0.9) * Math.sin(i * 0.011)));
  await call.run(14_000);
  expect(decisions(call).map(({ decision }) => decision)).toEqual(['transfer', 'transfer']);
  call.caller.bye();
  await call.expectClean();
});

test('a caller who hangs up while it rings cancels it', async () => {
  const call = await silentCaller({ ...rules, checkInsMax: 0 });
  await call.run(8_000);
  call.caller.bye();
  expect(call.callee.saw.map(({ kind }) => kind)).toEqual(['cancelled']);
  expect(call.outcomes()).toEqual(['cancelled']);
  await call.expectClean();
});
