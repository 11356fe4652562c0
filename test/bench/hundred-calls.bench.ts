import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { toneGaps } from '../support/spectrum';
import type { BenchOptions } from './bench';
import { BridgeProcess } from './bridge-process';
import { isOwnAlone, listen } from './listening';
import { cpuSeconds, BusyMachine } from './machine';
import { BucketsBetween, type MetricsText } from './metrics-text';
import { oneMinuteLoad, type Report } from './report';
import { Samples } from './samples';
import { SipCaller } from './sip-caller';
import { phoneClock, TonePhone } from './tone-phone';
import type { HeardByModel, SimulatorCommand, SimulatorMessage } from './tone-simulator';
import { agentToneHz, allTonesHz, callerToneHz, callsMax, greetingOf } from './tones';

const secondsDefault = 60;
/** Between two INVITEs. */
const placingMs = 25;
/** The model says all it has eight times as fast as it sounds: how long it may say it is for the longest call. */
const toneMarginMs = 30_000;
/** A tone that has just begun is not measured. */
const settleMs = 1_000;

const latenessP99Ms = 20;
const latenessMaxMs = 60;

/**
 * Calls at once, each with its own tone both ways. Three processes: the bridge alone, the model, and this one with the
 * phones; on two cores they share them.
 */
export async function run(report: Report, options: BenchOptions): Promise<void> {
  const calls = Math.min(options.calls ?? callsMax, callsMax);
  const seconds = options.seconds ?? secondsDefault;
  report.line(`  ${calls} calls at once for ${seconds} s; bridge, model and phones are a process each`);
  const simulator = await ToneSimulator.start({ toneMs: seconds * 1_000 + calls * placingMs + toneMarginMs });
  const bridge = await BridgeProcess.start({
    dialplan: dialplanFor(calls),
    realtimeUrl: simulator.url,
    profile: options.profile,
  });
  const caller = await SipCaller.open({ serverPort: bridge.sipPort });
  const phones: TonePhone[] = [];
  try {
    const idle = await bridge.metrics();
    for (let call = 0; call < calls; call += 1) {
      phones.push(await place(caller, call, seconds));
      await setTimeout(placingMs);
    }
    await setTimeout(settleMs);
    const measured = await measure({ bridge, simulator, phones, seconds });
    await Promise.all(phones.map((phone) => phone.hangUp()));
    tell(report, { calls, seconds, idle, ...measured, ended: await bridge.metrics() });
    tellAudio(report, phones);
    tellModel(report, measured.model, seconds);
    for (const line of bridge.complaints().slice(0, 5)) report.line(`  the bridge says: ${line}`);
  } finally {
    caller.close();
    await bridge.stop();
    simulator.stop();
  }
}

/** A route and an agent for each call. */
function dialplanFor(calls: number): string {
  const numbers = Array.from({ length: calls }, (_, call) => call);
  return [
    'agents:',
    ...numbers.map((call) => `  agent-${call}: { instructions: "A tone.", greeting: "${greetingOf(call)}" }`),
    'routes:',
    ...numbers.map((call) => `  - { name: call ${call}, when: { to: "${user(call)}" }, answer: agent-${call} }`),
    '',
  ].join('\n');
}

function user(call: number): string {
  return String(5_000 + call);
}

function place(caller: SipCaller, call: number, seconds: number): Promise<TonePhone> {
  const recordMsMax = (seconds + 5) * 1_000;
  return TonePhone.place(caller, { user: user(call), toneHz: callerToneHz(call), recordMsMax });
}

interface Measured {
  before: MetricsText;
  after: MetricsText;
  elapsedSeconds: number;
  model: HeardByModel;
  /** Processor time of the bridge, the model, the phones and of others, in cores. */
  cores: { bridge: number; model: number; phones: number; others: number };
}

async function measure(parts: {
  bridge: BridgeProcess;
  simulator: ToneSimulator;
  phones: readonly TonePhone[];
  seconds: number;
}): Promise<Measured> {
  const { bridge, simulator, phones, seconds } = parts;
  phoneClock.lateness.reset();
  const machine = new BusyMachine();
  const phonesCpuAtStart = cpuSeconds();
  const before = await bridge.metrics();
  const startMs = performance.now();
  simulator.begin();
  for (const phone of phones) phone.begin();
  await setTimeout(seconds * 1_000);
  for (const phone of phones) phone.end();
  const elapsedSeconds = (performance.now() - startMs) / 1_000;
  const busyCores = machine.cores();
  const after = await bridge.metrics();
  const phonesSeconds = cpuSeconds() - phonesCpuAtStart;
  const bridgeSeconds = difference(processCpu, before, after);
  const model = await simulator.end();
  const cores = {
    bridge: bridgeSeconds / elapsedSeconds,
    model: model.cpuSeconds / elapsedSeconds,
    phones: phonesSeconds / elapsedSeconds,
    others: busyCores - (phonesSeconds + bridgeSeconds + model.cpuSeconds) / elapsedSeconds,
  };
  return { before, after, elapsedSeconds, model, cores };
}

const processCpu = 'process_cpu_seconds_total';
const residentMemory = 'process_resident_memory_bytes';
const frameLateness = 'ringbridge_frame_lateness_seconds';

function difference(series: string, before: MetricsText, after: MetricsText): number {
  return after.value(series) - before.value(series);
}

function tell(
  report: Report,
  run: Measured & { calls: number; seconds: number; idle: MetricsText; ended: MetricsText },
): void {
  const { calls, before, after, elapsedSeconds, cores } = run;
  const media = (what: string): number => difference(`ringbridge_media_total{what="${what}"}`, before, after);
  const frames = new BucketsBetween(frameLateness, { from: before, to: after });
  const cpuMs = (difference(processCpu, before, after) * 1_000) / (calls * elapsedSeconds);
  const memoryMb = (after.value(residentMemory) - run.idle.value(residentMemory)) / calls / 2 ** 20;
  const endedWell = run.ended.value('ringbridge_calls_ended_total{reason="caller-hung-up",blame="nobody"}');

  const shares = Object.entries(cores).map(([who, share]) => `${who} ${share.toFixed(2)}`);
  report.line(`  cores in use: ${shares.join(', ')}; load ${oneMinuteLoad()}`);
  report.figure({
    name: 'calls that did not end by their own BYE',
    value: calls - endedWell,
    unit: 'calls',
    atMost: 0,
  });
  const bound = 'upper bounds, from the buckets of /metrics';
  report.figure({ name: "bridge's frame lateness, p50", value: frames.quantileMs(0.5), unit: 'ms', aside: bound });
  report.figure({
    name: "bridge's frame lateness, p99",
    value: frames.quantileMs(0.99),
    unit: 'ms',
    atMost: latenessP99Ms,
  });
  report.figure({
    name: "bridge's frame lateness, max",
    value: frames.quantileMs(1),
    unit: 'ms',
    atMost: latenessMaxMs,
  });
  report.figure({
    name: `of ${frames.count} frames over ${latenessMaxMs} ms`,
    value: frames.above(latenessMaxMs),
    unit: 'frames',
    atMost: 0,
  });
  report.figure({ name: 'frames skipped', value: media('frames_skipped'), unit: 'frames', atMost: 0 });
  report.figure({
    name: "callers' packets lost at the bridge",
    value: media('packets_lost'),
    unit: 'packets',
    atMost: 0,
  });
  report.figure({
    name: 'frames concealed or silenced',
    value: media('frames_concealed') + media('frames_silenced'),
    unit: 'frames',
    atMost: 0,
  });
  report.figure({ name: 'processor time of the bridge for a second of a call', value: cpuMs, unit: 'ms', atMost: 5 });
  report.figure({
    name: 'memory of the bridge for a call',
    value: memoryMb,
    unit: 'MiB',
    aside: 'with what the model said in advance',
  });
}

/** What the phones got: lateness with the phones' own beside it, and each phone's tone. */
function tellAudio(report: Report, phones: readonly TonePhone[]): void {
  const late = new Samples();
  for (const phone of phones) late.addAll(phone.lateness());
  const own = phoneClock.lateness;
  const aside = `the phones' own clock: p50 ${own.p50Ms}, p99 ${own.p99Ms}, max ${own.maxMs.toFixed(1)} ms`;
  report.figure({ name: 'lateness of packets at the phones, p50', value: late.quantile(0.5), unit: 'ms', aside });
  report.figure({
    name: 'lateness of packets at the phones, p99',
    value: late.quantile(0.99),
    unit: 'ms',
    atMost: latenessP99Ms,
  });
  report.figure({ name: 'lateness of packets at the phones, max', value: late.max, unit: 'ms', atMost: latenessMaxMs });
  const missing = phones.reduce((sum, phone) => sum + phone.missing, 0);
  report.figure({ name: "bridge's packets that did not come", value: missing, unit: 'packets', atMost: 0 });

  const othersHz = allTonesHz(callsMax);
  let wrong = 0;
  let gaps = 0;
  for (const [call, phone] of phones.entries()) {
    const samples = phone.samples();
    const ownHz = agentToneHz(call);
    if (!isRight(samples, ownHz, othersHz)) wrong += 1;
    gaps += toneGaps(samples, 8_000, ownHz).length;
  }
  report.figure({ name: "phones that heard another's tone, or not their own", value: wrong, unit: 'calls', atMost: 0 });
  report.figure({ name: 'breaks in the tones at the phones', value: gaps, unit: 'breaks', atMost: 0 });
}

/** The first, the middle and the last second. */
function isRight(samples: Int16Array, ownHz: number, othersHz: readonly number[]): boolean {
  const rateHz = 8_000;
  if (samples.length < rateHz) return false;
  const last = samples.length - rateHz;
  return [0, last >> 1, last].every((start) => {
    return isOwnAlone(listen(samples.subarray(start, start + rateHz), { rateHz, ownHz, othersHz }), ownHz);
  });
}

function tellModel(report: Report, model: HeardByModel, seconds: number): void {
  const { p50, p99, max } = model.latenessMs;
  report.figure({ name: 'lateness of appends at the model, p50', value: p50, unit: 'ms' });
  report.figure({ name: 'lateness of appends at the model, p99', value: p99, unit: 'ms', atMost: latenessP99Ms });
  report.figure({ name: 'lateness of appends at the model, max', value: max, unit: 'ms', atMost: latenessMaxMs });
  report.figure({ name: "calls whose model heard another's tone", value: model.wrongTones, unit: 'calls', atMost: 0 });
  const spread = model.mostMs - model.leastMs;
  const aside = `${model.leastMs} to ${model.mostMs} ms in ${seconds} s`;
  report.figure({
    name: "callers' time at the model, longest less shortest",
    value: spread,
    unit: 'ms',
    atMost: 40,
    aside,
  });
}

/** The process of test/bench/tone-simulator.ts. */
class ToneSimulator {
  readonly url: string;
  readonly #child: ChildProcess;

  static async start({ toneMs }: { toneMs: number }): Promise<ToneSimulator> {
    const child = fork(join(__dirname, 'tone-simulator.js'), [String(toneMs)]);
    const message = await nextMessage(child);
    if (message.kind !== 'ready') throw new Error('the simulator did not start');
    return new ToneSimulator(child, message.url);
  }

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  begin(): void {
    this.#command({ kind: 'begin' });
  }

  async end(): Promise<HeardByModel> {
    const heard = nextMessage(this.#child);
    this.#command({ kind: 'end' });
    const message = await heard;
    if (message.kind !== 'heard') throw new Error('the simulator did not tell what it heard');
    return message;
  }

  stop(): void {
    this.#child.disconnect();
  }

  #command(command: SimulatorCommand): void {
    this.#child.send(command);
  }
}

function nextMessage(child: ChildProcess): Promise<SimulatorMessage> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the simulator ended'));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as SimulatorMessage);
    });
  });
}
