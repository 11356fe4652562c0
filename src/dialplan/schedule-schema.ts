import { z } from 'zod';

import { CivilClock, timeZoneNames } from '../runtime/civil-time';
import {
  closedExpected,
  hoursExpected,
  parseClosed,
  parseOverride,
  parseWeeklyHours,
  timesExpected,
} from './opening-hours';
import { suggestions } from './schema-expectation';

const entriesMax = 500;

const weeklyHours = z
  .string()
  .refine((text) => parseWeeklyHours(text) !== undefined, `expected ${hoursExpected}`)
  .meta({ expected: hoursExpected });

export const calendarPrefix = 'file:';

const closedEntry = z
  .string()
  .max(200)
  .refine((text) => text.startsWith(calendarPrefix) || parseClosed(text) !== undefined, `expected ${closedExpected}`)
  .meta({ expected: closedExpected });

const overrideDate = z
  .string()
  .refine((text) => parseClosed(text)?.kind === 'days' && text.length === 10, 'expected a date such as 2026-12-24');

const overrideHours = z
  .string()
  .refine((text) => parseOverride(text) !== undefined, `expected ${timesExpected}`)
  .meta({ expected: timesExpected });

const timeZone = z
  .string()
  .max(64)
  .refine((name) => CivilClock.in(name) !== undefined, 'expected the name of a time zone, such as Europe/Paris')
  .meta({ expected: 'the name of a time zone, such as Europe/Paris' })
  .register(suggestions, { words: timeZoneNames });

export const scheduleSchema = z.strictObject({
  timezone: timeZone.describe('The time zone of all hours and dates, by its IANA name such as Europe/Paris.'),
  open: z
    .union([weeklyHours, z.array(weeklyHours).max(entriesMax)])
    .meta({ expected: `${hoursExpected}, or a list of those` })
    .describe(
      'The hours of a week, one text or a list: "mon-fri 09:00-12:00,13:00-18:00". ' +
        'Hours past midnight, "fri 22:00-02:00", belong to the day on which they begin.',
    ),
  closed: z
    .union([closedEntry, z.array(closedEntry).max(entriesMax)])
    .optional()
    .meta({ expected: `${closedExpected}; or a list of those` })
    .describe('Days on which nobody is there: dates, ranges, yearly dates, or an iCalendar file in this folder.'),
  overrides: z
    .record(overrideDate, overrideHours)
    .optional()
    .meta({ expected: 'a map of dates, such as { 2026-12-24: "09:00-12:00" }' })
    .describe('What holds on one date instead of the week and of closed days: open, closed, or hours.'),
});
export type ScheduleEntry = z.infer<typeof scheduleSchema>;
