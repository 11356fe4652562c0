import { DestinationLimits } from '../../src/call/destination-limits';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { pcmuOffer } from '../support/virtual-call';
import { destination, TransferringCall } from './transferring-call';

const none = { callsMax: undefined, callsPerMinuteMax: undefined };

test('a destination has as many calls at once as it may, and each end makes room once', () => {
  const limits = new DestinationLimits(new VirtualClock());
  const rules = { ...none, callsMax: 2 };
  const [first, second] = [limits.take('sales', rules), limits.take('sales', rules)];
  expect(first).toBeDefined();
  expect(second).toBeDefined();
  expect(limits.take('sales', rules)).toBeUndefined();
  expect(limits.take('desk', rules)).toBeDefined();
  first?.();
  first?.();
  expect(limits.take('sales', rules)).toBeDefined();
  expect(limits.take('sales', rules)).toBeUndefined();
});

test('calls a minute are counted by when they began, whether or not they go on', () => {
  const clock = new VirtualClock();
  const limits = new DestinationLimits(clock);
  const rules = { ...none, callsPerMinuteMax: 2 };
  limits.take('sales', rules)?.();
  clock.advance(30_000);
  limits.take('sales', rules)?.();
  expect(limits.take('sales', rules)).toBeUndefined();
  clock.advance(29_999);
  expect(limits.take('sales', rules)).toBeUndefined();
  clock.advance(1);
  expect(limits.take('sales', rules)).toBeDefined();
  expect(limits.take('sales', rules)).toBeUndefined();
});

test('one that is refused for the calls at once does not count for the minute', () => {
  const limits = new DestinationLimits(new VirtualClock());
  const rules = { callsMax: 1, callsPerMinuteMax: 2 };
  const first = limits.take('sales', rules);
  expect(limits.take('sales', rules)).toBeUndefined();
  first?.();
  expect(limits.take('sales', rules)).toBeDefined();
});

test('without limits any number may be up', () => {
  const limits = new DestinationLimits(new VirtualClock());
  for (let i = 0; i < 1_000; i += 1) expect(limits.take('sales', none)).toBeDefined();
});

test('the place at a destination is taken while it rings and while they talk, and free when the call is over', async () => {
  const sales = destination('sales', { limits: { ...none, callsMax: 1 } });
  const shared = { destinationLimits: new DestinationLimits(new VirtualClock()) };
  const first = await new TransferringCall([sales], { services: shared }).transferring('sales');
  const during: TransferringCall[] = [];
  const tries = async (): Promise<string | undefined> => {
    const other = await new TransferringCall([sales], { services: shared }).transferring('sales');
    during.push(other);
    return other.outcomes()[0];
  };
  expect(await tries()).toBe('refused');
  first.callee.answer(pcmuOffer);
  await first.run(40);
  expect(await tries()).toBe('refused');
  expect(during[1]?.told).toEqual([
    { transferred: false, reason: 'No more calls are put through there at the moment.' },
  ]);
  first.callee.bye();
  await first.expectClean();
  expect(await tries()).toBeUndefined();
  for (const call of during) {
    call.caller.bye();
    await call.expectClean();
  }
  expect(await tries()).toBeUndefined();
});
