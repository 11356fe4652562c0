import { setTimeout } from 'node:timers/promises';

import type { SipCaller } from './sip-caller';
import { TonePhone } from './tone-phone';
import { callerToneHz, greetingOf } from './tones';

/** Between two INVITEs. */
export const placingMs = 25;

/** A route and an agent for each call. */
export function loadDialplan(calls: number): string {
  const numbers = Array.from({ length: calls }, (_, call) => call);
  return [
    'agents:',
    ...numbers.map((call) => `  agent-${call}: { instructions: "A tone.", greeting: "${greetingOf(call)}" }`),
    'routes:',
    ...numbers.map((call) => `  - { name: call ${call}, when: { to: "${userOf(call)}" }, answer: agent-${call} }`),
    '',
  ].join('\n');
}

/** Every call is up when it resolves. */
export async function placeCalls(caller: SipCaller, { calls, seconds }: { calls: number; seconds: number }) {
  const recordMsMax = (seconds + 5) * 1_000;
  const phones: TonePhone[] = [];
  for (let call = 0; call < calls; call += 1) {
    phones.push(await TonePhone.place(caller, { user: userOf(call), toneHz: callerToneHz(call), recordMsMax }));
    await setTimeout(placingMs);
  }
  return phones;
}

function userOf(call: number): string {
  return String(5_000 + call);
}
