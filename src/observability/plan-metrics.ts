import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** How many loads came to what. */
export type PlanLoadCounts = Record<'loaded' | 'unchanged' | 'refused' | 'restored', number>;

/** Asked at each scrape. */
export interface PlanMetricsSource {
  /** Of the plan in force. */
  hash: string | undefined;
  counts: Readonly<PlanLoadCounts>;
  /** Unix milliseconds. */
  lastSuccessMs: number | undefined;
  /** The dialplan folder holds a plan that cannot be used, and an older one is in force. */
  refused: boolean;
}

/** What Prometheus may ask about the dialplan. */
export function registerPlanMetrics(registry: Registry, source: () => PlanMetricsSource): void {
  const registers = [registry];
  new Gauge({
    name: 'ringbridge_plan_info',
    help: 'The plan in force',
    labelNames: ['hash'],
    registers,
    collect() {
      this.reset();
      this.set({ hash: source().hash ?? 'none' }, 1);
    },
  });
  new Counter({
    name: 'ringbridge_plan_loads_total',
    help: 'Loads of the dialplans by what came of them',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(source().counts)) this.inc({ outcome }, count);
    },
  });
  new Gauge({
    name: 'ringbridge_plan_last_success_timestamp_seconds',
    help: 'When a plan last came into force',
    registers,
    collect() {
      this.set((source().lastSuccessMs ?? 0) / 1_000);
    },
  });
  new Gauge({
    name: 'ringbridge_plan_refused',
    help: '1 while the dialplan folder was refused at its last load',
    registers,
    collect() {
      this.set(source().refused ? 1 : 0);
    },
  });
}
