// The long form of test/fuzz: mutated SIP messages against parser, framer and the whole stack on a virtual clock; INVITEs
// and answers with one field that is wrong, also with drachtio-srf attached; two stacks that call each other over a bad
// network; calls in which both sides do all they may do, in every order of three steps; and as many calls as messages, which must leave nothing behind:
//
//   node scripts/fuzz-sip.mjs [messages] [seed]        (default: 1,000,000 messages and a seed of today's)
//
// Fails when anything throws, when memory grows or when something is left behind. The same seed does the same again.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { fail, projectFolder, say, setUp } from './setup.mjs';

const [messages = '1000000', seed = String(Math.floor(Date.now() / 86_400_000))] = process.argv.slice(2);
if (![messages, seed].every((argument) => /^[1-9]\d{0,9}$/.test(argument))) {
  fail('usage: node scripts/fuzz-sip.mjs [messages] [seed], both whole numbers');
}

setUp();
say(`${messages} messages, seed ${seed}`);
const jest = join(projectFolder, 'node_modules', 'jest', 'bin', 'jest.js');
const suites = ['test/fuzz/', 'test/integration/sip-server-one-field.test.ts'];
// In processes of their own: in jest's, the guard against leftovers finds the timers of jest's reporter.
const { status } = spawnSync(process.execPath, ['--expose-gc', jest, '--maxWorkers=2', ...suites], {
  cwd: projectFolder,
  stdio: 'inherit',
  env: {
    ...process.env,
    RINGBRIDGE_FUZZ_MESSAGES: messages,
    RINGBRIDGE_FUZZ_CALLS: messages,
    RINGBRIDGE_FUZZ_DIALOG_ROUNDS: String(Math.ceil(Number(messages) / 1_000)),
    RINGBRIDGE_FUZZ_ONE_FIELD_EVERY: '1',
    RINGBRIDGE_FUZZ_ORDER_STEPS: '3',
    RINGBRIDGE_FUZZ_SEED: seed,
  },
});
process.exit(status ?? 1);
