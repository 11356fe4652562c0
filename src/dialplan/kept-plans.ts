import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isoTime } from '../runtime/iso-time';
import type { PlanSource } from './plan-source';

/** A plan that was in force, as a folder of its own. */
export interface KeptPlan {
  readonly hash: string;
  readonly folder: string;
  /** When it last came into force, ISO 8601. */
  readonly lastInForce: string;
  /** Names of its files, prompts and calendars included. */
  readonly files: readonly string[];
}

/** What a restart must know of the time before it. */
export interface PlanState {
  readonly version: 1;
  /** Of the plan in force. */
  readonly hash: string;
  readonly origin: 'folder' | 'kept';
  /** What the dialplan folder said when a kept plan was put back: while it says the same, the kept one stays in force. */
  readonly folderDigest: string;
}

const hashForm = /^[0-9a-f]{12}$/;
const stateFile = 'in-force.json';
const stateBytesMax = 10_000;

/**
 * The last plans that were in force, each a folder `HASH` with the files that it was made of, so that `ringbridge check`,
 * `explain` and `diff` read it like any dialplan. Secrets are not kept: they are read again where they stand. Readable by us
 * alone: a plan holds numbers and addresses.
 */
export class KeptPlans {
  readonly #folder: string;
  readonly #plansMax: number;

  constructor({ folder, plansMax }: { folder: string; plansMax: number }) {
    this.#folder = folder;
    this.#plansMax = plansMax;
  }

  /** Where the plan of a hash is or would be; undefined when that is no hash. */
  folderOf(hash: string): string | undefined {
    return hashForm.test(hash) ? join(this.#folder, hash) : undefined;
  }

  /** The newest first. */
  async list(): Promise<KeptPlan[]> {
    const plans: { plan: KeptPlan; atMs: number }[] = [];
    for (const hash of await namesIn(this.#folder)) {
      if (!hashForm.test(hash)) continue;
      const folder = join(this.#folder, hash);
      try {
        const { mtimeMs } = await stat(folder);
        const entries = await readdir(folder, { recursive: true, withFileTypes: true });
        const files = entries
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
        plans.push({ plan: { hash, folder, lastInForce: isoTime(mtimeMs), files: files.sort() }, atMs: mtimeMs });
      } catch {
        // It was pruned meanwhile.
      }
    }
    return plans.sort((one, other) => other.atMs - one.atMs).map(({ plan }) => plan);
  }

  /** Keeps a plan that came into force and lets the oldest go. Rejects when the disk does. */
  async keep(plan: { hash: string; source: Pick<PlanSource, 'reads' | 'secretNames'>; atMs: number }): Promise<void> {
    const { hash, source, atMs } = plan;
    if (this.#plansMax === 0) return;
    const folder = join(this.#folder, hash);
    const making = join(this.#folder, `.${hash}.new`);
    await rm(making, { recursive: true, force: true });
    await mkdir(making, { recursive: true, mode: 0o700 });
    for (const [name, read] of source.reads) {
      if (read.kind !== 'read' || source.secretNames.has(name)) continue;
      await mkdir(dirname(join(making, name)), { recursive: true, mode: 0o700 });
      await writeFile(join(making, name), read.bytes, { mode: 0o600, flag: 'wx' });
    }
    await rm(folder, { recursive: true, force: true });
    await rename(making, folder);
    await utimes(folder, atMs / 1_000, atMs / 1_000);
    const kept = await this.list();
    for (const old of kept.filter((plan) => plan.hash !== hash).slice(this.#plansMax - 1)) {
      await rm(old.folder, { recursive: true, force: true });
    }
  }

  /** Undefined when there is none, or none that can be read. */
  async readState(): Promise<PlanState | undefined> {
    try {
      const text = await readFile(join(this.#folder, stateFile), 'utf8');
      const state = JSON.parse(text.slice(0, stateBytesMax)) as Partial<PlanState> | null;
      const { hash, origin, folderDigest, version } = state ?? {};
      if (version !== 1 || typeof hash !== 'string' || !hashForm.test(hash) || typeof folderDigest !== 'string') {
        return undefined;
      }
      return { version, hash, origin: origin === 'kept' ? 'kept' : 'folder', folderDigest };
    } catch {
      return undefined;
    }
  }

  /** Rejects when the disk does. */
  async writeState(state: PlanState): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const making = join(this.#folder, `.${stateFile}.new`);
    await writeFile(making, `${JSON.stringify(state)}\n`, { mode: 0o600 });
    await rename(making, join(this.#folder, stateFile));
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
