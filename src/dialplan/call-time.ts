import type { CivilClock, CivilTime } from '../runtime/civil-time';
import { dateOf, parseDay, weekdayOf } from '../runtime/civil-time';

/** When a call comes: one moment for all, or what the clock shows in the time zone of each schedule that is asked. */
export type CallTime =
  | { readonly kind: 'moment'; readonly unixMs: number }
  | { readonly kind: 'date'; readonly time: CivilTime }
  /** The first such day from `nowMs` on, today included. */
  | { readonly kind: 'weekday'; readonly weekday: number; readonly minute: number; readonly nowMs: number };

export const callTimeExpected =
  'a time such as "2026-12-25 13:00" or "sun 13:00", or with its offset from UTC "2026-12-25T13:00+01:00"';

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const clockTime = '([01]\\d|2[0-3]):([0-5]\\d)';
const weekdayForm = new RegExp(`^(${dayNames.join('|')}) ${clockTime}$`, 'i');
const dateForm = new RegExp(
  `^(\\d{4}-\\d{2}-\\d{2})[T ]${clockTime}(?::([0-5]\\d))?(Z|[+-](?:0\\d|1[0-4]):[0-5]\\d)?$`,
);

/** `2026-12-25 13:00`, `sun 13:00`, `2026-12-25T13:00+01:00`; undefined when it is none of these. */
export function parseCallTime(text: string, { nowMs }: { nowMs: number }): CallTime | undefined {
  const [, name, hour, minutes] = weekdayForm.exec(text) ?? [];
  if (name !== undefined) {
    return { kind: 'weekday', weekday: dayNames.indexOf(name.toLowerCase()), minute: minuteOf(hour, minutes), nowMs };
  }
  const [, date = '', dateHour, dateMinutes, seconds = '0', offset] = dateForm.exec(text) ?? [];
  const day = parseDay(date);
  if (day === undefined) return undefined;
  const minute = minuteOf(dateHour, dateMinutes);
  if (offset === undefined) return { kind: 'date', time: { day, minute } };
  return { kind: 'moment', unixMs: ((day * 1_440 + minute - offsetMinutes(offset)) * 60 + Number(seconds)) * 1_000 };
}

/** The moment in one time zone, Unix milliseconds. */
export function momentIn(clock: CivilClock, at: CallTime): number {
  switch (at.kind) {
    case 'moment':
      return at.unixMs;
    case 'date':
      return clock.momentOf(at.time);
    case 'weekday': {
      const { day: today } = clock.at(at.nowMs);
      const day = today + ((at.weekday - weekdayOf(today) + 7) % 7);
      return clock.momentOf({ day, minute: at.minute });
    }
  }
}

/** `fri 2026-12-25 13:00`. */
export function formatCivilTime({ day, minute }: CivilTime): string {
  const date = dateOf(day);
  const twoDigits = (number: number): string => String(number).padStart(2, '0');
  const dateText = `${String(date.year).padStart(4, '0')}-${twoDigits(date.month)}-${twoDigits(date.day)}`;
  return `${dayNames[weekdayOf(day)]} ${dateText} ${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`;
}

function minuteOf(hour: string | undefined, minutes: string | undefined): number {
  return Number(hour) * 60 + Number(minutes);
}

/** `+01:00` or `Z`. */
function offsetMinutes(offset: string): number {
  if (offset === 'Z') return 0;
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4));
  return offset.startsWith('-') ? -minutes : minutes;
}
