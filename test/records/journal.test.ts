import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Journal } from '../../src/records/journal';
import { silentLogger } from '../../src/runtime/logger';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { LoggerSpy } from '../support/logger-spy';
import { MemoryDisk } from './memory-disk';

const today = 'calls-2026-01-05.jsonl';
const tomorrow = 'calls-2026-01-06.jsonl';

function setUp() {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  const logger = new LoggerSpy();
  const journal = new Journal({ folder: 'data', clock, logger, disk });
  return { clock, disk, logger, journal };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a record is a line, written before append returns', () => {
  const { journal, disk } = setUp();
  journal.append({ n: 1 }, { durable: false });
  journal.append({ n: 2 }, { durable: false });
  expect(disk.text(today)).toBe('{"n":1}\n{"n":2}\n');
  expect(disk.synced).toEqual([]);
});

test('a durable record is forced to the disk, and those that come meanwhile share one more sync', async () => {
  const { journal, disk } = setUp();
  let open: () => void = () => undefined;
  disk.syncGate = new Promise((resolve) => (open = resolve));
  for (let n = 0; n < 5; n += 1) journal.append({ n }, { durable: true });
  open();
  await settled();
  expect(disk.synced).toEqual([today, today]);
});

test('the next UTC day has a file of its own, and the old one is synced and closed', async () => {
  const { journal, disk, clock } = setUp();
  journal.append({ n: 1 }, { durable: false });
  clock.advance(24 * 3_600_000);
  journal.append({ n: 2 }, { durable: false });
  await settled();
  expect(disk.text(today)).toBe('{"n":1}\n');
  expect(disk.text(tomorrow)).toBe('{"n":2}\n');
  expect(disk.synced).toEqual([today]);
  expect([...disk.openFiles.values()]).toEqual([tomorrow]);
});

test('a day that changes during a sync closes the old file only after it', async () => {
  const { journal, disk, clock } = setUp();
  let open: () => void = () => undefined;
  disk.syncGate = new Promise((resolve) => (open = resolve));
  journal.append({ n: 1 }, { durable: true });
  clock.advance(24 * 3_600_000);
  journal.append({ n: 2 }, { durable: true });
  await settled();
  expect([...disk.openFiles.values()]).toEqual([today, tomorrow]);
  open();
  await settled();
  expect([...disk.openFiles.values()]).toEqual([tomorrow]);
  expect(journal.failures).toBe(0);
});

test('a short write is taken up where it stopped', () => {
  const { journal, disk } = setUp();
  disk.writeBytesMax = 5;
  journal.append({ n: 1 }, { durable: false });
  expect(disk.text(today)).toBe('{"n":1}\n');
  expect(journal.failures).toBe(0);
});

test('a line that a full disk tore is written again, whole, once there is room', () => {
  const { journal, disk } = setUp();
  disk.freeBytes = 4;
  journal.append({ n: 1 }, { durable: false });
  expect(disk.text(today)).toBe('{"n"');
  disk.freeBytes = Number.POSITIVE_INFINITY;
  journal.append({ n: 2 }, { durable: false });
  expect(disk.text(today)).toBe('{"n"\n{"n":1}\n{"n":2}\n');
  expect(disk.records(today)).toEqual([{ n: 1 }, { n: 2 }]);
  expect(journal.failures).toBe(1);
  expect(journal.lost).toBe(0);
});

test('a record of which only the newline did not fit is there once', () => {
  const { journal, disk } = setUp();
  disk.freeBytes = '{"n":1}'.length;
  journal.append({ n: 1 }, { durable: false });
  disk.freeBytes = Number.POSITIVE_INFINITY;
  journal.append({ n: 2 }, { durable: false });
  expect(disk.text(today)).toBe('{"n":1}\n{"n":2}\n');
});

test('a durable record that had to wait is forced to the disk when it is written', async () => {
  const { journal, disk } = setUp();
  disk.freeBytes = 0;
  journal.append({ n: 1 }, { durable: true });
  disk.freeBytes = Number.POSITIVE_INFINITY;
  journal.append({ n: 2 }, { durable: false });
  await settled();
  expect(disk.synced).toEqual([today]);
});

test('a disk that fails never throws into the call; it is counted each time and logged once until it works again', () => {
  const { journal, disk, logger } = setUp();
  disk.writeError = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  for (let n = 0; n < 10; n += 1) journal.append({ n }, { durable: true });
  expect(journal.failures).toBe(10);
  expect(logger.lines).toEqual(['error journal cannot write call records']);
  disk.writeError = undefined;
  journal.append({ n: 10 }, { durable: true });
  expect(logger.lines.at(-1)).toBe('info journal writes again');
  expect(disk.records(today)).toEqual(Array.from({ length: 11 }, (_, n) => ({ n })));
});

test('records that wait are bounded: the oldest are given up and counted', () => {
  const { journal, disk } = setUp();
  disk.openError = new Error('EROFS');
  for (let n = 0; n < 1_005; n += 1) journal.append({ n }, { durable: false });
  expect(journal.lost).toBe(5);
  disk.openError = undefined;
  journal.append({ n: 1_005 }, { durable: false });
  const records = disk.records(today) as { n: number }[];
  expect(records).toHaveLength(1_000);
  expect(records[0]).toEqual({ n: 6 });
});

test('a sync that fails is counted and disturbs nothing', async () => {
  const { journal, disk, logger } = setUp();
  disk.syncError = new Error('EIO');
  journal.append({ n: 1 }, { durable: true });
  await settled();
  expect(journal.failures).toBe(1);
  expect(logger.lines).toEqual(['error journal cannot write call records']);
});

test('the line that a dead process left without its end gets one first', () => {
  const { journal, disk } = setUp();
  disk.files.set(today, Buffer.from('{"n":0}\n{"n":'));
  journal.append({ n: 1 }, { durable: false });
  expect(disk.text(today)).toBe('{"n":0}\n{"n":\n{"n":1}\n');
});

test('closing writes what waits, forces it to the disk and closes; twice is fine, and later records are counted as lost', async () => {
  const { journal, disk } = setUp();
  disk.freeBytes = 0;
  journal.append({ n: 1 }, { durable: true });
  disk.freeBytes = Number.POSITIVE_INFINITY;
  await journal.close();
  await journal.close();
  expect(disk.text(today)).toContain('{"n":1}\n');
  expect(disk.synced).toEqual([today]);
  expect(disk.openFiles.size).toBe(0);
  journal.append({ n: 2 }, { durable: true });
  expect(journal.lost).toBe(1);
  expect(disk.text(today)).not.toContain('{"n":2}');
});

test('closing before the first record makes no file', async () => {
  const { journal, disk } = setUp();
  await journal.close();
  expect(disk.files.size).toBe(0);
});

test('on a real disk the folder and its file are for us alone, and a second process appends', async () => {
  const outer = mkdtempSync(join(tmpdir(), 'ringbridge-journal-'));
  const folder = join(outer, 'deep', 'data');
  try {
    for (const n of [1, 2]) {
      const journal = new Journal({ folder, clock: new VirtualClock(), logger: silentLogger });
      journal.append({ n }, { durable: true });
      await journal.close();
      expect(journal.failures).toBe(0);
    }
    expect(readdirSync(folder)).toEqual([today]);
    expect(readFileSync(join(folder, today), 'utf8')).toBe('{"n":1}\n{"n":2}\n');
    expect(statSync(join(folder, today)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  } finally {
    rmSync(outer, { recursive: true });
  }
});

test('a file where the folder should be is a counted failure', () => {
  const outer = mkdtempSync(join(tmpdir(), 'ringbridge-journal-'));
  try {
    writeFileSync(join(outer, 'data'), '');
    const journal = new Journal({ folder: join(outer, 'data'), clock: new VirtualClock(), logger: silentLogger });
    journal.append({ n: 1 }, { durable: true });
    expect(journal.failures).toBe(1);
  } finally {
    rmSync(outer, { recursive: true });
  }
});
