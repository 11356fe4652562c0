import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Clock, Timer } from '../runtime/clock';

/** How the files of a folder can be told to have changed without reading them. */
export interface FolderLook {
  /** A mark for each dialplan and each of `names`, equal while that file has not changed. Never rejects. */
  marks(names: readonly string[]): Promise<FileMarks>;
  /** Calls `hint` when something may have changed; often, or never where there are no events (NFS). The answer ends it. */
  listen(names: readonly string[], hint: () => void): () => void;
}

export type FileMarks = ReadonlyMap<string, string>;

export interface PlanWatcherOptions {
  clock: Clock;
  look: FolderLook;
  /** Files that the last load read or missed. */
  names: () => readonly string[];
  /** Reads the folder again. Never rejects. */
  reload: () => Promise<void>;
  quietMs?: number;
  pollMs?: number;
}

/** An editor writes, renames and sets times within this; several files are often saved one after another. */
const defaultQuietMs = 300;
const defaultPollMs = 10_000;

/**
 * Sees that dialplans have changed and are quiet again. Events of the system are only a hint to look at once: what decides
 * is whether names, sizes, times and inodes differ from those of the last load, which are also looked at every few seconds
 * for file systems without events. So it does not matter how an editor or a Kubernetes mount replaces files.
 */
export class PlanWatcher {
  readonly #options: Required<PlanWatcherOptions>;
  #timer: Timer | undefined;
  #deaf: () => void = () => undefined;
  /** Of the folder when it was last loaded. */
  #loaded = new Map<string, string>();
  /** Of the folder at the last look. */
  #seen: FileMarks = new Map();
  #looking = false;
  #hinted = false;
  #closed = false;

  constructor(options: PlanWatcherOptions) {
    this.#options = { quietMs: defaultQuietMs, pollMs: defaultPollMs, ...options };
  }

  /** To be called before each load: what changes from here on is a change. */
  async aboutToLoad(): Promise<void> {
    this.#loaded = new Map(await this.#marks());
  }

  /** To be called after each load: other files may matter now. */
  async afterLoad(): Promise<void> {
    const names = new Set(this.#options.names());
    const now = await this.#marks();
    if (this.#closed) return;
    // The load was the first to ask for these; a dialplan that it did not read has come since.
    for (const [name, mark] of now) if (!this.#loaded.has(name) && names.has(name)) this.#loaded.set(name, mark);
    for (const name of this.#loaded.keys()) if (!now.has(name) && !names.has(name)) this.#loaded.delete(name);
    this.#deaf();
    this.#deaf = this.#options.look.listen([...names], () => this.#hint());
    if (!this.#looking) this.#lookIn(this.#options.pollMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#deaf();
    this.#deaf = () => undefined;
  }

  #hint(): void {
    // The first hint sets the pace: a file that is written without end must not put the look off for ever.
    if (this.#hinted || this.#closed) return;
    this.#hinted = true;
    if (!this.#looking) this.#lookIn(this.#options.quietMs);
  }

  #lookIn(delayMs: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(delayMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#looking = true;
    this.#takeHint();
    const now = await this.#marks();
    const isQuiet = sameMarks(now, this.#seen);
    this.#seen = now;
    const isChanged = !sameMarks(now, this.#loaded);
    if (isChanged && isQuiet) await this.#reload();
    this.#looking = false;
    const isSoon = this.#takeHint() || (isChanged && !isQuiet);
    this.#lookIn(isSoon ? this.#options.quietMs : this.#options.pollMs);
  }

  #takeHint(): boolean {
    const hinted = this.#hinted;
    this.#hinted = false;
    return hinted;
  }

  async #reload(): Promise<void> {
    if (!this.#closed) await this.#options.reload();
  }

  #marks(): Promise<FileMarks> {
    return this.#options.look.marks(this.#options.names());
  }
}

function sameMarks(one: FileMarks, other: FileMarks): boolean {
  return one.size === other.size && [...one].every(([name, mark]) => other.get(name) === mark);
}

/** A folder on disk. */
export function folderLook(folder: string): FolderLook {
  return {
    async marks(names) {
      const found = await readdir(folder).catch(() => []);
      const all = new Set([...found.filter((name) => /\.ya?ml$/.test(name)), ...names]);
      return new Map(await Promise.all([...all].map(async (name) => [name, await fileMark(folder, name)] as const)));
    },
    listen(names, hint) {
      const folders = new Set([folder, ...names.map((name) => dirname(join(folder, name)))]);
      const watchers = [...folders].map((one) => watchFolder(one, hint)).filter((one) => one !== undefined);
      return () => watchers.forEach((watcher) => watcher.close());
    },
  };
}

/** Where a link leads to counts too: a mount is replaced by turning one link round. */
async function fileMark(folder: string, name: string): Promise<string> {
  try {
    const path = join(folder, name);
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [await realpath(path), ino, size, mtimeMs, ctimeMs].join(' ');
  } catch {
    return 'missing';
  }
}

function watchFolder(folder: string, hint: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, hint);
    // Too many watches, or the folder has gone: the look every few seconds remains.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
