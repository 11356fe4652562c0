import { dateOf, dayNumber, parseDay } from '../runtime/civil-time';

/** The days of an iCalendar file (RFC 5545), or its first line that cannot be honoured. */
export type CalendarReading =
  { kind: 'calendar'; days: readonly number[] } | { kind: 'refused'; line: number; message: string; expected: string };

const eventsMax = 5_000;
const daysPerEventMax = 400;
/** Of all events together: a few lines can ask for millions. */
const daysMax = 50_000;
/** How far a yearly event reaches when it has no end. */
const yearsAhead = 100;

const wholeDays = 'events of whole days (DTSTART;VALUE=DATE), once or RRULE:FREQ=YEARLY';

/**
 * Reads holidays: events of whole days, once or yearly on the same date. An event that says more is refused, not skipped:
 * a holiday that is silently missed would send callers to an empty office.
 */
export function readCalendar(text: string): CalendarReading {
  const days: number[] = [];
  let event: CalendarEvent | undefined;
  let begun = false;
  let events = 0;
  for (const { line, name, params, value } of contentLines(text)) {
    const refused = (message: string): CalendarReading => ({ kind: 'refused', line, message, expected: wholeDays });
    if (name === 'BEGIN' && value === 'VCALENDAR') begun = true;
    else if (name === 'BEGIN' && value === 'VEVENT') event = { start: undefined, end: undefined, yearly: undefined };
    else if (name === 'END' && value === 'VEVENT' && event !== undefined) {
      events += 1;
      if (events > eventsMax) return refused(`more than ${eventsMax} events`);
      const found = daysOf(event);
      if (typeof found === 'string') return refused(found);
      if (days.length + found.length > daysMax) return refused(`more than ${daysMax} days`);
      days.push(...found);
      event = undefined;
    } else if (event !== undefined) {
      const fault = readProperty(event, { name, params, value });
      if (fault !== undefined) return refused(fault);
    }
  }
  if (begun && event === undefined) return { kind: 'calendar', days };
  const message = begun ? 'an event that does not end' : 'no iCalendar file';
  return { kind: 'refused', line: 1, message, expected: 'a file that begins with BEGIN:VCALENDAR' };
}

interface CalendarEvent {
  /** Day numbers; the end is not included (RFC 5545 section 3.6.1). */
  start: number | undefined;
  end: number | undefined;
  yearly: { times: number; until: number } | undefined;
}

interface ContentLine {
  readonly line: number;
  readonly name: string;
  readonly params: string;
  readonly value: string;
}

/** Unfolds lines (RFC 5545 section 3.1) and splits them into name, parameters and value. */
function* contentLines(text: string): Generator<ContentLine> {
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    let whole = lines[index] ?? '';
    const line = index + 1;
    while (/^[ \t]/.test(lines[index + 1] ?? '')) {
      index += 1;
      whole += (lines[index] ?? '').slice(1);
    }
    const match = /^([A-Za-z0-9-]{1,40})((?:;[^:]{0,200})?):(.{0,2000})/.exec(whole);
    if (match === null) continue;
    const [, name = '', params = '', value = ''] = match;
    yield { line, name: name.toUpperCase(), params: params.toUpperCase(), value: value.trim() };
  }
}

/** What is wrong with a property of an event; undefined when it was read or says nothing about days. */
function readProperty(event: CalendarEvent, { name, params, value }: Omit<ContentLine, 'line'>): string | undefined {
  switch (name) {
    case 'DTSTART':
    case 'DTEND': {
      const day = basicDate(value);
      if (day === undefined || (params !== '' && !params.includes('VALUE=DATE'))) return `${name} is not a date`;
      if (name === 'DTSTART') event.start = day;
      else event.end = day;
      return undefined;
    }
    case 'DURATION': {
      const length = /^P(?:(\d{1,3})D|(\d{1,2})W)$/.exec(value);
      if (length === null || event.start === undefined) return 'a DURATION that is not of whole days after DTSTART';
      event.end = event.start + Number(length[1] ?? 0) + 7 * Number(length[2] ?? 0);
      return undefined;
    }
    case 'RRULE':
      event.yearly = yearlyRule(value);
      return event.yearly === undefined ? 'an RRULE other than a plain yearly one' : undefined;
    case 'RDATE':
    case 'EXDATE':
    case 'RECURRENCE-ID':
      return `an event with ${name}`;
    default:
      return undefined;
  }
}

/** `FREQ=YEARLY`, with COUNT or UNTIL. */
function yearlyRule(value: string): CalendarEvent['yearly'] {
  const parts = new Map(
    value
      .toUpperCase()
      .split(';')
      .map((part) => part.split('=', 2) as [string, string]),
  );
  const count = parts.get('COUNT');
  const until = parts.get('UNTIL');
  const known = [...parts.keys()].every((key) => ['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'WKST'].includes(key));
  if (!known || parts.get('FREQ') !== 'YEARLY' || (parts.get('INTERVAL') ?? '1') !== '1') return undefined;
  const lastDay = until === undefined ? Number.POSITIVE_INFINITY : basicDate(until.slice(0, 8));
  if (lastDay === undefined || (count !== undefined && !/^\d{1,4}$/.test(count))) return undefined;
  return { times: Math.min(Number(count ?? yearsAhead), yearsAhead), until: lastDay };
}

function daysOf({ start, end, yearly }: CalendarEvent): number[] | string {
  if (start === undefined) return 'an event without DTSTART';
  // Without an end, an event of a date is that day (RFC 5545 section 3.6.1).
  const length = (end ?? start + 1) - start;
  if (length < 1 || length > daysPerEventMax) return `an event of ${length} days`;
  const first = dateOf(start);
  const days: number[] = [];
  for (let time = 0; time < (yearly?.times ?? 1); time += 1) {
    const date = { ...first, year: first.year + time };
    const from = dayNumber(date);
    if (from > (yearly?.until ?? from)) break;
    // The 29th of February comes in leap years only.
    if (dateOf(from).day !== date.day) continue;
    for (let step = 0; step < length; step += 1) days.push(from + step);
  }
  return days;
}

/** `20261225`. */
function basicDate(text: string): number | undefined {
  return /^\d{8}$/.test(text) ? parseDay(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`) : undefined;
}
