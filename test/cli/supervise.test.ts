import { runCallsCommand } from '../../src/cli/calls';
import { runSuperviseCommand } from '../../src/cli/supervise';
import type { CallSnapshot } from '../../src/call/call-observer';
import type { SupervisionRecord, SupervisionReply, SupervisionRequest } from '../../src/call/supervision-record';
import { startHttpServer } from '../../src/console/http-server';
import type { HttpServer } from '../../src/console/http-server';
import { planControl } from '../console/plan-control';
import { endedCall } from '../support/ended-call';
import { LoggerSpy } from '../support/logger-spy';

// The commands ask a real HTTP API of this process.

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const decided: SupervisionRecord = {
  destination: 'boss',
  outcome: 'busy',
  detail: '486',
  startedAtMs: 1_000,
  answeredAtMs: undefined,
  endedAtMs: 2_000,
  endedBy: undefined,
  modes: [],
  whispers: { told: 0, lost: 0 },
};
const listening: SupervisionRecord = {
  ...decided,
  outcome: 'answered',
  answeredAtMs: 2_000,
  endedAtMs: undefined,
  modes: [{ mode: 'listen', fromMs: 2_000, toMs: undefined }],
};

async function bridgeWith(
  calls: readonly CallSnapshot[],
  { reply = { kind: 'done' } as SupervisionReply, asked = [] as SupervisionRequest[] } = {},
) {
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    ready: () => [],
    metrics: () => Promise.resolve(''),
    contentType: 'text/plain',
    plans: planControl({}, []),
    calls: {
      list: () => calls,
      supervise: (request) => {
        asked.push(request);
        return Promise.resolve(reply);
      },
    },
    token: undefined,
    logger: new LoggerSpy(),
  });
  servers.push(server);
  const run = async (line: string) => {
    const [name = '', ...argv] = line.split(' ');
    let [out, err] = ['', ''];
    const env = { RINGBRIDGE_HTTP_LISTEN: `127.0.0.1:${server.port}` };
    const io = { stdout: (text: string) => void (out += text), stderr: (text: string) => void (err += text), env };
    const command = name === 'calls' ? runCallsCommand : runSuperviseCommand;
    return { code: await command(argv, io), out, err };
  };
  return { run, asked };
}

const call = (change: Partial<CallSnapshot> = {}): CallSnapshot =>
  endedCall({ callId: '5e0b1c9a-0000-4000-8000-000000000001', state: 'active', ...change });

test('"calls" lists who talks to whom, and who listens', async () => {
  const { run } = await bridgeWith([call({ from: '+33 1\u001b[2J', supervisions: [listening] })]);
  const { code, out } = await run('calls');
  expect(code).toBe(0);
  expect(out).toMatch(/^id +answered +caller +called +route +agent +supervisor\n5e0b1c9a-/);
  expect(out).toContain('boss listen');
  expect(out).not.toContain('\u001b');
  expect(JSON.parse((await run('calls --json')).out)).toMatchObject({ callCount: 1 });
});

test('"supervise" takes the beginning of an id, and waits until the supervisor is on the call', async () => {
  const { run, asked } = await bridgeWith([call({ supervisions: [listening] })]);
  expect(await run('supervise 5e0b --to boss --mode listen')).toMatchObject({ code: 0, out: 'boss listen\n' });
  const { callId } = call();
  expect(asked).toEqual([{ kind: 'begin', callId, to: 'boss', mode: 'listen' }]);
});

test('"supervise" tells who was not reached', async () => {
  const { run } = await bridgeWith([call({ supervisions: [decided] })]);
  expect(await run('supervise 5e0b --to boss --mode listen')).toMatchObject({ code: 1, out: 'boss busy\n' });
});

test('"supervise" changes the mode, and ends', async () => {
  const { run, asked } = await bridgeWith([call({ supervisions: [listening] })]);
  expect(await run('supervise 5e0b --mode whisper')).toMatchObject({ code: 0, out: 'done\n' });
  expect(await run('supervise 5e0b --end')).toMatchObject({ code: 0, out: 'done\n' });
  expect(asked.map(({ kind }) => kind)).toEqual(['mode', 'end']);
});

test('"supervise" tells what was refused, in the words of the bridge', async () => {
  const { run } = await bridgeWith([call()], { reply: { kind: 'refused', why: 'not-a-supervisor' } });
  const { code, err } = await run('supervise 5e0b --to sales --mode listen');
  expect({ code, err }).toEqual({
    code: 1,
    err: 'ringbridge supervise: the plan does not make this destination a supervisor\n',
  });
});

test.each([
  ['supervise 5e0b', 'give --mode, or --end'],
  ['supervise 5e0b --end --mode listen', '--end stands alone'],
  ['supervise --end', 'give one id of a call'],
  ['supervise 5e0b --to boss --mode shout', 'the body must be'],
])('wrong use: %s', async (line, told) => {
  const { run } = await bridgeWith([call()]);
  const { code, err } = await run(line);
  expect(code).toBe(2);
  expect(err).toContain(told);
});

test('an id that no call has, or several, is told', async () => {
  const two = call({ callId: '5e0b1c9a-0000-4000-8000-000000000002' });
  const { run, asked } = await bridgeWith([call(), two]);
  expect(await run('supervise 5e0b --end')).toMatchObject({ code: 1 });
  expect(await run('supervise ffff --end')).toMatchObject({ code: 1 });
  expect(asked).toEqual([]);
});
