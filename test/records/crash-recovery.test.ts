import { callEndRecord, callStartRecord } from '../../src/records/call-record';
import { recoverCrashedCalls } from '../../src/records/crash-recovery';
import { Journal } from '../../src/records/journal';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { endedCall, refusedCall } from '../support/ended-call';
import { LoggerSpy } from '../support/logger-spy';
import { MemoryDisk } from './memory-disk';

const yesterday = 'calls-2026-01-04.jsonl';
const today = 'calls-2026-01-05.jsonl';
const atMs = 0;

const start = (callId: string) => JSON.stringify(callStartRecord(endedCall({ callId }), { atMs }));
const end = (callId: string) => JSON.stringify(callEndRecord(endedCall({ callId }), { atMs }));

function setUp(files: Record<string, string>) {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  const logger = new LoggerSpy();
  for (const [name, text] of Object.entries(files)) disk.files.set(name, Buffer.from(text));
  const journal = new Journal({ folder: 'data', clock, logger, disk });
  const recover = () => recoverCrashedCalls({ folder: 'data', journal, clock, logger, disk });
  const crashed = () =>
    (disk.records(today) as ({ callId: string; reason: { kind: string } | null; type: string } | null)[])
      .filter((record) => record?.type === 'call.end' && record.reason?.kind === 'crash')
      .map((record) => record?.callId);
  return { disk, logger, recover, crashed };
}

test('a start without an end gets one, with the reason crash, and only once', async () => {
  const { recover, crashed, disk, logger } = setUp({
    [today]: `${start('a')}\n${start('b')}\n${end('a')}\n${start('c')}\n`,
  });
  expect(await recover()).toBe(2);
  expect(crashed()).toEqual(['b', 'c']);
  expect(disk.records(today).at(-1)).toMatchObject({
    type: 'call.end',
    callId: 'c',
    to: '+33123456789',
    reason: { kind: 'crash' },
    blame: 'us',
    endedAt: null,
    at: '2026-01-05T09:00:00.000Z',
  });
  expect(logger.lines).toEqual(['warn calls were cut off when the process died']);
  expect(await recover()).toBe(0);
  expect(crashed()).toEqual(['b', 'c']);
});

test('a call across midnight has its start in the file of the day before', async () => {
  const { recover, crashed } = setUp({ [yesterday]: `${start('a')}\n${start('b')}\n`, [today]: `${end('a')}\n` });
  expect(await recover()).toBe(1);
  expect(crashed()).toEqual(['b']);
});

test('older files and foreign ones are not read', async () => {
  const { recover } = setUp({
    'calls-2026-01-01.jsonl': `${start('old')}\n`,
    [yesterday]: '',
    [today]: '',
    'calls-2026-01-09.jsonl.bak': `${start('copy')}\n`,
    'notes.txt': `${start('note')}\n`,
  });
  expect(await recover()).toBe(0);
});

test('torn, empty, foreign and endless lines are passed over', async () => {
  const { recover, crashed } = setUp({
    [today]: `${start('a')}\n{"type":"call.end","cal\n\nnull\n[]\n"x"\n{"type":"call.start"}\n${'x'.repeat(70_000)}\n${end('b')}\n${start('c')}`,
  });
  expect(await recover()).toBe(2);
  expect(crashed()).toEqual(['a', 'c']);
});

test('the end of a refused call, which has no start, means nothing here', async () => {
  const { recover } = setUp({ [today]: `${JSON.stringify(callEndRecord(refusedCall(), { atMs }))}\n` });
  expect(await recover()).toBe(0);
});

test('a first start, without a folder, has nothing to recover', async () => {
  const { recover, disk } = setUp({});
  disk.list = () => {
    throw new Error('ENOENT');
  };
  expect(await recover()).toBe(0);
});

test('a file that cannot be read is logged and the start goes on', async () => {
  const { recover, disk, logger } = setUp({ [today]: '' });
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream that fails at once
  disk.read = async function* () {
    throw new Error('EIO');
  };
  expect(await recover()).toBe(0);
  expect(logger.lines).toEqual(['error journal cannot be read']);
});
