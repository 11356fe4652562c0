import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { CallStartRecord } from './call-record';
import { crashEndRecord } from './call-record';
import type { Journal } from './journal';
import type { JournalDisk } from './journal-disk';
import { nodeDisk } from './journal-disk';
import { dayFile, linesOf } from './journal-lines';

export interface CrashRecoveryOptions {
  folder: string;
  journal: Journal;
  clock: Clock;
  logger: Logger;
  disk?: JournalDisk;
}

/** A call that began before midnight has its start in the file of the day before. */
const filesReadMax = 2;
const openCallsMax = 100_000;

/**
 * Ends the calls that a process left behind when it died: each `call.start` without its `call.end` gets one. To be run
 * once at start, before the first call. Resolves with the number of calls; a journal that cannot be read is logged.
 */
export async function recoverCrashedCalls(options: CrashRecoveryOptions): Promise<number> {
  const { folder, journal, clock, logger, disk = nodeDisk } = options;
  const open = new Map<string, CallStartRecord>();
  for (const name of newestFiles(folder, disk)) {
    try {
      for await (const line of linesOf(disk.read(folder, name))) follow(line, open);
    } catch (cause) {
      logger.error({ file: name, message: messageOf(cause) }, 'journal cannot be read');
    }
  }
  for (const start of open.values()) {
    journal.append(crashEndRecord(start, { atMs: clock.wallTimeMs() }), { durable: true });
  }
  if (open.size > 0) logger.warn({ calls: open.size }, 'calls were cut off when the process died');
  return open.size;
}

/** The first start of a crashed process finds no folder at all. */
function newestFiles(folder: string, disk: JournalDisk): string[] {
  try {
    const names = disk.list(folder).filter((name) => dayFile.test(name));
    return names.sort().slice(-filesReadMax);
  } catch {
    return [];
  }
}

/** Torn and foreign lines are passed over. */
function follow(line: string, open: Map<string, CallStartRecord>): void {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return;
  }
  if (typeof record !== 'object' || record === null) return;
  const { type, callId } = record as { type?: unknown; callId?: unknown };
  if (typeof callId !== 'string') return;
  if (type === 'call.end') open.delete(callId);
  if (type === 'call.start' && open.size < openCallsMax) open.set(callId, record as CallStartRecord);
}
