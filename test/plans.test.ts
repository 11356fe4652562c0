import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PlanLoaderHere } from '../src/dialplan/plan-attempt';
import { folderReader } from '../src/dialplan/plan-reader';
import { PlanRefused, Plans } from '../src/plans';
import type { PlansOptions } from '../src/plans';
import { VirtualClock } from '../src/runtime/virtual-clock';
import { LoggerSpy } from './support/logger-spy';

const rejecting = (status: number): string => `routes:\n  - { name: all, when: any, reject: ${status} }\n`;
const broken = 'routes: [';

let root = '';
let logger = new LoggerSpy();
let told = '';
const open: Plans[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ringbridge-plans-'));
  await mkdir(join(root, 'dialplans'));
  logger = new LoggerSpy();
  told = '';
});
afterEach(async () => {
  await stop();
  await rm(root, { recursive: true, force: true });
});

const clock = new VirtualClock();

/** A bridge that starts, as far as its plans are concerned; what was kept before is still there. */
function bridge(change: Partial<PlansOptions> = {}): Plans {
  const plans = new Plans({
    folder: join(root, 'dialplans'),
    folderName: 'dialplans',
    keptFolder: join(root, 'plans'),
    keptMax: 5,
    watch: false,
    loader: new PlanLoaderHere((folder, options) => folderReader(folder, { env: {}, ...options })),
    use: () => Promise.resolve(),
    clock,
    logger,
    tell: (text) => (told += text),
    ...change,
  });
  open.push(plans);
  return plans;
}

/** Whatever was to be kept is on disk then. */
async function stop(): Promise<void> {
  await Promise.all(open.splice(0).map((plans) => plans.close()));
}

async function started(change: Partial<PlansOptions> = {}): Promise<Plans> {
  const plans = bridge(change);
  await plans.start();
  return plans;
}

const write = (text: string, name = 'a.yaml'): Promise<void> => writeFile(join(root, 'dialplans', name), text);
const statusOf = (plans: Plans) => plans.current?.routes[0]?.action;
const reject = (status: number) => ({ kind: 'reject', status });

test('the first start takes the folder, keeps its plan, and says nothing at the terminal', async () => {
  await write(rejecting(404));
  const plans = await started();
  expect(statusOf(plans)).toEqual(reject(404));
  expect(plans.inForce?.origin).toBe('folder');
  expect(plans.loads).toMatchObject({ counts: { loaded: 1, refused: 0, restored: 0 }, refused: false });
  await stop();
  expect((await plans.kept()).map(({ hash }) => hash)).toEqual([plans.current?.hash]);
  expect(told).toBe('');
});

test('the first start with a broken folder is refused with every problem', async () => {
  await write(broken);
  const start = bridge().start();
  await expect(start).rejects.toThrow(PlanRefused);
  await expect(start).rejects.toThrow(
    /the dialplans in dialplans cannot be used:\n\ndialplans\/a\.yaml:1:10: error DP101/,
  );
});

test('with a broken folder the plan from before the restart takes calls, and that is told loudly', async () => {
  await write(rejecting(404));
  const { current } = await started();
  await stop();
  await write(broken);
  const again = await started();
  expect(again.current?.hash).toBe(current?.hash);
  expect(again.inForce?.origin).toBe('kept');
  expect(again.loads).toMatchObject({ refused: true, counts: { refused: 1, restored: 1 } });
  expect(again.view().refusal?.problems).toMatchObject([{ code: 'DP101' }]);
  expect(told).toContain(`the dialplans in dialplans were refused; plan ${current?.hash} stays in force`);
  expect(logger.lines).toContain('error the plan that was in force before the restart takes calls');
});

test('a broken folder whose plan was not kept refuses the start', async () => {
  await write(rejecting(404));
  await started({ keptMax: 0 });
  await stop();
  await write(broken);
  await expect(bridge().start()).rejects.toThrow(PlanRefused);
});

test('a kept plan that was tampered with is not put in force', async () => {
  await write(rejecting(404));
  const { current } = await started();
  await stop();
  await writeFile(join(root, 'plans', current!.hash, 'a.yaml'), rejecting(500));
  await write(broken);
  await expect(bridge().start()).rejects.toThrow(PlanRefused);
});

test('a plan that was put back outlasts a restart, until its folder says something else', async () => {
  await write(rejecting(404));
  const first = await started();
  const { hash } = first.current!;
  await write(rejecting(486));
  await first.reload('request');
  expect(statusOf(first)).toEqual(reject(486));
  expect(await first.restore(hash)).toMatchObject({ kind: 'loaded', before: { routes: [{ action: reject(486) }] } });
  expect(statusOf(first)).toEqual(reject(404));
  await stop();

  const second = await started();
  expect(second.inForce).toMatchObject({ plan: { hash }, origin: 'kept' });
  expect(logger.lines).toContain('warn the plan that was put back stays in force: its folder has not changed');
  await stop();

  await write(rejecting(503));
  const third = await started();
  expect(statusOf(third)).toEqual(reject(503));
  expect(third.inForce?.origin).toBe('folder');
});

test('a plan that was put back yields to a reload that somebody asks for', async () => {
  await write(rejecting(404));
  const plans = await started();
  const { hash } = plans.current!;
  await write(rejecting(486));
  await plans.reload('signal');
  await plans.restore(hash);
  await plans.reload('request');
  expect(statusOf(plans)).toEqual(reject(486));
  expect(plans.loads.counts).toEqual({ loaded: 3, unchanged: 0, refused: 0, restored: 1 });
});

test('a hash of which nothing is kept is unknown and changes nothing', async () => {
  await write(rejecting(404));
  const plans = await started();
  const { inForce } = plans;
  expect(await plans.restore('0123456789ab')).toEqual({ kind: 'unknown' });
  expect(plans.inForce).toBe(inForce);
});

test('a refused reload tells its problems and leaves the plan in force', async () => {
  await write(rejecting(404));
  const plans = await started();
  await write(broken);
  expect((await plans.reload('signal')).kind).toBe('refused');
  expect(statusOf(plans)).toEqual(reject(404));
  expect(told).toMatch(/error DP101[^]*stays in force\n/);
  await write(rejecting(486));
  await plans.reload('signal');
  expect(told).toContain(`plan ${plans.current?.hash} is in force, was `);
  expect(plans.loads.refused).toBe(false);
});

test('a plan that the bridge cannot work by is refused', async () => {
  await write(rejecting(404));
  const plans = await started({
    use: ({ plan }) => (plan.routes.length > 1 ? Promise.reject(new Error('no port is free')) : Promise.resolve()),
  });
  await write(`${rejecting(486)}  - { name: more, when: { to: "1" }, reject: 404 }\n`);
  expect(await plans.reload('request')).toMatchObject({ kind: 'refused', problems: [{ message: /no port is free/ }] });
  expect(statusOf(plans)).toEqual(reject(404));
});

test('a disk that keeps nothing costs no call and no plan', async () => {
  await writeFile(join(root, 'plans'), 'a file where a folder should be');
  await write(rejecting(404));
  const plans = await started();
  await stop();
  expect(statusOf(plans)).toEqual(reject(404));
  expect(logger.lines).toContain('warn the plan could not be kept');
});

test('a secret inside of the folder is not kept, and is read again when its plan is put back', async () => {
  const withUser = (status: number): string =>
    `users: { desk: { password: "file:secrets/desk" } }\n${rejecting(status)}`;
  await mkdir(join(root, 'dialplans', 'secrets'));
  await write('open sesame\n', 'secrets/desk');
  await write(withUser(404));
  const plans = await started();
  const { hash } = plans.current!;
  await write(withUser(486));
  await write('another word\n', 'secrets/desk');
  await plans.reload('request');

  expect((await plans.restore(hash)).kind).toBe('loaded');
  expect(statusOf(plans)).toEqual(reject(404));
  expect(plans.current?.users.get('desk')?.password.reveal()).toBe('another word');
  await stop();
  expect(await readdir(join(root, 'plans', hash), { recursive: true })).toEqual(['a.yaml']);

  await write(broken);
  expect((await started()).current?.users.get('desk')?.password.reveal()).toBe('another word');
});
