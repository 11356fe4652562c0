import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { describeWith } from '../support/installed';

const projectFolder = resolve(__dirname, '..', '..');
/** The suite alone waits 32 s for an ACK that never comes, and every file of it starts its own callers. */
const limitMs = 240_000;

describeWith('sipp')("drachtio-srf's own test suite", () => {
  test(
    'passes against the embedded server, assertion by assertion',
    async () => {
      const child = spawn(process.execPath, [join(projectFolder, 'scripts', 'srf-suite.mjs')], { cwd: projectFolder });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-6_000)));
      }
      const [code] = (await once(child, 'close')) as [number | null];

      expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
      expect(output).toContain('77 of 77 assertions passed');
    },
    limitMs,
  );
});
