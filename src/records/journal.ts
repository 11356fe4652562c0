import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { isoDay } from '../runtime/iso-time';
import type { Logger } from '../runtime/logger';
import type { JournalDisk } from './journal-disk';
import { nodeDisk } from './journal-disk';

export interface JournalOptions {
  /** Made when it does not exist. One process per folder. */
  folder: string;
  clock: Clock;
  logger: Logger;
  disk?: JournalDisk;
}

/** Records that wait while the disk refuses them: about 2 MB. */
const waitingMax = 1_000;
/** A partial write is taken up again this often before the line counts as torn. */
const writeAttemptsMax = 4;

interface DayFile {
  day: string;
  file: number;
  /** The next line must begin with a newline, for the last one may have no end. */
  torn: boolean;
}

/** The name of the file that holds the records of a UTC day. */
export function journalFileName(day: string): string {
  return `calls-${day}.jsonl`;
}

/**
 * The record of truth: lines of JSON, appended, one file per UTC day. `append` writes before it returns, so that a
 * process that is killed loses nothing; it never throws on plain data, and a record that the disk refuses is tried again
 * with the next one and at the close.
 */
export class Journal {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #disk: JournalDisk;
  readonly #waiting: string[] = [];
  readonly #retiring = new Set<Promise<void>>();
  #current: DayFile | undefined;
  #syncing: Promise<void> | undefined;
  /** A record that must be durable has not been written yet, or not been forced to the disk. */
  #syncOwed = false;
  #syncWanted = false;
  #failing = false;
  #failures = 0;
  #lost = 0;
  #closed = false;

  constructor(options: JournalOptions) {
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#disk = options.disk ?? nodeDisk;
  }

  /** Writes and syncs that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Records that were given up: more were waiting than can, or the disk refused them to the end. */
  get lost(): number {
    return this.#lost;
  }

  /** Appends one line. With `durable`, it is then forced to the disk, soon and without waiting. */
  append(record: object, { durable }: { durable: boolean }): void {
    if (this.#closed) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(JSON.stringify(record));
    this.#syncOwed ||= durable;
    if (this.#waiting.length > waitingMax) {
      this.#waiting.shift();
      this.#lost += 1;
    }
    if (this.#writeWaiting() && this.#syncOwed) this.#requestSync();
  }

  /** Writes what waits and forces it to the disk. Twice is fine. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#writeWaiting();
    this.#lost += this.#waiting.length;
    this.#waiting.length = 0;
    if (this.#current !== undefined) this.#retire(this.#current);
    this.#current = undefined;
    await Promise.all(this.#retiring);
  }

  /** True when nothing waits any more. */
  #writeWaiting(): boolean {
    try {
      for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
        this.#writeLine(this.#fileOfToday(), line);
        this.#waiting.shift();
      }
    } catch (cause) {
      this.#noteFailure(cause);
      return false;
    }
    if (this.#failing) this.#logger.info({ lost: this.#lost }, 'journal writes again');
    this.#failing = false;
    return true;
  }

  #writeLine(target: DayFile, line: string): void {
    const bytes = Buffer.from(`${target.torn ? '\n' : ''}${line}\n`);
    target.torn = true;
    let written = 0;
    for (let attempt = 0; written < bytes.length && attempt < writeAttemptsMax; attempt += 1) {
      written += this.#disk.write(target.file, bytes, written);
    }
    target.torn = written < bytes.length;
    // A full disk takes what fits and reports no error. Where only the newline is missing, the record is there: writing
    // it again would make it two.
    if (written < bytes.length - 1) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
  }

  #fileOfToday(): DayFile {
    const day = isoDay(this.#clock.wallTimeMs());
    if (this.#current?.day === day) return this.#current;
    if (this.#current !== undefined) this.#retire(this.#current);
    this.#current = undefined;
    this.#disk.makeFolder(this.#folder);
    this.#current = { day, ...this.#disk.open(this.#folder, journalFileName(day)) };
    return this.#current;
  }

  /** One sync at a time; those asked for meanwhile are one more. */
  #requestSync(): void {
    this.#syncOwed = false;
    this.#syncWanted = true;
    this.#syncing ??= this.#syncWhileWanted().finally(() => {
      this.#syncing = undefined;
    });
  }

  async #syncWhileWanted(): Promise<void> {
    while (this.#syncWanted && this.#current !== undefined) {
      this.#syncWanted = false;
      await this.#sync(this.#current);
    }
  }

  /** Forces a file of the past to the disk and closes it, after the sync that may be running on it. */
  #retire({ file, ...rest }: DayFile): void {
    const retired = (this.#syncing ?? Promise.resolve())
      .then(() => this.#sync({ file, ...rest }))
      .then(() => this.#disk.close(file))
      .catch((cause: unknown) => this.#noteFailure(cause))
      .finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }

  async #sync({ file }: DayFile): Promise<void> {
    try {
      await this.#disk.sync(file);
    } catch (cause) {
      this.#noteFailure(cause);
    }
  }

  /** Logged once per spell of trouble: a full disk must not fill the log as well. */
  #noteFailure(cause: unknown): void {
    this.#failures += 1;
    if (this.#failing) return;
    this.#failing = true;
    this.#logger.error({ folder: this.#folder, message: messageOf(cause) }, 'journal cannot write call records');
  }
}
