import { loadPlan } from '../../src/dialplan/load-plan';
import type { Plan } from '../../src/dialplan/plan';
import { route } from '../../src/dialplan/route';
import { incomingCall } from './incoming-calls';
import { memoryReader } from './memory-plan-reader';

const noon = { atMs: Date.parse('2026-11-23T12:00:00Z') };

async function planWith(routes: string): Promise<Plan> {
  const agents =
    'agents:\n  day: { instructions: Answer., tools: [hang_up] }\n  night: { instructions: Take a message. }\n';
  const load = await loadPlan(memoryReader({ 'a.yaml': `${agents}routes:\n${routes}` }));
  if (load.kind === 'refused') throw new Error(JSON.stringify(load.problems));
  return load.plan;
}

const ordered = `
  - { name: blocked, when: { from: ["+331999*", anonymous] }, reject: 603 }
  - { name: main, when: { to: "+33123456789" }, answer: day, limits: { length: 20m }, unavailable: { reject: 486 } }
  - { name: branch, when: { to: ["+3312345*", "+44*"] }, answer: night }
  - { name: staff, when: { to: "*97", from: "2*" }, answer: night }
  - { name: rest, when: { to: "9*" }, reject: 404 }
`;

test.each([
  ['+33123456789', '+33700000000', 'main'],
  ['+33123456789', '+33199912345', 'blocked'],
  ['+33123456789', 'anonymous', 'blocked'],
  ['+33123450000', 'x', 'branch'],
  ['+3312345', 'x', 'branch'],
  ['+44', 'x', 'branch'],
  ['*97', '201', 'staff'],
  ['*97', '301', undefined],
  ['97', '201', 'rest'],
  ['+331234', 'x', undefined],
  ['', '', undefined],
])('a call to %s from %s takes the first route that matches: %s', async (to, from, name) => {
  const decision = route(await planWith(ordered), incomingCall({ to, from }), noon);
  expect(decision.kind === 'no-route' ? undefined : decision.route).toBe(name);
});

test('a decision carries all that a call needs', async () => {
  const plan = await planWith(ordered);
  const decision = route(plan, incomingCall({ to: '+33123456789', from: 'x' }), noon);
  expect(decision).toEqual({
    kind: 'answer',
    route: 'main',
    planHash: plan.hash,
    trunk: undefined,
    splits: [],
    headers: {},
    agent: plan.agents.get('day'),
    lengthLimitMs: 1_200_000,
    callsLimit: undefined,
    costLimitUsd: undefined,
    guarantees: { firstSoundMs: undefined, silenceMs: 10_000 },
    unavailable: { reject: 486 },
  });
  expect(route(plan, incomingCall({ to: '1', from: 'anonymous' }), noon)).toEqual({
    kind: 'reject',
    route: 'blocked',
    planHash: plan.hash,
    trunk: undefined,
    splits: [],
    headers: {},
    status: 603,
  });
  expect(route(plan, incomingCall({ to: '1', from: '1' }), noon)).toEqual({
    kind: 'no-route',
    planHash: plan.hash,
    trunk: undefined,
    splits: [],
    headers: {},
  });
});

test('any takes every call, also one without numbers', async () => {
  const plan = await planWith(
    '  - { name: all, when: any, answer: day }\n  - { name: n, when: { to: "1" }, answer: night }\n',
  );
  expect(route(plan, incomingCall({ to: '', from: '' }), noon)).toMatchObject({ kind: 'answer', route: 'all' });
});

test('names of object members are numbers like any other', async () => {
  const plan = await planWith(
    '  - { name: odd, when: { to: [constructor, __proto__] }, answer: day }\n  - { name: all, when: any, answer: night }\n',
  );
  expect(route(plan, incomingCall({ to: '__proto__', from: 'x' }), noon)).toMatchObject({ route: 'odd' });
  expect(route(plan, incomingCall({ to: 'toString', from: 'x' }), noon)).toMatchObject({ route: 'all' });
});
