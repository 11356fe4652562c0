import { parseDay } from '../runtime/civil-time';

/** Minutes since midnight, `from` included and `to` not; past midnight `to` is more than a day. */
export interface DaySpan {
  readonly from: number;
  readonly to: number;
}

export const minutesPerDay = 1_440;
export const hoursExpected = 'days and hours such as "mon-fri 09:00-18:00", "sat,sun 10:00-12:00,14:00-16:00"';
export const timesExpected = 'open, closed, or hours such as "09:00-12:00"';
export const closedExpected =
  'a date such as 2026-12-25, several such as 2026-12-24..2027-01-02, 12-25 for every year, or file:holidays.ics';

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** Longer closures are more likely a slip in the year. */
const closedRangeDaysMax = 400;

/** `mon-fri 09:00-12:00,13:00-18:00`: which days of the week (0 is Monday) and when; undefined when it is not that. */
export function parseWeeklyHours(text: string): { days: number[]; spans: DaySpan[] } | undefined {
  const match = /^\s*([a-z,-]{3,40})\s+([\d:,\s-]{9,200}?)\s*$/i.exec(text);
  const days = parseDayNames(match?.[1] ?? '');
  const spans = parseTimes(match?.[2] ?? '');
  return days === undefined || spans === undefined ? undefined : { days, spans };
}

/** `09:00-12:00,13:00-18:00`, also past midnight: `22:00-02:00`. */
export function parseTimes(text: string): DaySpan[] | undefined {
  const spans = text.split(',').map((part) => {
    const match = /^\s*(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)\s*$/.exec(part);
    if (match === null) return undefined;
    const from = Number(match[1]) * 60 + Number(match[2]);
    const to = Number(match[3]) * 60 + Number(match[4]);
    if (from >= minutesPerDay || to > minutesPerDay || from === to) return undefined;
    return { from, to: to > from ? to : to + minutesPerDay };
  });
  return spans.every((span) => span !== undefined) ? spans : undefined;
}

/** What stands beside the date of an override; an empty list for a day that is closed. */
export function parseOverride(text: string): DaySpan[] | undefined {
  if (text === 'closed') return [];
  if (text === 'open') return [{ from: 0, to: minutesPerDay }];
  return parseTimes(text);
}

/** One entry of `closed`, but for calendar files. */
export type ClosedDays = { kind: 'days'; days: number[] } | { kind: 'yearly'; monthAndDay: string };

export function parseClosed(text: string): ClosedDays | undefined {
  if (/^\d{2}-\d{2}$/.test(text)) {
    // A leap year has every day.
    return parseDay(`2028-${text}`) === undefined ? undefined : { kind: 'yearly', monthAndDay: text };
  }
  const [firstText = '', lastText = firstText, ...more] = text.split('..');
  const first = parseDay(firstText);
  const last = parseDay(lastText);
  if (first === undefined || last === undefined || more.length > 0) return undefined;
  if (last < first || last - first > closedRangeDaysMax) return undefined;
  return { kind: 'days', days: Array.from({ length: last - first + 1 }, (_, index) => first + index) };
}

/** `mon-fri`, `sat,sun`, `fri-mon`. */
function parseDayNames(text: string): number[] | undefined {
  const days = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [firstName = '', lastName = firstName, ...more] = part.split('-');
    const first = dayNames.indexOf(firstName);
    const last = dayNames.indexOf(lastName);
    if (first < 0 || last < 0 || more.length > 0) return undefined;
    for (let step = 0; step <= (last - first + 7) % 7; step += 1) days.add((first + step) % 7);
  }
  return [...days];
}
