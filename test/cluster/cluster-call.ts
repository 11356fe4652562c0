import { systemClock } from '../../src/runtime/clock';
import { systemRandom } from '../../src/runtime/random';
import { probeSipPort } from '../../src/signalling/options-probe';
import { BridgeUnderTest, onePlan, type TestPlan } from '../support/bridge';
import type { Keep } from '../support/calm-machine';
import { RtpPhone } from '../support/rtp-phone';
import { startSipp, runSipp, type SippResult, type SippRun } from '../support/sipp';
import { bye, call, phoneSdp, waitForCue, type Step } from '../support/sipp-scenario';
import { clusterEnv, targetOf, type Front } from './real-servers';

/** Calls here are answered by a tone, and a silent caller is noticed soon. */
export const tonePlan: TestPlan = onePlan('simulator:tone:610');
export const soonNoticed = { RINGBRIDGE_REALTIME_URL: 'simulator', RINGBRIDGE_MEDIA_TIMEOUT: '3s' };

/** Frames that FreeSWITCH's own clock may shift at the phone. */
export const tolerancePackets = 2;

/** A call through FreeSWITCH: the bridge, a phone, and sipp with what the phone's port makes of `steps`. */
export async function ring(
  keep: Keep,
  {
    front,
    plan,
    env = {},
    steps,
  }: { front: Front; plan: TestPlan; env?: Record<string, string>; steps(port: number): Step[] },
) {
  const bridge = keep(await BridgeUnderTest.start(plan, { ...clusterEnv(front), ...env }));
  const phone = keep(await RtpPhone.open());
  const sipp = keep(await startSipp({ target: targetOf(front, bridge), steps: steps(phone.port) }));
  return { bridge, phone, sipp };
}

/** A caller that talks: sipp speaks its SIP, and its audio is an `RtpPhone`. Cue it, and it hangs up. */
export async function callUp(
  keep: Keep,
  target: string,
  lastSteps: readonly Step[] = [waitForCue, bye],
): Promise<{ phone: RtpPhone; sipp: SippRun }> {
  const phone = keep(await RtpPhone.open());
  const sipp = keep(await startSipp({ target, steps: [call(phoneSdp({ port: phone.port })), ...lastSteps] }));
  await phone.heardPackets(25);
  return { phone, sipp };
}

/** Calls that are answered and hung up at once. */
export function shortCalls(target: string, count = 1): Promise<SippResult> {
  const calls = Array.from({ length: count }, () => ['100']);
  return runSipp({ target, calls, steps: [call(phoneSdp({ port: 40_000 })), '<pause milliseconds="300"/>', bye] });
}

/** Milliseconds until an application behind the SIP port answers again. */
export async function backAfterMs(sipPort: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const options = { clock: systemClock, random: systemRandom, deadlineMs: 400 };
    const result = await probeSipPort({ address: '127.0.0.1', port: sipPort }, options);
    const passedMs = Math.round(performance.now() - startMs);
    if (result === 'answered') return passedMs;
    if (passedMs > 30_000) throw new Error('the SIP port is not answered by an application');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A figure for the table in docs/many-machines.md: printed, not judged. */
export function report(line: string): void {
  process.stderr.write(`    measured: ${line}\n`);
}
