import { totalLateness } from '../../src/workers/lateness-total';

test('counts are added up bucket by bucket', () => {
  const boundsMs = [1, 5, Infinity];
  const one = { boundsMs, counts: [1, 2, 3], total: 6, sumMs: 20 };
  const other = { boundsMs, counts: [10, 0, 1], total: 11, sumMs: 4.5 };
  expect(totalLateness([one, other])).toEqual({ boundsMs, counts: [11, 2, 4], total: 17, sumMs: 24.5 });
});

test('nobody has told anything yet', () => {
  expect(totalLateness([])).toEqual({ boundsMs: [], counts: [], total: 0, sumMs: 0 });
});
