// `npm run opus`: compiles Opus, the optional codec, so that callers can be bridged in it. See docs/opus.md.
import { buildOpus, fail, say, setUp } from './setup.mjs';

setUp();
const problem = buildOpus();
if (problem !== undefined) fail(`no Opus: ${problem}. Everything else works without it.`);
say('Opus is built; the next start takes it.');
