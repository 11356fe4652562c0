import type { PlanRead } from './file-read';
import type { PlanFile } from './plan-file';
import { visit } from './plan-path';
import type { PlanPath } from './plan-path';

/** How a plan names a file: this, and a path inside the dialplan folder. */
export const filePrefix = 'file:';

/** A file that a plan names, where it names it first. */
export interface NamedFile {
  readonly file: PlanFile;
  readonly path: PlanPath;
  /** Without `file:`. */
  readonly name: string;
}

/** What is wrong with a file that a plan names. */
export interface FileFault {
  readonly message: string;
  readonly expected: string;
}

/** The files that stand at these places of a plan, each once. */
export function namedFiles(files: readonly PlanFile[], places: readonly PlanPath[]): NamedFile[] {
  const names = new Map<string, NamedFile>();
  for (const file of files) {
    for (const place of places) {
      visit(file.document?.root, place, (value, path) => {
        if (typeof value !== 'string' || !value.startsWith(filePrefix) || names.has(value)) return;
        names.set(value, { file, path, name: value.slice(filePrefix.length) });
      });
    }
  }
  return [...names.values()];
}

/** Letters, digits and dots, but no part that begins with a dot. */
const nameForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,7}$/;

/** A path inside the dialplan folder: no way up, no hidden files, no absolute path. */
export function isNameWithin(path: string): boolean {
  return nameForm.test(path);
}

export const nameFault = 'a path that leads out of the folder or has odd characters';

/** Undefined when it is not UTF-8. A byte order mark is dropped. */
export function decodeText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Why there is no text. */
export function readFault(read: PlanRead): string {
  switch (read.kind) {
    case 'read':
      return 'the file is not UTF-8';
    case 'missing':
      return 'there is no such file';
    case 'outside':
      return 'the file lies outside of the dialplan folder';
    case 'not-a-file':
      return 'that is not a file';
    case 'too-large':
      return 'the file is too large';
    case 'unreadable':
      return `the file cannot be read: ${read.message}`;
  }
}
