import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { recordedCalls } from '../../src/records/recorded-calls';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringbridge-recorded-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const line = (type: string, callId: string, more: object = {}): string => {
  const common = { sipCallId: `${callId}@x`, to: '100', from: '7', startedAt: '2026-11-23T09:00:00.000Z' };
  return `${JSON.stringify({ type, callId, ...common, ...more })}\n`;
};
const write = (day: string, text: string): Promise<void> => writeFile(join(folder, `calls-${day}.jsonl`), text);

async function read(path = folder): Promise<{ ids: string[]; routes: unknown[]; skipped: number }> {
  const ids: string[] = [];
  const routes: unknown[] = [];
  let skipped = 0;
  for await (const { callId, route } of recordedCalls(path, () => (skipped += 1))) {
    ids.push(callId);
    routes.push(route);
  }
  return { ids, routes, skipped };
}

test('each call comes once, as its end tells it, in the order of the ends; calls in progress come last', async () => {
  await write('2026-11-22', line('call.start', 'a', { route: 'at first' }) + line('call.start', 'b'));
  await write(
    '2026-11-23',
    line('call.start', 'c') + line('call.end', 'c') + line('call.end', 'a', { route: 'at last' }),
  );
  expect(await read()).toEqual({ ids: ['c', 'a', 'b'], routes: [undefined, 'at last', undefined], skipped: 0 });
});

test('an end without a start is a call that was never answered', async () => {
  await write('2026-11-23', line('call.end', 'a'));
  expect((await read()).ids).toEqual(['a']);
});

test('torn lines and what lacks a fact that every call has are counted, other kinds of records are not', async () => {
  const lacking = JSON.stringify({ type: 'call.end', callId: 'x' });
  const other = line('call.note', 'n');
  await write(
    '2026-11-23',
    `${line('call.end', 'a')}{"type":"call.e\nnull\n[]\n${lacking}\n${other}${line('call.end', 'b')}`,
  );
  expect(await read()).toEqual({ ids: ['a', 'b'], routes: [undefined, undefined], skipped: 4 });
});

test('one journal can be read alone, and other files of the folder are left alone', async () => {
  await write('2026-11-22', line('call.end', 'a'));
  await write('2026-11-23', line('call.end', 'b'));
  await writeFile(join(folder, 'notes.jsonl'), 'nonsense\n');
  expect((await read(join(folder, 'calls-2026-11-23.jsonl'))).ids).toEqual(['b']);
  expect(await read()).toMatchObject({ ids: ['a', 'b'], skipped: 0 });
});

test('a path that is not there is an error', async () => {
  await expect(read(join(folder, 'none'))).rejects.toThrow('ENOENT');
});
