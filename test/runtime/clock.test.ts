import { systemClock } from '../../src/runtime/clock';

test('a timer of a century does not fire at once, as one of Node would', () => {
  const delays: unknown[] = [];
  const spy = jest.spyOn(globalThis, 'setTimeout').mockImplementation((_fire, delayMs) => {
    delays.push(delayMs);
    return {} as NodeJS.Timeout;
  });
  systemClock.setTimer(4_294_967_295_000, () => undefined);
  systemClock.setTimer(-1, () => undefined);
  spy.mockRestore();

  expect(delays).toEqual([2 ** 31 - 1, 0]);
});
