import { formatCivilTime, momentIn, parseCallTime } from '../../src/dialplan/call-time';
import { CivilClock } from '../../src/runtime/civil-time';

/** A Monday. */
const nowMs = Date.parse('2026-11-23T04:00:00Z');

function shownIn(timeZone: string, text: string): string {
  const at = parseCallTime(text, { nowMs })!;
  return new Date(momentIn(CivilClock.in(timeZone)!, at)).toISOString();
}

test.each([
  ['Europe/Paris', '2026-12-25T12:00:00.000Z'],
  ['America/New_York', '2026-12-25T18:00:00.000Z'],
  ['Asia/Tokyo', '2026-12-25T04:00:00.000Z'],
])('a time without an offset is that of the clock in %s', (timeZone, moment) => {
  expect(shownIn(timeZone, '2026-12-25 13:00')).toBe(moment);
  expect(shownIn(timeZone, '2026-12-25T13:00')).toBe(moment);
});

test.each([
  ['2026-12-25T13:00+01:00', '2026-12-25T12:00:00.000Z'],
  ['2026-12-25T13:00:30Z', '2026-12-25T13:00:30.000Z'],
  ['2026-12-25 00:00-05:30', '2026-12-25T05:30:00.000Z'],
])('a time with an offset is one moment for every zone: %s', (text, moment) => {
  for (const zone of ['Europe/Paris', 'America/New_York', 'Asia/Tokyo']) expect(shownIn(zone, text)).toBe(moment);
});

test('a day of the week is the first from today on, by the date in each zone', () => {
  // It is Sunday still in New York.
  expect(shownIn('America/New_York', 'sun 13:00')).toBe('2026-11-22T18:00:00.000Z');
  expect(shownIn('Europe/Paris', 'SUN 13:00')).toBe('2026-11-29T12:00:00.000Z');
  expect(shownIn('Europe/Paris', 'mon 13:00')).toBe('2026-11-23T12:00:00.000Z');
});

test.each(['', 'noon', 'sun', 'sun 25:00', 'sunday 13:00', '2026-02-30 13:00', '2026-12-25', '2026-12-25 13:60'])(
  '%j is no time',
  (text) => expect(parseCallTime(text, { nowMs })).toBeUndefined(),
);

test('a time is told with its day of the week', () => {
  expect(formatCivilTime({ day: 0, minute: 9 * 60 + 5 })).toBe('thu 1970-01-01 09:05');
});
