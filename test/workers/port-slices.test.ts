import { portSlices } from '../../src/workers/port-slices';

test.each([
  [10_000, 19_999, 2],
  [10_000, 19_999, 3],
  [10_001, 10_020, 4],
  [10_000, 10_008, 4],
  [10_000, 10_001, 1],
])('%i to %i in %i parts: whole pairs, none shared, none left out', (first, last, parts) => {
  const slices = portSlices({ first, last }, parts)!;
  const pairs = slices.map((slice) => {
    expect([slice.first % 2, slice.last % 2]).toEqual([0, 1]);
    return (slice.last + 1 - slice.first) / 2;
  });
  const start = first + (first % 2);
  expect(slices[0]!.first).toBe(start);
  for (const [index, slice] of slices.slice(1).entries()) expect(slice.first).toBe(slices[index]!.last + 1);
  expect(pairs.reduce((sum, count) => sum + count)).toBe(Math.floor((last + 1 - start) / 2));
  expect(Math.max(...pairs) - Math.min(...pairs)).toBeLessThanOrEqual(1);
});

test('a range with fewer pairs than parts has none', () => {
  expect(portSlices({ first: 10_000, last: 10_002 }, 2)).toBeUndefined();
  expect(portSlices({ first: 10_001, last: 10_002 }, 1)).toBeUndefined();
});
