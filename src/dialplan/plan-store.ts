import type { PlanLoad } from './assemble-plan';
import { loadPlan } from './load-plan';
import type { Plan } from './plan';
import type { PlanProblem } from './plan-problem';
import type { PlanReader } from './plan-reader';

/** The plan in force. It is swapped whole, and only for one that parsed whole. */
export class PlanStore {
  readonly #reader: PlanReader;
  readonly #prepare: (plan: Plan) => Promise<readonly PlanProblem[]>;
  #current: Plan | undefined;
  #loading: Promise<unknown> = Promise.resolve();

  /** `prepare` makes ready what a plan needs besides its files; with what it finds the plan is refused. */
  constructor(
    reader: PlanReader,
    { prepare = () => Promise.resolve([]) }: { prepare?: (plan: Plan) => Promise<readonly PlanProblem[]> } = {},
  ) {
    this.#reader = reader;
    this.#prepare = prepare;
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
    if (load.kind === 'refused') return load;
    const problems = await this.#prepare(load.plan);
    if (problems.length > 0) return { kind: 'refused', problems, warnings: [] };
    this.#current = load.plan;
    return load;
  }
}
