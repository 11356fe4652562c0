import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { loadPlan } from '../../src/dialplan/load-plan';
import { formatProblem } from '../../src/dialplan/plan-problem';
import type { PlanProblem } from '../../src/dialplan/plan-problem';
import { folderReader } from '../../src/dialplan/plan-reader';
import { secretOf, secretReferenceIn } from '../../src/dialplan/secret-reference';
import { Secret } from '../../src/runtime/secret';
import { memoryReader } from './memory-plan-reader';
import { planOf } from './plan-of';

const routes = 'routes: [{ name: all, when: any, reject: 404 }]\n';
const planWith = (reference: string): string => `users:\n  alice: { password: '${reference}' }\n${routes}`;

async function problemsOf(
  reference: string,
  where: { env?: Record<string, string>; files?: Record<string, string> } = {},
): Promise<readonly PlanProblem[]> {
  const load = await loadPlan(memoryReader({ 'plan.yaml': planWith(reference) }, where));
  return load.kind === 'refused' ? load.problems : [];
}

test('a password stands in the environment', async () => {
  const plan = await planOf({ 'plan.yaml': planWith('env:ALICE') }, { ALICE: 'wonderland' });
  expect(plan.users.get('alice')?.password.reveal()).toBe('wonderland');
});

test('a variable that is not set is told with its line and the nearest that is', async () => {
  const [problem] = await problemsOf('env:ALICE_PASWORD', { env: { ALICE_PASSWORD: 'wonderland', HOME: '/root' } });
  expect(problem).toMatchObject({
    code: 'DP320',
    file: 'plan.yaml',
    position: { line: 2 },
    message: 'the environment variable ALICE_PASWORD is not set',
    nearest: 'env:ALICE_PASSWORD',
  });
});

test('an empty variable counts as not set', async () => {
  expect(await problemsOf('env:ALICE', { env: { ALICE: '' } })).toMatchObject([{ code: 'DP320' }]);
});

test.each([
  ['missing', 'there is no such file', {}],
  ['empty', 'is empty', { '/run/secrets/alice': '\n' }],
  ['too large', 'too large', { '/run/secrets/alice': 'x'.repeat(4_097) }],
  ['of several lines', 'more than one line', { '/run/secrets/alice': 'one\ntwo\n' }],
])('a file that is %s is told', async (_what, message, files) => {
  const problems = await problemsOf('file:/run/secrets/alice', { files });
  expect(problems).toMatchObject([{ code: 'DP321', message: expect.stringContaining(message) as string }]);
  expect(JSON.stringify(problems)).not.toMatch(/one\b.*two|xxx/);
});

test.each(['file:../alice', 'file:.alice', 'file:a/../../b'])('%s leads out of the folder', async (reference) => {
  expect(await problemsOf(reference)).toMatchObject([{ code: 'DP321' }]);
});

describe('on disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ringbridge-secrets-'));
    await mkdir(join(folder, 'plan'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function load(reference: string) {
    await writeFile(join(folder, 'plan', 'a.yaml'), planWith(reference));
    return loadPlan(folderReader(join(folder, 'plan'), { env: {} }));
  }

  test('an absolute path may be a link, and one newline at its end is dropped', async () => {
    await writeFile(join(folder, 'real'), 'wonderland\r\n');
    await symlink(join(folder, 'real'), join(folder, 'linked'));
    const loaded = await load(`file:${join(folder, 'linked')}`);
    expect(loaded.kind === 'loaded' && loaded.plan.users.get('alice')?.password.reveal()).toBe('wonderland');
  });

  test('a relative path is looked for in the dialplan folder, and a link does not lead out of it', async () => {
    await writeFile(join(folder, 'plan', 'alice'), 'wonderland');
    await writeFile(join(folder, 'bob'), 'outside');
    await symlink(join(folder, 'bob'), join(folder, 'plan', 'bob'));
    expect((await load('file:alice')).kind).toBe('loaded');
    expect(await load('file:bob')).toMatchObject({ kind: 'refused', problems: [{ code: 'DP321' }] });
  });

  test('a folder, and a file that may not be read, are told', async () => {
    expect(await load(`file:${folder}`)).toMatchObject({ problems: [{ code: 'DP321' }] });
    await writeFile(join(folder, 'closed'), 'x');
    await chmod(join(folder, 'closed'), 0o000);
    const mayReadAll = process.getuid?.() === 0;
    expect((await load(`file:${join(folder, 'closed')}`)).kind).toBe(mayReadAll ? 'loaded' : 'refused');
  });
});

test('a plan can be printed whole without a secret, and its hash does not know it', async () => {
  const text = `${planWith('env:ALICE')}trunks:
  pbx: { host: 192.0.2.1, digest: { user: env:ALICE, password: env:ALICE } }
`;
  const plan = await planOf({ 'plan.yaml': text }, { ALICE: 'wonderland' });
  const other = await planOf({ 'plan.yaml': text }, { ALICE: 'looking-glass' });
  expect(plan.trunks.get('pbx')?.outbound?.digest?.user.reveal()).toBe('wonderland');
  expect(inspect(plan, { depth: 12, showHidden: true })).not.toContain('wonderland');
  expect(JSON.stringify([...plan.users.values(), ...plan.trunks.values()])).not.toContain('wonderland');
  expect(other.hash).toBe(plan.hash);
});

test('a password that stands in the place of its map is not shown', async () => {
  const load = await loadPlan(
    memoryReader({ 'plan.yaml': `users: { alice: hunter2, bob: 12345, carol: { passwort: geheim } }\n${routes}` }),
  );
  const problems = load.kind === 'refused' ? load.problems : [];
  const shown = problems.map((problem) => formatProblem(problem, { folder: 'dialplans' })).join('\n');
  expect(problems.map(({ code }) => code)).toEqual(expect.arrayContaining(['DP209', 'DP201']));
  expect(shown + JSON.stringify(problems)).not.toMatch(/hunter2|12345|geheim/);
});

test('a secret may stand behind a word, as an Authorization header wants it', () => {
  const secrets = new Map([['env:KEY', new Secret('abc')]]);
  expect(secretReferenceIn('Token env:KEY')).toEqual({ before: 'Token ', reference: 'env:KEY' });
  expect(secretReferenceIn('application/json')).toBeUndefined();
  expect(secretOf('Token env:KEY', secrets).reveal()).toBe('Token abc');
  expect(secretOf('application/json', secrets).reveal()).toBe('application/json');
});
