import type { PlanLoad } from './assemble-plan';
import { loadPlan } from './load-plan';
import type { Plan } from './plan';
import type { PlanReader } from './plan-reader';

/** The plan in force. It is swapped whole, and only for one that parsed whole. */
export class PlanStore {
  readonly #reader: PlanReader;
  #current: Plan | undefined;
  #loading: Promise<unknown> = Promise.resolve();

  constructor(reader: PlanReader) {
    this.#reader = reader;
  }

  /** Undefined until the first load that succeeded. */
  get current(): Plan | undefined {
    return this.#current;
  }

  /** Reads the folder again; a refused plan leaves the one in force. Loads run one after the other. Never rejects. */
  load(): Promise<PlanLoad> {
    const load = this.#loading.then(() => this.#load());
    this.#loading = load;
    return load;
  }

  async #load(): Promise<PlanLoad> {
    const load = await loadPlan(this.#reader);
    if (load.kind === 'loaded') this.#current = load.plan;
    return load;
  }
}
