import { runSchemaCommand } from '../../src/cli/schema';

async function schema(argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { stdout: (text: string) => out.push(text), stderr: (text: string) => err.push(text), env: {} };
  return { code: await runSchemaCommand(argv, io), out: out.join(''), err: err.join('') };
}

test('the schema is printed as JSON, and the reference as a page', async () => {
  const printed = await schema([]);
  expect(printed.code).toBe(0);
  expect(JSON.parse(printed.out)).toMatchObject({ type: 'object', additionalProperties: false });
  const page = await schema(['--reference']);
  expect(page.code).toBe(0);
  expect(page.out).toMatch(/^# The language of dialplans\n/);
});

test('wrong use ends with 2 and the usage', async () => {
  for (const argv of [['--refrence'], ['dialplans']]) {
    const { code, out, err } = await schema(argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('ringbridge schema [--reference]');
  }
});

test('--help ends with 0', async () => {
  const { code, out } = await schema(['--help']);
  expect(code).toBe(0);
  expect(out).toContain('Exit code');
});
