import { PlanWatcher } from '../../src/dialplan/plan-watcher';
import { VirtualClock } from '../../src/runtime/virtual-clock';

/** A folder whose files have versions, and that hints when it is told to. */
class FolderDouble {
  readonly files = new Map([['10.yaml', 1]]);
  listening = 0;
  hint: () => void = () => undefined;

  marks(names: readonly string[]) {
    const all = new Set([...[...this.files.keys()].filter((name) => name.endsWith('.yaml')), ...names]);
    return Promise.resolve(new Map([...all].map((name) => [name, String(this.files.get(name) ?? 'missing')])));
  }

  listen(_names: readonly string[], hint: () => void) {
    this.listening += 1;
    this.hint = hint;
    return () => void (this.listening -= 1);
  }

  write(name: string): void {
    this.files.set(name, (this.files.get(name) ?? 0) + 1);
  }
}

async function watching({ names = ['10.yaml'] }: { names?: string[] } = {}) {
  const clock = new VirtualClock();
  const folder = new FolderDouble();
  let reloads = 0;
  let duringLoad: () => void = () => undefined;
  const watcher = new PlanWatcher({ clock, look: folder, names: () => names, reload });
  async function load(): Promise<void> {
    await watcher.aboutToLoad();
    duringLoad();
    duringLoad = () => undefined;
    await watcher.afterLoad();
  }
  function reload(): Promise<void> {
    reloads += 1;
    return load();
  }
  await load();
  return {
    clock,
    folder,
    watcher,
    reloads: () => reloads,
    load,
    inLoad: (work: () => void) => void (duringLoad = work),
  };
}

test('a change is loaded once it has been quiet, and only once', async () => {
  const { clock, folder, reloads } = await watching();
  folder.write('10.yaml');
  folder.hint();
  await clock.advanceAsync(299);
  expect(reloads()).toBe(0);
  await clock.advanceAsync(301);
  expect(reloads()).toBe(1);
  await clock.advanceAsync(60_000);
  expect(reloads()).toBe(1);
});

test('a file that is being written is not loaded before it is done', async () => {
  const { clock, folder, reloads } = await watching();
  for (let written = 0; written < 20; written += 1) {
    folder.write('10.yaml');
    folder.hint();
    await clock.advanceAsync(100);
  }
  expect(reloads()).toBe(0);
  await clock.advanceAsync(1_000);
  expect(reloads()).toBe(1);
});

test('several files that are saved together are one load', async () => {
  const { clock, folder, reloads } = await watching({ names: ['10.yaml', 'prompts/a.md'] });
  folder.write('10.yaml');
  folder.hint();
  folder.write('20.yaml');
  folder.hint();
  folder.write('prompts/a.md');
  folder.hint();
  await clock.advanceAsync(5_000);
  expect(reloads()).toBe(1);
});

test('where there are no events, a change is found within the poll', async () => {
  const { clock, folder, reloads } = await watching();
  folder.write('10.yaml');
  await clock.advanceAsync(10_600);
  expect(reloads()).toBe(1);
});

test('a file that the plan names and that is missing is seen to come', async () => {
  const { clock, folder, reloads } = await watching({ names: ['10.yaml', 'prompts/a.md'] });
  folder.write('prompts/a.md');
  await clock.advanceAsync(10_600);
  expect(reloads()).toBe(1);
});

test('events without a change load nothing', async () => {
  const { clock, folder, reloads } = await watching();
  for (let hint = 0; hint < 10; hint += 1) {
    folder.hint();
    await clock.advanceAsync(1_000);
  }
  expect(reloads()).toBe(0);
});

test('a change during a load is loaded after it', async () => {
  const { clock, folder, reloads, load, inLoad } = await watching();
  inLoad(() => folder.write('10.yaml'));
  await load();
  folder.hint();
  await clock.advanceAsync(1_000);
  expect(reloads()).toBe(1);
});

test('a dialplan that came during a load without being read is loaded after it', async () => {
  const { clock, folder, reloads, load, inLoad } = await watching();
  inLoad(() => folder.write('20.yaml'));
  await load();
  await clock.advanceAsync(11_000);
  expect(reloads()).toBe(1);
});

test('after its end nothing is watched and no timer waits', async () => {
  const { clock, folder, watcher, reloads } = await watching();
  folder.write('10.yaml');
  watcher.close();
  watcher.close();
  folder.hint();
  await clock.advanceAsync(60_000);
  expect(reloads()).toBe(0);
  expect(folder.listening).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});
