import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Plan } from './plan';
import type { PlanAttempt, PlanLoader } from './plan-attempt';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import type { PlanSource } from './plan-source';

/** The plan that takes calls, and where it came from. */
export interface PlanInForce {
  readonly plan: Plan;
  /** Every octet that was read to make it: the same plan can be made of these elsewhere, without the folder. */
  readonly source: PlanSource;
  readonly warnings: readonly PlanProblem[];
  /** `kept`: put back from the kept plans, so the dialplan folder may say something else. */
  readonly origin: PlanOrigin;
  /** Unix milliseconds. */
  readonly sinceMs: number;
}

export type PlanOrigin = 'folder' | 'kept';

/** Why the last load of the folder changed nothing. */
export interface PlanRefusal {
  readonly problems: readonly PlanProblem[];
  /** Unix milliseconds. */
  readonly atMs: number;
}

/** What a load came to; `unchanged`: the folder says, octet for octet, what it said at the last load. */
export type PlanOutcome =
  | { readonly kind: 'loaded'; readonly inForce: PlanInForce; readonly before: Plan | undefined }
  | { readonly kind: 'refused'; readonly problems: readonly PlanProblem[]; readonly warnings: readonly PlanProblem[] }
  | { readonly kind: 'unchanged' };

export interface PlanStoreOptions {
  loader: PlanLoader;
  /** The folder of dialplans. */
  folder: string;
  clock: Clock;
  /**
   * Puts a plan to use before the one in force is let go: from then on calls follow it. Rejects, and changes nothing, when
   * the bridge cannot work by it: then it is refused.
   */
  use: (read: Pick<PlanInForce, 'plan' | 'source'>) => Promise<void>;
}

export interface LoadOptions {
  /** Leaves everything as it is when the folder says what it said at the last load, well or not. */
  onlyIfChanged?: boolean;
  /** The folder is looked at, and whatever it says changes nothing: for `lastAttempt`. */
  onlyLook?: boolean;
}

type Listener = (inForce: PlanInForce) => void;

/** The plan in force. It is swapped whole, and only for one that parsed whole; a call keeps the one it began with. */
export class PlanStore {
  readonly #options: PlanStoreOptions;
  readonly #listeners = new Set<Listener>();
  #inForce: PlanInForce | undefined;
  #refusal: PlanRefusal | undefined;
  /** Of the folder, well or not. */
  #lastAttempt: PlanAttempt | undefined;
  #loading: Promise<unknown> = Promise.resolve();

  constructor(options: PlanStoreOptions) {
    this.#options = options;
  }

  /** Undefined until the first load that succeeded. */
  get current(): Plan | undefined {
    return this.#inForce?.plan;
  }

  get inForce(): PlanInForce | undefined {
    return this.#inForce;
  }

  /** Undefined when the folder was well at its last load. */
  get refusal(): PlanRefusal | undefined {
    return this.#refusal;
  }

  /** The last reading of the folder. */
  get lastAttempt(): PlanAttempt | undefined {
    return this.#lastAttempt;
  }

  /**
   * Tells of every plan that comes into force, at once and in order. A listener must not throw, and what it does takes part
   * in the swap: the next call is routed by the new plan. The answer ends it.
   */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Reads the folder again; a refused plan leaves the one in force. Loads run one after the other. Never rejects. */
  load(options: LoadOptions = {}): Promise<PlanOutcome> {
    return this.#inTurn(() => this.#load(options));
  }

  /** Puts back a plan that was kept in a folder of its own; `hash` is what it must say. Never rejects. */
  restore(folder: string, hash: string): Promise<PlanOutcome> {
    return this.#inTurn(async () => {
      const attempt = await this.#options.loader.load(folder, { secretsFolder: this.#options.folder });
      if (attempt.kind === 'loaded' && attempt.plan.hash !== hash) {
        return { kind: 'refused', problems: [otherPlan(hash, attempt.plan.hash)], warnings: [] };
      }
      if (attempt.kind === 'loaded') return this.#adopt(attempt, 'kept');
      return { kind: 'refused', problems: attempt.problems, warnings: attempt.warnings };
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#loading.then(work);
    this.#loading = done;
    return done;
  }

  async #load({ onlyIfChanged = false, onlyLook = false }: LoadOptions): Promise<PlanOutcome> {
    const before = this.#lastAttempt;
    const attempt = await this.#options.loader.load(this.#options.folder);
    this.#lastAttempt = attempt;
    const isSame = attempt.digest !== '' && attempt.digest === before?.digest;
    if (onlyLook || (onlyIfChanged && isSame)) return { kind: 'unchanged' };
    if (attempt.kind === 'loaded') return this.#adopt(attempt, 'folder');
    return this.#refuse(attempt, 'folder');
  }

  #refuse(
    { problems, warnings }: { problems: readonly PlanProblem[]; warnings: readonly PlanProblem[] },
    origin: PlanOrigin,
  ): PlanOutcome {
    if (origin === 'folder') this.#refusal = { problems, atMs: this.#options.clock.wallTimeMs() };
    return { kind: 'refused', problems, warnings };
  }

  async #adopt(attempt: Extract<PlanAttempt, { kind: 'loaded' }>, origin: PlanOrigin): Promise<PlanOutcome> {
    const { plan, source, warnings } = attempt;
    try {
      await this.#options.use({ plan, source });
    } catch (cause) {
      return this.#refuse({ problems: [unusable(messageOf(cause))], warnings }, origin);
    }
    const before = this.#inForce?.plan;
    this.#inForce = { plan, source, warnings, origin, sinceMs: this.#options.clock.wallTimeMs() };
    if (origin === 'folder') this.#refusal = undefined;
    for (const listener of [...this.#listeners]) listener(this.#inForce);
    return { kind: 'loaded', inForce: this.#inForce, before };
  }
}

function otherPlan(hash: string, found: string): PlanProblem {
  const message = `the kept plan ${hash} says something else now (${found})`;
  return { ...wholePlan, code: problemCodes.keptPlanChanged, message, expected: 'the files as they were kept' };
}

function unusable(message: string): PlanProblem {
  return { ...wholePlan, code: problemCodes.planUnusable, message, expected: 'a plan that fits the settings' };
}

const wholePlan = { severity: 'error', file: '', position: undefined, nearest: undefined } as const;
