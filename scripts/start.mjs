// `npm start`: sets up what is missing, then serves in this same process.
import { createRequire } from 'node:module';

import { setUp } from './setup.mjs';

setUp();
if (process.env.npm_lifecycle_event === 'start') followNpm();
process.argv.splice(2, 0, 'serve');
createRequire(import.meta.url)('../dist/cli/ringbridge.js');

/**
 * npm hands a signal to the shell between it and us, and a shell that dies of SIGTERM does not pass it on: without this,
 * a supervisor that stops `npm start` would leave the bridge running.
 */
function followNpm() {
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 250);
  watch.unref();
}
