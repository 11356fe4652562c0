import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadPlan } from '../../src/dialplan/load-plan';
import { problemCodes } from '../../src/dialplan/plan-problem';
import { memoryReader } from './memory-plan-reader';

const page = readFileSync(join('docs', 'dialplan-problems.md'), 'utf8');
const entries = page
  .split(/^## /m)
  .slice(1)
  .map((text) => ({ code: text.slice(0, 5), text, example: /^```yaml\n([\s\S]*?)^```/m.exec(text)?.[1] }));

/** These are about files and their number, or, as DP904, about what no plan can have before tools are built. */
const withoutPlan = [
  'DP001',
  'DP002',
  'DP003',
  'DP004',
  'DP005',
  'DP006',
  'DP007',
  'DP008',
  'DP009',
  'DP108',
  'DP109',
  'DP903',
  'DP904',
];

test('every code has its entry, once, and nothing else has one', () => {
  expect(entries.map(({ code }) => code)).toEqual(Object.values(problemCodes).sort());
});

test.each(entries)('$code tells what it means, by an example, and how it is repaired', ({ code, text, example }) => {
  expect(text).toMatch(/Repair:/);
  expect(withoutPlan.includes(code) ? /Example:/.test(text) : example !== undefined).toBe(true);
});

test.each(entries.filter(({ example }) => example !== undefined))(
  'the example of $code has that problem',
  async ({ code, example = '' }) => {
    const load = await loadPlan(memoryReader({ 'plan.yaml': example }));
    const problems = load.kind === 'refused' ? load.problems : load.warnings;
    expect(problems.map((problem) => problem.code)).toContain(code);
  },
);
