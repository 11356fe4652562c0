import {
  closeSync,
  constants,
  createReadStream,
  fdatasync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The disk as the journal needs it; all but `sync` and `read` are short system calls, made at once. They may throw. */
export interface JournalDisk {
  makeFolder(folder: string): void;
  list(folder: string): string[];
  /** Opens for appending, readable by us alone. `torn`: the last line has no end. */
  open(folder: string, name: string): { file: number; torn: boolean };
  /** Appends from `offset` on; the count that was written may be less than what there was, also on a full disk. */
  write(file: number, bytes: Buffer, offset: number): number;
  sync(file: number): Promise<void>;
  close(file: number): void;
  read(folder: string, name: string): AsyncIterable<Buffer>;
}

const newline = 0x0a;

export const nodeDisk: JournalDisk = {
  makeFolder: (folder) => void mkdirSync(folder, { recursive: true, mode: 0o700 }),
  list: (folder) => readdirSync(folder),
  open(folder, name) {
    const flags = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW;
    const file = openSync(join(folder, name), flags, 0o600);
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    if (size > 0) readSync(file, last, 0, 1, size - 1);
    return { file, torn: size > 0 && last[0] !== newline };
  },
  write: (file, bytes, offset) => writeSync(file, bytes, offset),
  sync: promisify(fdatasync),
  close: (file) => closeSync(file),
  read: (folder, name) => createReadStream(join(folder, name)) as AsyncIterable<Buffer>,
};
