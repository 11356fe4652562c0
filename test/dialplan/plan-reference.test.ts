import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { planReference } from '../../src/dialplan/plan-reference';

test('docs/dialplan-reference.md is what the definition renders', () => {
  expect(readFileSync(join('docs', 'dialplan-reference.md'), 'utf8')).toBe(planReference());
});

test('a key stands in the table of its map with meaning, type and default', () => {
  const tables = planReference().split('\n### ');
  const tableOf = (heading: string) => tables.find((table) => table.startsWith(`${heading}\n`));
  expect(tableOf('destinations.NAME')).toContain(
    '| `ring` | How long the destination may ring, 5s to 180s. | a duration with its unit: 500ms, 6s, 20m | `25s` |',
  );
  expect(tableOf('routes[]')).toMatch(/^\| `name` \| .* \| required \|$/m);
  expect(tableOf('agents.NAME.turn_detection, type: semantic_vad')).toContain('| `eagerness` |');
  expect(tableOf('tools.NAME')).toContain('In this release only: one of collect_digits');
});

test('no cell breaks its table', () => {
  const rows = planReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(80);
  for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(6);
});
