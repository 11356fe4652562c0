// `npm start`: sets up what is missing, then serves in this same process, so that signals need no forwarding.
import { createRequire } from 'node:module';

import { setUp } from './setup.mjs';

setUp();
process.argv.splice(2, 0, 'serve');
createRequire(import.meta.url)('../dist/cli/ringbridge.js');
