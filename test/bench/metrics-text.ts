/** One scrape of the bridge's `/metrics`, in Prometheus' text format. */
export class MetricsText {
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, series, value] = /^([^#\s]\S*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (series !== undefined) this.#values.set(series, Number(value));
    }
  }

  /** `series` as it is printed: `name` or `name{label="value"}`. 0 when there is none. */
  value(series: string): number {
    return this.#values.get(series) ?? 0;
  }

  /** The series whose text begins so, each with its value. */
  startingWith(prefix: string): [series: string, value: number][] {
    return [...this.#values].filter(([series]) => series.startsWith(prefix));
  }

  /** Cumulative counts by upper bound, rising; the last bound is Infinity. */
  buckets(histogram: string): { boundSeconds: number; count: number }[] {
    return this.startingWith(`${histogram}_bucket{`).map(([series, count]) => {
      const bound = /le="([^"]+)"/.exec(series)?.[1] ?? '';
      return { boundSeconds: bound === '+Inf' ? Infinity : Number(bound), count };
    });
  }
}

/** What a histogram counted between two scrapes. Bounds are what is known: the figures are upper bounds. */
export class BucketsBetween {
  readonly #buckets: { boundSeconds: number; count: number }[];

  constructor(histogram: string, { from, to }: { from: MetricsText; to: MetricsText }) {
    const before = new Map(from.buckets(histogram).map(({ boundSeconds, count }) => [boundSeconds, count]));
    this.#buckets = to.buckets(histogram).map(({ boundSeconds, count }) => {
      return { boundSeconds, count: count - (before.get(boundSeconds) ?? 0) };
    });
  }

  get count(): number {
    return this.#buckets.at(-1)?.count ?? 0;
  }

  quantileMs(fraction: number): number {
    const rank = Math.max(1, Math.ceil(this.count * fraction));
    const bucket = this.#buckets.find(({ count }) => count >= rank);
    return bucket === undefined ? Number.NaN : bucket.boundSeconds * 1_000;
  }

  /** How many were above `limitMs`, which must be one of the bounds. */
  above(limitMs: number): number {
    const bucket = this.#buckets.find(({ boundSeconds }) => Math.abs(boundSeconds * 1_000 - limitMs) < 1e-6);
    return bucket === undefined ? Number.NaN : this.count - bucket.count;
  }
}
