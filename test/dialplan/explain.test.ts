import { parseCallTime } from '../../src/dialplan/call-time';
import { explainRoute } from '../../src/dialplan/explain';
import type { Plan } from '../../src/dialplan/plan';
import { route } from '../../src/dialplan/route';
import { seededRandom } from '../../src/runtime/random';
import { incomingCall } from './incoming-calls';
import { planOf } from './plan-of';

const nowMs = Date.parse('2026-11-23T04:00:00Z');

function explained(plan: Plan, at: string, call: Parameters<typeof incomingCall>[0] = {}) {
  return explainRoute(plan, incomingCall(call), parseCallTime(at, { nowMs })!);
}

const threeCities = `
schedules:
  paris: { timezone: Europe/Paris, open: mon-fri 09:00-18:00, closed: [12-25] }
  york: { timezone: America/New_York, open: mon-fri 09:00-18:00, closed: [2026-11-26] }
  sydney: { timezone: Australia/Sydney, open: mon-fri 09:00-18:00, closed: [2027-01-26] }
routes:
  - { name: sydney, when: { during: sydney }, reject: 401 }
  - { name: paris, when: { during: paris }, reject: 402 }
  - { name: york, when: { during: york }, reject: 403 }
  - { name: nobody, when: any, reject: 480 }
`;

test.each([
  // Summer time ends on 25 October in Paris, on 1 November in New York; it begins on 4 October in Sydney.
  ['2026-10-02T07:30Z', 'sydney'],
  ['2026-10-05T07:30Z', 'paris'],
  ['2026-10-23T15:59Z', 'paris'],
  ['2026-10-26T08:00Z', 'paris'],
  ['2026-10-26T16:59Z', 'paris'],
  ['2026-10-26T17:00Z', 'york'],
  ['2026-10-30T21:59Z', 'york'],
  ['2026-10-30T22:00Z', 'nobody'],
  ['2026-11-02T22:59Z', 'sydney'],
  ['2026-11-06T22:59Z', 'york'],
  // Holidays: Thanksgiving, Christmas, Australia Day, each in its own zone only.
  ['2026-11-26T17:00Z', 'nobody'],
  ['2026-11-26T16:00Z', 'paris'],
  ['2026-12-25T15:00Z', 'york'],
  ['2027-01-25T22:00Z', 'york'],
  ['2027-01-26T02:00Z', 'nobody'],
  ['2027-01-26T22:30Z', 'sydney'],
])('at %s the call is for %s', async (at, name) => {
  expect(explained(await planOf({ 'a.yaml': threeCities }), at).taken?.route.name).toBe(name);
});

test('the same hour is asked in the zone of each schedule when no offset is given', async () => {
  const plan = await planOf({ 'a.yaml': threeCities });
  const { passed, taken } = explained(plan, '2026-12-25 13:00');
  expect(taken?.route.name).toBe('sydney');
  expect(passed).toEqual([]);
  expect(explained(plan, '2027-01-26 13:00').taken?.route.name).toBe('paris');
  const saturday = explained(plan, 'sat 13:00');
  expect(saturday.passed.map(({ because }) => because)).toEqual([
    'schedule sydney is closed at sat 2026-11-28 13:00 in Australia/Sydney, by its weekly hours',
    'schedule paris is closed at sat 2026-11-28 13:00 in Europe/Paris, by its weekly hours',
    'schedule york is closed at sat 2026-11-28 13:00 in America/New_York, by its weekly hours',
  ]);
});

test('an hour that the clock skips is told', async () => {
  const text =
    'schedules: { s: { timezone: Europe/Paris, open: "sun 02:00-02:59" } }\n' +
    'routes: [{ name: night, when: { during: s }, reject: 480 }]\n';
  const { passed } = explained(await planOf({ 'a.yaml': text }), '2026-03-29 02:30');
  expect(passed[0]?.because).toBe(
    'schedule s is closed at sun 2026-03-29 03:30 in Europe/Paris ' +
      '(the clock is put forward over the time that was asked for), by its weekly hours',
  );
});

const everyCondition = `
schedules:
  office: { timezone: Europe/Paris, open: mon-fri 09:00-18:00, closed: [12-25], overrides: { 2026-12-24: closed } }
trunks:
  carrier: { addresses: [203.0.113.0/24] }
routes:
  - { name: to, when: { to: ["200", "3*", "400..499", "/^5/"] }, reject: 401 }
  - { name: from, when: { from: "1*" }, reject: 402 }
  - { name: trunk, when: { trunk: carrier }, reject: 403 }
  - { name: no header, when: { header: { X-Account: gold } }, reject: 404 }
  - { name: header, when: { header: { X-Level: gold } }, reject: 405 }
  - { name: open, when: { during: office }, reject: 406 }
  - { name: percent, when: { percent: 0.01 }, reject: 407 }
  - { name: last, when: { to: "1*", from: "2*", outside: office, header: { X-Level: [tin, iron] }, percent: 99.99 }, reject: 408 }
`;

test('each route before has the first condition that does not hold, and the one that takes the call all of its own', async () => {
  const plan = await planOf({ 'a.yaml': everyCondition });
  const { passed, taken, splits } = explained(plan, '2026-12-25 13:00', { headers: { 'x-level': 'tin' } });
  const [small, large] = splits;
  expect(passed).toEqual([
    { name: 'to', place: 1, mismatch: 'to', because: 'the called number "100" is not 200 or 3* or 400..499 or /^5/' },
    { name: 'from', place: 2, mismatch: 'from', because: 'the caller "200" is not 1*' },
    { name: 'trunk', place: 3, mismatch: 'trunk', because: 'the call came through no trunk, not through carrier' },
    { name: 'no header', place: 4, mismatch: 'header', because: 'there is no header x-account' },
    { name: 'header', place: 5, mismatch: 'header', because: 'header x-level is "tin", not gold' },
    {
      name: 'open',
      place: 6,
      mismatch: 'during',
      because: 'schedule office is closed at fri 2026-12-25 13:00 in Europe/Paris, it is a closed day',
    },
    {
      name: 'percent',
      place: 7,
      mismatch: 'percent',
      because: `the caller falls at ${small?.point} of 100, not below its 0.01 percent`,
    },
  ]);
  expect(taken).toMatchObject({ place: 8, route: { name: 'last' } });
  expect(taken?.because).toEqual([
    'the called number "100" is 1*',
    'the caller "200" is 2*',
    'header x-level is "tin", which is tin or iron',
    'schedule office is closed at fri 2026-12-25 13:00 in Europe/Paris, it is a closed day',
    `the caller falls at ${large?.point} of 100, below its 99.99 percent`,
  ]);
});

test('an override and an open schedule are named', async () => {
  const text = everyCondition.replace('during: office', 'outside: office');
  const plan = await planOf({ 'a.yaml': text });
  expect(explained(plan, '2026-12-24 13:00').taken?.because).toEqual([
    'schedule office is closed at thu 2026-12-24 13:00 in Europe/Paris, by an override for this date',
  ]);
  expect(explained(plan, '2026-12-23 13:00').passed[5]).toMatchObject({
    mismatch: 'outside',
    because: 'schedule office is open at wed 2026-12-23 13:00 in Europe/Paris, by its weekly hours',
  });
});

test('a long list of numbers is cut short', async () => {
  const to = Array.from({ length: 20 }, (_, index) => `"${200 + index}"`).join(', ');
  const plan = await planOf({ 'a.yaml': `routes: [{ name: many, when: { to: [${to}] }, reject: 404 }]\n` });
  expect(explained(plan, 'sun 13:00').passed[0]?.because).toBe(
    'the called number "100" is not 200 or 201 or 202 or 203 or 204 or one of 15 more',
  );
});

test('what is explained is what is done, for a thousand calls', async () => {
  const plan = await planOf({
    'a.yaml': `${threeCities.replace('{ name: nobody, when: any', '{ name: nobody, when: { to: "9*" }')}
  - { name: trial, when: { to: "1*", percent: 30 }, reject: 486 }
  - { name: range, when: { to: "100..150" }, reject: 487 }
  - { name: caller, when: { from: ["2*", anonymous], percent: 60 }, reject: 488 }
`,
  });
  const random = seededRandom(7);
  const upTo = (limit: number): number => Math.floor(random.fraction() * limit);
  const taken = new Set<string | undefined>();
  for (let count = 0; count < 1_000; count += 1) {
    const call = incomingCall({ to: String(upTo(1_000)), from: String(upTo(400)), sipCallId: `call-${count}` });
    const unixMs = nowMs + upTo(365 * 86_400) * 1_000;
    const { taken: found, splits, trunk } = explainRoute(plan, call, { kind: 'moment', unixMs });
    const decision = route(plan, call, { atMs: unixMs });
    expect({ name: found?.route.name, splits, trunk }).toEqual({
      name: decision.kind === 'no-route' ? undefined : decision.route,
      splits: decision.splits,
      trunk: decision.trunk,
    });
    taken.add(found?.route.name);
  }
  expect(taken.size).toBe(8);
});
