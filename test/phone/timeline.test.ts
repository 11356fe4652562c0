import { reportOf } from '../../src/phone/report';
import { timelineOf, type CallRecording, type PhoneEvent } from '../../src/phone/timeline';

const rateHz = 8_000;

/** Sound between the given milliseconds. */
function track(durationMs: number, ...sounds: [fromMs: number, toMs: number][]): Int16Array {
  const samples = new Int16Array((durationMs * rateHz) / 1_000);
  for (const [fromMs, toMs] of sounds) samples.fill(4_000, fromMs * 8, toMs * 8);
  return samples;
}

const answered: PhoneEvent[] = [
  { atMs: 30, kind: 'ringing', status: 180 },
  { atMs: 400, kind: 'answered' },
  { atMs: 650, kind: 'first-audio' },
  { atMs: 5_400, kind: 'ended', by: 'agent', why: undefined },
];

const recording = (caller: Int16Array, agent: Int16Array): CallRecording => ({ rateHz, caller, agent, cut: false });

test('turns of both sides, with the pauses of one turn left in', () => {
  const timeline = timelineOf({
    events: answered,
    recording: recording(track(5_000, [2_000, 2_800]), track(5_000, [240, 900], [1_200, 1_600], [3_200, 4_600])),
  });
  expect(timeline.callerTurns).toEqual([{ startMs: 2_000, endMs: 2_800 }]);
  expect(timeline.agentTurns).toEqual([
    { startMs: 240, endMs: 1_600 },
    { startMs: 3_200, endMs: 4_600 },
  ]);
  expect(timeline.interruptions).toEqual([]);
});

test('times count from the INVITE until the answer, then from the answer', () => {
  expect(timelineOf({ events: answered, recording: undefined })).toMatchObject({
    ringingAfterMs: 30,
    answeredAfterMs: 400,
    firstAudioAfterMs: 250,
    durationMs: 5_000,
    endedBy: 'agent',
  });
});

test('speaking over the agent is an interruption, and it is told when the agent was silent', () => {
  const timeline = timelineOf({
    events: answered,
    recording: recording(track(5_000, [1_000, 1_900]), track(5_000, [200, 1_240], [2_600, 3_000])),
  });
  expect(timeline.interruptions).toEqual([{ atMs: 1_000, agentSilentAfterMs: 240 }]);
});

test('a short pause of the agent is not yet silence', () => {
  const timeline = timelineOf({
    events: answered,
    recording: recording(track(5_000, [1_000, 1_900]), track(5_000, [200, 1_100], [1_240, 2_000])),
  });
  expect(timeline.interruptions).toEqual([{ atMs: 1_000, agentSilentAfterMs: 1_000 }]);
});

test('an agent that speaks on to the end was never silent', () => {
  const timeline = timelineOf({
    events: answered,
    recording: recording(track(5_000, [1_000, 1_900]), track(5_000, [200, 5_000])),
  });
  expect(timeline.interruptions).toEqual([{ atMs: 1_000, agentSilentAfterMs: undefined }]);
});

test('speaking as the agent ends interrupts nobody', () => {
  const timeline = timelineOf({
    events: answered,
    recording: recording(track(5_000, [1_000, 1_900]), track(5_000, [200, 1_040])),
  });
  expect(timeline.interruptions).toEqual([]);
});

test('a click is no turn', () => {
  const timeline = timelineOf({
    events: answered,
    recording: recording(track(1_000), track(1_000, [500, 520])),
  });
  expect(timeline.agentTurns).toEqual([]);
});

test('the report of a call can be read', () => {
  const timeline = timelineOf({
    events: [...answered, { atMs: 900, kind: 'digit', digit: '5' }],
    recording: recording(track(5_000, [1_000, 1_900]), track(5_000, [200, 1_240], [2_600, 3_000])),
  });
  expect(reportOf(timeline)).toBe(
    [
      'rang after        30 ms',
      'answered after    400 ms',
      'first sound       250 ms after the answer',
      'keys heard        5',
      '',
      '     0.20 s to    1.24 s  agent ',
      '     1.00 s to    1.90 s  caller  interrupts; agent silent after 240 ms',
      '     2.60 s to    3.00 s  agent ',
      '',
      'lasted            5000 ms, ended by the agent',
      '',
    ].join('\n'),
  );
});

test('the report of a call that was not answered says why', () => {
  const events: PhoneEvent[] = [{ atMs: 5, kind: 'failed', why: '486 Busy Here' }];
  expect(reportOf(timelineOf({ events, recording: undefined }))).toBe('not answered      486 Busy Here\n');
});
