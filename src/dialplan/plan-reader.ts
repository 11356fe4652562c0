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
  read(name: string, options: { bytesMax: number; isSecret?: boolean }): Promise<PlanRead>;
  readonly secrets: SecretReader;
}

/**
 * Reads from disk. Links may lead about within the folder, as in a Kubernetes mount, and never out of it. Secrets that stand
 * inside of the folder are read in `secretsFolder`: a plan that was kept is kept without them.
 */
export function folderReader(
  folder: string,
  { env, secretsFolder = folder }: { env: Readonly<Record<string, string | undefined>>; secretsFolder?: string },
): PlanReader {
  return {
    list: () => readdir(folder),
    async read(name, { bytesMax, isSecret = false }) {
      const within = isSecret ? secretsFolder : folder;
      const root = await realpath(within).catch(() => undefined);
      return readThroughLinks(join(within, name), { bytesMax, isAllowed: (path) => path.startsWith(`${root}${sep}`) });
    },
    secrets: systemSecrets(env),
  };
}
