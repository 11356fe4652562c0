import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadPlan } from '../../src/dialplan/load-plan';
import { problemCodes } from '../../src/dialplan/plan-problem';
import { seededRandom } from '../../src/runtime/random';
import { memoryReader } from './memory-plan-reader';

const codes = new Set<string>(Object.values(problemCodes));

async function codesOf(text: string): Promise<string[]> {
  const load = await loadPlan(memoryReader({ 'plan.yaml': text }));
  return load.kind === 'refused' ? load.problems.map(({ code }) => code) : [];
}

test.each([
  ['a scalar of 5 MB', `agents: ${'x'.repeat(5_000_000)}\n`, ['DP004']],
  ['a block scalar just below the limit', `agents: |\n  ${'x'.repeat(1_000_000)}\n`, ['DP203']],
  ['instructions of half a megabyte', `agents:\n  a: { instructions: ${'x'.repeat(500_000)} }\n`, ['DP205']],
  ['a key of half a megabyte', `${'k'.repeat(500_000)}: 1\n`, ['DP101']],
  [
    'an expression of half a megabyte',
    `routes: [{ name: a, when: { to: /${'('.repeat(500_000)}/ }, reject: 404 }]\n`,
    ['DP206'],
  ],
  ['a text of nothing but braces', `agents:\n  a: { instructions: "{{${'{'.repeat(50_000)}" }\n`, ['DP312', 'DP109']],
])('%s is refused', async (_what, text, expected) => {
  expect([...new Set(await codesOf(text))]).toEqual(expected);
});

test.each(['schedules', 'destinations', 'trunks', 'agents', 'tools'])(
  'names of object members in %s are names that nothing has',
  async (section) => {
    for (const name of ['toString', 'hasOwnProperty', 'valueOf']) {
      expect(await codesOf(`routes: [{ name: a, when: { during: ${name} }, reject: 404 }]\n`)).toEqual(['DP306']);
      expect(
        await codesOf(`${section}:\n  __proto__: { x: 1 }\nroutes: [{ name: a, when: any, reject: 404 }]\n`),
      ).toContain('DP106');
    }
  },
);

test('whatever is done to a plan, it loads or has problems that are known by code', async () => {
  const random = seededRandom(5);
  const whole = readFileSync(join(__dirname, '../fixtures/dialplans/warned/routes-in-the-shadow/plan.yaml'), 'utf8');
  const signs = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    "'",
    '\n',
    '  ',
    '*',
    '&a ',
    '!x ',
    '|',
    '#',
    '- ',
    '/',
    '..',
    '\u0000',
    'é',
  ];
  for (let round = 0; round < 300; round += 1) {
    let text = whole;
    for (let change = 0; change <= random.fraction() * 4; change += 1) {
      const at = Math.floor(random.fraction() * text.length);
      const sign = signs[Math.floor(random.fraction() * signs.length)] ?? '';
      const until = at + Math.floor(random.fraction() * 12);
      text = text.slice(0, at) + sign + text.slice(random.fraction() < 0.5 ? at : until);
    }
    const load = await loadPlan(memoryReader({ 'plan.yaml': text }));
    const problems = load.kind === 'refused' ? load.problems : load.warnings;
    if (load.kind === 'refused') expect(problems.length).toBeGreaterThan(0);
    for (const { code } of problems) expect(codes).toContain(code);
  }
});

test('thousands of routes that are never reached, and of circles, are told as a hundred', async () => {
  const routes = Array.from({ length: 500 }, (_, index) => `  - { name: r${index}, when: any, reject: 404 }\n`).join(
    '',
  );
  const shadowed = await loadPlan(memoryReader({ 'plan.yaml': `routes:\n${routes}` }));
  expect(shadowed.kind).toBe('loaded');
  expect(shadowed.warnings).toHaveLength(101);
  expect(shadowed.warnings.at(-1)?.message).toBe(
    '100 routes before this one are never reached; the others were not looked at',
  );
  const circles = Array.from({ length: 500 }, (_, index) => `  d${index}: { to: sip:a@b, otherwise: d${index} }\n`);
  const text = `destinations:\n${circles.join('')}routes:\n  - { name: all, when: any, bridge: d0 }\n`;
  const codesFound = (await codesOf(text)).filter((code) => code === problemCodes.destinationCycle);
  expect(codesFound).toHaveLength(100);
});
