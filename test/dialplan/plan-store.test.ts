import { PlanLoaderHere } from '../../src/dialplan/plan-attempt';
import type { PlanReader } from '../../src/dialplan/plan-reader';
import { sourceReader } from '../../src/dialplan/plan-source';
import { PlanStore } from '../../src/dialplan/plan-store';
import { loadPlan } from '../../src/dialplan/load-plan';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { memoryReader } from './memory-plan-reader';

const good = 'routes:\n  - { name: all, when: any, reject: 404 }\n';
const better = 'routes:\n  - { name: all, when: any, reject: 486 }\n';

const clock = new VirtualClock();

function storeOf(
  reader: PlanReader,
  kept: PlanReader = reader,
  use: () => Promise<void> = () => Promise.resolve(),
): PlanStore {
  const loader = new PlanLoaderHere((folder) => (folder === 'dialplans' ? reader : kept));
  return new PlanStore({ loader, folder: 'dialplans', clock, use });
}

const statusOf = (store: PlanStore) => store.current?.routes[0]?.action;

test('there is no plan before the first load', () => {
  expect(storeOf(memoryReader({})).current).toBeUndefined();
});

test('a refused plan leaves the one in force and is remembered until the folder is well', async () => {
  const texts = { 'a.yaml': good };
  const store = storeOf(memoryReader(texts));
  await store.load();
  const { inForce } = store;
  texts['a.yaml'] = 'routes: [';
  const outcome = await store.load();
  expect(outcome.kind).toBe('refused');
  expect(store.inForce).toBe(inForce);
  expect(store.refusal?.problems).toMatchObject([{ code: 'DP101' }]);
  texts['a.yaml'] = better;
  await store.load();
  expect(store.refusal).toBeUndefined();
  expect(statusOf(store)).toEqual({ kind: 'reject', status: 486 });
});

test('a plan that parsed is swapped in whole, and who holds the old one keeps it', async () => {
  const texts = { 'a.yaml': good };
  const store = storeOf(memoryReader(texts));
  await store.load();
  const old = store.current;
  texts['a.yaml'] = better;
  await store.load();
  expect(statusOf(store)).toEqual({ kind: 'reject', status: 486 });
  expect(old?.routes[0]?.action).toEqual({ kind: 'reject', status: 404 });
});

test('a load that is only for changes leaves alone what says the same, well or not', async () => {
  const texts = { 'a.yaml': good };
  const store = storeOf(memoryReader(texts));
  await store.load();
  const { inForce } = store;
  expect(await store.load({ onlyIfChanged: true })).toEqual({ kind: 'unchanged' });
  expect(store.inForce).toBe(inForce);
  texts['a.yaml'] = 'routes: [';
  expect((await store.load({ onlyIfChanged: true })).kind).toBe('refused');
  expect(await store.load({ onlyIfChanged: true })).toEqual({ kind: 'unchanged' });
  expect((await store.load()).kind).toBe('refused');
});

test('a look at the folder changes nothing', async () => {
  const texts = { 'a.yaml': good };
  const store = storeOf(memoryReader(texts));
  await store.load();
  texts['a.yaml'] = 'routes: [';
  await store.load({ onlyLook: true });
  expect(store.refusal).toBeUndefined();
  expect(store.lastAttempt?.kind).toBe('refused');
});

test('listeners hear of every plan that comes into force, and of no other', async () => {
  const texts = { 'a.yaml': good };
  const store = storeOf(memoryReader(texts));
  const heard: (string | undefined)[] = [];
  const stop = store.onChange(({ plan, origin }) => void heard.push(`${plan.hash === store.current?.hash} ${origin}`));
  await store.load();
  texts['a.yaml'] = 'routes: [';
  await store.load();
  texts['a.yaml'] = better;
  await store.load();
  stop();
  await store.load();
  expect(heard).toEqual(['true folder', 'true folder']);
});

test('a kept plan is put back by its hash, and not when it says something else by now', async () => {
  const texts = { 'a.yaml': better };
  const store = storeOf(memoryReader(texts), memoryReader({ 'old.yaml': good }));
  await store.load();
  const oldHash = (await loadedHash(good))!;
  expect((await store.restore('kept', 'aaaaaaaaaaaa')).kind).toBe('refused');
  expect(statusOf(store)).toEqual({ kind: 'reject', status: 486 });
  expect((await store.restore('kept', oldHash)).kind).toBe('loaded');
  expect(statusOf(store)).toEqual({ kind: 'reject', status: 404 });
  expect(store.inForce?.origin).toBe('kept');
  expect(await store.load({ onlyIfChanged: true })).toEqual({ kind: 'unchanged' });
  expect(store.inForce?.origin).toBe('kept');
  await store.load();
  expect(store.inForce?.origin).toBe('folder');
});

test('the octets that were read are enough to make the same plan elsewhere', async () => {
  const agents =
    'agents: { a: { instructions: "file:p/a.md" } }\nroutes: [{ name: all, when: any, answer: a }]\n' +
    'schedules: { s: { timezone: UTC, open: mon 09:00-10:00, closed: file:h.ics } }\n';
  const calendar = 'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT\nEND:VCALENDAR\n';
  const store = storeOf(
    memoryReader({ 'a.yaml': agents, 'p/a.md': 'Be kind.', 'h.ics': calendar, 'x.md': 'not read' }),
  );
  await store.load();
  const { source } = store.inForce!;
  expect([...source.reads.keys()].sort()).toEqual(['a.yaml', 'h.ics', 'p/a.md']);
  expect(await loadPlan(sourceReader(source))).toMatchObject({ kind: 'loaded', plan: { hash: store.current?.hash } });
});

test('a plan that the bridge cannot work by is refused, and the one in force stays', async () => {
  const texts = { 'a.yaml': good };
  let fault = '';
  const use = () => (fault === '' ? Promise.resolve() : Promise.reject(new Error(fault)));
  const store = storeOf(memoryReader(texts), undefined, use);
  await store.load();
  texts['a.yaml'] = better;
  fault = 'no key for model x';
  const outcome = await store.load();
  expect(outcome).toMatchObject({ kind: 'refused', problems: [{ code: 'DP009', message: fault }] });
  expect(store.refusal?.problems).toHaveLength(1);
  expect(statusOf(store)).toEqual({ kind: 'reject', status: 404 });
});

test('loads run one after the other, so that the last one asked for wins', async () => {
  const texts = { 'a.yaml': good };
  const reader = memoryReader(texts);
  const waiting: (() => void)[] = [];
  let reading = 0;
  let readingMax = 0;
  const store = storeOf({
    ...reader,
    async list() {
      reading += 1;
      readingMax = Math.max(readingMax, reading);
      await new Promise<void>((resolve) => waiting.push(resolve));
      reading -= 1;
      return reader.list();
    },
  });
  const first = store.load();
  const second = store.load();
  await settled();
  waiting.shift()?.();
  await first;
  texts['a.yaml'] = better;
  await settled();
  waiting.shift()?.();
  await second;
  expect(readingMax).toBe(1);
  expect(statusOf(store)).toEqual({ kind: 'reject', status: 486 });
});

async function loadedHash(text: string): Promise<string | undefined> {
  const load = await loadPlan(memoryReader({ 'a.yaml': text }));
  return load.kind === 'loaded' ? load.plan.hash : undefined;
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
