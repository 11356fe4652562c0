import { createHash } from 'node:crypto';

import { loadPlan } from './load-plan';
import type { Plan } from './plan';
import type { PlanParts } from './plan-parts';
import type { PlanProblem } from './plan-problem';
import type { PlanReader } from './plan-reader';
import { recordReads } from './plan-source';
import type { PlanSource } from './plan-source';

/** What came of reading a folder, and the octets of which it came. */
export type PlanAttempt = {
  readonly source: PlanSource;
  /** Equal when the folder said, octet for octet, the same. Secrets outside of the folder are no part of it. */
  readonly digest: string;
  readonly warnings: readonly PlanProblem[];
} & (
  | { readonly kind: 'loaded'; readonly plan: Plan }
  | { readonly kind: 'refused'; readonly problems: readonly PlanProblem[] }
);

/** Where plans are made: here, or in a thread of their own. */
export interface PlanLoader {
  /**
   * Reads the dialplans of a folder; secrets that stand inside of it are read in `secretsFolder`, if one is given. Never
   * rejects: what goes wrong is a refused plan.
   */
  load(folder: string, options?: { secretsFolder?: string }): Promise<PlanAttempt>;
  /** Ends what is under way. Twice is fine. */
  close(): Promise<void>;
}

/** One load with everything that was read on the way; `parts` of a plan that loaded. */
export async function attemptPlan(reader: PlanReader): Promise<{ attempt: PlanAttempt; parts: PlanParts | undefined }> {
  const recording = recordReads(reader);
  const load = await loadPlan(recording.reader);
  const { source } = recording;
  const common = { source, digest: digestOf(source), warnings: load.warnings };
  if (load.kind === 'refused') {
    return { attempt: { kind: 'refused', problems: load.problems, ...common }, parts: undefined };
  }
  return { attempt: { kind: 'loaded', plan: load.plan, ...common }, parts: load.parts };
}

/** Makes plans in this thread: for tests, and where nothing else is waiting. */
export class PlanLoaderHere implements PlanLoader {
  readonly #readerOf: (folder: string, options: { secretsFolder?: string }) => PlanReader;

  constructor(readerOf: (folder: string, options: { secretsFolder?: string }) => PlanReader) {
    this.#readerOf = readerOf;
  }

  async load(folder: string, options: { secretsFolder?: string } = {}): Promise<PlanAttempt> {
    return (await attemptPlan(this.#readerOf(folder, options))).attempt;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function digestOf({ reads }: PlanSource): string {
  const hash = createHash('sha256');
  for (const name of [...reads.keys()].sort()) {
    const read = reads.get(name);
    if (read?.kind !== 'read') hash.update(JSON.stringify([name, read?.kind]));
    else hash.update(JSON.stringify([name, read.bytes.length])).update(read.bytes);
  }
  return hash.digest('hex');
}
