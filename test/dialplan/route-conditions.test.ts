import { splitOf } from '../../src/dialplan/percent-split';
import type { Plan } from '../../src/dialplan/plan';
import { CallFacts, mismatchOf, route } from '../../src/dialplan/route';
import { incomingCall } from './incoming-calls';
import { planOf } from './plan-of';

const sections = `
schedules:
  office: { timezone: Europe/Paris, open: "mon-fri 09:00-18:00", closed: 12-25 }
  lunch: { timezone: Europe/Paris, open: "mon-fri 12:00-13:00" }
destinations:
  moved: { to: "sips:600@pbx.example.com" }
trunks:
  carrier: { addresses: [203.0.113.0/24, "2001:db8::/32"] }
  branch: { addresses: [203.0.113.9, 198.51.100.7] }
agents:
  day: { instructions: Answer., limits: { length: 10m } }
  night: { instructions: Take a message. }
`;

const planWith = (routes: string): Promise<Plan> => planOf({ 'a.yaml': `${sections}routes:\n${routes}` });
const monday = (time: string) => ({ atMs: Date.parse(`2026-11-23T${time}:00+01:00`) });
const noon = monday('12:30');
const nameOf = (plan: Plan, call: Parameters<typeof incomingCall>[0], at = noon): string => {
  const decision = route(plan, incomingCall(call), at);
  return decision.kind === 'no-route' ? 'no route' : decision.route;
};

test('during takes calls while one of its schedules is open, outside while none is', async () => {
  const plan = await planWith(`
  - { name: lunch, when: { during: lunch }, answer: night }
  - { name: open, when: { during: [office, lunch] }, answer: day }
  - { name: closed, when: { outside: [office, lunch] }, answer: night }
`);
  const at = (text: string) => nameOf(plan, {}, { atMs: Date.parse(text) });
  expect(at('2026-11-23T12:30:00+01:00')).toBe('lunch');
  expect(at('2026-11-23T13:00:00+01:00')).toBe('open');
  expect(at('2026-11-23T18:00:00+01:00')).toBe('closed');
  expect(at('2026-12-25T10:00:00+01:00')).toBe('closed');
});

test('a trunk is known by the address that a call comes from, and the first that holds it counts', async () => {
  const plan = await planWith(`
  - { name: branch, when: { trunk: branch }, answer: night }
  - { name: known, when: { trunk: [carrier, branch] }, answer: day }
  - { name: unknown, when: any, reject: 403 }
`);
  expect(nameOf(plan, { sourceAddress: '203.0.113.9' })).toBe('known');
  expect(nameOf(plan, { sourceAddress: '2001:db8::5' })).toBe('known');
  expect(nameOf(plan, { sourceAddress: '::ffff:203.0.113.1' })).toBe('known');
  expect(nameOf(plan, { sourceAddress: '198.51.100.7' })).toBe('branch');
  expect(nameOf(plan, { sourceAddress: '203.0.114.1' })).toBe('unknown');
  expect(nameOf(plan, { sourceAddress: 'not an address' })).toBe('unknown');
  expect(route(plan, incomingCall({ sourceAddress: '198.51.100.7' }), noon).trunk).toBe('branch');
  expect(route(plan, incomingCall({ sourceAddress: '192.0.2.1' }), noon).trunk).toBeUndefined();
});

test('headers must all be there and match, names in any case', async () => {
  const plan = await planWith(`
  - { name: gold, when: { header: { X-Account: [gold, "plat*"], diversion: "/<sip:100@/" } }, answer: day }
  - { name: some, when: { header: { X-Account: "*" } }, answer: night }
`);
  const diversion = { Diversion: '<sip:100@pbx.example.com>;reason=unconditional' };
  expect(nameOf(plan, { headers: { 'x-account': 'gold', ...diversion } })).toBe('gold');
  expect(nameOf(plan, { headers: { 'X-Account': 'platinum', ...diversion } })).toBe('gold');
  expect(nameOf(plan, { headers: { 'X-Account': 'gold' } })).toBe('some');
  expect(nameOf(plan, { headers: { 'X-Account': 'Gold', ...diversion } })).toBe('some');
  expect(nameOf(plan, { headers: diversion })).toBe('no route');
});

test('a redirect carries the address of its destination', async () => {
  const plan = await planWith('  - { name: away, when: any, redirect: moved }\n');
  expect(route(plan, incomingCall({}), noon)).toMatchObject({
    kind: 'redirect',
    route: 'away',
    contact: 'sips:600@pbx.example.com',
  });
});

test('of the limits of a route and of its agent the shorter length holds', async () => {
  const plan = await planWith(`
  - { name: short, when: { to: "1" }, answer: day, limits: { length: 5m, calls: 2 } }
  - { name: long, when: { to: "2" }, answer: day, limits: { length: 20m } }
  - { name: none, when: { to: "3" }, answer: day }
  - { name: free, when: { to: "4" }, answer: night }
`);
  const limits = ['1', '2', '3', '4'].map((to) => route(plan, incomingCall({ to }), noon));
  expect(limits).toMatchObject([
    { lengthLimitMs: 300_000, callsLimit: 2 },
    { lengthLimitMs: 600_000, callsLimit: undefined },
    { lengthLimitMs: 600_000 },
    { lengthLimitMs: undefined },
  ]);
});

test('a percentage takes that share of callers, the same ones each time, and says how it was drawn', async () => {
  const plan = await planWith(`
  - { name: trial, when: { to: "1", percent: 20 }, answer: night }
  - { name: rest, when: any, answer: day }
`);
  const callers = Array.from({ length: 2_000 }, (_, index) => `+331${10_000_000 + index}`);
  const taken = callers.filter((from) => nameOf(plan, { to: '1', from }) === 'trial');
  expect(taken.length).toBeGreaterThan(330);
  expect(taken.length).toBeLessThan(470);
  for (const from of taken.slice(0, 50)) expect(nameOf(plan, { to: '1', from, sipCallId: 'other' })).toBe('trial');
  const decision = route(plan, incomingCall({ to: '1', from: callers[0]! }), noon);
  expect(decision.splits).toEqual([splitOf({ route: 'trial', percent: 20, from: callers[0]!, sipCallId: '' })]);
  expect(route(plan, incomingCall({ to: '2' }), noon).splits).toEqual([]);
});

test('callers without a number are split by Call-ID', () => {
  const points = (from: string) =>
    new Set(
      Array.from({ length: 50 }, (_, call) => splitOf({ route: 'r', percent: 50, from, sipCallId: `c${call}` }).point),
    );
  expect(points('anonymous').size).toBeGreaterThan(40);
  expect(points('').size).toBeGreaterThan(40);
  expect(points('+33123').size).toBe(1);
});

test('two routes with percentages draw apart', () => {
  const draws = Array.from({ length: 400 }, (_, index) => {
    const caller = { percent: 50, from: `+33${index}`, sipCallId: '' };
    return splitOf({ route: 'one', ...caller }).point < 50 === splitOf({ route: 'two', ...caller }).point < 50;
  });
  const same = draws.filter(Boolean).length;
  expect(same).toBeGreaterThan(150);
  expect(same).toBeLessThan(250);
});

test('a point is at least 0 and below 100', () => {
  for (let index = 0; index < 2_000; index += 1) {
    const { point } = splitOf({ route: 'r', percent: 1, from: String(index), sipCallId: '' });
    expect(point).toBeGreaterThanOrEqual(0);
    expect(point).toBeLessThan(100);
  }
});

test('the first condition that does not hold is named', async () => {
  const plan = await planWith(`
  - name: all of them
    when:
      to: "100"
      from: "2*"
      trunk: carrier
      header: { X-A: "1" }
      during: office
      outside: lunch
      percent: 0.0001
    answer: day
`);
  const why = (call: Parameters<typeof incomingCall>[0], at: { atMs: number }) =>
    mismatchOf(plan.routes[0]!, new CallFacts(plan, incomingCall(call), () => at.atMs));
  const right = { to: '100', from: '200', sourceAddress: '203.0.113.1', headers: { 'X-A': '1' } };
  expect(why({ ...right, to: '101' }, monday('10:00'))).toBe('to');
  expect(why({ ...right, from: '300' }, monday('10:00'))).toBe('from');
  expect(why({ ...right, sourceAddress: '192.0.2.1' }, monday('10:00'))).toBe('trunk');
  expect(why({ ...right, headers: {} }, monday('10:00'))).toBe('header');
  expect(why(right, monday('08:00'))).toBe('during');
  expect(why(right, monday('12:30'))).toBe('outside');
  expect(why(right, monday('10:00'))).toBe('percent');
});

test('a schedule, a header and a trunk are looked at only when a route asks', async () => {
  const plan = await planWith(`
  - { name: number, when: { to: "100" }, answer: day }
  - { name: headers, when: { header: { X-A: "1" }, from: "1" }, answer: day }
  - { name: more, when: { header: { X-A: "2" }, from: "1" }, answer: day }
`);
  const asked: string[] = [];
  const call = { ...incomingCall({ to: '100' }), header: (name: string) => void asked.push(name) };
  route(plan, call, noon);
  expect(asked).toEqual([]);
  route(plan, { ...call, to: '1', from: '1' }, noon);
  expect(asked).toEqual(['x-a']);
});
