import { PlanStore } from '../../src/dialplan/plan-store';
import { memoryReader } from './memory-plan-reader';

const good = 'routes:\n  - { name: all, when: any, reject: 404 }\n';
const better = 'routes:\n  - { name: all, when: any, reject: 486 }\n';

test('there is no plan before the first load', () => {
  expect(new PlanStore(memoryReader({})).current).toBeUndefined();
});

test('a refused plan leaves the one in force', async () => {
  const texts = { 'a.yaml': good };
  const store = new PlanStore(memoryReader(texts));
  await store.load();
  const inForce = store.current;
  texts['a.yaml'] = 'routes: [';
  const load = await store.load();
  expect(load.kind).toBe('refused');
  expect(store.current).toBe(inForce);
  expect(inForce?.routes[0]?.action).toEqual({ kind: 'reject', status: 404 });
});

test('a plan that parsed is swapped in whole, and who holds the old one keeps it', async () => {
  const texts = { 'a.yaml': good };
  const store = new PlanStore(memoryReader(texts));
  await store.load();
  const old = store.current;
  texts['a.yaml'] = better;
  await store.load();
  expect(store.current?.routes[0]?.action).toEqual({ kind: 'reject', status: 486 });
  expect(old?.routes[0]?.action).toEqual({ kind: 'reject', status: 404 });
});

test('loads run one after the other, so that the last one asked for wins', async () => {
  const texts = { 'a.yaml': good };
  const reader = memoryReader(texts);
  const waiting: (() => void)[] = [];
  let reading = 0;
  let readingMax = 0;
  const store = new PlanStore({
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
  expect(store.current?.routes[0]?.action).toEqual({ kind: 'reject', status: 486 });
});

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
