import { addressUsage, askBridge, reportOutcome, runApiCommand } from './bridge-api';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge reload [--url URL] [--json]

Makes the running bridge read its dialplans again, and prints every problem with its place. A plan that cannot be used
changes nothing; calls in progress keep the plan that they began with.

${addressUsage}
Exit code: 0 the plan is in force, 1 it was refused or no bridge answers, 2 wrong use.
`;

/** `ringbridge reload`. */
export function runReloadCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  return runApiCommand(argv, io, {
    name: 'reload',
    usage,
    words: 0,
    async run(request) {
      const { answer } = await askBridge(request.bridge, '/dialplan/reload', { body: {}, expected: [200, 422] });
      return reportOutcome(io, request, answer);
    },
  });
}
