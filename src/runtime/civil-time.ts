/** What the clock and the calendar on a wall show. */
export interface CivilTime {
  /** Days since 1970-01-01. */
  readonly day: number;
  /** Since midnight, 0 to 1439. */
  readonly minute: number;
}

/** A date of the Gregorian calendar; month 1 to 12. */
export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Shows the civil time of one time zone at any moment, daylight saving included. */
export class CivilClock {
  readonly timeZone: string;
  readonly #format: Intl.DateTimeFormat;

  private constructor(timeZone: string, format: Intl.DateTimeFormat) {
    this.timeZone = timeZone;
    this.#format = format;
  }

  /** Undefined when `timeZone` is no name of the IANA database. */
  static in(timeZone: string): CivilClock | undefined {
    // Newer versions of Node also take offsets such as +01:00, which know no daylight saving.
    if (!/^[A-Za-z]/.test(timeZone)) return undefined;
    try {
      return new CivilClock(timeZone, new Intl.DateTimeFormat('en-US', { ...fields, timeZone }));
    } catch {
      return undefined;
    }
  }

  at(unixMs: number): CivilTime {
    const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(unixMs)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = shown;
    return { day: dayNumber({ year, month, day }), minute: hour * 60 + minute };
  }

  /**
   * Unix milliseconds of the first moment that shows this time. A time that a change to summer time skips gives the moment
   * that an unchanged clock would show it, so that `at` shows an hour more.
   */
  momentOf(time: CivilTime): number {
    const asUtcMs = (time.day * minutesPerDay + time.minute) * msPerMinute;
    // No zone is more than a day away from UTC, and none changes its clock twice in two days.
    const candidates = [asUtcMs - msPerDay, asUtcMs + msPerDay].map((nearbyMs) => {
      const shown = this.at(nearbyMs);
      return asUtcMs - ((shown.day * minutesPerDay + shown.minute) * msPerMinute - nearbyMs);
    });
    const [before = asUtcMs] = candidates;
    return candidates.find((unixMs) => isSame(this.at(unixMs), time)) ?? before;
  }
}

const msPerMinute = 60_000;
const minutesPerDay = 1_440;
const msPerDay = minutesPerDay * msPerMinute;

function isSame(one: CivilTime, other: CivilTime): boolean {
  return one.day === other.day && one.minute === other.minute;
}

/** The names of the IANA time zone database that this machine knows; many have further spellings. */
export function timeZoneNames(): readonly string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone')];
}

/** The time zone of this machine; UTC when it has none that is known by name. */
export function machineTimeZone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return CivilClock.in(timeZone) === undefined ? 'UTC' : timeZone;
}

const fields = {
  calendar: 'gregory',
  numberingSystem: 'latn',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
} as const;

const daysPer400Years = 146_097;
/** From 0000-03-01 to 1970-01-01. Counting years from March puts the leap day last. */
const daysToEpoch = 719_468;

/** Days since 1970-01-01. */
export function dayNumber({ year, month, day }: CivilDate): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * daysPer400Years + dayOfEra - daysToEpoch;
}

/** The date of a day number. */
export function dateOf(dayNumberSinceEpoch: number): CivilDate {
  const days = dayNumberSinceEpoch + daysToEpoch;
  const era = Math.floor(days / daysPer400Years);
  const dayOfEra = days - era * daysPer400Years;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** The day number of `2026-12-25`; undefined when there is no such day. */
export function parseDay(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const date = { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
  const number = dayNumber(date);
  // The 31st of June would be the 1st of July.
  const back = dateOf(number);
  return back.month === date.month && back.day === date.day ? number : undefined;
}

/** 0 for Monday to 6 for Sunday. */
export function weekdayOf(dayNumberSinceEpoch: number): number {
  // 1970-01-01 was a Thursday.
  return (((dayNumberSinceEpoch + 3) % 7) + 7) % 7;
}
