import { setTimeout } from 'node:timers/promises';

import type { BenchOptions } from './bench';
import { BridgeProcess } from './bridge-process';
import { loadDialplan, placeCalls, placingMs } from './load-calls';
import { difference, processCpuSeries, tellBridge, tellModel, tellPhones, type LoadReadings } from './load-figures';
import { BusyMachine, cpuSeconds, waitedSeconds } from './machine';
import type { Report } from './report';
import { SipCaller } from './sip-caller';
import { SlowSpells } from './slow-spells';
import { phoneClock, type TonePhone } from './tone-phone';
import { ToneSimulatorProcess } from './tone-simulator-process';
import { callsMax } from './tones';

const secondsDefault = 60;
/** The model's tones outlast the calls. */
const toneMarginMs = 30_000;
/** A tone that has just begun is not measured. */
const settleMs = 1_000;

/**
 * Calls at once, each with its own tone both ways. Three processes: the bridge alone, the model, and this one with the
 * phones. The model says all that it has in the first seconds, eight times as fast as it sounds.
 */
export async function run(report: Report, options: BenchOptions): Promise<void> {
  const calls = Math.min(options.calls ?? callsMax, callsMax);
  const seconds = options.seconds ?? secondsDefault;
  report.line(`  ${calls} calls at once for ${seconds} s; bridge, model and phones are a process each`);
  const simulator = await ToneSimulatorProcess.start({ toneMs: seconds * 1_000 + calls * placingMs + toneMarginMs });
  const dialplan = loadDialplan(calls);
  const bridge = await BridgeProcess.start({ dialplan, realtimeUrl: simulator.url, ...options });
  const caller = await SipCaller.open({ serverPort: bridge.sipPort });
  try {
    const idle = await bridge.metrics();
    const phones = await placeCalls(caller, { calls, seconds });
    await setTimeout(settleMs);
    const measured = await measure({ bridge, simulator, phones, seconds });
    await Promise.all(phones.map((phone) => phone.hangUp()));
    await tellLegsLeft(report, bridge);
    const readings = { calls, idle, ...measured, ended: await bridge.metrics() };
    tellBridge(report, readings);
    tellPhones(report, phones);
    tellModel(report, readings);
    for (const line of bridge.complaints().slice(0, complaintsMax)) report.line(`  the bridge says: ${line}`);
  } finally {
    caller.close();
    await bridge.stop();
    simulator.stop();
  }
}

const complaintsMax = 5;
/** After the last BYE, no channel may be left in FreeSWITCH. */
const legsGoneMs = 5_000;

async function tellLegsLeft(report: Report, bridge: BridgeProcess): Promise<void> {
  const channels = async (): Promise<[string, number][]> =>
    (await bridge.metrics()).startingWith('ringbridge_freeswitch_channels');
  if ((await channels()).length === 0) return;
  await setTimeout(legsGoneMs);
  for (const [series, left] of await channels()) {
    report.line(`  ${legsGoneMs / 1_000} s after the last BYE: ${left} in ${series}`);
  }
}

async function measure(parts: {
  bridge: BridgeProcess;
  simulator: ToneSimulatorProcess;
  phones: readonly TonePhone[];
  seconds: number;
}): Promise<Omit<LoadReadings, 'calls' | 'idle' | 'ended'>> {
  const { bridge, simulator, phones } = parts;
  phoneClock.lateness.reset();
  const before = await bridge.metrics();
  const machine = new BusyMachine();
  const spells = new SlowSpells();
  const start = { atMs: performance.now(), phonesCpu: cpuSeconds(), waited: waitedSeconds(bridge.pid ?? 0) };
  simulator.begin();
  for (const phone of phones) phone.begin();
  await setTimeout(parts.seconds * 1_000);
  for (const phone of phones) phone.end();
  const after = await bridge.metrics();
  const seconds = (performance.now() - start.atMs) / 1_000;
  const busy = machine.cores();
  const speed = spells.end();
  const waited = waitedSeconds(bridge.pid ?? 0);
  const phonesCores = (cpuSeconds() - start.phonesCpu) / seconds;
  const bridgeCores = difference(processCpuSeries, { before, after }) / seconds;
  const model = await simulator.end();
  const modelCores = model.cpuSeconds / seconds;
  return {
    seconds,
    before,
    after,
    model,
    speed,
    cores: {
      bridge: bridgeCores,
      model: modelCores,
      phones: phonesCores,
      others: Math.max(0, busy - bridgeCores - modelCores - phonesCores),
    },
    bridgeWaitedMs:
      waited === undefined || start.waited === undefined ? undefined : ((waited - start.waited) * 1_000) / seconds,
  };
}
