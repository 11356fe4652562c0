import { waitedSeconds } from '../bench/machine';

interface Closable {
  /** Of a process of its own: its waiting for a processor counts as well. */
  readonly pid?: number;
  close(): Promise<unknown>;
}

export type Keep = <T extends Closable>(opened: T) => T;

const attemptsMax = 3;
const lookEveryMs = 5;
/** Two frames: a bridge that stands still for longer may skip frames, as it is meant to. */
const stallMs = 40;
/** A frame: who was ready and waited for longer sends late. */
const waitMs = 20;

/**
 * Runs a body that judges every sample of real time. It is run again only when it failed while the machine gave this
 * process no processor for longer than calls can bridge: what our own code blocks takes processor time, and fails at
 * once. The body closes nothing: what it keeps is closed after each attempt, last opened first.
 */
export async function onCalmMachine(
  body: (keep: Keep, watch: Watch) => Promise<void>,
  newWatch: () => Watch = () => new MachineWatch(),
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const watch = newWatch();
    const opened: Closable[] = [];
    try {
      await body((one) => {
        opened.push(one);
        if (one.pid !== undefined) watch.follow?.(one.pid);
        return one;
      }, watch);
      return;
    } catch (cause) {
      if (watch.stolenMs === 0) throw cause;
      const why = `the machine stood still for ${Math.round(watch.stolenMs)} ms during attempt ${attempt}`;
      if (attempt === attemptsMax) throw new Error(`${why}, and before`, { cause });
      process.stderr.write(`${expect.getState().currentTestName ?? 'a test'}: ${why}; once more\n`);
    } finally {
      watch.close();
      for (let last = opened.pop(); last !== undefined; last = opened.pop()) await last.close();
    }
  }
}

/** A test that judges every sample of real time: see `onCalmMachine`. */
export function calmTest(name: string, body: (keep: Keep) => Promise<void>): void {
  test(name, () => onCalmMachine(body));
}

/** True when a late process had hardly used the processor: it was somebody else's. */
export function wasStolen({ passedMs, usedMs }: { passedMs: number; usedMs: number }): boolean {
  return passedMs > stallMs && usedMs < passedMs / 2;
}

export interface Watch {
  /** All stretches without the processor that were longer than calls can bridge, taken together. */
  readonly stolenMs: number;
  /** Looks at that process as well. */
  follow?(pid: number): void;
  close(): void;
}

/** Looks at clock, processor time and the waiting for a processor every few milliseconds. */
export class MachineWatch implements Watch {
  stolenMs = 0;
  readonly #waitedMs = new Map<number, number>();
  #lastMs = performance.now();
  #lastCpu = process.cpuUsage();
  readonly #timer = setInterval(() => this.#look(), lookEveryMs);

  constructor() {
    this.follow(process.pid);
  }

  follow(pid: number): void {
    this.#waitedMs.set(pid, waitedMsOf(pid));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    const passedMs = nowMs - this.#lastMs;
    const { user, system } = process.cpuUsage(this.#lastCpu);
    const usedMs = (user + system) / 1_000;
    if (wasStolen({ passedMs, usedMs })) this.stolenMs += passedMs;
    else this.#addWaiting();
    this.#lastMs = nowMs;
    this.#lastCpu = process.cpuUsage();
  }

  #addWaiting(): void {
    for (const [pid, beforeMs] of this.#waitedMs) {
      const nowMs = waitedMsOf(pid);
      this.#waitedMs.set(pid, nowMs);
      if (nowMs - beforeMs > waitMs) this.stolenMs += nowMs - beforeMs;
    }
  }
}

/** 0 where the system does not tell, and when the process has ended. */
const waitedMsOf = (pid: number): number => (waitedSeconds(pid) ?? 0) * 1_000;
