import { systemClock } from '../runtime/clock';
import { addressUsage, askBridge, runApiCommand, textIn, WrongUse } from './bridge-api';
import type { ApiRequest, BridgeAddress } from './bridge-api';
import { askForCalls, supervisorOf, type ListedCall } from './calls';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge supervise CALL --to DESTINATION --mode listen|whisper|take-over
ringbridge supervise CALL --mode listen|whisper|take-over
ringbridge supervise CALL --end

Calls a supervisor, a destination of the plan with the key "supervisor", and lets them into a call that is up; changes what
they do; or sends them away, and the call goes on. CALL is an id of "ringbridge calls", or as much of its beginning as no
other has.

  --to DESTINATION  whom to call; without it the supervisor who is on the call is meant
  --mode MODE       listen: hears both. whisper: is heard by the agent alone as well. take-over: talks to the caller in
                    place of the agent, whose session ends
  --end             hangs up on the supervisor
${addressUsage}
Exit code: 0 the supervisor is on the call, or was sent away; 1 it was refused, nobody answered or no bridge answers;
2 wrong use.
`;

const askAgainMs = 500;
/** Longer than any destination may ring. */
const waitMaxMs = 185_000;

/** `ringbridge supervise CALL`. */
export function runSuperviseCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  return runApiCommand(argv, io, {
    name: 'supervise',
    usage,
    words: 1,
    wordName: 'id of a call',
    options: { to: { type: 'string' }, mode: { type: 'string' }, end: { type: 'boolean' } },
    run: (request) => supervise(request, io),
  });
}

async function supervise(request: ApiRequest, io: CommandIo): Promise<ExitCode> {
  const { to, mode, end } = request.options;
  if (end !== undefined && (to !== undefined || mode !== undefined)) throw new WrongUse('--end stands alone');
  if (end === undefined && mode === undefined) throw new WrongUse('give --mode, or --end');
  const call = await wholeId(request.bridge, request.words[0] ?? '');
  if (call === undefined) {
    io.stderr(`ringbridge supervise: no call of that id is up, or several begin with it\n`);
    return 1;
  }
  const path =
    end !== undefined ? '/calls/supervise/end' : to === undefined ? '/calls/supervise/mode' : '/calls/supervise';
  const body = { call, ...(mode !== undefined && { mode }), ...(to !== undefined && { to }) };
  const { status, answer } = await askBridge(request.bridge, path, {
    body,
    expected: [200, 202, 400, 403, 404, 409, 503],
  });
  if (status >= 400) {
    if (request.json) io.stdout(`${JSON.stringify(answer, null, 2)}\n`);
    io.stderr(`ringbridge supervise: ${textIn(answer, 'error') ?? status}\n`);
    return status === 400 ? 2 : 1;
  }
  if (to === undefined) return report(io, request, answer, sentenceOf(answer));
  const last = await untilDecided(request.bridge, call, io);
  const isUp = typeof last?.['supervision'] === 'object' && isOnCall(last);
  const told = last === undefined ? 'the call has ended' : supervisorOf(last);
  return report(io, request, { ...answer, call: last ?? null }, told, isUp ? 0 : 1);
}

function report(
  io: CommandIo,
  { json }: ApiRequest,
  answer: Readonly<Record<string, unknown>>,
  sentence: string,
  code: ExitCode = 0,
): ExitCode {
  io.stdout(json ? `${JSON.stringify(answer, null, 2)}\n` : `${sentence}\n`);
  return code;
}

function sentenceOf(answer: Readonly<Record<string, unknown>>): string {
  return answer['outcome'] === 'waiting' ? 'waits until the caller has keyed in a secret' : 'done';
}

/** Undefined when the call has ended meanwhile. */
async function untilDecided(bridge: BridgeAddress, callId: string, io: CommandIo): Promise<ListedCall | undefined> {
  io.stderr('calling ...\n');
  const endMs = systemClock.now() + waitMaxMs;
  for (;;) {
    const { calls } = await askForCalls(bridge);
    const call = calls.find((one) => one['callId'] === callId);
    if (call === undefined || outcomeOf(call) !== 'calling' || systemClock.now() >= endMs) return call;
    await new Promise<void>((resolve) => systemClock.setTimer(askAgainMs, resolve));
  }
}

function outcomeOf({ supervision }: ListedCall): unknown {
  return (supervision as Readonly<Record<string, unknown>> | null)?.['outcome'];
}

function isOnCall(call: ListedCall): boolean {
  const told = call['supervision'] as Readonly<Record<string, unknown>> | null;
  return told?.['outcome'] === 'answered' && told['over'] === false;
}

async function wholeId(bridge: BridgeAddress, beginning: string): Promise<string | undefined> {
  // A whole one may be beyond those that are listed.
  if (/^[0-9a-f-]{36}$/i.test(beginning)) return beginning.toLowerCase();
  const { calls } = await askForCalls(bridge);
  const found = calls.flatMap((call) => textIn(call, 'callId') ?? []).filter((id) => id.startsWith(beginning));
  return found.length === 1 ? found[0] : undefined;
}
