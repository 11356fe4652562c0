import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Runs a tool's file and returns what it exports. Rejects when it cannot. Another `version` is another module. */
export type LoadModule = (file: string, version: string) => Promise<unknown>;

/** Loads from the dialplan folder; a link may not lead out of it. */
export function folderModules(folder: string): LoadModule {
  return async (file, version) => {
    const root = await realpath(folder);
    const path = await realpath(join(folder, file));
    if (!path.startsWith(root + sep)) throw new Error('the file lies outside of the dialplan folder');
    // A file that was changed is loaded again, because its address is another one.
    return (await import(`${pathToFileURL(path).href}?version=${version}`)) as unknown;
  };
}
