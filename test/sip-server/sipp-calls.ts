import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TransportName } from '../../src/sip-server/transport';
import { runSipp, startSipp } from './sipp';
import type { SrfApp } from './srf-app';
import { sdpOf } from './srf-app';

export interface CallPlan {
  calls: number;
  perSecond: number;
  transport: Exclude<TransportName, 'tls'>;
  /** Of a hundred packets, in each direction; sipp throws them away. */
  lostPercent: number;
}

export interface CallCounts {
  succeeded: number;
  /** Why others did not, once each. */
  problems: string[];
}

/** How long a call of sipp's lasts before it hangs up. */
const talkMs = 200;
/** How long sipp may take to end when its calls are over. */
const calleePatienceMs = 15_000;
/** sipp would wait with new calls while so many are open. */
const openCallsMax = 10_000;

/** sipp calls `target`, waits and hangs up. Whoever answers there is the caller's affair. */
export async function callIn(target: string, plan: CallPlan): Promise<CallCounts> {
  const args = [...sippArguments(plan), '-r', String(plan.perSecond), '-l', String(openCallsMax)];
  const { code, output } = await runSipp('uac-lossy.xml', {
    target,
    args: [...args, '-d', String(talkMs), '-recv_timeout', '40000'],
  });
  if (code === 0) return { succeeded: plan.calls, problems: [] };
  const succeeded = [...output.matchAll(/Successful call\s*\|\s*\d+\s*\|\s*(\d+)/g)].at(-1)?.[1];
  return { succeeded: Number(succeeded ?? 0), problems: [output] };
}

/** The application calls sipp and hangs up. A call has succeeded when both sides say that it was answered and hung up. */
export async function callOut(srf: SrfApp, plan: CallPlan): Promise<CallCounts> {
  const callee = await startSipp('uas-lossy.xml', { args: sippArguments(plan) });
  if (plan.transport === 'tcp') await untilListening(callee.port);
  const uri = `sip:bob@127.0.0.1:${callee.port}${plan.transport === 'udp' ? '' : `;transport=${plan.transport}`}`;
  const call = async (_: unknown, index: number): Promise<void> => {
    await sleep((index * 1_000) / plan.perSecond);
    const dialog = await srf.createUAC(uri, { localSdp: sdpOf(1) });
    await dialog.destroy();
  };
  const outcomes = await Promise.allSettled(Array.from({ length: plan.calls }, call));
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  // Its last call waits for a repeated BYE before it ends; one that waits for anything else would wait for ever.
  const patience = setTimeout(() => callee.stop(), calleePatienceMs);
  const { code, output } = await callee.finished;
  clearTimeout(patience);
  const problems = new Set(failures.map(({ reason }) => String(reason)));
  if (code !== 0) problems.add(output);
  return { succeeded: plan.calls - failures.length, problems: [...problems] };
}

/** sipp tells nobody when it is ready. */
async function untilListening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await sleep(20);
  }
}

function sippArguments({ calls, transport, lostPercent }: CallPlan): string[] {
  const loss = lostPercent === 0 ? [] : ['-lost', String(lostPercent)];
  return ['-t', transport === 'udp' ? 'u1' : 't1', '-m', String(calls), ...loss];
}
