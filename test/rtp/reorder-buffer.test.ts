import { VirtualClock } from '../../src/runtime/virtual-clock';
import { ReorderBuffer } from '../../src/rtp/reorder-buffer';
import { nthPacket } from './rtp-packets';

interface Delivered {
  n: number;
  lost: number;
  restarted: boolean;
  atMs: number;
}

function underTest() {
  const clock = new VirtualClock();
  const delivered: Delivered[] = [];
  const buffer = new ReorderBuffer({
    clock,
    sink: {
      onPacket: (packet, { lost, restarted }) =>
        delivered.push({ n: packet.sequence - 1_000, lost, restarted, atMs: clock.now() }),
    },
  });
  const push = (...numbers: number[]): void => numbers.forEach((n) => buffer.push(nthPacket(n), clock.now()));
  return { clock, buffer, delivered, push, order: () => delivered.map(({ n }) => n) };
}

test('packets in order pass at once and leave no timer behind', () => {
  const { clock, push, order } = underTest();
  push(0, 1, 2, 3);
  expect(order()).toEqual([0, 1, 2, 3]);
  expect(clock.pendingTimers).toBe(0);
});

test('two packets that were swapped are put right', () => {
  const { buffer, push, order } = underTest();
  push(0, 2, 1, 3);
  expect(order()).toEqual([0, 1, 2, 3]);
  expect(buffer).toMatchObject({ reordered: 1, lost: 0, late: 0 });
});

test('behind a gap a packet waits 40 ms and not longer', () => {
  const { clock, push, delivered } = underTest();
  push(0, 2);
  clock.advance(39.9);
  expect(delivered).toHaveLength(1);
  clock.advance(0.2);
  expect(delivered[1]).toEqual({ n: 2, lost: 1, restarted: false, atMs: 40 });
  expect(clock.pendingTimers).toBe(0);
});

test('a third packet behind a gap ends the waiting', () => {
  const { push, order, delivered } = underTest();
  push(0, 2, 3);
  expect(order()).toEqual([0]);
  push(4);
  expect(order()).toEqual([0, 2, 3, 4]);
  expect(delivered.map(({ lost }) => lost)).toEqual([0, 1, 0, 0]);
});

test('of two gaps the first to be waited for is given up first', () => {
  const { clock, push, delivered } = underTest();
  push(0, 2);
  clock.advance(30);
  push(4);
  clock.advance(15);
  expect(delivered.map(({ n }) => n)).toEqual([0, 2]);
  clock.advance(30);
  expect(delivered.at(-1)).toMatchObject({ n: 4, lost: 1, atMs: 70 });
});

test('duplicates are dropped and counted, whether they wait or have passed', () => {
  const { buffer, push, order } = underTest();
  push(0, 1, 1, 3, 3, 2, 0);
  expect(order()).toEqual([0, 1, 2, 3]);
  expect(buffer.duplicate).toBe(3);
});

test('a packet that comes after it was given up is late, and no longer lost', () => {
  const { clock, buffer, push, order } = underTest();
  push(0, 2);
  clock.advance(41);
  expect(buffer.lost).toBe(1);
  push(1, 1);
  expect(order()).toEqual([0, 2]);
  expect(buffer).toMatchObject({ late: 1, lost: 0, duplicate: 1 });
});

test('a jump is followed from its second packet on, without losing the first', () => {
  const { push, delivered } = underTest();
  push(0, 1, 20_000, 20_001, 20_002);
  expect(delivered.map(({ n }) => n)).toEqual([0, 1, 20_000, 20_001, 20_002]);
  expect(delivered[2]).toMatchObject({ restarted: true, lost: 0 });
});

test('a single stray packet is dropped and counted', () => {
  const { buffer, push, order } = underTest();
  push(0, 20_000, 1, 2);
  expect(order()).toEqual([0, 1, 2]);
  expect(buffer.stray).toBe(1);
});

test('what waits when the sender starts anew is delivered before the new stream', () => {
  const { push, order, clock } = underTest();
  push(0, 2, 20_000, 20_001);
  expect(order()).toEqual([0, 2, 20_000, 20_001]);
  expect(clock.pendingTimers).toBe(0);
});

test('any shuffle inside its depth comes out in order and whole', () => {
  const { clock, buffer, push, delivered, order } = underTest();
  push(0);
  for (let n = 1; n < 300; n += 3) {
    push(n + 2, n, n + 1);
    clock.advance(60);
  }
  expect(order()).toEqual(Array.from({ length: 301 }, (_, n) => n));
  expect(delivered.every(({ lost }) => lost === 0)).toBe(true);
  expect(buffer.lost).toBe(0);
});

test('after a reset the next packet is the first of a new stream', () => {
  const { buffer, push, delivered, clock } = underTest();
  push(0, 2);
  buffer.reset();
  expect(clock.pendingTimers).toBe(0);
  push(40_000);
  expect(delivered.at(-1)).toMatchObject({ n: 40_000, restarted: true });
});
