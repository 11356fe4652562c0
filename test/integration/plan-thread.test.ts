import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encodeWav } from '../../src/audio/wav';
import { loadPlan } from '../../src/dialplan/load-plan';
import type { PlanAttempt } from '../../src/dialplan/plan-attempt';
import { folderReader } from '../../src/dialplan/plan-reader';
import { PlanThread } from '../../src/dialplan/plan-thread';
import type { PlanThreadOptions } from '../../src/dialplan/plan-thread';
import { incomingCall } from '../dialplan/incoming-calls';
import { route } from '../../src/dialplan/route';
import { systemClock } from '../../src/runtime/clock';
import { buildIfStale } from '../support/serve-process';

// Real threads on the real clock; no figure of time is asserted.

let folder = '';
const threads: PlanThread[] = [];

beforeAll(() => buildIfStale(), 120_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringbridge-thread-'));
});
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
  await rm(folder, { recursive: true, force: true });
});

function thread(options: Partial<PlanThreadOptions> = {}): PlanThread {
  const started = new PlanThread({ clock: systemClock, env: {}, ...options });
  threads.push(started);
  return started;
}

/** A thread that does what `lines` say in place of reading. */
async function threadOf(lines: string, options: Partial<PlanThreadOptions> = {}): Promise<PlanThread> {
  const workerFile = join(folder, 'worker.js');
  await writeFile(workerFile, `require('node:worker_threads').parentPort.on('message', () => { ${lines} });\n`);
  return thread({ workerFile, ...options });
}

const faults = (attempt: PlanAttempt) =>
  attempt.kind === 'refused' ? attempt.problems.map(({ code, message }) => `${code} ${message}`) : [];

test('a plan that comes out of the thread is the one that is made without it', async () => {
  const loader = thread();
  for (const dialplans of ['dialplans', 'test/fixtures/dialplans/warned/routes-in-the-shadow']) {
    const here = await loadPlan(folderReader(dialplans, { env: {} }));
    const there = await loader.load(dialplans);
    if (here.kind !== 'loaded' || there.kind !== 'loaded') throw new Error('refused');
    const { index, ...plan } = there.plan;
    const { index: otherIndex, ...other } = here.plan;
    expect(plan).toEqual(other);
    expect(there.warnings).toEqual(here.warnings);
    for (const to of ['100', '+33123456789', 'x']) {
      const call = incomingCall({ to });
      const at = { atMs: Date.UTC(2026, 10, 23, 9) };
      expect(route({ ...plan, index }, call, at)).toEqual(route({ ...other, index: otherIndex }, call, at));
    }
  }
});

test('a large plan in several files keeps the order of its routes and all that it names', async () => {
  for (const file of [1, 2]) {
    const names = Array.from({ length: 250 }, (_, index) => `f${file}x${index}`);
    const agents = names.map((name) => `  ${name}: { instructions: Be ${name}. }\n`).join('');
    const routes = names.map((name) => `  - { name: ${name}, when: { to: "${name}" }, answer: ${name} }\n`).join('');
    await writeFile(join(folder, `${file}.yaml`), `agents:\n${agents}routes:\n${routes}`);
  }
  const attempt = await thread().load(folder);
  if (attempt.kind !== 'loaded') throw new Error('refused');
  const { plan, source } = attempt;
  const here = await loadPlan(folderReader(folder, { env: {} }));
  expect(here).toMatchObject({ kind: 'loaded', plan: { hash: plan.hash } });
  expect(plan.routes.map(({ name }) => name)).toEqual([...plan.agents.keys()]);
  expect(plan.routes).toHaveLength(500);
  expect([...source.reads.keys()]).toEqual(['1.yaml', '2.yaml']);
});

test('secrets come out of the thread as secrets, by the environment that it was given', async () => {
  await writeFile(
    join(folder, '1.yaml'),
    'users: { desk: { password: env:DESK_PASSWORD } }\nroutes: [{ name: all, when: any, reject: 404 }]\n',
  );
  expect((await thread().load(folder)).kind).toBe('refused');
  const attempt = await thread({ env: { DESK_PASSWORD: 'open sesame' } }).load(folder);
  const { plan, source } = attempt.kind === 'loaded' ? attempt : {};
  expect(plan?.users.get('desk')?.password.reveal()).toBe('open sesame');
  expect(source?.variables.get('DESK_PASSWORD')).toBe('open sesame');
});

test('recordings come out of the thread as they are made without it, also again of what was read', async () => {
  const samples = Int16Array.from({ length: 24_001 }, (_, i) => Math.round(9_000 * Math.sin(i / 7)));
  await writeFile(join(folder, 'hold.wav'), encodeWav([samples], 24_000));
  await writeFile(
    join(folder, '1.yaml'),
    `destinations: { desk: { to: "sip:1@pbx.example.com", waiting: "file:hold.wav" } }
routes: [{ name: all, when: any, bridge: desk }]
`,
  );
  const here = await loadPlan(folderReader(folder, { env: {} }));
  const there = await thread().load(folder);
  const again = await thread().loadSource(there.source);
  if (here.kind !== 'loaded' || there.kind !== 'loaded' || again.kind !== 'loaded') throw new Error('refused');
  const made = here.plan.destinations.get('desk');
  expect(made?.waiting).toMatchObject({ 24_000: samples });
  expect(there.plan.destinations.get('desk')).toEqual(made);
  expect(again.plan.destinations.get('desk')).toEqual(made);
  expect(again.plan.hash).toBe(here.plan.hash);
});

test('plans share the recordings that they have in common, by what is in the file', async () => {
  const plan = (
    label: string,
  ): string => `destinations: { desk: { to: "sip:1@pbx.example.com", waiting: "file:hold.wav" } }
routes: [{ name: ${label}, when: any, bridge: desk }]
`;
  const loader = thread();
  const load = async (label: string, level: number) => {
    await writeFile(join(folder, 'hold.wav'), encodeWav([new Int16Array(8_000).fill(level)], 8_000));
    await writeFile(join(folder, '1.yaml'), plan(label));
    const attempt = await loader.load(folder);
    if (attempt.kind !== 'loaded') throw new Error('refused');
    return attempt.plan;
  };
  const [one, two, three] = [await load('one', 100), await load('two', 100), await load('two', 200)];
  expect(two.hash).not.toBe(one.hash);
  expect(two.destinations.get('desk')?.waiting).toBe(one.destinations.get('desk')?.waiting);
  expect(three.destinations.get('desk')?.waiting).toMatchObject({ 8_000: new Int16Array(8_000).fill(200) });
});

test('a broken plan has the same problems as without the thread', async () => {
  const broken = 'test/fixtures/dialplans/broken/several-problems';
  const here = await loadPlan(folderReader(broken, { env: {} }));
  const there = await thread().load(broken);
  expect(here.kind === 'refused' && there.kind === 'refused' && there.problems).toEqual(
    here.kind === 'refused' && here.problems,
  );
});

test('a thread that crashes is a refused plan, and the next load has another thread', async () => {
  const loader = await threadOf(`throw new Error('a bug in the parser');`);
  expect(faults(await loader.load('x'))[0]).toMatch(/^DP007 the dialplans cannot be read: .*a bug in the parser$/);
  expect(faults(await loader.load('x'))[0]).toMatch(/^DP007 the dialplans cannot be read: .*a bug in the parser$/);
  expect(loader.running).toBe(false);
});

test('a thread that ends is a refused plan', async () => {
  const loader = await threadOf('process.exit(3);');
  expect(faults(await loader.load('x'))).toEqual([
    'DP007 the dialplans cannot be read: the thread that reads it ended with 3',
  ]);
});

test('a thread that never answers is a refused plan', async () => {
  const loader = await threadOf('for (;;);', { loadMsMax: 200 });
  expect(faults(await loader.load('x'))).toEqual([
    'DP007 the dialplans cannot be read: reading it took longer than 0.2 s',
  ]);
  expect(loader.running).toBe(false);
});

test('a thread that takes all memory is a refused plan', async () => {
  const loader = await threadOf('const all = []; for (;;) all.push({ text: [all.length] });', { heapMbMax: 20 });
  expect(faults(await loader.load('x'))).toEqual([
    'DP007 the dialplans cannot be read: reading it takes more than 20 MB of memory',
  ]);
});

test('a thread that is not there is a refused plan', async () => {
  const loader = thread({ workerFile: join(folder, 'none.js') });
  expect(faults(await loader.load('x'))[0]).toMatch(/^DP007 .*Cannot find module/);
});

test('a thread without work ends by itself', async () => {
  const loader = thread({ idleMs: 1 });
  await loader.load('dialplans');
  expect(loader.running).toBe(true);
  await new Promise((resolve) => systemClock.setTimer(50, () => resolve(undefined)));
  expect(loader.running).toBe(false);
  expect((await loader.load('dialplans')).kind).toBe('loaded');
});

test('closing ends a load that is under way, and no other begins', async () => {
  const loader = await threadOf('for (;;);');
  const load = loader.load('x');
  const later = loader.load('x');
  await new Promise((resolve) => systemClock.setTimer(20, () => resolve(undefined)));
  await loader.close();
  expect(faults(await load)).toEqual(['DP007 the dialplans cannot be read: the bridge is closing']);
  expect(faults(await later)).toEqual(['DP007 the dialplans cannot be read: the bridge is closing']);
  expect(loader.running).toBe(false);
});

test('a plan that is made again of what it was read from is the same, secrets and all, without the folder', async () => {
  await writeFile(
    join(folder, '1.yaml'),
    `users: { desk: { password: env:DESK }, hall: { password: "file:hall" } }
agents: { a: { instructions: "file:a.md" } }
routes: [{ name: all, when: any, answer: a }]
`,
  );
  await writeFile(join(folder, 'hall'), 'hall word\n');
  await writeFile(join(folder, 'a.md'), 'Answer.\n');
  const first = await thread({ env: { DESK: 'desk word' } }).load(folder);
  await rm(folder, { recursive: true });
  const again = await thread().loadSource(first.source);
  if (first.kind !== 'loaded' || again.kind !== 'loaded') throw new Error('refused');
  expect(again.plan.hash).toBe(first.plan.hash);
  expect([...again.plan.users.values()].map(({ password }) => password.reveal())).toEqual(['desk word', 'hall word']);
  expect(again.plan.agents.get('a')?.session.instructions).toBe('Answer.');
  expect(again.source.secretNames).toEqual(new Set(['hall']));
});
