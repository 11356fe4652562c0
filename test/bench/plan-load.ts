// A process that loads a folder of dialplans through the thread, as a bridge does, and tells what each load took: run by
// `plan-loads.ts` with the folder and the number of loads.
import { readdirSync, readFileSync } from 'node:fs';

import { PlanThread } from '../../src/dialplan/plan-thread';
import { systemClock } from '../../src/runtime/clock';

/** One load, in milliseconds. */
export interface PlanLoadFigures {
  wallMs: number;
  /** Of the whole process: the collector and the compiler have threads of their own. */
  cpuMs: number;
  /** Of the thread that reads and of the one with the calls: the one waits for the other, so together a quiet machine's wall. */
  ranMs: number;
  /** Of the whole process up to the end of the load, its start and its modules included. */
  sinceStartMs: number;
  /** Of those two threads, likewise. */
  ranSinceStartMs: number;
  /** That those two were ready to run and had no processor. */
  waitedMs: number;
  /** The most processor time of one turn of the event loop; the system counts it in ticks of up to 4 ms, so it may be less. */
  stallMs: number;
}

interface ThreadTimes {
  ranMs: number;
  waitedMs: number;
}

/** Of every thread of this process (Linux, schedstat). */
function threadTimes(): Map<string, ThreadTimes> {
  const tasks = '/proc/self/task';
  return new Map(readdirSync(tasks).map((id) => [id, timesIn(`${tasks}/${id}/schedstat`)]));
}

function timesIn(file: string): ThreadTimes {
  try {
    const [ran = 0, waited = 0] = readFileSync(file, 'utf8').split(' ').map(Number);
    return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
  } catch {
    return { ranMs: 0, waitedMs: 0 };
  }
}

/** Looks at every turn of the event loop: others' work on the machine makes a turn long, and costs it no processor time. */
class StallWatch {
  stallMs = 0;
  #open = true;
  #lastRanMs = timesIn('/proc/self/schedstat').ranMs;

  constructor() {
    setImmediate(() => this.#look());
  }

  close(): void {
    this.#open = false;
  }

  #look(): void {
    const { ranMs } = timesIn('/proc/self/schedstat');
    this.stallMs = Math.max(this.stallMs, ranMs - this.#lastRanMs);
    this.#lastRanMs = ranMs;
    if (this.#open) setImmediate(() => this.#look());
  }
}

async function loadOnce(loader: PlanThread, folder: string, watchStalls: boolean): Promise<PlanLoadFigures> {
  const watch = watchStalls ? new StallWatch() : undefined;
  const before = threadTimes();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const attempt = await loader.load(folder);
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  watch?.close();
  if (attempt.kind !== 'loaded') throw new Error(attempt.problems[0]?.message);
  const spent = [...threadTimes()].map(([id, { ranMs, waitedMs }]) => {
    const { ranMs: ran = 0, waitedMs: waited = 0 } = before.get(id) ?? {};
    return { isMain: id === String(process.pid), allMs: ranMs, ranMs: ranMs - ran, waitedMs: waitedMs - waited };
  });
  const others = spent.filter(({ isMain }) => !isMain).sort((one, other) => other.ranMs - one.ranMs);
  const two = [...spent.filter(({ isMain }) => isMain), ...others.slice(0, 1)];
  const sum = (of: (times: ThreadTimes & { allMs: number }) => number): number =>
    two.reduce((total, times) => total + of(times), 0);
  return {
    wallMs,
    cpuMs: (user + system) / 1_000,
    ranMs: sum(({ ranMs }) => ranMs),
    // Its clock begins with the process.
    sinceStartMs: startMs + wallMs,
    ranSinceStartMs: sum(({ allMs }) => allMs),
    waitedMs: sum(({ waitedMs }) => waitedMs),
    stallMs: watch?.stallMs ?? 0,
  };
}

async function main(): Promise<void> {
  const [folder = '', loads = '1', watchStalls = 'no'] = process.argv.slice(2);
  const loader = new PlanThread({ clock: systemClock, env: {} });
  for (let load = 0; load < Number(loads); load += 1) {
    process.send?.(await loadOnce(loader, folder, watchStalls === 'yes'));
  }
  await loader.close();
}

if (require.main === module) void main();
