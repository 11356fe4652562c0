// `npm run demo`: sets up what is missing, then holds one recorded call with a barge-in against the simulator.
import { createRequire } from 'node:module';

import { setUp } from './setup.mjs';

setUp();
process.argv.splice(2, 0, 'demo');
createRequire(import.meta.url)('../dist/cli/ringbridge.js');
