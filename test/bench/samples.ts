/** Measured values. The figures of an empty set are NaN. */
export class Samples {
  readonly #values: number[] = [];
  #sorted = true;

  get count(): number {
    return this.#values.length;
  }

  add(value: number): void {
    this.#values.push(value);
    this.#sorted = false;
  }

  addAll(values: Iterable<number>): void {
    for (const value of values) this.add(value);
  }

  /** By nearest rank. */
  quantile(fraction: number): number {
    if (!this.#sorted) this.#values.sort((a, b) => a - b);
    this.#sorted = true;
    const rank = Math.max(1, Math.ceil(fraction * this.#values.length));
    return this.#values[rank - 1] ?? Number.NaN;
  }

  get max(): number {
    return this.quantile(1);
  }

  get spread(): { p50: number; p99: number; max: number } {
    return { p50: this.quantile(0.5), p99: this.quantile(0.99), max: this.max };
  }

  get mean(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length;
  }
}

/**
 * How late each arrival of a stream was: its time minus (start + n x 20 ms), the start being that of the most punctual
 * one. `index` counts frames of 20 ms and may have gaps.
 */
export function lateness(arrivals: readonly { index: number; atMs: number }[]): number[] {
  let startMs = Infinity;
  for (const { index, atMs } of arrivals) startMs = Math.min(startMs, atMs - index * 20);
  return arrivals.map(({ index, atMs }) => atMs - index * 20 - startMs);
}
