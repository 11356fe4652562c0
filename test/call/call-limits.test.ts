import { CallLimits } from '../../src/call/call-limits';
import type { CallEvent } from '../../src/call/call-observer';
import { endedCall } from '../support/ended-call';

const onRoute = (callId: string, route = 'main') => endedCall({ callId, route, state: 'ringing' });
const ended: CallEvent = { kind: 'ended', reason: { kind: 'agent-hung-up' }, blame: 'nobody' };
const noLimit = { routeCallsMax: undefined };

test('as many calls have a place as may, and the next has one when an end was told', async () => {
  const limits = new CallLimits({ callsMax: 2 });
  expect(await limits.admit(onRoute('a'), noLimit)).toBeUndefined();
  expect(await limits.admit(onRoute('b'), noLimit)).toBeUndefined();
  expect(limits.full).toBe(true);
  expect(await limits.admit(onRoute('c'), noLimit)).toEqual({ kind: 'overload', message: '2 calls are up' });
  limits.onCallEvent(ended, onRoute('c'));
  expect(limits.full).toBe(true);
  limits.onCallEvent(ended, onRoute('a'));
  limits.onCallEvent(ended, onRoute('a'));
  expect(await limits.admit(onRoute('d'), noLimit)).toBeUndefined();
  expect(limits.full).toBe(true);
});

test('a route counts its own calls alone', async () => {
  const limits = new CallLimits({ callsMax: 10 });
  const one = { routeCallsMax: 1 };
  expect(await limits.admit(onRoute('a', 'main'), one)).toBeUndefined();
  expect(await limits.admit(onRoute('b', 'other'), one)).toBeUndefined();
  expect(await limits.admit(onRoute('c', 'main'), one)).toMatchObject({ kind: 'route-full' });
  limits.onCallEvent({ kind: 'state', from: 'active', to: 'ending' }, onRoute('a'));
  expect(await limits.admit(onRoute('d', 'main'), one)).toMatchObject({ kind: 'route-full' });
  limits.onCallEvent(ended, onRoute('a'));
  expect(await limits.admit(onRoute('e', 'main'), one)).toBeUndefined();
});
