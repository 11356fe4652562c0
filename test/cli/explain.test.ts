import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runExplainCommand } from '../../src/cli/explain';
import { VirtualClock } from '../../src/runtime/virtual-clock';

const plan = `
schedules:
  office: { timezone: Europe/Paris, open: mon-fri 09:00-18:00, closed: [12-25] }
destinations:
  pbx: { to: "sip:600@pbx.example.com" }
trunks:
  carrier: { addresses: [203.0.113.0/24] }
agents:
  reception: { instructions: Answer. }
routes:
  - { name: gold, when: { header: { X-Account: gold } }, redirect: pbx }
  - { name: carrier, when: { trunk: carrier, to: "7*" }, reject: 403 }
  - { name: open, when: { to: "1*", during: office }, answer: reception }
  - { name: trial, when: { to: "2*", percent: 50 }, reject: 480 }
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-explain-'));
  writeFileSync(join(folder, 'a.yaml'), plan);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function explain(argv: string[], env: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { stdout: (text: string) => out.push(text), stderr: (text: string) => err.push(text), env };
  const clock = new VirtualClock({ startWallMs: Date.parse('2026-11-23T10:00:00Z') });
  const code = await runExplainCommand(argv, io, clock);
  return { code, out: out.join('').replaceAll(folder, 'FOLDER'), err: err.join('') };
}

test('a call that is answered ends with 0, its route and the reasons', async () => {
  const { code, out, err } = await explain([folder, '--to', '100', '--from', '200', '--at', 'tue 13:00']);
  expect(err).toBe('');
  expect(out.replace(/plan [0-9a-f]{12}/, 'plan HASH').split('\n')).toEqual([
    'FOLDER: plan HASH',
    'call from 200 to 100, through no trunk, at tue 13:00',
    '',
    '   1  gold',
    '      no   there is no header x-account',
    '   2  carrier',
    '      no   the called number "100" is not 7*',
    '   3  open',
    '      yes  the called number "100" is 1*',
    '           schedule office is open at tue 2026-11-24 13:00 in Europe/Paris, by its weekly hours',
    '',
    'agent reception answers',
    '',
  ]);
  expect(code).toBe(0);
});

test('without --at it is now', async () => {
  const { out } = await explain([folder, '--to', '100']);
  expect(out).toContain('schedule office is open at mon 2026-11-23 11:00 in Europe/Paris');
});

test('a call that no route takes ends with 1', async () => {
  const { code, out } = await explain([folder, '--to', '100', '--at', '2026-12-25 13:00']);
  expect(out).toContain('it is a closed day');
  expect(out).toContain('no route takes the call: the caller gets 404 Not Found');
  expect(code).toBe(1);
});

test('the source decides the trunk, and a header is found in any case', async () => {
  const refused = await explain([folder, '--to', '700', '--source', '203.0.113.9']);
  expect(refused.out).toContain('through trunk carrier');
  expect(refused.out).toContain('the call is refused with 403');
  expect(refused.code).toBe(0);
  const sent = await explain([folder, '--to', '700', '--header', 'X-Other: 1', '--header', 'x-account:  gold ']);
  expect(sent.out).toContain('the caller is sent to sip:600@pbx.example.com');
  expect(sent.code).toBe(0);
});

test('a withheld number is split by Call-ID, and one that was not given is asked for', async () => {
  const points = async (...more: string[]) => {
    const { out } = await explain([folder, '--to', '200', '--json', ...more]);
    const { splits } = JSON.parse(out) as { splits: { point: number }[] };
    return splits.map(({ point }) => point);
  };
  expect(await points('--call-id', 'one')).not.toEqual(await points('--call-id', 'two'));
  expect((await explain([folder, '--to', '200'])).out).toContain('give --call-id');
  expect((await explain([folder, '--to', '200', '--call-id', 'one'])).out).not.toContain('give --call-id');
});

test('--json is one object for a program', async () => {
  const { code, out } = await explain([folder, '--to', '100', '--from', '200', '--at', '2026-11-24T13:00Z', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    folder: 'FOLDER',
    planHash: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
    call: { to: '100', from: '200', sipCallId: '', sourceAddress: '', trunk: null },
    at: { kind: 'moment', unixMs: Date.parse('2026-11-24T13:00:00Z') },
    route: {
      name: 'open',
      place: 3,
      because: [
        'the called number "100" is 1*',
        'schedule office is open at tue 2026-11-24 14:00 in Europe/Paris, by its weekly hours',
      ],
    },
    outcome: { kind: 'answer', agent: 'reception' },
    passed: [
      { name: 'gold', place: 1, mismatch: 'header', because: 'there is no header x-account' },
      { name: 'carrier', place: 2, mismatch: 'to', because: 'the called number "100" is not 7*' },
    ],
    splits: [],
  });
});

test('a plan that is not well ends with 1 and its problems', async () => {
  const broken = join('test', 'fixtures', 'dialplans', 'broken', 'unknown-voice');
  const { code, out, err } = await explain([broken, '--to', '100']);
  expect(code).toBe(1);
  expect(out).toBe('');
  expect(err).toContain('error DP204');
});

test.each([
  [['dialplans'], '--to'],
  [['a', 'b', '--to', '1'], 'one folder'],
  [['--to', 'sip:100@192.0.2.1'], '--to takes a number'],
  [['--to', '1', '--from', 'me@home'], '--from takes a number'],
  [['--to', '1', '--at', 'noon'], '--at "noon" is not a time'],
  [['--to', '1', '--source', 'localhost'], '--source "localhost" is no IP address'],
  [['--to', '1', '--header', 'gold'], '--header "gold" is not'],
  [['--to', '1', '--form', '2'], "'--form'"],
])('wrong use ends with 2 and the usage: %j', async (argv, fault) => {
  const { code, out, err } = await explain(argv);
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toContain(fault);
  expect(err).toContain('ringbridge explain [FOLDER] --to NUMBER');
});

test('--help ends with 0', async () => {
  const { code, out } = await explain(['--help']);
  expect(code).toBe(0);
  expect(out).toContain('Exit code');
});
