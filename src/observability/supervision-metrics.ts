import { Counter, Gauge, type Registry } from 'prom-client';

import type { CallEvent, CallSnapshot } from '../call/call-observer';
import type { SupervisionRefusal } from '../call/supervision-record';

/** Who supervises calls, and what was not allowed. */
export class SupervisionMetrics {
  readonly #supervisions: Counter;
  readonly #modes: Counter;
  readonly #whispers: Counter;
  readonly #refusals: Counter;

  /** `calls` are those that have not ended; asked at each scrape. */
  constructor(registry: Registry, calls: () => readonly CallSnapshot[]) {
    const counter = (name: string, help: string, labelNames: string[]): Counter =>
      new Counter({ name, help, labelNames, registers: [registry] });
    this.#supervisions = counter('ringbridge_supervisions_total', 'Supervisors who were called, by what came of it', [
      'outcome',
    ]);
    this.#modes = counter('ringbridge_supervision_modes_total', 'What supervisors began to do', ['mode']);
    this.#whispers = counter('ringbridge_supervision_whispers_total', 'Utterances of supervisors to agents', []);
    this.#refusals = counter('ringbridge_supervision_refusals_total', 'Supervisions that were not allowed, by cause', [
      'cause',
    ]);
    const supervised: Gauge = new Gauge({
      name: 'ringbridge_supervised_calls',
      help: 'Calls with a supervisor now',
      registers: [registry],
      collect: (): void => supervised.set(calls().filter(isSupervised).length),
    });
  }

  told({ change, outcome, modes }: Extract<CallEvent, { kind: 'supervision' }>): void {
    const mode = modes.at(-1)?.mode;
    if (change === 'decided' && outcome !== undefined) this.#supervisions.inc({ outcome });
    if (change === 'mode' && mode !== undefined) this.#modes.inc({ mode });
    if (change === 'whisper') this.#whispers.inc();
  }

  refused(cause: SupervisionRefusal): void {
    this.#refusals.inc({ cause });
  }
}

function isSupervised({ state, supervisions }: CallSnapshot): boolean {
  return state !== 'ended' && supervisions.some((one) => one.outcome === 'answered' && one.endedAtMs === undefined);
}
