import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runCheckCommand } from '../../src/cli/check';
import { runExplainCommand } from '../../src/cli/explain';
import { runInitCommand } from '../../src/cli/init';
import type { CommandIo } from '../../src/cli/io';

type Command = (argv: readonly string[], io: CommandIo) => Promise<number>;

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'ringbridge-init-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

async function run(command: Command, argv: string[], env: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { stdout: (text: string) => out.push(text), stderr: (text: string) => err.push(text), env };
  return { code: await command(argv, io), out: out.join(''), err: err.join('') };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

test('a new folder gets a plan that passes check without a warning', async () => {
  const folder = join(parent, 'new', 'dialplans');
  const { code, out, err } = await run(runInitCommand, [folder]);
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(filesIn(folder)).toEqual(['10-plan.yaml', 'night.md', 'reception.md', 'schema.json']);
  expect(out).toContain(`wrote ${join(folder, '10-plan.yaml')}\n`);
  const checked = await run(runCheckCommand, [folder]);
  expect(checked.code).toBe(0);
  expect(checked.out).toMatch(/: well \(1 file, 2 agents, 2 routes, plan [0-9a-f]{12}\)\n$/);
});

test.each([
  ['2026-11-23 11:00', 'reception'],
  ['2026-11-23 12:30', 'night'],
  ['2026-12-25 11:00', 'night'],
  ['sun 11:00', 'night'],
])('at %s, %s answers', async (at, agent) => {
  const folder = join(parent, 'plan');
  await run(runInitCommand, [folder]);
  const { out } = await run(runExplainCommand, [folder, '--to', '100', '--at', at]);
  expect(out).toContain(`agent ${agent} answers`);
});

test('the folder of the setting is taken when none is named', async () => {
  const folder = join(parent, 'of-the-setting');
  const { code } = await run(runInitCommand, [], { RINGBRIDGE_DIALPLANS: folder });
  expect(code).toBe(0);
  expect(filesIn(folder)).toContain('10-plan.yaml');
});

test('a second time changes nothing', async () => {
  const folder = join(parent, 'plan');
  await run(runInitCommand, [folder]);
  writeFileSync(join(folder, '10-plan.yaml'), '# mine\n');
  const { code, err } = await run(runInitCommand, [folder]);
  expect(code).toBe(1);
  expect(err).toContain('nothing was written');
  expect(readFileSync(join(folder, '10-plan.yaml'), 'utf8')).toBe('# mine\n');
});

test.each(['my-plan.yaml', 'prompts/night.md', 'schema.json'])('%s is in the way', async (name) => {
  mkdirSync(join(parent, 'prompts'));
  writeFileSync(join(parent, name), 'mine');
  const { code, err } = await run(runInitCommand, [parent]);
  expect(code).toBe(1);
  expect(err).toContain(`holds ${name} already`);
  expect(filesIn(parent)).toHaveLength(1);
  expect(readFileSync(join(parent, name), 'utf8')).toBe('mine');
});

test('other files may be there', async () => {
  writeFileSync(join(parent, 'README.md'), 'mine');
  expect((await run(runInitCommand, [parent])).code).toBe(0);
});

test('a folder that is a file ends with 1 and one line', async () => {
  writeFileSync(join(parent, 'file'), '');
  const { code, err } = await run(runInitCommand, [join(parent, 'file')]);
  expect(code).toBe(1);
  expect(err).toMatch(/^ringbridge init: .+\n$/);
});

test('wrong use ends with 2 and the usage', async () => {
  for (const argv of [['a', 'b'], ['--force']]) {
    const { code, out, err } = await run(runInitCommand, argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('ringbridge init [FOLDER]');
  }
});

test('--help ends with 0', async () => {
  const { code, out } = await run(runInitCommand, ['--help']);
  expect(code).toBe(0);
  expect(out).toContain('Exit code');
});
