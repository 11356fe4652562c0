import type { CallSnapshot } from '../../src/call/call-observer';
import { Metrics, type WorkerFigures } from '../../src/observability/metrics';
import { endedCall, refusedCall } from '../support/ended-call';

function setUp() {
  const live: CallSnapshot[] = [];
  const lateness = { boundsMs: [1, 5, Infinity], counts: new Float64Array(3), total: 0, sumMs: 0 };
  const sip: Record<string, number> = {};
  const workers: WorkerFigures[] = [];
  const metrics = new Metrics(
    {
      calls: () => live,
      lateness: () => lateness,
      sip: () => sip,
      recordFailures: () => 3,
      plan: () => ({
        hash: '0123456789ab',
        counts: { loaded: 2, unchanged: 0, refused: 1, restored: 0 },
        lastSuccessMs: 1_000,
        refused: true,
      }),
      workers: () => workers,
    },
    { processMetrics: false },
  );
  /** The value of the line that begins with `series`, undefined when there is none. */
  const value = async (series: string) => {
    const line = (await metrics.text()).split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  return { metrics, live, lateness, sip, workers, value };
}

test('calls that have ended are counted by reason and by who is to blame', async () => {
  const { metrics, value } = setUp();
  metrics.callEnded(endedCall(), { reason: { kind: 'agent-hung-up' }, blame: 'nobody' });
  metrics.callEnded(endedCall(), { reason: { kind: 'agent-hung-up' }, blame: 'nobody' });
  metrics.callEnded(refusedCall(), { reason: { kind: 'no-route' }, blame: 'caller' });
  expect(await value('ringbridge_calls_ended_total{reason="agent-hung-up",blame="nobody"}')).toBe(2);
  expect(await value('ringbridge_calls_ended_total{reason="no-route",blame="caller"}')).toBe(1);
});

test('the calls that are up are shown by state, and the states without calls as 0', async () => {
  const { live, value } = setUp();
  live.push(
    endedCall({ state: 'active' }),
    endedCall({ state: 'active', modelKind: 'api' }),
    endedCall({ state: 'ended' }),
  );
  expect(await value('ringbridge_calls_active{state="active",model_kind="simulator"}')).toBe(1);
  expect(await value('ringbridge_calls_active{state="active",model_kind="api"}')).toBe(1);
  expect(await value('ringbridge_calls_active{state="ringing",model_kind="none"}')).toBe(0);
  live.length = 0;
  expect(await value('ringbridge_calls_active{state="active",model_kind="api"}')).toBeUndefined();
});

test('times are in seconds', async () => {
  const { metrics, value } = setUp();
  metrics.modelReady({ connectMs: 180 });
  metrics.callEnded(endedCall(), { reason: { kind: 'agent-hung-up' }, blame: 'nobody' });
  expect(await value('ringbridge_model_connect_seconds_bucket{le="0.1"}')).toBe(0);
  expect(await value('ringbridge_model_connect_seconds_bucket{le="0.2"}')).toBe(1);
  expect(await value('ringbridge_first_audio_seconds_sum')).toBe(0.25);
  expect(await value('ringbridge_call_length_seconds_sum')).toBe(60);
});

test('a call that was not answered has no length and no first audio', async () => {
  const { metrics, value } = setUp();
  metrics.callEnded(refusedCall(), { reason: { kind: 'no-route' }, blame: 'caller' });
  expect(await value('ringbridge_call_length_seconds_count')).toBe(0);
  expect(await value('ringbridge_first_audio_seconds_count')).toBe(0);
});

test("lateness is the frame clock's own buckets, made cumulative", async () => {
  const { lateness, value } = setUp();
  lateness.counts.set([10, 4, 1]);
  lateness.total = 15;
  lateness.sumMs = 120;
  expect(await value('ringbridge_frame_lateness_seconds_bucket{le="0.001"}')).toBe(10);
  expect(await value('ringbridge_frame_lateness_seconds_bucket{le="0.005"}')).toBe(14);
  expect(await value('ringbridge_frame_lateness_seconds_bucket{le="+Inf"}')).toBe(15);
  expect(await value('ringbridge_frame_lateness_seconds_sum')).toBe(0.12);
  expect(await value('ringbridge_frame_lateness_seconds_count')).toBe(15);
});

test('drops count calls that are up and calls that have ended, each once', async () => {
  const { metrics, live, value } = setUp();
  const series = 'ringbridge_media_dropped_packets_total{cause="foreign-source"}';
  live.push(endedCall({ state: 'active' }));
  expect(await value(series)).toBe(5);
  expect(await value(series)).toBe(5);
  live.length = 0;
  metrics.callEnded(endedCall(), { reason: { kind: 'agent-hung-up' }, blame: 'nobody' });
  expect(await value(series)).toBe(5);
  expect(await value('ringbridge_media_total{what="packets_lost"}')).toBe(3);
});

test('causes of drops cannot grow without end', async () => {
  const { metrics, value } = setUp();
  const media = endedCall().media;
  if (media === undefined) throw new Error('the call has media');
  const dropped = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`cause-${index}`, 1]));
  metrics.callEnded(endedCall({ media: { ...media, dropped } }), {
    reason: { kind: 'agent-hung-up' },
    blame: 'nobody',
  });
  expect(await value('ringbridge_media_dropped_packets_total{cause="cause-31"}')).toBe(1);
  expect(await value('ringbridge_media_dropped_packets_total{cause="cause-32"}')).toBeUndefined();
  expect(await value('ringbridge_media_dropped_packets_total{cause="other"}')).toBe(68);
});

test('what others count is read anew at each scrape', async () => {
  const { sip, value } = setUp();
  sip['invites'] = 7;
  expect(await value('ringbridge_sip_total{event="invites"}')).toBe(7);
  sip['invites'] = 9;
  expect(await value('ringbridge_sip_total{event="invites"}')).toBe(9);
  expect(await value('ringbridge_record_failures_total')).toBe(3);
  expect(await value('ringbridge_plan_info{hash="0123456789ab"}')).toBe(1);
});

test('interruptions, function calls, model errors and tokens are counted', async () => {
  const { metrics, value } = setUp();
  metrics.callStarted();
  metrics.callInterrupted();
  metrics.callInterrupted();
  metrics.functionCalled({ outcome: 'failed', durationMs: undefined });
  metrics.modelErred();
  metrics.speechBroken();
  metrics.callEnded(endedCall(), { reason: { kind: 'agent-hung-up' }, blame: 'nobody' });
  expect(await value('ringbridge_calls_started_total')).toBe(1);
  expect(await value('ringbridge_interruptions_total')).toBe(2);
  expect(await value('ringbridge_function_calls_total{outcome="failed"}')).toBe(1);
  expect(await value('ringbridge_model_errors_total')).toBe(1);
  expect(await value('ringbridge_speech_gaps_total')).toBe(1);
  expect(await value('ringbridge_tokens_total{direction="input",kind="audio"}')).toBe(20);
  expect(await value('ringbridge_tokens_total{direction="output",kind="audio"}')).toBe(40);
});

test('two processes in one have registries of their own', async () => {
  const one = setUp();
  const other = setUp();
  one.metrics.callInterrupted();
  expect(await other.value('ringbridge_interruptions_total')).toBe(0);
  expect(one.metrics.contentType).toContain('text/plain');
});

test('a source that fails is an error of the scrape', async () => {
  const { metrics, live } = setUp();
  live.push(null as unknown as CallSnapshot);
  await expect(metrics.text()).rejects.toThrow();
});

test('the process itself is measured, too', async () => {
  const metrics = new Metrics({
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
  });
  const text = await metrics.text();
  expect(text).toContain('process_resident_memory_bytes ');
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds ');
});

test('each worker is shown as it is now, and how often it was lost', async () => {
  const { workers, value } = setUp();
  workers.push({ worker: 1, up: true, cpuSeconds: 2.5, memoryBytes: 1_000, lost: 0 });
  workers.push({ worker: 2, up: false, cpuSeconds: 0, memoryBytes: 0, lost: 3 });
  expect(await value('ringbridge_worker_up{worker="1"}')).toBe(1);
  expect(await value('ringbridge_worker_up{worker="2"}')).toBe(0);
  expect(await value('ringbridge_worker_lost_total{worker="2"}')).toBe(3);
  expect(await value('ringbridge_worker_cpu_seconds_total{worker="1"}')).toBe(2.5);
  expect(await value('ringbridge_worker_memory_bytes{worker="1"}')).toBe(1_000);
});
