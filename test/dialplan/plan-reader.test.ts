import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { folderReader } from '../../src/dialplan/plan-reader';

let outer: string;
let folder: string;

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), 'ringbridge-plans-'));
  folder = join(outer, 'plans');
  mkdirSync(join(folder, 'prompts'), { recursive: true });
  writeFileSync(join(outer, 'secret.md'), 'secret');
  writeFileSync(join(folder, 'a.yaml'), 'hello');
});

afterEach(() => {
  rmSync(outer, { recursive: true });
});

const read = (name: string, bytesMax = 100) => folderReader(folder, { env: {} }).read(name, { bytesMax });

test('a file is read up to its limit and not beyond', async () => {
  expect(await read('a.yaml', 5)).toEqual({ kind: 'read', bytes: Buffer.from('hello') });
  expect(await read('a.yaml', 4)).toEqual({ kind: 'too-large' });
});

test('what is not there or no file has a name', async () => {
  expect(await read('b.yaml')).toEqual({ kind: 'missing' });
  expect(await read('a.yaml/x')).toEqual({ kind: 'missing' });
  expect(await read('prompts')).toEqual({ kind: 'not-a-file' });
});

test('a link may lead about within the folder, as Kubernetes mounts do', async () => {
  mkdirSync(join(folder, '..data'));
  writeFileSync(join(folder, '..data/b.yaml'), 'mounted');
  symlinkSync('..data/b.yaml', join(folder, 'b.yaml'));
  expect(await read('b.yaml')).toEqual({ kind: 'read', bytes: Buffer.from('mounted') });
});

test('a link out of the folder is not followed, neither of a file nor of a folder', async () => {
  symlinkSync('../secret.md', join(folder, 'out.md'));
  symlinkSync('..', join(folder, 'up'));
  expect(await read('out.md')).toEqual({ kind: 'outside' });
  expect(await read('up/secret.md')).toEqual({ kind: 'outside' });
});

test('a folder beside it whose name begins the same is outside', async () => {
  mkdirSync(`${folder}-b`);
  writeFileSync(`${folder}-b/x.md`, 'x');
  symlinkSync('../plans-b/x.md', join(folder, 'x.md'));
  expect(await read('x.md')).toEqual({ kind: 'outside' });
});

test('the folder itself may be a link', async () => {
  symlinkSync(folder, join(outer, 'linked'));
  expect(await folderReader(join(outer, 'linked'), { env: {} }).read('a.yaml', { bytesMax: 9 })).toMatchObject({
    kind: 'read',
  });
});

test('a folder that is not there cannot be listed', async () => {
  await expect(folderReader(join(outer, 'none'), { env: {} }).list()).rejects.toThrow('ENOENT');
});
