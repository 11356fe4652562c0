import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { loadOpus } from '../../src/audio/opus';

/**
 * `describe` when every one of these programs, and `opus`, the optional codec, can be used here, else `describe.skip` and one line that says why: a suite
 * that needs a peer we did not write is skipped where that peer is missing, and is counted as skipped.
 */
export function describeWith(...programs: string[]): jest.Describe {
  const problems = programs.flatMap((program) => problemOf(program) ?? []);
  if (problems.length === 0) return describe;
  const suite = expect.getState().testPath?.split('/').at(-1) ?? 'a suite';
  const line = `skipped in ${suite}: ${problems.join(', ')}\n`;
  if (!told.has(line)) process.stderr.write(line);
  told.add(line);
  return describe.skip;
}

/** Several suites of one file may lack the same. */
const told = new Set<string>();

function problemOf(program: string): string | undefined {
  if (program === 'opus') return typeof loadOpus() === 'string' ? 'Opus is not built (npm run opus)' : undefined;
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => folder !== '');
  if (!folders.some((folder) => existsSync(join(folder, program)))) return `${program} is not installed`;
  return program === 'tshark' && !mayCapture() ? 'tshark may not capture on loopback' : undefined;
}

function mayCapture(): boolean {
  const { status } = spawnSync('tshark', ['-i', 'lo', '-a', 'duration:0', '-c', '1', '-w', '/dev/null']);
  return status === 0;
}
