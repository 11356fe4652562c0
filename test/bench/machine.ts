import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** What the figures depend on. */
export function describeMachine(): string[] {
  const cores = cpus();
  const memoryGb = (totalmem() / 2 ** 30).toFixed(1);
  const loads = loadavg().map((load) => load.toFixed(2));
  return [
    `machine: ${cores.length} cores (${cores[0]?.model ?? 'unknown'}), ${memoryGb} GiB, ${type()} ${release()}`,
    `node:    ${process.version}`,
    `load:    ${loads.join(' ')} (1, 5 and 15 minutes; the benches add theirs)`,
  ];
}

/** How much of the machine was in use since it was made, by whomever: others' work spoils figures. */
export class BusyMachine {
  readonly #startMs = performance.now();
  readonly #idleAtStartMs = idleMs();

  /** In cores. Time that a hypervisor took counts as use. */
  cores(): number {
    const wallMs = performance.now() - this.#startMs;
    return cpus().length - (idleMs() - this.#idleAtStartMs) / wallMs;
  }
}

/** Processor time of this process since its start. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * How long the main thread of a process was ready to run and had to wait for a processor, since its start: what others'
 * work costs it. Undefined where the system does not tell (Linux does, in schedstat).
 */
export function waitedSeconds(pid: number): number | undefined {
  try {
    const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return Number(waitedNs) / 1e9;
  } catch {
    return undefined;
  }
}

function idleMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}
