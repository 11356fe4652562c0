import { seededRandom } from '../../src/runtime/random';
import { byPreference } from '../../src/sip-server/service-order';

test('within a priority the first place goes by weight', () => {
  const records = [
    { name: 'light', port: 1, priority: 1, weight: 10 },
    { name: 'heavy', port: 1, priority: 1, weight: 30 },
    { name: 'spare', port: 1, priority: 2, weight: 1_000 },
  ];
  const random = seededRandom(7);
  const orders = Array.from({ length: 4_000 }, () => byPreference(records, random).map(({ name }) => name));

  const heavyFirst = orders.filter(([first]) => first === 'heavy').length;
  expect(heavyFirst).toBeGreaterThan(2_850);
  expect(heavyFirst).toBeLessThan(3_150);
  expect(orders.every((order) => order.length === 3 && order[2] === 'spare')).toBe(true);
});

test('records without weights keep their number', () => {
  const records = ['a', 'b', 'c'].map((name) => ({ name, port: 1, priority: 0, weight: 0 }));

  expect(
    byPreference(records, seededRandom(1))
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['a', 'b', 'c']);
});
