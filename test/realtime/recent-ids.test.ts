import { RecentIds } from '../../src/realtime/recent-ids';

test('an id is new once', () => {
  const ids = new RecentIds(3);
  expect([ids.add('a'), ids.add('a'), ids.has('a'), ids.has('b')]).toEqual([true, false, true, false]);
});

test('the oldest id is forgotten when there are too many', () => {
  const ids = new RecentIds(2);
  for (const id of ['a', 'b', 'c']) ids.add(id);
  expect(['a', 'b', 'c'].map((id) => ids.has(id))).toEqual([false, true, true]);
});
