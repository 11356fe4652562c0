import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';

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

/** Reads what a path leads to in the end, where `isAllowed` says so. Never rejects. */
export async function readThroughLinks(
  name: string,
  { bytesMax, isAllowed = () => true }: { bytesMax: number; isAllowed?: (path: string) => boolean },
): Promise<PlanRead> {
  try {
    const path = await realpath(name);
    return isAllowed(path) ? await readFileAt(path, bytesMax) : { kind: 'outside' };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { kind: 'missing' }
      : { kind: 'unreadable', message: messageOf(cause) };
  }
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
