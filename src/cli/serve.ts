import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { describeSettings, loadSettings, SettingsError } from '../config/settings';
import type { Settings } from '../config/settings';
import type { Bridge } from '../main';
import { StartRefused, startBridge } from '../main';
import { messageOf } from '../runtime/errors';
import { systemClock } from '../runtime/clock';
import { letHeapGrow } from '../runtime/heap-growth';
import { systemRandom } from '../runtime/random';
import type { CommandIo, ExitCode } from './io';

const usage = `usage: ringbridge serve

Answers SIP calls until SIGTERM or SIGINT. Everything is set by environment variables: see docs/settings.md.
The first signal takes no new calls and waits for those in progress (RINGBRIDGE_DRAIN_TIME); a second one ends them.
SIGHUP reads the dialplans again.
`;

/** `ringbridge serve`: 0 after a drained end, 1 after a failure, 2 when settings or plan do not allow a start. */
export async function runServeCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let help: boolean;
  try {
    help = parseArgs({ args: [...argv], options: { help: { type: 'boolean' } } }).values.help === true;
  } catch (cause) {
    io.stderr(`ringbridge serve: ${messageOf(cause)}\n\n${usage}`);
    return 2;
  }
  if (help) {
    io.stdout(usage);
    return 0;
  }
  const settings = readSettings(io);
  if (settings === undefined) return 2;
  letHeapGrow();
  try {
    const bridge = await startBridge({
      settings,
      clock: systemClock,
      random: systemRandom,
      cwd: process.cwd(),
      tell: (text) => io.stderr(text),
    });
    io.stderr(banner(settings, bridge));
    return await serveUntilSignalled(bridge, io);
  } catch (cause) {
    if (!(cause instanceof StartRefused)) throw cause;
    io.stderr(`ringbridge: ${cause.message}\n`);
    return 2;
  }
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

function banner(settings: Settings, bridge: Bridge): string {
  return [
    '',
    '  Ringbridge answers calls',
    ...bridge.sipListening.map((listener) => `    SIP     ${listener}`),
    `    model   ${bridge.model}`,
    `    plan    ${bridge.plan}`,
    `    http    http://${bridge.http}/health /ready /metrics /dialplan`,
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
