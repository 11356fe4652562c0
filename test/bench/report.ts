import { loadavg } from 'node:os';

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The figure is well up to this; without it, it only informs. */
  atMost?: number;
  /** Beside the figure, for who wants more. */
  aside?: string;
}

/** In milliseconds. */
export interface Spread {
  p50: number;
  p99: number;
  max: number;
  aside?: string;
}

/** Prints figures, each beside its goal and the load of the machine at that moment. */
export class Report {
  readonly #print: (line: string) => void;
  #judged = 0;
  #over = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  begin(bench: string): void {
    this.#print(`\n${bench}`);
  }

  line(text: string): void {
    this.#print(text);
  }

  figure({ name, value, unit, atMost, aside }: Figure): void {
    const goal = atMost === undefined ? '' : `goal <= ${atMost} ${unit}`;
    const verdict = this.#verdict(value, atMost);
    const cells = [
      `  ${name.padEnd(54)}`,
      `${rounded(value).padStart(9)} ${unit.padEnd(8)}`,
      goal.padEnd(24),
      verdict.padEnd(5),
      `load ${oneMinuteLoad()}`,
      ...(aside === undefined ? [] : [` ${aside}`]),
    ];
    this.#print(cells.join(' '));
  }

  /** A count of what must not happen. */
  none(name: string, count: number, unit: string): void {
    this.figure({ name, value: count, unit, atMost: 0 });
  }

  /** Median, 99th of a hundred and worst. */
  spread(name: string, values: Spread, goals: { p99?: number; max?: number } = {}): void {
    const { p50, p99, max, aside } = values;
    this.figure({ name: `${name}, p50`, value: p50, unit: 'ms', ...(aside === undefined ? {} : { aside }) });
    this.figure({
      name: `${name}, p99`,
      value: p99,
      unit: 'ms',
      ...(goals.p99 === undefined ? {} : { atMost: goals.p99 }),
    });
    this.figure({
      name: `${name}, max`,
      value: max,
      unit: 'ms',
      ...(goals.max === undefined ? {} : { atMost: goals.max }),
    });
  }

  end(): void {
    this.#print(`\n${this.#judged - this.#over} of ${this.#judged} figures within their goals, ${this.#over} OVER`);
  }

  #verdict(value: number, atMost: number | undefined): string {
    if (atMost === undefined) return '';
    this.#judged += 1;
    // NaN, a figure without any sample, is no success either.
    if (value <= atMost) return 'ok';
    this.#over += 1;
    return 'OVER';
  }
}

export function oneMinuteLoad(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

/** Three digits that matter, and no more than a reader compares. */
function rounded(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 100) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
}
