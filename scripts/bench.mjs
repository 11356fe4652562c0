// `npm run bench`: sets up what is missing, compiles the benches and runs all of them, or those that are named:
//   npm run bench -- latency hundred-calls --seconds 20
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { fail, projectFolder, setUp } from './setup.mjs';

setUp();
compile();
run();

function compile() {
  const tsc = join(projectFolder, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.bench.json'], {
    cwd: projectFolder,
    stdio: 'inherit',
  });
  if (status !== 0) fail('the benches do not compile.');
}

function run() {
  const main = join('.cache', 'bench', 'test', 'bench', 'main.js');
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', main, ...process.argv.slice(2)], {
    cwd: projectFolder,
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}
