import { isoDay, isoTime } from '../../src/runtime/iso-time';

test('times and days are written in UTC', () => {
  const lastMillisecond = Date.UTC(2026, 11, 31, 23, 59, 59, 999);
  expect(isoTime(lastMillisecond)).toBe('2026-12-31T23:59:59.999Z');
  expect(isoDay(lastMillisecond)).toBe('2026-12-31');
  expect(isoDay(lastMillisecond + 1)).toBe('2027-01-01');
});
