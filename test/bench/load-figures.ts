import { toneGaps } from '../support/spectrum';
import { isOwnAlone } from './listening';
import { BucketsBetween, type MetricsText } from './metrics-text';
import type { Report } from './report';
import { Samples } from './samples';
import type { MachineSpeed } from './slow-spells';
import { phoneClock, type TonePhone } from './tone-phone';
import type { HeardByModel } from './tone-simulator';
import { agentToneHz, allTonesHz, callsMax } from './tones';

/** What was read while a load was on. */
export interface LoadReadings {
  calls: number;
  seconds: number;
  /** The bridge's metrics without calls, around the measurement, and after the last BYE. */
  idle: MetricsText;
  before: MetricsText;
  after: MetricsText;
  ended: MetricsText;
  model: HeardByModel;
  /** In cores. `others` are processes that are none of ours. */
  cores: { bridge: number; model: number; phones: number; others: number };
  /** How long in each second the bridge was ready and had to wait for a processor; undefined where nobody tells. */
  bridgeWaitedMs: number | undefined;
  speed: MachineSpeed;
}

export const processCpuSeries = 'process_cpu_seconds_total';
const memorySeries = 'process_resident_memory_bytes';
const latenessSeries = 'ringbridge_frame_lateness_seconds';

const latenessMaxMs = 60;
const latenessGoals = { p99: 20, max: latenessMaxMs };

export function difference(series: string, { before, after }: { before: MetricsText; after: MetricsText }): number {
  return after.value(series) - before.value(series);
}

/** What the bridge tells of itself. */
export function tellBridge(report: Report, load: LoadReadings): void {
  const { calls, seconds, before, after, cores, bridgeWaitedMs, speed } = load;
  const shares = Object.entries(cores).map(([who, share]) => `${who} ${share.toFixed(2)}`);
  report.line(`  cores in use: ${shares.join(', ')}`);
  if (bridgeWaitedMs !== undefined) {
    const aside = 'runnable, while other processes (the phones and the model, too) had the cores';
    report.figure({ name: 'bridge waited for a processor, each second', value: bridgeWaitedMs, unit: 'ms', aside });
  }
  const slowAside = `slowest 50 ms: ${speed.worstFactor.toFixed(1)} times as long for the same arithmetic, others' work apart`;
  report.figure({
    name: 'machine at less than half its speed, each second',
    value: speed.slowMsPerSecond,
    unit: 'ms',
    aside: slowAside,
  });
  const endedWell = load.ended.value('ringbridge_calls_ended_total{reason="caller-hung-up",blame="nobody"}');
  report.none('calls that did not end by their own BYE', Math.abs(calls - endedWell), 'calls');

  const frames = new BucketsBetween(latenessSeries, { from: before, to: after });
  const spread = { p50: frames.quantileMs(0.5), p99: frames.quantileMs(0.99), max: frames.quantileMs(1) };
  const aside = 'upper bounds, from the buckets of /metrics';
  report.spread("lateness of the bridge's frames", { ...spread, aside }, latenessGoals);
  report.none(`frames over ${latenessMaxMs} ms, of ${frames.count}`, frames.above(latenessMaxMs), 'frames');
  const media = (what: string): number => difference(`ringbridge_media_total{what="${what}"}`, load);
  report.none('frames skipped', media('frames_skipped'), 'frames');
  report.none("callers' packets lost at the bridge", media('packets_lost'), 'packets');
  report.none('frames concealed or silenced', media('frames_concealed') + media('frames_silenced'), 'frames');

  const cpuMs = (difference(processCpuSeries, load) * 1_000) / (calls * seconds);
  report.figure({ name: 'processor time of the bridge for a second of a call', value: cpuMs, unit: 'ms', atMost: 5 });
  const memoryMb = (after.value(memorySeries) - load.idle.value(memorySeries)) / calls / 2 ** 20;
  const ahead = 'with all that the model said in advance';
  report.figure({ name: 'memory of the bridge for a call', value: memoryMb, unit: 'MiB', aside: ahead });
}

/** What the phones got: when, and whether it was their own agent's tone, whole and alone. */
export function tellPhones(report: Report, phones: readonly TonePhone[]): void {
  const late = new Samples();
  for (const phone of phones) late.addAll(phone.lateness());
  const { p50Ms, p99Ms, maxMs } = phoneClock.lateness;
  const aside = `the phones' own clock: p50 ${p50Ms}, p99 ${p99Ms}, max ${maxMs.toFixed(1)} ms`;
  report.spread('lateness of packets at the phones', { ...late.spread, aside }, latenessGoals);
  const missing = phones.reduce((sum, phone) => sum + phone.missing, 0);
  report.none("bridge's packets that did not come", missing, 'packets');

  const allHz = allTonesHz(callsMax);
  let wrong = 0;
  let breaks = 0;
  for (const [call, phone] of phones.entries()) {
    const ownHz = agentToneHz(call);
    if (!isOwnAlone(phone.wholeSeconds(), { rateHz: 8_000, ownHz, allHz })) wrong += 1;
    breaks += toneGaps(phone.samples(), 8_000, ownHz).length;
  }
  report.none("phones that heard another's tone, or not their own", wrong, 'calls');
  report.none('breaks in the tones at the phones', breaks, 'breaks');
}

/** What the model got from the callers. */
export function tellModel(report: Report, { model, seconds }: LoadReadings): void {
  report.spread('lateness of appends at the model', model.latenessMs, latenessGoals);
  report.none("calls whose model heard another's tone", model.wrongTones, 'calls');
  report.figure({
    name: "callers' time at the model, longest less shortest",
    value: model.mostMs - model.leastMs,
    unit: 'ms',
    atMost: 40,
    aside: `${model.leastMs} to ${model.mostMs} ms in ${seconds.toFixed(1)} s`,
  });
}
