import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { CallStartRecord } from './call-record';
import { dayFile, linesOf } from './journal-lines';

/** What a record says that routing depends on. Older records lack some of it: undefined. */
export type RoutedRecord = Pick<CallStartRecord, 'callId' | 'sipCallId' | 'to' | 'from' | 'startedAt'> &
  Partial<Pick<CallStartRecord, 'trunk' | 'route' | 'planHash' | 'headers' | 'sourceAddress'>>;

/** Starts whose end has not been read; beyond these the oldest is taken for one that never ended. */
const openMax = 100_000;

/**
 * Every call of a folder of journals, or of one journal, each once, in the order in which they ended; calls in progress
 * come last. Lines that are no record are counted by `onSkipped`. Rejects when the path cannot be read.
 */
export async function* recordedCalls(path: string, onSkipped: () => void): AsyncGenerator<RoutedRecord> {
  const open = new Map<string, RoutedRecord>();
  for (const file of await journalsAt(path)) {
    for await (const line of linesOf(createReadStream(file) as AsyncIterable<Buffer>)) {
      const record = parseRecord(line);
      if (record === undefined) onSkipped();
      else if (record.type === 'call.start') open.set(record.callId, record);
      else if (record.type === 'call.end') {
        open.delete(record.callId);
        yield record;
      }
      const [oldest] = open.size > openMax ? open.values() : [];
      if (oldest !== undefined) {
        open.delete(oldest.callId);
        yield oldest;
      }
    }
  }
  yield* open.values();
}

async function journalsAt(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const names = (await readdir(path)).filter((name) => dayFile.test(name));
  return names.sort().map((name) => join(path, name));
}

/** Undefined for a torn line and for one that lacks what every call has; other kinds of records are passed through. */
function parseRecord(line: string): (RoutedRecord & { type: string }) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Readonly<Record<string, unknown>>;
  const { type, callId, sipCallId, to, from, startedAt } = record;
  const isWhole = [type, callId, sipCallId, to, from, startedAt].every((text) => typeof text === 'string');
  return isWhole ? (record as unknown as RoutedRecord & { type: string }) : undefined;
}
