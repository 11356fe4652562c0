import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toneLevel } from '../../src/audio/level';
import { encodeWav } from '../../src/audio/wav';
import { ToneGenerator } from '../../src/audio/tone';
import { runCallCommand } from '../../src/cli/call';
import { Phone } from '../../src/phone/phone';
import { ScriptSource } from '../../src/phone/script-source';
import { toneSource } from '../../src/phone/phone-source';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import { AnsweringMachine, openLine, openMedia } from '../support/answering-machine';
import { until } from '../support/until';

jest.setTimeout(60_000);

// Two SIP servers and two RTP sockets on loopback: a phone calls a machine that says 600 Hz.
const agentHz = 600;
const callerHz = 440;
let machine: AnsweringMachine;
let line: Awaited<ReturnType<typeof openLine>>;
let phone: Phone;

beforeEach(async () => {
  const tone = new ToneGenerator(8_000, agentHz, -15);
  machine = await AnsweringMachine.start({ pull: (frame) => tone.fill(frame) });
  line = await openLine('127.0.0.1');
  phone = new Phone({
    link: line.link,
    media: openMedia('127.0.0.1', 31_000),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
  });
});

afterEach(async () => {
  phone.close();
  await line.close();
  await machine.close();
  expect([...line.bugs, ...machine.line.bugs]).toEqual([]);
});

/** The middle of a track has this tone. */
function expectTone(samples: Int16Array, hz: number): void {
  const middle = samples.subarray(samples.length / 2 - 800, samples.length / 2);
  expect(toneLevel(middle, 8_000, hz)).toBeGreaterThan(-20);
  const other = hz === agentHz ? callerHz : agentHz;
  expect(toneLevel(middle, 8_000, other)).toBeLessThan(-40);
}

test.each(['udp', 'tcp'] as const)('over %s both sides hear each other, and the phone hangs up', async (transport) => {
  const call = await phone.call(machine.uri(transport), { source: toneSource({ hz: callerHz }), record: true });
  await until(() => (call.sinceAnswerMs ?? 0) > 1_000, 'a second of talk');
  call.hangUp();
  call.hangUp();
  await call.ended;
  await until(() => machine.hangUps.length > 0, 'the BYE');

  expect(machine.hangUps).toEqual([{ kind: 'bye', reason: undefined }]);
  expect(call.events.map(({ kind }) => kind)).toEqual(['ringing', 'answered', 'first-audio', 'ended']);
  expect(call.timeline()).toMatchObject({ endedBy: 'caller', why: undefined });
  const { caller, agent } = call.recording!;
  expect(caller).toHaveLength(agent.length);
  expectTone(caller, callerHz);
  expectTone(agent, agentHz);
  expect(phone.calls).toBe(0);
});

test('the machine hangs up', async () => {
  const call = await phone.call(machine.uri(), { source: toneSource({ hz: callerHz }), record: false });
  await until(() => call.state === 'talking', 'the answer');
  machine.legs[0]!.leg.hangUp({ reason: 'goodbye' });
  await call.ended;
  expect(call.timeline()).toMatchObject({ endedBy: 'agent', why: 'goodbye' });
  expect(call.recording).toBeUndefined();
});

test('hold and resume are agreed on by re-INVITE', async () => {
  const call = await phone.call(machine.uri(), { source: toneSource({ hz: callerHz }), record: false });
  await until(() => call.state === 'talking', 'the answer');
  await expect(call.hold()).resolves.toBe(true);
  expect(machine.legs[0]!.media.onHold).toBe(true);
  await expect(call.resume()).resolves.toBe(true);
  expect(machine.holds).toEqual([true, false]);
});

test('keys arrive once each, in the media and by INFO', async () => {
  const call = await phone.call(machine.uri(), { source: toneSource({ hz: callerHz }), record: false });
  await until(() => call.state === 'talking', 'the answer');
  expect(call.press('5')).toBe(true);
  expect(call.press('#')).toBe(true);
  await expect(call.pressByInfo('9')).resolves.toBe(200);
  await until(() => machine.digits.length === 3, 'the keys');
  expect([...machine.digits].sort()).toEqual(['#', '5', 'info 9']);
});

test('a script presses, speaks when it is its turn to, and hangs up', async () => {
  const said = new Int16Array(8_000);
  new ToneGenerator(8_000, callerHz, -15).fill(said);
  const source = new ScriptSource([
    { agentSpeakingMs: 300, play: said },
    { afterPreviousMs: 0, press: '7' },
    { afterPreviousMs: 400, hangUp: true },
  ]);
  const call = await phone.call(machine.uri(), { source, record: true });
  await call.ended;
  const { callerTurns, interruptions, endedBy } = call.timeline();
  expect(machine.digits).toEqual(['7']);
  expect(endedBy).toBe('caller');
  expect(callerTurns).toHaveLength(1);
  expect(interruptions).toEqual([{ atMs: callerTurns[0]!.startMs, agentSilentAfterMs: undefined }]);
});

test('nobody there is told as a failure', async () => {
  const call = await phone.call('sip:100@127.0.0.1:9;transport=tcp', {
    source: toneSource({ hz: 440 }),
    record: false,
  });
  await call.ended;
  expect(call.timeline()).toMatchObject({ answeredAfterMs: undefined, why: expect.stringContaining('503') });
});

describe('ringbridge call', () => {
  async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const out: string[] = [];
    const err: string[] = [];
    const io = {
      stdout: (text: string) => void out.push(text),
      stderr: (text: string) => void err.push(text),
      env: {},
    };
    const code = await runCallCommand(argv, io);
    return { code, out: out.join(''), err: err.join('') };
  }

  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'ringbridge-call-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('prints the timeline and keeps the recording', async () => {
    const said = new Int16Array(8_000);
    new ToneGenerator(8_000, callerHz, -15).fill(said);
    const wav = path.join(folder, 'said.wav');
    const record = path.join(folder, 'call.wav');
    await writeFile(wav, encodeWav([said], 8_000));
    const { code, out, err } = await run(machine.uri(), '--for', '1500ms', '--wav', wav, '--record', record);
    expect({ code, err }).toEqual({ code: 0, err: 'ringing (180)\nanswered\n' });
    expect(out).toMatch(/answered after +\d+ ms\nfirst sound +\d+ ms after the answer\n/);
    expect(out).toMatch(/ended by the caller/);
    expect((await readFile(record)).subarray(0, 4).toString()).toBe('RIFF');
    await until(() => machine.hangUps.length > 0, 'the BYE');
    expect(machine.hangUps).toEqual([{ kind: 'bye', reason: undefined }]);
  });

  test('prints JSON for a program', async () => {
    const { code, out } = await run(machine.uri(), '--for', '500ms', '--say-tone', '440', '--json');
    expect(code).toBe(0);
    const printed: unknown = JSON.parse(out);
    expect(printed).toMatchObject({ endedBy: 'caller', media: { codec: 'PCMU/8000' } });
  });

  test('a call that nobody answers is not well', async () => {
    const { code, out } = await run('sip:100@127.0.0.1:9;transport=tcp', '--for', '1s');
    expect(code).toBe(1);
    expect(out).toContain('not answered      503');
  });

  test.each([
    [['--help'], 0],
    [[], 2],
    [['sip:a@127.0.0.1', 'sip:b@127.0.0.1'], 2],
    [['hello'], 2],
    [['sip:a@127.0.0.1', '--for', 'long'], 2],
    [['sip:a@127.0.0.1', '--say-tone', '9000'], 2],
    [['sip:a@127.0.0.1', '--say-tone', '440', '--wav', 'x.wav'], 2],
    [['sip:a@127.0.0.1', '--wav', '/nowhere.wav'], 2],
    [['sip:a@192.0.2.1'], 2],
    [['sip:a@127.0.0.1', '--nonsense'], 2],
  ])('%j exits with %i and says how it is used', async (argv, expected) => {
    const { code, out, err } = await run(...argv);
    expect(code).toBe(expected);
    expect(expected === 0 ? out : err).toContain('usage: ringbridge call');
  });
});
