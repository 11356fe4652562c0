import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { describeSettings, loadSettings, SettingsError } from '../config/settings';
import type { Settings } from '../config/settings';
import type { Bridge } from '../main';
import { startBridge } from '../main';
import { messageOf } from '../runtime/errors';
import { systemClock } from '../runtime/clock';
import { letHeapGrow } from '../runtime/heap-growth';
import { systemRandom } from '../runtime/random';
import { StartRefused } from '../start-refused';
import type { CommandIo, ExitCode } from './io';

const workersMax = 64;

const usage = `usage: ringbridge serve [--workers N]

Answers SIP calls until SIGTERM or SIGINT. With --workers the calls are spread over N processes (1 to ${workersMax}), for a
machine with several cores; a worker that dies takes only its own calls and is started again. Everything else is set by environment variables: see docs/settings.md.
The first signal takes no new calls and waits for those in progress (RINGBRIDGE_DRAIN_TIME); a second one ends them.
SIGHUP reads the dialplans again.
`;

/** `ringbridge serve`: 0 after a drained end, 1 after a failure, 2 when settings or plan do not allow a start. */
export async function runServeCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let options: { help: boolean; workers: number | undefined };
  try {
    options = readOptions(argv);
  } catch (cause) {
    io.stderr(`ringbridge serve: ${messageOf(cause)}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    io.stdout(usage);
    return 0;
  }
  const settings = readSettings(io);
  if (settings === undefined) return 2;
  letHeapGrow();
  try {
    const { workers } = options;
    const bridge = await startBridge({
      ...{ settings, clock: systemClock, random: systemRandom, env: io.env, cwd: process.cwd() },
      tell: (text) => io.stderr(text),
      ...(workers === undefined ? {} : { workers }),
    });
    io.stderr(banner(settings, bridge, workers));
    return await serveUntilSignalled(bridge, io);
  } catch (cause) {
    if (!(cause instanceof StartRefused)) throw cause;
    io.stderr(`ringbridge: ${cause.message}\n`);
    return 2;
  }
}

function readOptions(argv: readonly string[]): { help: boolean; workers: number | undefined } {
  const options = { help: { type: 'boolean' }, workers: { type: 'string' } } as const;
  const { help, workers: text } = parseArgs({ args: [...argv], options }).values;
  const workers = text === undefined ? undefined : Number(text);
  if (workers !== undefined && !(/^\d+$/.test(text ?? '') && workers >= 1 && workers <= workersMax)) {
    throw new Error(`--workers: expected a whole number from 1 to ${workersMax}, got ${JSON.stringify(text)}`);
  }
  return { help: help === true, workers };
}

function readSettings(io: CommandIo): Settings | undefined {
  try {
    return loadSettings(io.env);
  } catch (cause) {
    if (!(cause instanceof SettingsError)) throw cause;
    for (const problem of cause.problems) io.stderr(`ringbridge: ${problem}\n`);
    return undefined;
  }
}

function banner(settings: Settings, bridge: Bridge, workers: number | undefined): string {
  return [
    '',
    '  Ringbridge answers calls',
    ...bridge.sipListening.map((listener) => `    SIP     ${listener}`),
    `    model   ${bridge.model}`,
    `    codecs  ${bridge.codecs}`,
    `    plan    ${bridge.plan}`,
    ...(workers === undefined ? [] : [`    workers ${workers}`]),
    `    http    http://${bridge.http}/health /ready /metrics /dialplan`,
    ...bridge.warnings.map((warning) => `    WARNING ${warning}`),
    '',
    ...describeSettings(settings).map((line) => `    ${line}`),
    '',
    '',
  ].join('\n');
}

async function serveUntilSignalled(bridge: Bridge, io: CommandIo): Promise<ExitCode> {
  let signals = 0;
  const onSignal = (signal: string): void => {
    signals += 1;
    if (signals === 1) {
      io.stderr(`ringbridge: ${signal}: no new calls; waiting for ${bridge.activeCalls()} in progress\n`);
      void bridge.drain();
    } else {
      io.stderr(`ringbridge: ${signal} again: ending now\n`);
      bridge.endNow();
    }
  };
  const onHangUp = (): void => {
    if (terminalIsGone()) onSignal('SIGHUP');
    else void bridge.reloadPlan();
  };
  process.on('SIGHUP', onHangUp);
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('uncaughtException', bridge.onEscapedError);
  process.on('unhandledRejection', bridge.onEscapedError);
  try {
    return (await bridge.closed) === 'well' ? 0 : 1;
  } finally {
    process.off('SIGHUP', onHangUp);
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    process.off('uncaughtException', bridge.onEscapedError);
    process.off('unhandledRejection', bridge.onEscapedError);
  }
}

/** A terminal that was closed sends SIGHUP as well; nothing can be written to it any more. */
function terminalIsGone(): boolean {
  if (!process.stderr.isTTY) return false;
  try {
    writeSync(process.stderr.fd, 'ringbridge: SIGHUP: reading the dialplans\n');
    return false;
  } catch {
    return true;
  }
}
