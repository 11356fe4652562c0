import { silentLogger } from '../../src/runtime/logger';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { createGuard, type SignallingBug } from '../../src/signalling/guarded';
import { MemoryCaller } from '../../src/signalling/memory-caller';

const { leg } = new MemoryCaller({ clock: new VirtualClock() });
const bug = new Error('our bug');

function guarding(onBug: (bug: SignallingBug) => void): ReturnType<typeof createGuard> {
  return createGuard({ log: silentLogger, onBug, leg });
}

test('a throw goes to the hook with the place and the call, and no further', () => {
  const bugs: SignallingBug[] = [];
  const listener = guarding((told) => bugs.push(told))('CANCEL', () => {
    throw bug;
  });
  expect(listener).not.toThrow();
  expect(bugs).toEqual([{ where: 'CANCEL', cause: bug, leg }]);
});

test('a rejection goes the same way', async () => {
  const bugs: SignallingBug[] = [];
  guarding((told) => bugs.push(told))('modify', () => Promise.reject(bug))();
  await Promise.resolve();
  await Promise.resolve();
  expect(bugs).toEqual([{ where: 'modify', cause: bug, leg }]);
});

test('a hook that throws is survived', () => {
  const listener = guarding(() => {
    throw new Error('another');
  })('ack', () => {
    throw bug;
  });
  expect(listener).not.toThrow();
});

test('without a bug the listener gets its arguments and nobody hears of it', () => {
  const bugs: SignallingBug[] = [];
  const seen: unknown[] = [];
  guarding((told) => bugs.push(told))('info', (...args: unknown[]) => seen.push(args))(1, 'two');
  expect([seen, bugs]).toEqual([[[1, 'two']], []]);
});
