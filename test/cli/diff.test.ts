import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runDiffCommand } from '../../src/cli/diff';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ringbridge-diff-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A folder of one dialplan under `root`. */
async function plan(name: string, text: string): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'a.yaml'), text);
  return folder;
}

async function diff(argv: string[], env: Record<string, string> = {}) {
  let [out, err] = ['', ''];
  const io = { stdout: (text: string) => void (out += text), stderr: (text: string) => void (err += text), env };
  return { code: await runDiffCommand(argv, io), out, err };
}

const desks = (to: string, reject: number): string => `agents:
  sales: { instructions: Sell. }
routes:
  - { name: sales, when: { to: "${to}" }, answer: sales }
  - { name: rest, when: any, reject: ${reject} }
`;

test('plans that say the same in other words end with 0', async () => {
  const old = await plan('old', desks('100', 404));
  const next = await plan('new', `# Tidied up.\n${desks('100', 404).replaceAll('{ to: "100" }', "{ to: '100' }")}`);
  const { code, out } = await diff([old, next]);
  expect({ code, out }).toMatchObject({ code: 0, out: /\nthe plans say the same\n$/ });
});

test('what changed is named, with the numbers that changed hands, and ends with 1', async () => {
  const old = await plan('old', desks('100', 404));
  const next = await plan('new', desks('200', 486));
  const { code, out } = await diff([old, next]);
  expect(code).toBe(1);
  expect(out).toContain('routes       changed  sales, rest\n');
  expect(out).toMatch(
    /numbers that changed hands: 2 of 2 that the plans name\n {2}100\n {4}was {2}.*sales.*\n {4}now {2}.*486/,
  );
  const json = JSON.parse((await diff([old, next, '--json'])).out) as Record<string, unknown>;
  expect(json).toMatchObject({
    same: false,
    numbers: { compared: 2, changes: [{ number: '100' }, { number: '200' }] },
  });
});

test('--calls routes each recorded call by both plans', async () => {
  const old = await plan('old', desks('100', 404));
  const next = await plan('new', desks('200', 404));
  const call = (callId: string, to: string): string => {
    const common = { callId, sipCallId: `${callId}@x`, to, from: '7', startedAt: '2026-11-23T09:00:00.000Z' };
    return ['call.start', 'call.end'].map((type) => `${JSON.stringify({ type, ...common, headers: {} })}\n`).join('');
  };
  await writeFile(join(root, 'calls-2026-11-23.jsonl'), `${call('a', '100')}not a record\n${call('b', '300')}`);
  const { code, out } = await diff([old, next, '--calls', root]);
  expect(code).toBe(1);
  expect(out).toContain('recorded calls: 2 routed again\n  1 end up where they did\n  1 would go elsewhere\n');
  expect(out).toContain('2026-11-23T09:00:00.000Z  7 to 100, call a\n');
  expect(out).toContain('  1 lines are no record of a call\n');
});

test('a hash is a kept plan, whose secrets are read in the dialplan folder', async () => {
  const text = `users: { desk: { password: "file:desk.txt" } }\n${desks('100', 404)}`;
  const dialplans = await plan('dialplans', text);
  await writeFile(join(dialplans, 'desk.txt'), 'open sesame\n');
  await plan('data/plans/0123456789ab', text);
  const env = { RINGBRIDGE_DATA: join(root, 'data'), RINGBRIDGE_DIALPLANS: dialplans };
  expect(await diff(['0123456789ab', dialplans], env)).toMatchObject({ code: 0, err: '' });
  const unknown = await diff(['ffffffffffff', dialplans], env);
  expect(unknown).toMatchObject({ code: 2, err: /ffffffffffff is no folder, and no plan of that hash is kept/ });
});

test('wrong use, and plans and records that cannot be read, end with 2', async () => {
  const old = await plan('old', desks('100', 404));
  const broken = await plan('broken', 'routes: [');
  expect(await diff([old])).toMatchObject({ code: 2, err: /^ringbridge diff: give two plans/ });
  expect(await diff([old, broken])).toMatchObject({ code: 2, err: /error DP101/ });
  expect(await diff([old, old, '--calls', join(root, 'none')])).toMatchObject({ code: 2, err: /ENOENT/ });
  expect(await diff(['--help'])).toMatchObject({ code: 0, err: '' });
});
