import type { PlanControl, PlanView } from './console/plan-control';
import { KeptPlans } from './dialplan/kept-plans';
import type { KeptPlan } from './dialplan/kept-plans';
import type { Plan } from './dialplan/plan';
import type { PlanLoader } from './dialplan/plan-attempt';
import { formatProblem, formatProblems } from './dialplan/plan-problem';
import type { PlanProblem } from './dialplan/plan-problem';
import { PlanStore } from './dialplan/plan-store';
import type { PlanInForce, PlanOutcome, PlanStoreOptions } from './dialplan/plan-store';
import { folderLook, PlanWatcher } from './dialplan/plan-watcher';
import type { PlanLoadCounts } from './observability/plan-metrics';
import type { Clock } from './runtime/clock';
import { messageOf } from './runtime/errors';
import type { Logger } from './runtime/logger';

export interface PlansOptions {
  /** Absolute. */
  folder: string;
  /** As the admin wrote it, for messages. */
  folderName: string;
  /** Where plans that were in force are kept, absolute. */
  keptFolder: string;
  /** 0: none is kept. */
  keptMax: number;
  watch: boolean;
  loader: PlanLoader;
  /** See `PlanStoreOptions.use`. */
  use: PlanStoreOptions['use'];
  clock: Clock;
  logger: Logger;
  /** For the person at the terminal: problems as `ringbridge check` prints them. */
  tell: (text: string) => void;
}

/** Why a plan was loaded. */
type LoadCause = 'start' | 'change of files' | 'signal' | 'request';

/** There is no plan to begin with; the message holds every problem. */
export class PlanRefused extends Error {
  override readonly name = 'PlanRefused';
}

/** A log has room for some; `ringbridge check` tells all. */
const loggedProblemsMax = 20;

/** The dialplan of a running bridge: loaded, watched, reported, kept and put back. */
export class Plans implements PlanControl {
  readonly #options: PlansOptions;
  readonly #store: PlanStore;
  readonly #kept: KeptPlans;
  readonly #watcher: PlanWatcher | undefined;
  readonly #counts: PlanLoadCounts = { loaded: 0, unchanged: 0, refused: 0, restored: 0 };
  #keeping: Promise<void> = Promise.resolve();
  #lastSuccessMs: number | undefined;

  constructor(options: PlansOptions) {
    const { folder, loader, use, clock, keptFolder, keptMax, watch } = options;
    this.#options = options;
    this.#store = new PlanStore({ loader, folder, clock, use });
    this.#kept = new KeptPlans({ folder: keptFolder, plansMax: keptMax });
    if (watch) {
      this.#watcher = new PlanWatcher({
        clock,
        look: folderLook(folder),
        names: () => this.#namesRead(),
        reload: async () => {
          await this.#load('change of files');
        },
      });
    }
  }

  get current(): Plan | undefined {
    return this.#store.current;
  }

  get inForce(): PlanInForce | undefined {
    return this.#store.inForce;
  }

  /** For metrics. */
  get loads(): { counts: PlanLoadCounts; lastSuccessMs: number | undefined; refused: boolean } {
    return {
      counts: this.#counts,
      lastSuccessMs: this.#lastSuccessMs,
      refused: this.#store.refusal !== undefined,
    };
  }

  /** See `PlanStore.onChange`. */
  onChange(listener: (inForce: PlanInForce) => void): () => void {
    return this.#store.onChange(listener);
  }

  /**
   * Loads the folder. A plan that had been put back stays in force while the folder says what it said then; and the plan
   * that was in force before a restart takes calls when the folder holds none that can. Throws `PlanRefused`.
   */
  async start(): Promise<void> {
    const before = await this.#kept.readState();
    const outcome = await this.#load('start');
    const { folderName, logger } = this.#options;
    const wasPutBack = before?.origin === 'kept' && before.folderDigest === this.#store.lastAttempt?.digest;
    if (before !== undefined && (wasPutBack || outcome.kind === 'refused')) {
      const again = await this.#restore(before.hash);
      if (again.kind === 'loaded') {
        const fields = { plan: before.hash, folder: folderName };
        if (outcome.kind === 'refused') this.#tellRefused(outcome.problems, before.hash);
        if (wasPutBack) logger.warn(fields, 'the plan that was put back stays in force: its folder has not changed');
        else logger.error(fields, 'the plan that was in force before the restart takes calls');
        return;
      }
    }
    if (outcome.kind === 'refused') {
      const problems = formatProblems(outcome.problems, { folder: folderName, printedMax: 100 });
      throw new PlanRefused(`the dialplans in ${folderName} cannot be used:\n\n${problems.trimEnd()}`);
    }
  }

  /** Reads the folder again because somebody asked. Never rejects. */
  reload(cause: 'signal' | 'request'): Promise<PlanOutcome> {
    return this.#load(cause);
  }

  /** Puts a kept plan back in force, until the folder says something else or is loaded again. Never rejects. */
  async restore(hash: string): Promise<PlanOutcome | { kind: 'unknown' }> {
    // What the folder says now is what a change of it will be measured by.
    await this.#store.load({ onlyLook: true });
    return this.#restore(hash);
  }

  kept(): Promise<readonly KeptPlan[]> {
    return this.#kept.list();
  }

  view(): PlanView {
    const { refusal } = this.#store;
    return { folder: this.#options.folderName, inForce: this.inForce, refusal, watching: this.#watcher !== undefined };
  }

  /** Stops watching and ends what is being loaded; what is being kept is kept. Twice is fine. */
  async close(): Promise<void> {
    this.#watcher?.close();
    await this.#options.loader.close();
    await this.#keeping;
  }

  async #load(cause: LoadCause): Promise<PlanOutcome> {
    await this.#watcher?.aboutToLoad();
    const outcome = await this.#store.load({ onlyIfChanged: cause === 'change of files' });
    await this.#watcher?.afterLoad();
    this.#counts[outcome.kind] += 1;
    this.#report(outcome, cause);
    if (outcome.kind === 'loaded') this.#remember(outcome.inForce);
    return outcome;
  }

  async #restore(hash: string): Promise<PlanOutcome | { kind: 'unknown' }> {
    const kept = (await this.#kept.list()).find((plan) => plan.hash === hash);
    if (kept === undefined) return { kind: 'unknown' };
    const outcome = await this.#store.restore(kept.folder, hash);
    if (outcome.kind === 'loaded') {
      this.#counts.restored += 1;
      this.#remember(outcome.inForce);
      const { folderName, logger } = this.#options;
      logger.warn(
        { plan: hash, before: outcome.before?.hash, folder: folderName },
        'a kept plan was put back; the dialplans of the folder are not in force',
      );
    } else if (outcome.kind === 'refused') {
      this.#counts.refused += 1;
      this.#logProblems(outcome.problems, kept.folder);
    }
    return outcome;
  }

  #report(outcome: PlanOutcome, cause: LoadCause): void {
    const { logger, folderName, tell } = this.#options;
    if (outcome.kind === 'unchanged') {
      logger.debug({ cause }, 'the dialplans say what they said');
    } else if (outcome.kind === 'refused') {
      const { problems } = outcome;
      const inForce = this.current?.hash;
      this.#logProblems(problems, folderName);
      logger.error({ cause, problems: problems.length, plan: inForce }, 'the dialplans were refused');
      // At the start there may be nothing that stays; that is told with the refusal to start.
      if (inForce === undefined) return;
      this.#tellRefused(problems, inForce);
    } else {
      const { inForce, before } = outcome;
      const { hash, routes, agents } = inForce.plan;
      const counts = { routes: routes.length, agents: agents.size };
      for (const warning of inForce.warnings.slice(0, loggedProblemsMax)) {
        logger.warn({ problem: formatProblem(warning, { folder: folderName }) }, 'dialplan warning');
      }
      logger.info({ cause, plan: hash, before: before?.hash, ...counts }, 'the dialplans were loaded');
      if (before !== undefined)
        tell(`ringbridge: the dialplans in ${folderName} were loaded; plan ${hash} is in force, was ${before.hash}\n`);
    }
  }

  #tellRefused(problems: readonly PlanProblem[], inForce: string): void {
    const { folderName, tell } = this.#options;
    const printed = formatProblems(problems, { folder: folderName, printedMax: loggedProblemsMax });
    tell(`\n${printed}\nringbridge: the dialplans in ${folderName} were refused; plan ${inForce} stays in force\n\n`);
  }

  #logProblems(problems: readonly PlanProblem[], folder: string): void {
    for (const problem of problems.slice(0, loggedProblemsMax)) {
      this.#options.logger.error({ problem: formatProblem(problem, { folder }) }, 'dialplan problem');
    }
  }

  /** On disk, behind the back of calls: a disk that fails costs no more than what would have been kept. */
  #remember({ plan, source, origin, sinceMs }: PlanInForce): void {
    this.#lastSuccessMs = sinceMs;
    const folderDigest = this.#store.lastAttempt?.digest ?? '';
    const remember = async (): Promise<void> => {
      try {
        await this.#kept.keep({ hash: plan.hash, source, atMs: sinceMs });
        await this.#kept.writeState({ version: 1, hash: plan.hash, origin, folderDigest });
      } catch (cause) {
        this.#options.logger.warn({ plan: plan.hash, error: messageOf(cause) }, 'the plan could not be kept');
      }
    };
    this.#keeping = this.#keeping.then(remember);
  }

  #namesRead(): string[] {
    const { lastAttempt } = this.#store;
    return lastAttempt === undefined ? [] : [...lastAttempt.source.reads.keys()];
  }
}
