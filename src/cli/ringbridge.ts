import { messageOf } from '../runtime/errors';
import { runCallCommand } from './call';
import { runCallsCommand } from './calls';
import { runCheckCommand } from './check';
import { runDemoCommand } from './demo';
import { runDiffCommand } from './diff';
import { runExplainCommand } from './explain';
import { runInitCommand } from './init';
import type { CommandIo, ExitCode } from './io';
import { processIo } from './io';
import { runPlansCommand } from './plans';
import { runReloadCommand } from './reload';
import { runRestoreCommand } from './restore';
import { runSchemaCommand } from './schema';
import { runServeCommand } from './serve';
import { runSuperviseCommand } from './supervise';
import { runTestCommand } from './test';

interface Command {
  summary: string;
  run(argv: readonly string[], io: CommandIo): Promise<ExitCode>;
}

const commands: Readonly<Record<string, Command>> = {
  serve: { summary: 'answer calls until SIGTERM', run: runServeCommand },
  call: { summary: 'place a call and print its timeline', run: runCallCommand },
  init: { summary: 'write a dialplan to begin with', run: runInitCommand },
  check: { summary: 'read the dialplans and print every problem', run: runCheckCommand },
  explain: { summary: 'tell which route takes a call, and why', run: runExplainCommand },
  reload: { summary: 'make the running bridge read its dialplans again', run: runReloadCommand },
  calls: { summary: 'list the calls that are up', run: runCallsCommand },
  supervise: {
    summary: 'let a supervisor listen to a call, whisper to its agent or take it over',
    run: runSuperviseCommand,
  },
  plans: { summary: 'list the plans that the running bridge keeps', run: runPlansCommand },
  restore: { summary: 'put a kept plan back in force', run: runRestoreCommand },
  diff: { summary: 'compare two plans, and replay recorded calls on both', run: runDiffCommand },
  test: { summary: 'play call scenarios against the dialplans, offline', run: runTestCommand },
  schema: { summary: 'print the JSON Schema of dialplans for editors', run: runSchemaCommand },
  demo: { summary: 'hold one recorded call with a barge-in against the simulator', run: runDemoCommand },
};

const usage = [
  'usage: ringbridge COMMAND [OPTIONS]',
  '',
  ...Object.entries(commands).map(([name, command]) => `  ${name.padEnd(9)} ${command.summary}`),
  '',
  'Each command has --help. Exit codes: 0 well, 1 the thing looked at is not well, 2 wrong use.',
  '',
].join('\n');

/** `ringbridge COMMAND ...`. */
export async function runRingbridge(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    if (name === undefined) io.stderr(usage);
    else io.stdout(usage);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    io.stderr(`ringbridge: there is no command ${JSON.stringify(name)}\n\n${usage}`);
    return 2;
  }
  return command.run(rest, io);
}

runRingbridge(process.argv.slice(2), processIo).then(
  (code) => {
    // Not process.exit(): what is still being written must get out. Commands leave nothing open.
    process.exitCode = code;
  },
  (cause: unknown) => {
    processIo.stderr(`ringbridge: ${messageOf(cause)}\n`);
    process.exitCode = 1;
  },
);
