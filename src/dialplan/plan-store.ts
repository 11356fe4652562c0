import type { PlanLoad } from './assemble-plan';
import { loadPlan } from './load-plan';
import type { Plan } from './plan';
import type { PlanReader } from './plan-reader';
import type { PlanSource } from './plan-source';
import { recordReads } from './plan-source';

/** The plan in force. It is swapped whole, and only for one that parsed whole. */
export class PlanStore {
  readonly #reader: PlanReader;
  #current: Plan | undefined;
  #source: PlanSource | undefined;
  #loading: Promise<unknown> = Promise.resolve();

  constructor(reader: PlanReader) {
    this.#reader = reader;
  }

  /** Undefined until the first load that succeeded. */
  get current(): Plan | undefined {
    return this.#current;
  }

  /** What the plan in force was made of: whoever reads it gets the same plan, whatever the folder holds by now. */
  get source(): PlanSource | undefined {
    return this.#source;
  }

  /** Reads the folder again; a refused plan leaves the one in force. Loads run one after the other. Never rejects. */
  load(): Promise<PlanLoad> {
    const load = this.#loading.then(() => this.#load());
    this.#loading = load;
    return load;
  }

  async #load(): Promise<PlanLoad> {
    const { reader, source } = recordReads(this.#reader);
    const load = await loadPlan(reader);
    if (load.kind === 'loaded') {
      this.#current = load.plan;
      this.#source = source;
    }
    return load;
  }
}
