import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { messageOf } from '../runtime/errors';

/** One file's octets, or why there are none. */
export type PlanRead =
  | { kind: 'read'; bytes: Buffer }
  | { kind: 'missing' }
  /** A link that leads out of the folder. */
  | { kind: 'outside' }
  | { kind: 'not-a-file' }
  | { kind: 'too-large' }
  | { kind: 'unreadable'; message: string };

/** A folder of dialplans. */
export interface PlanReader {
  /** Names of everything in the folder, without its subfolders' contents, in any order. Rejects when it cannot. */
  list(): Promise<readonly string[]>;
  /** `name` is relative, with `/`, and was checked to hold no `..`. Never rejects. */
  read(name: string, limit: { bytesMax: number }): Promise<PlanRead>;
}

/** Reads from disk. Links may lead about within the folder, as in a Kubernetes mount, and never out of it. */
export function folderReader(folder: string): PlanReader {
  return {
    list: () => readdir(folder),
    async read(name, { bytesMax }) {
      try {
        const root = await realpath(folder);
        const path = await realpath(join(folder, name));
        return path.startsWith(root + sep) ? await readFileAt(path, bytesMax) : { kind: 'outside' };
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        return code === 'ENOENT' || code === 'ENOTDIR'
          ? { kind: 'missing' }
          : { kind: 'unreadable', message: messageOf(cause) };
      }
    },
  };
}

async function readFileAt(path: string, bytesMax: number): Promise<PlanRead> {
  // The path is free of links already; one that takes its place now is not followed. A pipe must not block the open.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) return { kind: 'not-a-file' };
    const buffer = Buffer.alloc(bytesMax + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length > bytesMax) break;
    }
    return length > bytesMax ? { kind: 'too-large' } : { kind: 'read', bytes: buffer.subarray(0, length) };
  } finally {
    await file.close();
  }
}
