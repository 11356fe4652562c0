/** How slowly the machine ran, by the processor time of one piece of arithmetic that is always the same. */
export interface MachineSpeed {
  /** Of each second, how long the piece took more than twice its usual time. */
  slowMsPerSecond: number;
  /** The slowest 50 ms: so many times the usual. */
  worstFactor: number;
}

const everyMs = 10;
/** Some 0.1 ms: a hundredth of a core. */
const additions = 100_000;
/** Single pieces may be disturbed by their own process. */
const smoothedPieces = 5;
const slowFactor = 2;

/**
 * Watches whether the processor keeps its speed. In a virtual machine it may not: the host takes it away, and what runs
 * then seems to need several times as much processor time, of which no process here and no count of stolen time tells.
 */
export class SlowSpells {
  readonly #costs: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    for (let piece = 0; piece < 100; piece += 1) pieceCost();
    this.#timer = setInterval(() => this.#costs.push(pieceCost()), everyMs);
  }

  /** Stops, and tells of the time since it was made. */
  end(): MachineSpeed {
    clearInterval(this.#timer);
    const usual = medianOf(this.#costs);
    const smooth = this.#costs
      .slice(smoothedPieces - 1)
      .map((_, start) => medianOf(this.#costs.slice(start, start + smoothedPieces)) / usual);
    const slow = smooth.filter((factor) => factor > slowFactor).length;
    return {
      slowMsPerSecond: smooth.length === 0 ? 0 : (1_000 * slow) / smooth.length,
      worstFactor: smooth.reduce((worst, factor) => Math.max(worst, factor), 1),
    };
  }
}

/** In microseconds. Processor time, so that others' work does not count. */
function pieceCost(): number {
  const before = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < additions; i += 1) sum += i * 1.1;
  const { user, system } = process.cpuUsage(before);
  // Never true; without it the loop might be left out.
  return sum < 0 ? sum : user + system;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
