import { CivilClock, dateOf, dayNumber, parseDay, timeZoneNames, weekdayOf } from '../../src/runtime/civil-time';

const utc = (text: string): number => Date.parse(text);
const shown = (timeZone: string, at: string): string => {
  const { day, minute } = CivilClock.in(timeZone)!.at(utc(at));
  const date = dateOf(day);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.year}-${two(date.month)}-${two(date.day)} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
};

test.each([
  ['Europe/Paris', '2026-03-29T00:59:59Z', '2026-03-29 01:59'],
  ['Europe/Paris', '2026-03-29T01:00:00Z', '2026-03-29 03:00'],
  ['Europe/Paris', '2026-10-25T00:30:00Z', '2026-10-25 02:30'],
  ['Europe/Paris', '2026-10-25T01:30:00Z', '2026-10-25 02:30'],
  ['America/New_York', '2026-03-08T06:59:00Z', '2026-03-08 01:59'],
  ['America/New_York', '2026-03-08T07:00:00Z', '2026-03-08 03:00'],
  ['America/New_York', '2027-01-01T04:59:00Z', '2026-12-31 23:59'],
  ['Asia/Kathmandu', '2026-01-01T00:00:00Z', '2026-01-01 05:45'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', '2026-04-05 01:30'],
  ['UTC', '2028-02-29T00:00:00Z', '2028-02-29 00:00'],
])('in %s, %s is %s', (timeZone, at, expected) => {
  expect(shown(timeZone, at)).toBe(expected);
});

test('day numbers, dates and weekdays agree with the calendar over four centuries', () => {
  for (let number = -80_000; number < 80_000; number += 37) {
    const date = new Date(number * 86_400_000);
    const civil = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
    expect(dateOf(number)).toEqual(civil);
    expect(dayNumber(civil)).toBe(number);
    expect(weekdayOf(number)).toBe((date.getUTCDay() + 6) % 7);
  }
});

test.each(['2026-02-29', '2026-06-31', '2026-13-01', '2026-00-10', '26-01-01', '2026-1-1', ''])(
  '%j is no day',
  (text) => {
    expect(parseDay(text)).toBeUndefined();
  },
);

test('leap days are days', () => {
  expect(parseDay('2028-02-29')).toBe(dayNumber({ year: 2028, month: 2, day: 29 }));
});

test.each(['Europe/Pariss', '+01:00', '', 'CET+1:00', '../etc'])('%j is no time zone', (name) => {
  expect(CivilClock.in(name)).toBeUndefined();
});

test('names from the list are time zones, also in another case', () => {
  expect(timeZoneNames()).toContain('Europe/Paris');
  expect(CivilClock.in('europe/paris')).toBeDefined();
});

test.each([
  ['Europe/Paris', '2026-03-28T12:00:00Z'],
  ['Europe/Paris', '2026-03-29T01:00:00Z'],
  ['America/New_York', '2026-11-01T04:59:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ['Pacific/Kiritimati', '2026-01-01T00:00:00Z'],
  ['Asia/Kathmandu', '2026-06-01T23:59:00Z'],
])('in %s, %s is found again from what the clock shows', (timeZone, at) => {
  const clock = CivilClock.in(timeZone)!;
  expect(clock.momentOf(clock.at(utc(at)))).toBe(utc(at));
});

test('a time that comes twice is the first, and one that is skipped is an hour later', () => {
  const clock = CivilClock.in('Europe/Paris')!;
  const twoThirty = 150;
  expect(clock.momentOf({ day: parseDay('2026-10-25')!, minute: twoThirty })).toBe(utc('2026-10-25T00:30:00Z'));
  expect(clock.momentOf({ day: parseDay('2026-03-29')!, minute: twoThirty })).toBe(utc('2026-03-29T01:30:00Z'));
});
