import { addressUsage, askBridge, runApiCommand, textIn, type BridgeAddress } from './bridge-api';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge calls [--url URL] [--json]

Lists the calls that are up, the oldest first: id, since when, caller, called number, route, agent, and the supervisor.
"ringbridge supervise" takes the id, or as much of its beginning as no other has.

${addressUsage}
Exit code: 0 well, 1 no bridge answers, 2 wrong use.
`;

/** A call as the bridge tells of it. */
export type ListedCall = Readonly<Record<string, unknown>>;

/** `ringbridge calls`. */
export function runCallsCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  return runApiCommand(argv, io, {
    name: 'calls',
    usage,
    words: 0,
    async run({ bridge, json }) {
      const answer = await askForCalls(bridge);
      io.stdout(json ? `${JSON.stringify(answer, null, 2)}\n` : listed(answer));
      return 0;
    },
  });
}

export async function askForCalls(
  bridge: BridgeAddress,
): Promise<Readonly<Record<string, unknown>> & { calls: ListedCall[] }> {
  const { answer } = await askBridge(bridge, '/calls', { expected: [200] });
  const calls = Array.isArray(answer['calls']) ? (answer['calls'] as unknown[]) : [];
  return { ...answer, calls: calls.filter((call): call is ListedCall => typeof call === 'object' && call !== null) };
}

/** `boss listen`, `boss calling`, `boss busy`; empty when nobody was called. */
export function supervisorOf(call: ListedCall): string {
  const { supervision } = call;
  if (typeof supervision !== 'object' || supervision === null) return '';
  const told = supervision as Readonly<Record<string, unknown>>;
  const destination = textIn(told, 'destination') ?? '';
  if (told['over'] === true && told['outcome'] === 'answered') return `${destination} has left`;
  return `${destination} ${textIn(told, 'mode') ?? textIn(told, 'outcome') ?? ''}`;
}

function listed({ calls, callCount }: { calls: ListedCall[]; callCount?: unknown }): string {
  if (calls.length === 0) return 'no call is up\n';
  const rows = calls.map((call) => {
    const cells = [
      textIn(call, 'callId') ?? '',
      textIn(call, 'answeredAt') ?? textIn(call, 'state') ?? '',
      textIn(call, 'from') ?? '',
      textIn(call, 'to') ?? '',
      textIn(call, 'route') ?? '-',
      textIn(call, 'agent') ?? '-',
      supervisorOf(call),
    ];
    // Callers choose what stands in From.
    return cells.map((cell) => cell.replace(/\p{Cc}/gu, ' '));
  });
  const table = [['id', 'answered', 'caller', 'called', 'route', 'agent', 'supervisor'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length))) ?? [];
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const more = typeof callCount === 'number' ? callCount - calls.length : 0;
  return `${lines.join('\n')}\n${more > 0 ? `... and ${more} more\n` : ''}`;
}
