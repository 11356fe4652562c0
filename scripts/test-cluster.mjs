// `npm run test:cluster`: the cluster shape against the real servers that the environment names (docs/cluster-tests.md).
// Suites whose server is not named say so and count as skipped. What follows `--` goes to jest as it is.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fail, projectFolder, setUp } from './setup.mjs';

setUp();
run();

function run() {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-cluster-'));
  const outputFile = join(folder, 'results.json');
  const jest = join(projectFolder, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = ['--config', 'jest.cluster.config.cjs', '-i', '--json', `--outputFile=${outputFile}`];
  spawnSync(process.execPath, [jest, ...args, ...process.argv.slice(2)], {
    cwd: projectFolder,
    // jest prints the JSON on standard output as well; what is for people goes to standard error.
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const results = existsSync(outputFile) ? JSON.parse(readFileSync(outputFile, 'utf8')) : undefined;
  rmSync(folder, { recursive: true });
  if (results === undefined) fail('jest did not finish.');
  const failedFiles = results.testResults.filter((file) => file.status === 'failed').length;
  const failed = Math.max(results.numFailedTests, failedFiles);
  const skipped = results.numPendingTests + results.numTodoTests;
  process.stdout.write(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exit(failed === 0 ? 0 : 1);
}
