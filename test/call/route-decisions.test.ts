import type { RouteDecision } from '../../src/dialplan/route';
import { pcmuOffer, VirtualCall } from '../support/virtual-call';
import { MemoryCaller } from '../../src/signalling/memory-caller';

type Answer = Extract<RouteDecision, { kind: 'answer' }>;

test('a redirected caller gets 302 with the address, and neither media nor model is asked for', async () => {
  const call = new VirtualCall({
    decision: ({ planHash, trunk, splits, headers }) => {
      return { kind: 'redirect', route: 'moved', planHash, trunk, splits, headers, contact: 'sip:600@pbx.example.com' };
    },
  });
  call.ring();
  await call.run(10);
  expect(call.caller.saw).toMatchObject([
    { kind: 'rejected', status: 302, headers: { Contact: '<sip:600@pbx.example.com>' } },
  ]);
  expect(call.last('ended')?.event).toMatchObject({ reason: { kind: 'redirected-by-plan' }, blame: 'nobody' });
  expect(call.last('ended')?.snapshot).toMatchObject({ route: 'moved', state: 'ended' });
  expect(call.peer).toBeUndefined();
  expect(call.media.phones.size).toBe(0);
});

test('a route with as many calls as it may have is busy, until one of them ends', async () => {
  const call = new VirtualCall({ decision: (answer: Answer) => ({ ...answer, callsLimit: 1, trunk: 'carrier' }) });
  await call.answered();
  const another = () => new MemoryCaller({ clock: call.clock, offer: pcmuOffer });
  const second = another();
  call.calls.accept(second.leg);
  await call.run(200);
  expect(second.saw).toMatchObject([{ kind: 'rejected', status: 486 }]);
  expect(call.last('ended')?.event).toMatchObject({ reason: { kind: 'route-full' }, blame: 'nobody' });
  expect(call.last('ended')?.snapshot.trunk).toBe('carrier');
  call.caller.bye();
  await call.run(50);
  const third = another();
  call.calls.accept(third.leg);
  await call.run(200);
  expect(third.saw.map(({ kind }) => kind)).toContain('answered');
  third.bye();
  await call.run(50);
  expect(call.calls.active).toBe(0);
});

test('the percentages that were drawn stand on the call from the decision on', async () => {
  const splits = [{ route: 'trial', percent: 20, point: 63.5 }];
  const call = new VirtualCall({ decision: (answer: Answer) => ({ ...answer, splits }) });
  await call.answered();
  expect(call.last('model-ready')?.snapshot.splits).toEqual(splits);
  call.caller.bye();
  await call.run(50);
  expect(call.last('ended')?.snapshot.splits).toEqual(splits);
});
