/**
 * Two tones for each call of a load: the agent's and the caller's. Whole hertz, so that one second holds whole periods
 * and a Goertzel filter over it is deaf to every other tone of the set; all within the telephone's band.
 */
export const callsMax = 100;
const lowestHz = 310;
const spacingHz = 30;

export function agentToneHz(call: number): number {
  return lowestHz + spacingHz * call;
}

export function callerToneHz(call: number): number {
  return lowestHz + spacingHz * call + spacingHz / 2;
}

/** Every tone of a load with so many calls. */
export function allTonesHz(calls: number): number[] {
  return Array.from({ length: calls }, (_, call) => [agentToneHz(call), callerToneHz(call)]).flat();
}

/** What the agent of a call is told to greet with, and what the model reads from it. */
export function greetingOf(call: number): string {
  return `call ${call}`;
}

export function callOfGreeting(instructions: string | undefined): number | undefined {
  const digits = /"call (\d+)"/.exec(instructions ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
