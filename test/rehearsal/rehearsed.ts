import type { Prompts } from '../../src/call/prompts';
import { parseScenarios } from '../../src/rehearsal/read-scenarios';
import type { Rehearsal } from '../../src/rehearsal/rehearse';
import { rehearse } from '../../src/rehearsal/rehearse';
import { seededRandom } from '../../src/runtime/random';
import { planOf } from '../dialplan/plan-of';

const recording = { 8_000: new Int16Array(8_000).fill(3_000), 24_000: new Int16Array(24_000).fill(3_000) };
export const prompts: Prompts = {
  apology: recording,
  goodbye: recording,
  'please-wait': recording,
  'session-warning': recording,
  'session-goodbye': recording,
  'hold-music': recording,
  ringing: recording,
};

/** Plays one scenario, given as the YAML of its keys, against a plan. */
export async function rehearsed(plan: string, scenario: string): Promise<Rehearsal> {
  const lines = scenario.trim().split('\n');
  const text = `scenarios:\n  - name: one\n${lines.map((line) => `    ${line}`).join('\n')}\n`;
  const read = parseScenarios('scenarios/one.yaml', text);
  if (read.kind === 'refused') throw new Error(JSON.stringify(read.problems, undefined, 1));
  const nowMs = Date.UTC(2026, 0, 5, 9, 0, 0);
  const options = { plan: await planOf({ 'plan.yaml': plan }), prompts, random: seededRandom(1), nowMs };
  return rehearse(read.scenarios[0]!, options);
}

export function texts({ timeline }: Rehearsal): string[] {
  return timeline.map(({ text }) => text);
}
