import type { CivilClock } from '../runtime/civil-time';
import { dateOf, weekdayOf } from '../runtime/civil-time';
import type { DaySpan } from './opening-hours';
import { minutesPerDay } from './opening-hours';

/** When somebody is there. Times are those of the clock on the wall, so a change to summer time needs no thought. */
export interface Schedule {
  readonly name: string;
  readonly clock: CivilClock;
  /** Seven entries, Monday first. */
  readonly week: readonly (readonly DaySpan[])[];
  /** Days since 1970-01-01 on which nobody is there. */
  readonly closedDays: ReadonlySet<number>;
  /** The same for every year: `MM-DD`. */
  readonly closedYearly: ReadonlySet<string>;
  /** What holds on a day instead of the week and of the closed days. */
  readonly overrides: ReadonlyMap<number, readonly DaySpan[]>;
}

/** Whether a schedule is open, and which of its parts says so. */
export interface ScheduleState {
  readonly open: boolean;
  readonly because: 'week' | 'closed-day' | 'override';
}

/**
 * The state at a moment, Unix milliseconds. Hours past midnight belong to the day on which they begin: a closed Saturday
 * does not shorten the Friday night.
 */
export function scheduleAt(schedule: Schedule, unixMs: number): ScheduleState {
  const { day, minute } = schedule.clock.at(unixMs);
  const today = hoursOf(schedule, day);
  if (today.spans.some((span) => span.from <= minute && minute < span.to))
    return { open: true, because: today.because };
  const yesterday = hoursOf(schedule, day - 1);
  if (yesterday.spans.some((span) => minute < span.to - minutesPerDay)) {
    return { open: true, because: yesterday.because };
  }
  return { open: false, because: today.because };
}

/** True when no week and no override ever opens it, whatever the date. */
export function neverOpens(schedule: Schedule): boolean {
  const isEmpty = (spans: readonly DaySpan[]) => spans.length === 0;
  return schedule.week.every(isEmpty) && [...schedule.overrides.values()].every(isEmpty);
}

function hoursOf(schedule: Schedule, day: number): { spans: readonly DaySpan[]; because: ScheduleState['because'] } {
  const override = schedule.overrides.get(day);
  if (override !== undefined) return { spans: override, because: 'override' };
  const closed = schedule.closedDays.has(day) || schedule.closedYearly.has(monthAndDay(day));
  if (closed) return { spans: [], because: 'closed-day' };
  return { spans: schedule.week[weekdayOf(day)] ?? [], because: 'week' };
}

/** `12-25`. */
function monthAndDay(dayNumber: number): string {
  const { month, day } = dateOf(dayNumber);
  return `${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
