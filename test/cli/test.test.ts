import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runTestCommand } from '../../src/cli/test';

const plan = 'agents:\n  a: { instructions: Be kind. }\nroutes:\n  - { name: every, when: any, answer: a }\n';
const scenario = (name: string, route: string): string => {
  return `scenarios:\n  - { name: ${name}, call: { to: "1" }, steps: [{ hangs_up: caller }], expect: { route: ${route} } }\n`;
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-scenarios-'));
  mkdirSync(join(folder, 'scenarios'));
  writeFileSync(join(folder, 'plan.yaml'), plan);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { stdout: (text: string) => out.push(text), stderr: (text: string) => err.push(text), env: {} };
  return { code: await runTestCommand(argv, io), out: out.join(''), err: err.join('') };
}

test('scenarios that go as they say end with 0', async () => {
  writeFileSync(join(folder, 'scenarios', 'one.yaml'), scenario('works', 'every'));
  const { code, out } = await run(folder);
  expect(code).toBe(0);
  expect(out).toBe('scenarios/one.yaml\n  ok      works\n\n1 scenarios went as they say, 0 did not\n');
});

test('one that does not ends with 1, and what happened is printed', async () => {
  writeFileSync(join(folder, 'scenarios', 'one.yaml'), scenario('fails', 'other'));
  const { code, out } = await run(folder);
  expect(code).toBe(1);
  expect(out).toContain('FAILED  fails\n          route: expected other, got every\n');
  expect(out).toContain('the call is answered');
});

test('a file that is not understood ends with 1, and the others are played', async () => {
  writeFileSync(join(folder, 'scenarios', 'bad.yaml'), 'scenario: []\n');
  writeFileSync(join(folder, 'scenarios', 'good.yaml'), scenario('works', 'every'));
  const { code, out } = await run(folder);
  expect(code).toBe(1);
  expect(out).toContain('did you mean: scenarios');
  expect(out).toContain('1 scenarios went as they say, 0 did not, 1 files not understood');
});

test('--json is one object for a program', async () => {
  writeFileSync(join(folder, 'scenarios', 'one.yaml'), scenario('works', 'every'));
  const { out } = await run(folder, '--json');
  expect(JSON.parse(out)).toMatchObject({
    folder,
    files: [{ problems: [], rehearsals: [{ name: 'works', failures: [] }] }],
  });
});

test('a plan that is not well, no scenarios and wrong use are told', async () => {
  expect(await run(folder)).toMatchObject({ code: 1, err: expect.stringContaining('there are no scenarios') });
  writeFileSync(join(folder, 'scenarios', 'one.yaml'), scenario('works', 'every'));
  expect(await run(folder, '--only', 'nothing')).toMatchObject({ code: 2 });
  expect(await run('--what')).toMatchObject({ code: 2 });
  writeFileSync(join(folder, 'plan.yaml'), 'agents: []\n');
  expect(await run(folder)).toMatchObject({ code: 1, err: expect.stringContaining('plan.yaml') });
});
