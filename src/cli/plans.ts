import { addressUsage, askBridge, runApiCommand } from './bridge-api';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge plans [--url URL] [--json]

Lists the plans that the running bridge keeps, the newest first. "ringbridge restore HASH" puts one back in force, and
"ringbridge diff HASH HASH" compares two.

${addressUsage}
Exit code: 0 well, 1 no bridge answers, 2 wrong use.
`;

/** `ringbridge plans`. */
export function runPlansCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  return runApiCommand(argv, io, {
    name: 'plans',
    usage,
    words: 0,
    async run({ bridge, json }) {
      const { answer } = await askBridge(bridge, '/dialplans', { expected: [200] });
      io.stdout(json ? `${JSON.stringify(answer, null, 2)}\n` : listed(answer));
      return 0;
    },
  });
}

function listed(answer: Readonly<Record<string, unknown>>): string {
  const plans = Array.isArray(answer['plans']) ? (answer['plans'] as Readonly<Record<string, unknown>>[]) : [];
  if (plans.length === 0) return 'no plan is kept (RINGBRIDGE_KEPT_PLANS)\n';
  const lines = plans.map(({ hash, inForce, lastInForce, files }) => {
    const names = Array.isArray(files) ? files.join(', ') : '';
    return `${inForce === true ? '*' : ' '} ${String(hash)}  ${String(lastInForce)}  ${names}\n`;
  });
  return `${lines.join('')}\n* in force\n`;
}
