import { MessageFile } from '../../src/records/message-file';
import type { JournalDisk } from '../../src/records/journal-disk';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { LoggerSpy } from '../support/logger-spy';

function messageFile(change: Partial<JournalDisk> = {}) {
  const files = new Map<string, string>();
  const synced: string[] = [];
  const open: string[] = [];
  const disk: JournalDisk = {
    makeFolder: () => undefined,
    list: () => [...files.keys()],
    open: (_folder, name) => {
      open.push(name);
      const text = files.get(name) ?? '';
      files.set(name, text);
      return { file: open.length - 1, torn: text !== '' && !text.endsWith('\n') };
    },
    write: (file, bytes, offset) => {
      const name = open[file] ?? '';
      files.set(name, `${files.get(name)}${bytes.toString('utf8', offset)}`);
      return bytes.length - offset;
    },
    sync: (file) => Promise.resolve(void synced.push(open[file] ?? '')),
    close: () => undefined,
    read: () => {
      throw new Error('messages are not read');
    },
    ...change,
  };
  const log = new LoggerSpy();
  const messages = new MessageFile({ folder: 'data/messages', clock: new VirtualClock(), logger: log, disk });
  const add = (callId = 'call-1') =>
    messages.add({
      callId,
      callerNumber: '+33123456789',
      callerName: '',
      calledNumber: '100',
      agent: 'desk',
      text: 'Call me.',
      callBack: undefined,
    });
  return { add, files, synced, log };
}

test('a message is one line of JSON, and kept only once it is on the disk', async () => {
  const { add, files, synced } = messageFile();
  expect(await add()).toBe('kept');
  expect(synced).toEqual(['messages-2026-01-05.jsonl']);
  const text = files.get('messages-2026-01-05.jsonl') ?? '';
  expect(text.endsWith('\n')).toBe(true);
  expect(JSON.parse(text)).toMatchObject({ at: '2026-01-05T09:00:00.000Z', text: 'Call me.', callBack: null });
});

test('a call leaves five messages at most; the next call is not held to that', async () => {
  const { add } = messageFile();
  for (let i = 0; i < 5; i += 1) expect(await add()).toBe('kept');
  expect(await add()).toBe('full');
  expect(await add('call-2')).toBe('kept');
});

test.each<[string, Partial<JournalDisk>]>([
  ['takes nothing', { write: () => 0 }],
  [
    'cannot be opened',
    {
      open: () => {
        throw new Error('EACCES');
      },
    },
  ],
  ['cannot be synced', { sync: () => Promise.reject(new Error('EIO')) }],
])('a disk that %s is told, and the log has no word of the message', async (_, change) => {
  const { add, log } = messageFile(change);
  expect(await add()).toBe('failed');
  expect(log.lines.join('\n')).toContain('cannot be kept');
  expect(JSON.stringify(log.fields)).not.toContain('Call me');
});

test('a line that was cut short does not swallow the next one', async () => {
  const { add, files } = messageFile();
  files.set('messages-2026-01-05.jsonl', '{"at":"2026');
  await add();
  const lines = (files.get('messages-2026-01-05.jsonl') ?? '').split('\n');
  expect(lines[0]).toBe('{"at":"2026');
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ text: 'Call me.' });
});
