import type { CallEvent } from '../../src/call/call-observer';
import { createLogger } from '../../src/observability/logger';
import { Metrics } from '../../src/observability/metrics';
import { ObserveCalls } from '../../src/observability/observe-calls';
import { endedCall } from '../support/ended-call';

function setUp() {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  const sources = {
    calls: () => [],
    lateness: () => ({ boundsMs: [], counts: [], total: 0, sumMs: 0 }),
    sip: () => ({}),
    recordFailures: () => 0,
    plan: () => ({
      hash: undefined,
      counts: { loaded: 0, unchanged: 0, refused: 0, restored: 0 },
      lastSuccessMs: undefined,
      refused: false,
    }),
  };
  const metrics = new Metrics(sources, { processMetrics: false });
  const observer = new ObserveCalls({ metrics, logger });
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { observer, metrics, lines, parsed };
}

const wholeCall: CallEvent[] = [
  { kind: 'model-ready', connectMs: 180, sessionId: 'sess_1' },
  { kind: 'state', from: 'ringing', to: 'answering' },
  { kind: 'state', from: 'answering', to: 'active' },
  { kind: 'agent-audio-started', itemId: 'i1' },
  { kind: 'caller-speech-started', itemId: 'i2' },
  { kind: 'barge-in', itemId: 'i1', audioEndMs: 1_240 },
  { kind: 'caller-speech-stopped', itemId: 'i2' },
  { kind: 'idle-timeout', decision: 'check-in', by: 'server', checkIns: 1 },
  { kind: 'guarantee-broken', guarantee: 'silence', remedy: 'filler', atMs: 9_000 },
  { kind: 'murmur' },
  { kind: 'endless-speech' },
  { kind: 'push-to-talk', pressed: true },
  { kind: 'transcript', itemId: 'i2', by: 'caller', text: 'canary words' },
  { kind: 'digit', digit: '7' },
  { kind: 'function-call', name: 'hang_up', callId: 'fc_1', outcome: 'done', failure: undefined, durationMs: 12 },
  { kind: 'tool-started', name: 'hang_up', callId: 'fc_1' },
  { kind: 'model-error', code: 'invalid_value', message: 'no number 33123456789' },
  { kind: 'ended', reason: { kind: 'agent-hung-up' }, blame: 'nobody' },
];

test('each event is one line that names the call, and no line holds words or numbers of people', () => {
  const { observer, lines, parsed } = setUp();
  for (const event of wholeCall) observer.onCallEvent(event, endedCall());
  expect(parsed()).toHaveLength(wholeCall.length);
  expect(parsed().every((line) => line['callId'] === 'call-1' && line['sipCallId'] === 'abc@192.0.2.1')).toBe(true);
  expect(lines.join('')).not.toMatch(/canary|3312|3369|"7"/);
});

test('the lines say which model was on the line', () => {
  const { observer, parsed } = setUp();
  for (const event of wholeCall) observer.onCallEvent(event, endedCall());
  for (const sentence of ['model is ready', 'call is being answered', 'call ended']) {
    expect(parsed().find((line) => line['msg'] === sentence)).toMatchObject({
      model: 'simulator:receptionist',
      modelKind: 'simulator',
    });
  }
});

test('figures follow the events', async () => {
  const { observer, metrics } = setUp();
  for (const event of wholeCall) observer.onCallEvent(event, endedCall());
  for (const event of wholeCall) observer.onCallEvent(event, endedCall({ callId: 'call-2' }));
  const text = await metrics.text();
  expect(text).toContain('ringbridge_calls_started_total 2\n');
  expect(text).toContain('ringbridge_calls_ended_total{reason="agent-hung-up",blame="nobody"} 2\n');
  expect(text).toContain('ringbridge_interruptions_total 2\n');
  expect(text).toContain('ringbridge_model_errors_total 2\n');
  expect(text).toContain('ringbridge_endless_speech_total 2\n');
  expect(text).toContain('ringbridge_function_calls_total{outcome="done"} 2\n');
  expect(text).toContain('ringbridge_model_connect_seconds_count 2\n');
});

test('each destination that was tried counts once, when it was decided', async () => {
  const { observer, metrics, parsed } = setUp();
  const attempt = {
    kind: 'transfer' as const,
    destination: 'sales',
    detail: undefined,
    startedAtMs: 1,
    decidedAtMs: undefined,
    endedAtMs: undefined,
  };
  const tell = (event: Partial<Extract<CallEvent, { kind: 'transfer' }>>): void =>
    observer.onCallEvent({ ...attempt, method: 'bridge', outcome: undefined, ...event }, endedCall());
  tell({});
  tell({ outcome: 'busy', decidedAtMs: 2, endedAtMs: 2 });
  tell({});
  tell({ outcome: 'joined', decidedAtMs: 2 });
  tell({ outcome: 'joined', decidedAtMs: 2, endedAtMs: 9 });
  tell({ method: 'refer' });
  tell({ method: 'refer', outcome: 'referred', decidedAtMs: 3, endedAtMs: 3 });
  const counted = (await metrics.text()).split('\n').filter((line) => line.startsWith('ringbridge_transfers_total'));
  expect(counted.sort()).toEqual([
    'ringbridge_transfers_total{method="bridge",outcome="busy"} 1',
    'ringbridge_transfers_total{method="bridge",outcome="joined"} 1',
    'ringbridge_transfers_total{method="refer",outcome="referred"} 1',
  ]);
  expect(parsed().filter(({ msg }) => msg === 'transfer')).toHaveLength(7);
});

test.each([
  ['nobody', 'info'],
  ['caller', 'info'],
  ['upstream', 'warn'],
  ['us', 'error'],
] as const)('an end for which %s is to blame is logged as %s', (blame, level) => {
  const { observer, parsed } = setUp();
  observer.onCallEvent({ kind: 'ended', reason: { kind: 'internal-error', message: 'x' }, blame }, endedCall());
  expect(parsed()).toMatchObject([{ level, msg: 'call ended', reason: 'internal-error', blame, talkMs: 60_000 }]);
});
