import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadPlan } from '../../src/dialplan/load-plan';
import { formatProblem } from '../../src/dialplan/plan-problem';
import { folderReader } from '../../src/dialplan/plan-reader';

// Each folder holds a dialplan and, in expected.txt, exactly what an admin reads about it.
const fixtures = join(__dirname, '../fixtures/dialplans');

async function whatAnAdminReads(folder: string): Promise<{ kind: string; text: string }> {
  const load = await loadPlan(folderReader(folder, { env: {} }));
  const problems = load.kind === 'refused' ? [...load.problems, ...load.warnings] : load.warnings;
  return { kind: load.kind, text: problems.map((one) => `${formatProblem(one, { folder: 'dialplans' })}\n`).join('') };
}

test.each(readdirSync(join(fixtures, 'broken')))('broken plan: %s', async (name) => {
  const folder = join(fixtures, 'broken', name);
  const expected = readFileSync(join(folder, 'expected.txt'), 'utf8');
  expect(await whatAnAdminReads(folder)).toEqual({ kind: 'refused', text: expected });
});

test.each(readdirSync(join(fixtures, 'warned')))('plan that loads with a warning: %s', async (name) => {
  const folder = join(fixtures, 'warned', name);
  const expected = readFileSync(join(folder, 'expected.txt'), 'utf8');
  expect(await whatAnAdminReads(folder)).toEqual({ kind: 'loaded', text: expected });
});
