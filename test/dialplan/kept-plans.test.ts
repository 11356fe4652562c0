import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { PlanRead } from '../../src/dialplan/file-read';
import { KeptPlans } from '../../src/dialplan/kept-plans';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringbridge-kept-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const hashAt = (index: number) => String(index).padStart(12, '0');
const source = (text: string) => {
  const read = (one: string) => ({ kind: 'read', bytes: Buffer.from(one) }) as const;
  const reads = new Map<string, PlanRead>([
    ['10-plan.yaml', read(text)],
    ['prompts/a.md', read('Hi.')],
  ]);
  reads.set('secrets/desk', read('open sesame')).set('not-there.md', { kind: 'missing' });
  return { reads, secretNames: new Set(['secrets/desk']) };
};

test('a plan is kept with its files and without its secrets, readable by its owner alone', async () => {
  const kept = new KeptPlans({ folder: join(folder, 'plans'), plansMax: 3 });
  await kept.keep({ hash: hashAt(1), source: source('routes: []\n'), atMs: 1_000 });
  const [plan] = await kept.list();
  expect(plan).toMatchObject({ hash: hashAt(1), lastInForce: '1970-01-01T00:00:01.000Z' });
  expect(plan?.files).toEqual(['10-plan.yaml', 'prompts/a.md']);
  expect(await readFile(join(plan!.folder, '10-plan.yaml'), 'utf8')).toBe('routes: []\n');
  expect((await stat(plan!.folder)).mode & 0o077).toBe(0);
  expect((await stat(join(plan!.folder, 'prompts/a.md'))).mode & 0o077).toBe(0);
});

test('the oldest are let go, and one that comes into force again is new', async () => {
  const kept = new KeptPlans({ folder, plansMax: 3 });
  for (const index of [1, 2, 3]) await kept.keep({ hash: hashAt(index), source: source('a'), atMs: index * 1_000 });
  await kept.keep({ hash: hashAt(1), source: source('b'), atMs: 4_000 });
  await kept.keep({ hash: hashAt(4), source: source('a'), atMs: 5_000 });
  expect((await kept.list()).map(({ hash }) => hash)).toEqual([4, 1, 3].map(hashAt));
  expect((await readdir(folder)).sort()).toEqual([1, 3, 4].map(hashAt));
});

test('nothing is kept when none may be', async () => {
  const kept = new KeptPlans({ folder, plansMax: 0 });
  await kept.keep({ hash: hashAt(1), source: source('a'), atMs: 1_000 });
  expect(await kept.list()).toEqual([]);
});

test('only a hash leads to a folder', () => {
  const kept = new KeptPlans({ folder, plansMax: 3 });
  expect(kept.folderOf(hashAt(1))).toBe(join(folder, hashAt(1)));
  for (const name of ['..', '../x', '', 'ABCDEFABCDEF', '0123456789abc']) expect(kept.folderOf(name)).toBeUndefined();
});

test('what a restart must know is read back, and nonsense is nothing', async () => {
  const kept = new KeptPlans({ folder, plansMax: 3 });
  expect(await kept.readState()).toBeUndefined();
  const state = { version: 1, hash: hashAt(1), origin: 'kept', folderDigest: 'd' } as const;
  await kept.writeState(state);
  expect(await kept.readState()).toEqual(state);
  for (const text of ['', '{', 'null', '[]', '{"version":1,"hash":"../x","folderDigest":"d"}']) {
    await writeFile(join(folder, 'in-force.json'), text);
    expect(await kept.readState()).toBeUndefined();
  }
});
