import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runCheckCommand } from '../../src/cli/check';

const fixtures = join('test', 'fixtures', 'dialplans');

async function check(argv: string[], env: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCheckCommand(argv, { stdout: (text) => out.push(text), stderr: (text) => err.push(text), env });
  return { code, out: out.join(''), err: err.join('') };
}

test('a plan that is well ends with 0 and one line', async () => {
  const { code, out, err } = await check(['dialplans']);
  expect(code).toBe(0);
  expect(out).toMatch(/^dialplans: well \(1 file, 1 agent, 1 route, plan [0-9a-f]{12}\)\n$/);
  expect(err).toBe('');
});

test('a broken plan ends with 1 and every problem with its place', async () => {
  const folder = join(fixtures, 'broken', 'unknown-voice');
  const { code, out } = await check([`${folder}/`]);
  expect(code).toBe(1);
  expect(out).toBe(
    [
      `${folder}/plan.yaml:2:46: error DP204: unknown value for "voice": "marine"`,
      '  2 |   reception: { instructions: Answer., voice: marine }',
      '    |                                              ^',
      '  expected: one of alloy, ash, ballad, coral, echo, sage, shimmer, verse, marin, cedar; or a map: { id: ... }',
      '  did you mean: marin',
      '',
      `${folder}: 1 problem; docs/dialplan-problems.md explains each code`,
      '',
    ].join('\n'),
  );
});

test('warnings are printed and do not change the exit code', async () => {
  const { code, out } = await check([join(fixtures, 'warned', 'agent-without-a-route')]);
  expect(code).toBe(0);
  expect(out).toContain('warning DP901');
  expect(out).toContain(', 1 warning\n');
});

test('--json is one object for a program', async () => {
  const broken = await check([join(fixtures, 'broken', 'unknown-agent'), '--json']);
  expect(broken.code).toBe(1);
  expect(JSON.parse(broken.out)).toEqual({
    folder: join(fixtures, 'broken', 'unknown-agent'),
    ok: false,
    plan: null,
    problems: [
      {
        code: 'DP301',
        severity: 'error',
        file: 'plan.yaml',
        position: { line: 4, column: 37, text: '  - { name: all, when: any, answer: recepton }' },
        message: 'no agent is called "recepton"',
        expected: 'one of reception',
        nearest: 'reception',
      },
    ],
    warnings: [],
  });
  const well = await check(['--json', 'dialplans']);
  expect(JSON.parse(well.out)).toMatchObject({ ok: true, plan: { agents: ['receptionist'], routes: ['every call'] } });
});

test('the folder comes from the setting when none is named', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'ringbridge-check-'));
  cpSync('dialplans', copy, { recursive: true });
  const { code, out } = await check([], { RINGBRIDGE_DIALPLANS: copy, RINGBRIDGE_LOG_LEVEL: 'nonsense' });
  rmSync(copy, { recursive: true });
  expect(code).toBe(0);
  expect(out).toContain(copy);
});

test('a folder that is not there is not well', async () => {
  const { code, out } = await check(['no-such-folder']);
  expect(code).toBe(1);
  expect(out).toContain('no-such-folder: error DP001');
});

test.each([[['a', 'b']], [['--jsn']]])('wrong use ends with 2 and the usage: %j', async (argv) => {
  const { code, out, err } = await check(argv);
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toContain('ringbridge check [FOLDER] [--json]');
});

test('--help ends with 0', async () => {
  const { code, out } = await check(['--help']);
  expect(code).toBe(0);
  expect(out).toContain('Exit code');
});
