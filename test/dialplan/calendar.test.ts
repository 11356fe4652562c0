import { readCalendar } from '../../src/dialplan/calendar';
import { parseDay } from '../../src/runtime/civil-time';

const calendar = (...events: string[][]) =>
  ['BEGIN:VCALENDAR', ...events.flatMap((lines) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT']), 'END:VCALENDAR', ''].join(
    '\r\n',
  );
const days = (text: string) => {
  const reading = readCalendar(text);
  return reading.kind === 'calendar' ? reading.days : `line ${reading.line}: ${reading.message}`;
};
const numbers = (...dates: string[]) => dates.map((date) => parseDay(date));

test('a date is one day, and an end is the day after the last', () => {
  expect(days(calendar(['DTSTART;VALUE=DATE:20261225']))).toEqual(numbers('2026-12-25'));
  expect(days(calendar(['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227']))).toEqual(
    numbers('2026-12-24', '2026-12-25', '2026-12-26'),
  );
  expect(days(calendar(['DTSTART:20261224', 'DURATION:P2D']))).toEqual(numbers('2026-12-24', '2026-12-25'));
});

test('a yearly day comes every year until its end', () => {
  expect(days(calendar(['DTSTART:20260714', 'RRULE:FREQ=YEARLY;COUNT=3']))).toEqual(
    numbers('2026-07-14', '2027-07-14', '2028-07-14'),
  );
  expect(days(calendar(['DTSTART:20260714', 'RRULE:FREQ=YEARLY;UNTIL=20270714T000000Z']))).toEqual(
    numbers('2026-07-14', '2027-07-14'),
  );
  expect(days(calendar(['DTSTART:20240229', 'RRULE:FREQ=YEARLY;COUNT=5']))).toEqual(
    numbers('2024-02-29', '2028-02-29'),
  );
  expect(days(calendar(['DTSTART:20260101', 'RRULE:FREQ=YEARLY']))).toHaveLength(100);
});

test('folded lines, other properties, time zones and alarms do not disturb', () => {
  const text = calendar([
    'UID:1@example',
    'SUMMARY:A name that is',
    '  folded: DTSTART:20260101',
    'DTSTART;VALUE=DA',
    ' TE:20261225',
    'BEGIN:VALARM',
    'TRIGGER:-PT15M',
    'END:VALARM',
  ]).replace('BEGIN:VEVENT', 'BEGIN:VTIMEZONE\r\nTZID:X\r\nDTSTART:19700101T000000\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT');
  expect(days(text)).toEqual(numbers('2026-12-25'));
});

test.each([
  ['hours', ['DTSTART:20261225T090000'], 'line 3: DTSTART is not a date'],
  ['a day that is none', ['DTSTART;VALUE=DATE:20261325'], 'line 3: DTSTART is not a date'],
  ['weekly events', ['DTSTART:20261225', 'RRULE:FREQ=WEEKLY'], 'line 4: an RRULE other than a plain yearly one'],
  [
    'moving days',
    ['DTSTART:20261126', 'RRULE:FREQ=YEARLY;BYDAY=4TH'],
    'line 4: an RRULE other than a plain yearly one',
  ],
  [
    'every second year',
    ['DTSTART:20261126', 'RRULE:FREQ=YEARLY;INTERVAL=2'],
    'line 4: an RRULE other than a plain yearly one',
  ],
  ['exceptions', ['DTSTART:20261126', 'EXDATE:20271126'], 'line 4: an event with EXDATE'],
  ['no start', ['SUMMARY:Nothing'], 'line 4: an event without DTSTART'],
  ['an end before the start', ['DTSTART:20261126', 'DTEND:20261120'], 'line 5: an event of -6 days'],
  ['years', ['DTSTART:20261126', 'DTEND:20301126'], 'line 5: an event of 1461 days'],
])('events with %s are refused with their line', (_what, lines, expected) => {
  expect(days(calendar(lines))).toBe(expected);
});

test('what is no calendar is refused, also when it is cut off', () => {
  expect(days('')).toBe('line 1: no iCalendar file');
  expect(days('hello\nBEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n')).toBe('line 1: no iCalendar file');
  expect(days('BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\n')).toBe('line 1: an event that does not end');
});

test('more events than any calendar of holidays has are refused', () => {
  const many = calendar(...Array.from({ length: 5_001 }, () => ['DTSTART:20260101']));
  expect(days(many)).toMatch(/more than 5000 events$/);
});
