import { addressUsage, askBridge, reportOutcome, runApiCommand } from './bridge-api';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge restore HASH [--url URL] [--json]

Puts a kept plan back in force; "ringbridge plans" lists them. It takes calls until the files of the dialplan folder change,
or "ringbridge reload" or SIGHUP reads them again; a restart in between does not end it.

${addressUsage}
Exit code: 0 the plan is in force, 1 it cannot be used, none of that hash is kept or no bridge answers, 2 wrong use.
`;

/** `ringbridge restore HASH`. */
export function runRestoreCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  return runApiCommand(argv, io, {
    name: 'restore',
    usage,
    words: 1,
    async run(request) {
      const [hash = ''] = request.words;
      const body = { hash };
      const { status, answer } = await askBridge(request.bridge, '/dialplan/restore', {
        body,
        expected: [200, 404, 422],
      });
      if (status !== 404) return reportOutcome(io, request, answer);
      const known = Array.isArray(answer['known']) ? answer['known'].join(', ') : '';
      if (request.json) io.stdout(`${JSON.stringify(answer, null, 2)}\n`);
      else io.stderr(`ringbridge restore: no plan ${hash} is kept${known === '' ? '' : `; there are ${known}`}\n`);
      return 1;
    },
  });
}
