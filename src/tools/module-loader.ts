import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Runs a tool's file and returns what it exports. Rejects when it cannot. */
export type LoadModule = (file: string, version: string) => Promise<unknown>;

/**
 * Loads from the dialplan folder; a link may not lead out of it. `version` is how the SHA-256 of the file began when the plan
 * was read: another file under its name is not what the plan means.
 */
export function folderModules(folder: string): LoadModule {
  return async (file, version) => {
    const root = await realpath(folder);
    const path = await realpath(join(folder, file));
    if (!path.startsWith(root + sep)) throw new Error('the file lies outside of the dialplan folder');
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    if (!digest.startsWith(version)) throw new Error('the file is another one than when the plan was read');
    // A file that was changed is loaded again, because its address is another one.
    return (await import(`${pathToFileURL(path).href}?version=${version}`)) as unknown;
  };
}
