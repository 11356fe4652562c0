/** Counts that someone else keeps, such as the frame clock's. */
export interface Buckets {
  /** Upper bounds in milliseconds, rising; the last may be Infinity. */
  readonly boundsMs: readonly number[];
  /** One count for each bound, not cumulative. */
  readonly counts: ArrayLike<number>;
  readonly total: number;
  readonly sumMs: number;
}

interface BucketsMetricOptions {
  name: string;
  help: string;
  read: () => Buckets;
}

/** Shows such counts as a Prometheus histogram in seconds, without observing each value a second time. */
export class BucketsMetric {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly #read: () => Buckets;

  constructor({ name, help, read }: BucketsMetricOptions) {
    this.name = name;
    this.help = help;
    this.#read = read;
  }

  /** In the form that a registry prints. */
  get(): Promise<object> {
    const { boundsMs, counts, total, sumMs } = this.#read();
    let cumulative = 0;
    const buckets = boundsMs.flatMap((boundMs, index) => {
      cumulative += counts[index] ?? 0;
      if (!Number.isFinite(boundMs)) return [];
      return [{ metricName: `${this.name}_bucket`, labels: { le: boundMs / 1_000 }, value: cumulative }];
    });
    const values = [
      ...buckets,
      { metricName: `${this.name}_bucket`, labels: { le: '+Inf' }, value: total },
      { metricName: `${this.name}_sum`, labels: {}, value: sumMs / 1_000 },
      { metricName: `${this.name}_count`, labels: {}, value: total },
    ];
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, aggregator: 'sum', values });
  }

  /** The counts are not ours to reset. */
  reset(): void {
    return undefined;
  }
}
