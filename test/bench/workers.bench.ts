import { setTimeout } from 'node:timers/promises';

import { toneGaps } from '../support/spectrum';
import type { BenchOptions } from './bench';
import { BridgeProcess } from './bridge-process';
import { isOwnAlone } from './listening';
import { loadDialplan, placeCalls, placingMs } from './load-calls';
import { difference, processCpuSeries } from './load-figures';
import { BucketsBetween, type MetricsText } from './metrics-text';
import type { Report } from './report';
import { SipCaller } from './sip-caller';
import type { TonePhone } from './tone-phone';
import { ToneSimulatorProcess } from './tone-simulator-process';
import { agentToneHz, allTonesHz, callsMax } from './tones';

const callsDefault = 40;
const secondsDefault = 20;
const workersCount = 2;
/** The model's tones outlast the calls. */
const toneMarginMs = 30_000;
/** A tone that has just begun is not measured. */
const settleMs = 1_000;

interface Load {
  calls: number;
  seconds: number;
  profile: boolean;
}

interface Figures {
  /** Of the process that is busiest: it is the one that will be too slow first. */
  busiestCores: number;
  /** Of all processes of the bridge. */
  allCores: number;
}

/**
 * The same calls through one process and through two workers, one after the other. What a machine with cores to spare
 * can carry is decided by the busiest process, and that is compared; this machine may not have them.
 */
export async function run(report: Report, options: BenchOptions): Promise<void> {
  const calls = Math.min(options.calls ?? callsDefault, callsMax);
  const load: Load = { calls, seconds: options.seconds ?? secondsDefault, profile: options.profile };
  report.line(
    `  ${calls} calls at once for ${load.seconds} s, through one process and then through ${workersCount} workers`,
  );
  const one = await measure(report, load, undefined);
  const two = await measure(report, load, workersCount);
  const ratio = two.busiestCores / one.busiestCores;
  report.figure({
    name: `busiest process with ${workersCount} workers, to the one process`,
    value: ratio,
    unit: 'x',
    atMost: 0.65,
    aside: `${(1 / ratio).toFixed(2)} times as many calls until a process has used up its core`,
  });
  report.figure({
    name: `all processes with ${workersCount} workers, to the one process`,
    value: two.allCores / one.allCores,
    unit: 'x',
    atMost: 1.3,
  });
}

async function measure(report: Report, load: Load, workers: number | undefined): Promise<Figures> {
  const { calls, seconds, profile } = load;
  const who = workers === undefined ? 'one process' : `${workers} workers`;
  const toneMs = seconds * 1_000 + calls * placingMs + toneMarginMs;
  const simulator = await ToneSimulatorProcess.start({ toneMs });
  const bridge = await BridgeProcess.start({
    ...{ dialplan: loadDialplan(calls), realtimeUrl: simulator.url, profile },
    ...(workers === undefined ? {} : { workers }),
  });
  const caller = await SipCaller.open({ serverPort: bridge.sipPort });
  try {
    const phones = await placeCalls(caller, { calls, seconds });
    await setTimeout(settleMs);
    const before = await bridge.metrics();
    const startMs = performance.now();
    for (const phone of phones) phone.begin();
    await setTimeout(seconds * 1_000);
    for (const phone of phones) phone.end();
    const after = await bridge.metrics();
    const wallSeconds = (performance.now() - startMs) / 1_000;
    await Promise.all(phones.map((phone) => phone.hangUp()));
    const ended = await bridge.metrics();
    tellCalls(report, who, { calls, phones, before, after, ended });
    return tellProcesses(report, who, { calls, before, after, wallSeconds });
  } finally {
    caller.close();
    await bridge.stop();
    simulator.stop();
  }
}

function tellCalls(
  report: Report,
  who: string,
  load: { calls: number; phones: readonly TonePhone[]; before: MetricsText; after: MetricsText; ended: MetricsText },
): void {
  const { calls, phones, before, after, ended } = load;
  const endedWell = ended.value('ringbridge_calls_ended_total{reason="caller-hung-up",blame="nobody"}');
  report.none(`${who}: calls that did not end by their own BYE`, Math.abs(calls - endedWell), 'calls');
  const frames = new BucketsBetween('ringbridge_frame_lateness_seconds', { from: before, to: after });
  report.figure({ name: `${who}: lateness of frames, p99`, value: frames.quantileMs(0.99), unit: 'ms', atMost: 20 });
  const skipped = difference('ringbridge_media_total{what="frames_skipped"}', { before, after });
  report.none(`${who}: frames skipped, of ${frames.count}`, skipped, 'frames');
  const allHz = allTonesHz(callsMax);
  const isRight = (phone: TonePhone, call: number): boolean =>
    isOwnAlone(phone.wholeSeconds(), { rateHz: 8_000, ownHz: agentToneHz(call), allHz });
  const right = phones.filter(isRight).length;
  report.none(`${who}: phones that heard another's tone, or not their own`, calls - right, 'calls');
  const breaks = phones.reduce((sum, phone, call) => {
    return sum + toneGaps(phone.samples(), 8_000, agentToneHz(call)).length;
  }, 0);
  report.none(`${who}: breaks in the tones at the phones`, breaks, 'breaks');
}

function tellProcesses(
  report: Report,
  who: string,
  load: { calls: number; before: MetricsText; after: MetricsText; wallSeconds: number },
): Figures {
  const { calls, before, after, wallSeconds } = load;
  const series = [processCpuSeries, ...after.startingWith('ringbridge_worker_cpu_seconds_total{').map(([one]) => one)];
  const cores = series.map((one) => difference(one, { before, after }) / wallSeconds);
  const allCores = cores.reduce((sum, share) => sum + share, 0);
  const busiestCores = Math.max(...cores);
  const aside = `each: ${cores.map((share) => (100 * share).toFixed(0)).join(', ')}`;
  report.figure({ name: `${who}: busiest process, of one core`, value: 100 * busiestCores, unit: '%', aside });
  const cpuMs = (1_000 * allCores) / calls;
  report.figure({ name: `${who}: processor time for a second of a call`, value: cpuMs, unit: 'ms' });
  return { busiestCores, allCores };
}
