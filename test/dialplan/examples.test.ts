import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { runCheckCommand } from '../../src/cli/check';
import { runTestCommand } from '../../src/cli/test';

const folder = join('dialplans', 'examples');
const examples = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

async function printed(command: typeof runCheckCommand, argv: string[]) {
  const out: string[] = [];
  const print = (text: string): void => void out.push(text);
  const env = { PRACTICE_TOKEN: 'token', BILLING_TOKEN: 'token' };
  const code = await command(argv, { stdout: print, stderr: print, env });
  return { code, text: out.join('') };
}

test('there is an example for each kind of line', () => {
  expect(examples).toEqual(['appointments', 'dictation', 'interpreter', 'ivr', 'menu', 'night']);
});

describe.each(examples)('%s', (name) => {
  test('is well, without a warning', async () => {
    const { code, text } = await printed(runCheckCommand, [join(folder, name)]);
    expect(text).toMatch(/: well \([^)]*\)\n$/);
    expect(text.split('\n')).toHaveLength(2);
    expect(code).toBe(0);
  });

  test('goes as its scenarios say', async () => {
    expect(existsSync(join(folder, name, 'scenarios'))).toBe(true);
    const { code, text } = await printed(runTestCommand, [join(folder, name)]);
    expect(text).toMatch(/\n[1-9]\d* scenarios went as they say, 0 did not\n$/);
    expect(code).toBe(0);
  }, 60_000);
});
