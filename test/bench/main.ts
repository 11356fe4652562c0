// Runs the benches that are named on the command line, or all, one after another. A figure beyond its goal is printed as
// OVER and fails nothing, because this machine may be slow or busy; only an error ends with 1.
import { parseArgs } from 'node:util';

import { run as audio } from './audio.bench';
import { run as bargeIn } from './barge-in.bench';
import type { Bench, BenchOptions } from './bench';
import { run as dialplan } from './dialplan.bench';
import { run as hundredCalls } from './hundred-calls.bench';
import { run as latency } from './latency.bench';
import { describeMachine } from './machine';
import { Report } from './report';
import { run as sipLoad } from './sip-load.bench';
import { run as sipParse } from './sip-parse.bench';
import { run as workers } from './workers.bench';

const benches = new Map<string, Bench>([
  ['audio', audio],
  ['dialplan', dialplan],
  ['sip-parse', sipParse],
  ['sip-load', sipLoad],
  ['latency', latency],
  ['barge-in', bargeIn],
  ['hundred-calls', hundredCalls],
  ['workers', workers],
]);

const usage = `usage: npm run bench -- [${[...benches.keys()].join(' | ')}] ...
  --seconds N   how long latency, hundred-calls, workers and the load of sip-load last
  --calls N     calls at once in hundred-calls and workers
  --freeswitch  latency, barge-in and hundred-calls once more through FreeSWITCH: RINGBRIDGE_FREESWITCH and its secret
  --sip-port N  with --freeswitch: where the drachtio-server of RINGBRIDGE_DRACHTIO takes calls; its secret is needed, too
  --cpu-prof    leave a CPU profile of the bridge in .cache/bench/profiles
`;

interface CommandLineOptions extends BenchOptions {
  freeswitch: { env: Record<string, string>; sipPort: number | undefined } | undefined;
}

async function main(): Promise<void> {
  const { names, options } = readCommandLine();
  const report = new Report((line) => process.stdout.write(`${line}\n`));
  for (const line of describeMachine()) report.line(line);
  for (const name of names) {
    await runOne(report, { name, title: name, options });
    if (options.freeswitch === undefined || !throughFreeswitch.has(name)) continue;
    const throughIt = { ...options, ...options.freeswitch };
    await runOne(report, { name, title: `${name} through FreeSWITCH`, options: throughIt });
  }
  report.end();
}

const throughFreeswitch: ReadonlySet<string> = new Set(['latency', 'barge-in', 'hundred-calls']);

async function runOne(
  report: Report,
  { name, title, options }: { name: string; title: string; options: BenchOptions },
): Promise<void> {
  report.begin(title);
  try {
    await benches.get(name)?.(report, options);
  } catch (cause) {
    process.exitCode = 1;
    report.line(`  FAILED: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`);
  }
}

/** What names the FreeSWITCH, and the drachtio-server before it, in the settings' own words. */
function serverSettings(sipPort: number | undefined): Record<string, string> {
  const drachtio = sipPort === undefined ? [] : ['RINGBRIDGE_DRACHTIO', 'RINGBRIDGE_DRACHTIO_SECRET'];
  const names = ['RINGBRIDGE_FREESWITCH', 'RINGBRIDGE_FREESWITCH_SECRET', ...drachtio];
  const settings = names.map((name) => [name, process.env[name] ?? ''] as const);
  const missing = settings.find(([, value]) => value === '');
  if (missing !== undefined) throw new Error(`--freeswitch needs ${missing[0]}`);
  return Object.fromEntries(settings);
}

function readCommandLine(): { names: string[]; options: CommandLineOptions } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      calls: { type: 'string' },
      'cpu-prof': { type: 'boolean' },
      freeswitch: { type: 'boolean' },
      'sip-port': { type: 'string' },
    },
  });
  const sipPort = wholeNumber(values['sip-port'], '--sip-port');
  const unknown = positionals.find((name) => !benches.has(name));
  if (unknown !== undefined) throw new Error(`there is no bench called ${unknown}`);
  return {
    names: positionals.length === 0 ? [...benches.keys()] : positionals,
    options: {
      seconds: wholeNumber(values.seconds, '--seconds'),
      calls: wholeNumber(values.calls, '--calls'),
      profile: values['cpu-prof'] === true,
      env: {},
      sipPort: undefined,
      freeswitch: values.freeswitch === true ? { env: serverSettings(sipPort), sipPort } : undefined,
    },
  };
}

function wholeNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`${option} takes a whole number from 1 to 9999`);
  return Number(text);
}

main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n\n${usage}`);
  process.exitCode = 1;
});
