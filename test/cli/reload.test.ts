import { startHttpServer } from '../../src/console/http-server';
import type { HttpServer } from '../../src/console/http-server';
import type { PlanControl } from '../../src/console/plan-control';
import { runPlansCommand } from '../../src/cli/plans';
import { runReloadCommand } from '../../src/cli/reload';
import { runRestoreCommand } from '../../src/cli/restore';
import { PlanLoaderHere } from '../../src/dialplan/plan-attempt';
import { folderReader } from '../../src/dialplan/plan-reader';
import type { PlanInForce } from '../../src/dialplan/plan-store';
import { noCalls, planControl } from '../console/plan-control';
import { LoggerSpy } from '../support/logger-spy';

// The commands ask a real HTTP API of this process.

const servers: HttpServer[] = [];
const asked: string[] = [];
beforeEach(() => void asked.splice(0));
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(change: Partial<PlanControl> = {}, token?: string): Promise<{ RINGBRIDGE_HTTP_LISTEN: string }> {
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    ready: () => [],
    metrics: () => Promise.resolve(''),
    contentType: 'text/plain',
    plans: planControl(change, asked),
    calls: noCalls,
    token,
    logger: new LoggerSpy(),
  });
  servers.push(server);
  return { RINGBRIDGE_HTTP_LISTEN: `127.0.0.1:${server.port}` };
}

const commands = { reload: runReloadCommand, plans: runPlansCommand, restore: runRestoreCommand };

async function run(line: string, env: Record<string, string>) {
  const [name = '', ...argv] = line.split(' ');
  let [out, err] = ['', ''];
  const io = { stdout: (text: string) => void (out += text), stderr: (text: string) => void (err += text), env };
  return { code: await commands[name as keyof typeof commands](argv, io), out, err };
}

/** What a bridge answers whose plan is well. */
async function plan(): Promise<PlanInForce> {
  const loader = new PlanLoaderHere((folder) => folderReader(folder, { env: {} }));
  const attempt = await loader.load('dialplans');
  if (attempt.kind !== 'loaded') throw new Error('refused');
  return { plan: attempt.plan, source: attempt.source, warnings: [], origin: 'folder', sinceMs: 0 };
}

async function control(): Promise<{ change: Partial<PlanControl>; hash: string }> {
  const inForce = await plan();
  const loaded = { kind: 'loaded', inForce, before: undefined } as const;
  const change: Partial<PlanControl> = {
    view: () => ({ folder: 'dialplans', inForce, refusal: undefined, watching: true }),
    reload: () => Promise.resolve(loaded),
    restore: () => Promise.resolve(loaded),
  };
  return { change, hash: inForce.plan.hash };
}

describe('ringbridge reload', () => {
  test('tells the plan that is in force now and ends with 0', async () => {
    const { change, hash } = await control();
    const result = await run('reload', await serve(change));
    expect(result).toEqual({ code: 0, out: `plan ${hash} is in force, was none\n`, err: '' });
  });

  test('prints every problem as check does, and ends with 1', async () => {
    const { code, out } = await run('reload', await serve());
    expect(code).toBe(1);
    expect(out).toContain('dialplans/10.yaml:1:1: error DP201: unknown key "agent" at the top of the file\n');
    expect(out).toContain('did you mean: agents\n');
    expect(out).toMatch(/refused \(1 to mend\): plan none stays in force\n$/);
    expect(asked).toEqual(['reload']);
  });

  test('--json is the answer of the bridge', async () => {
    const { code, out } = await run('reload --json', await serve());
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'refused', problemCount: 1, problems: [{ code: 'DP201' }] });
  });

  test('shows the token, and without it is refused in the words of the bridge', async () => {
    const { change } = await control();
    const env = await serve(change, 'open-sesame-0123456789');
    expect(await run('reload', { ...env, RINGBRIDGE_HTTP_TOKEN: 'open-sesame-0123456789' })).toMatchObject({ code: 0 });
    const without = await run('reload', env);
    expect(without).toMatchObject({ code: 1, out: '' });
    expect(without.err).toMatch(/^ringbridge reload: the bridge at http:\/\/127\.0\.0\.1:\d+ answers 401: /);
  });

  test('without a bridge it says where it looked, and ends with 1', async () => {
    const env = await serve();
    await servers.pop()?.close();
    const { code, err } = await run('reload', env);
    expect(code).toBe(1);
    expect(err).toMatch(/^ringbridge reload: no bridge answers at http:\/\/127\.0\.0\.1:\d+: /);
  });

  test('--url leads to another bridge than the settings', async () => {
    const { RINGBRIDGE_HTTP_LISTEN } = await serve();
    expect((await run(`reload --url http://${RINGBRIDGE_HTTP_LISTEN}/`, {})).code).toBe(1);
    expect(asked).toEqual(['reload']);
  });
});

describe('ringbridge plans', () => {
  test('lists what is kept', async () => {
    const { code, out } = await run('plans', await serve());
    expect(code).toBe(0);
    expect(out).toContain('  0123456789ab  2026-01-05T09:00:00.000Z  10.yaml\n');
  });
});

describe('ringbridge restore', () => {
  test('puts back the plan of a hash', async () => {
    const { change, hash } = await control();
    const result = await run('restore 0123456789ab', await serve(change));
    expect(result).toEqual({ code: 0, out: `plan ${hash} is in force, was none\n`, err: '' });
  });

  test('names the hashes that there are when none of that one is kept, and ends with 1', async () => {
    const { code, err } = await run('restore ffffffffffff', await serve());
    expect(code).toBe(1);
    expect(err).toBe('ringbridge restore: no plan ffffffffffff is kept; there are 0123456789ab\n');
    expect(asked).toEqual(['restore ffffffffffff']);
  });
});

test('wrong use ends with 2 and the usage, and asks nothing', async () => {
  const env = await serve();
  for (const line of ['reload now', 'plans x', 'restore', 'restore a b', 'reload --nonsense', 'reload --url nowhere']) {
    const { code, err } = await run(line, env);
    expect({ line, code }).toEqual({ line, code: 2 });
    expect(err).toMatch(/^ringbridge \w+: .+\n\nringbridge /);
  }
  expect(asked).toEqual([]);
  expect(await run('restore --help', env)).toMatchObject({ code: 0, err: '' });
});
