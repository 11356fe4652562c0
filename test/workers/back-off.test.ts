import { VirtualClock } from '../../src/runtime/virtual-clock';
import { BackOff } from '../../src/workers/back-off';

test('each short life doubles the wait, up to half a minute', () => {
  const backOff = new BackOff(new VirtualClock());
  const waits = Array.from({ length: 11 }, () => backOff.ended());
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  expect(backOff.shortLives).toBe(11);
});

test('a long life makes the next start a quick one', () => {
  const clock = new VirtualClock();
  const backOff = new BackOff(clock);
  for (let n = 0; n < 5; n += 1) backOff.ended();
  backOff.up();
  clock.advance(59_000);
  expect(backOff.ended()).toBe(3_200);
  backOff.up();
  clock.advance(60_000);
  expect(backOff.ended()).toBe(100);
  expect(backOff.ended()).toBe(200);
});
