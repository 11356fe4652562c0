import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { readThroughLinks } from './file-read';
import type { PlanRead } from './file-read';
import { systemSecrets } from './secret-reader';
import type { SecretReader } from './secret-reader';

/** A folder of dialplans, and the secrets that these name. */
export interface PlanReader {
  /** Names of everything in the folder, without its subfolders' contents, in any order. Rejects when it cannot. */
  list(): Promise<readonly string[]>;
  /** `name` is relative, with `/`, and was checked to hold no `..`. Never rejects. */
  read(name: string, limit: { bytesMax: number }): Promise<PlanRead>;
  readonly secrets: SecretReader;
}

/** Reads from disk. Links may lead about within the folder, as in a Kubernetes mount, and never out of it. */
export function folderReader(
  folder: string,
  { env }: { env: Readonly<Record<string, string | undefined>> },
): PlanReader {
  return {
    list: () => readdir(folder),
    async read(name, { bytesMax }) {
      const root = await realpath(folder).catch(() => undefined);
      return readThroughLinks(join(folder, name), { bytesMax, isAllowed: (path) => path.startsWith(`${root}${sep}`) });
    },
    secrets: systemSecrets(env),
  };
}
