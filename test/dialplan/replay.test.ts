import { encodeWav } from '../../src/audio/wav';
import { loadPlan } from '../../src/dialplan/load-plan';
import { diffNumbers } from '../../src/dialplan/number-takers';
import { diffSections } from '../../src/dialplan/plan-diff';
import { conditionsKnownBy, replay } from '../../src/dialplan/replay';
import type { RecordedCall } from '../../src/dialplan/replay';
import { route } from '../../src/dialplan/route';
import { seededRandom } from '../../src/runtime/random';
import { incomingCall } from './incoming-calls';
import { memoryReader } from './memory-plan-reader';

async function load(text: string, files: Record<string, string | Buffer> = {}, env: Record<string, string> = {}) {
  const loaded = await loadPlan(memoryReader({ 'a.yaml': text, ...files }, { env }));
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

const planOf = async (routes: string, more = '') => (await load(`${more}routes:\n${routes}`)).plan;

function recorded(change: Partial<RecordedCall> = {}): RecordedCall {
  return {
    to: '100',
    from: '200',
    sipCallId: 'c@x',
    atMs: Date.UTC(2026, 10, 23, 9),
    headers: {},
    sourceAddress: '203.0.113.5',
    route: undefined,
    planHash: undefined,
    ...change,
  };
}

const trunks = 'trunks: { carrier: { addresses: [203.0.113.0/24] } }\n';

test('a call is routed at the time when it came', async () => {
  const schedules = 'schedules: { s: { timezone: Europe/Paris, open: mon-fri 09:00-18:00, closed: [12-25] } }\n';
  const plan = await planOf(
    '  - { name: open, when: { during: s }, reject: 404 }\n  - { name: all, when: any, reject: 480 }\n',
    schedules,
  );
  const at = (text: string) => replay(plan, recorded({ atMs: Date.parse(text) })).otherwise.route;
  expect(at('2026-10-23T07:00:00Z')).toBe('open');
  expect(at('2026-10-26T07:30:00Z')).toBe('all');
  expect(at('2026-12-25T09:00:00Z')).toBe('all');
});

test('what the record does not hold is not guessed', async () => {
  const plan = await planOf(
    '  - { name: gold, when: { header: { X-Level: gold } }, reject: 404 }\n' +
      '  - { name: carrier, when: { trunk: carrier }, reject: 405 }\n  - { name: all, when: any, reject: 480 }\n',
    trunks,
  );
  expect(replay(plan, recorded({ sourceAddress: undefined }))).toMatchObject({
    perhaps: [
      { route: 'gold', lacking: ['header x-level'] },
      { route: 'carrier', lacking: ['source address'] },
    ],
    otherwise: { route: 'all', outcome: 'reject 480' },
  });
  const known = { headers: { 'x-level': 'gold' } };
  expect(replay(plan, recorded(known))).toEqual({ perhaps: [], otherwise: { route: 'gold', outcome: 'reject 404' } });
  expect(replay(plan, recorded({ headers: { 'x-level': null } })).otherwise.route).toBe('carrier');
});

test('a fact that is lacking does not matter where another condition fails', async () => {
  const plan = await planOf(
    '  - { name: gold, when: { to: "9", header: { X-Level: gold } }, reject: 404 }\n  - { name: all, when: any, reject: 480 }\n',
  );
  expect(replay(plan, recorded()).perhaps).toEqual([]);
});

test('the route that a call took tells what its record does not', async () => {
  const text =
    '  - { name: gold, when: { header: { X-Level: gold } }, reject: 404 }\n  - { name: all, when: any, reject: 480 }\n';
  const old = await planOf(text);
  const next = await planOf(text.replace('404', '486'));
  const gold = recorded({ planHash: old.hash, route: 'gold' });
  expect(replay(next, gold, conditionsKnownBy(old, gold))).toMatchObject({
    perhaps: [],
    otherwise: { outcome: 'reject 486' },
  });
  const other = recorded({ planHash: old.hash, route: 'all' });
  expect(replay(next, other, conditionsKnownBy(old, other))).toMatchObject({
    perhaps: [],
    otherwise: { route: 'all' },
  });
  expect(conditionsKnownBy(old, recorded({ planHash: 'another', route: 'gold' })).size).toBe(0);
  expect(conditionsKnownBy(old, recorded({ planHash: old.hash, route: 'a route that is not there' })).size).toBe(0);
});

test('with every fact on record a call goes where `route` sends it', async () => {
  const plan = await planOf(
    '  - { name: to, when: { to: ["1*", "300..400"] }, reject: 401 }\n  - { name: trunk, when: { trunk: carrier, percent: 50 }, reject: 402 }\n' +
      '  - { name: header, when: { header: { X-Level: "/o/" }, percent: 30 }, reject: 403 }\n  - { name: from, when: { from: "2*" }, reject: 404 }\n',
    trunks,
  );
  const random = seededRandom(3);
  const upTo = (limit: number) => String(Math.floor(random.fraction() * limit));
  for (let count = 0; count < 500; count += 1) {
    const headers = random.fraction() < 0.5 ? { 'x-level': 'gold' } : {};
    const sourceAddress = random.fraction() < 0.5 ? '203.0.113.9' : '192.0.2.1';
    const call = incomingCall({ to: upTo(500), from: upTo(300), headers, sourceAddress });
    const decision = route(plan, call, { atMs: 0 });
    const again = replay(plan, recorded({ ...call, atMs: 0, headers: decision.headers, sourceAddress }));
    expect(again.perhaps).toEqual([]);
    expect(again.otherwise.route).toBe(decision.kind === 'no-route' ? undefined : decision.route);
  }
});

test('sections are compared by what they say, with the texts of their files', async () => {
  const text = (agents: string, routes: string) => `agents:\n${agents}routes:\n${routes}`;
  const routes = ['a', 'b', 'c'].map((name) => `  - { name: ${name}, when: { to: ${name} }, answer: one }\n`);
  const old = await load(text('  one: { instructions: file:p.md }\n  two: { instructions: Two. }\n', routes.join('')), {
    'p.md': 'One.',
  });
  const next = await load(
    text(
      '  one: { voice: marin, instructions: file:q.md }\n  three: { instructions: T. }\n',
      [routes[2], routes[0], routes[1]?.replace('one', 'three')].join(''),
    ),
    { 'q.md': 'One!' },
  );
  const same = await load(text('  one: { instructions: "One." }\n  two: { instructions: Two. }\n', routes.join('')));
  expect(diffSections(old.parts, same.parts)).toEqual([]);
  expect(diffSections(old.parts, next.parts)).toEqual([
    { section: 'agents', added: ['three'], removed: ['two'], changed: ['one'], moved: [] },
    { section: 'routes', added: [], removed: [], changed: ['b'], moved: ['c'] },
  ]);
});

test('a change of any section is told, also where only a file beside the plan says something else', async () => {
  const plan = `
schedules: { hours: { timezone: UTC, open: "mon 09:00-12:00" } }
trunks: { carrier: { host: sip.example.com } }
users: { al: { password: env:AL } }
destinations: { desk: { to: "sip:1@example.com", waiting: "file:hold.wav" } }
agents: { one: { instructions: "file:p.md", tools: [code] } }
tools: { code: { module: "file:code.mjs" } }
routes: [{ name: all, when: any, answer: one }]
`;
  const hold = (level: number) => encodeWav([new Int16Array(8_000).fill(level)], 8_000);
  const old = await load(plan, { 'p.md': 'One.', 'code.mjs': '1', 'hold.wav': hold(1) }, { AL: 'x' });
  const files = { 'p.md': 'Two.', 'code.mjs': '2', 'hold.wav': hold(2) };
  const changed = plan.replace('12:00', '13:00').replace('sip.example', 'pbx.example').replace('env:AL', 'env:BO');
  const next = await load(changed, files, { BO: 'x' });
  expect(diffSections(old.parts, next.parts).map(({ section, changed: [name] }) => `${section} ${name}`)).toEqual([
    'schedules hours',
    'destinations desk',
    'trunks carrier',
    'users al',
    'agents one',
    'tools code',
  ]);
});

test('numbers change hands by the routes that may take them, whatever the routes are called', async () => {
  const old = await planOf(
    '  - { name: a, when: { to: ["1", "2"] }, reject: 401 }\n  - { name: b, when: { to: "5*" }, reject: 402 }\n' +
      '  - { name: c, when: { to: "7", from: "9*" }, reject: 403 }\n  - { name: rest, when: any, reject: 480 }\n',
  );
  const next = await planOf(
    '  - { name: x, when: { to: "1" }, reject: 401 }\n  - { name: y, when: { to: "55" }, reject: 404 }\n  - { name: b, when: { to: "5*" }, reject: 402 }\n' +
      '  - { name: c, when: { to: "7", from: "8*" }, reject: 403 }\n  - { name: rest, when: any, reject: 480 }\n',
  );
  expect(diffNumbers(old, next)).toEqual({
    compared: 5,
    leftOut: 0,
    changes: [
      { number: '2', before: 'reject 401', after: 'reject 480' },
      { number: '7', before: 'reject 403 from 9*, else reject 480', after: 'reject 403 from 8*, else reject 480' },
      { number: '55', before: 'reject 402', after: 'reject 404' },
    ],
  });
  expect(diffNumbers(old, old).changes).toEqual([]);
});
