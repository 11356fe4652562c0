import { scheduleAt } from '../../src/dialplan/schedule';
import { planOf } from './plan-of';

const anyRoute = 'routes:\n  - { name: all, when: any, reject: 404 }\n';

async function scheduleOf(lines: string, files: Record<string, string> = {}) {
  const plan = await planOf({ 'a.yaml': `schedules:\n  s: ${lines}\n${anyRoute}`, ...files });
  const schedule = plan.schedules.get('s')!;
  return (at: string) => {
    const { open, because } = scheduleAt(schedule, Date.parse(at));
    return `${open ? 'open' : 'closed'}, ${because}`;
  };
}

test('the hours of a week begin on time and end before the last minute', async () => {
  const at = await scheduleOf('{ timezone: UTC, open: ["mon-fri 09:00-12:00,13:00-18:00", "sat 10:00-12:00"] }');
  expect(at('2026-11-23T08:59:59.999Z')).toBe('closed, week');
  expect(at('2026-11-23T09:00:00Z')).toBe('open, week');
  expect(at('2026-11-23T12:00:00Z')).toBe('closed, week');
  expect(at('2026-11-23T17:59:59Z')).toBe('open, week');
  expect(at('2026-11-28T10:00:00Z')).toBe('open, week');
  expect(at('2026-11-29T10:00:00Z')).toBe('closed, week');
});

test.each([
  // Clocks go from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October.
  ['Europe/Paris', '2026-03-27T08:00:00Z', 'open'],
  ['Europe/Paris', '2026-03-30T07:00:00Z', 'open'],
  ['Europe/Paris', '2026-03-30T06:59:00Z', 'closed'],
  ['Europe/Paris', '2026-10-26T07:59:00Z', 'closed'],
  ['Europe/Paris', '2026-10-26T08:00:00Z', 'open'],
  ['America/New_York', '2026-03-06T14:00:00Z', 'open'],
  ['America/New_York', '2026-03-09T13:00:00Z', 'open'],
  ['America/New_York', '2026-03-09T12:59:00Z', 'closed'],
  ['America/New_York', '2026-11-02T13:59:00Z', 'closed'],
  ['Australia/Sydney', '2026-10-02T00:00:00Z', 'open'],
  ['Australia/Sydney', '2026-10-01T22:59:00Z', 'closed'],
  ['Australia/Sydney', '2026-10-05T22:00:00Z', 'open'],
])('nine hours in %s is nine on the wall, on both sides of a change of time: %s is %s', async (zone, at, state) => {
  const state9to5 = await scheduleOf(`{ timezone: ${zone}, open: mon-fri 09:00-17:00 }`);
  expect(state9to5(at)).toBe(`${state}, week`);
});

test('hours within the hour that is skipped do not come, and those in the hour that comes twice come twice', async () => {
  const at = await scheduleOf('{ timezone: Europe/Paris, open: sun 02:15-02:45 }');
  for (let minute = 0; minute < 24 * 60; minute += 5) {
    expect(at(new Date(Date.parse('2026-03-28T23:00:00Z') + minute * 60_000).toISOString())).toBe('closed, week');
  }
  expect(at('2026-10-25T00:30:00Z')).toBe('open, week');
  expect(at('2026-10-25T01:00:00Z')).toBe('closed, week');
  expect(at('2026-10-25T01:30:00Z')).toBe('open, week');
});

test('hours past midnight belong to the day on which they begin, also when the next day is closed', async () => {
  const at = await scheduleOf('{ timezone: UTC, open: "fri 22:00-02:00", closed: [2026-11-28, 2026-12-04] }');
  expect(at('2026-11-27T23:00:00Z')).toBe('open, week');
  expect(at('2026-11-28T01:59:00Z')).toBe('open, week');
  expect(at('2026-11-28T02:00:00Z')).toBe('closed, closed-day');
  expect(at('2026-12-04T23:00:00Z')).toBe('closed, closed-day');
  expect(at('2026-12-05T01:00:00Z')).toBe('closed, week');
});

test('Sunday night reaches into Monday', async () => {
  const at = await scheduleOf('{ timezone: UTC, open: "sat-mon 23:00-01:00" }');
  expect(at('2026-11-23T00:30:00Z')).toBe('open, week');
  expect(at('2026-11-24T00:30:00Z')).toBe('open, week');
  expect(at('2026-11-25T00:30:00Z')).toBe('closed, week');
});

test('closed days are dates, ranges and dates of every year', async () => {
  const at = await scheduleOf(
    '{ timezone: UTC, open: "mon-sun 00:00-24:00", closed: [2026-11-11, 2026-12-24..2026-12-26, 01-01] }',
  );
  const closed = ['2026-11-11', '2026-12-24', '2026-12-25', '2026-12-26', '2027-01-01', '2031-01-01'];
  for (const day of closed) expect(at(`${day}T12:00:00Z`)).toBe('closed, closed-day');
  for (const day of ['2026-11-10', '2027-11-11', '2026-12-27']) expect(at(`${day}T12:00:00Z`)).toBe('open, week');
});

test('a holiday is a day in the zone of the schedule, not in UTC', async () => {
  const at = await scheduleOf('{ timezone: Asia/Tokyo, open: "mon-sun 00:00-24:00", closed: 2027-01-01 }');
  expect(at('2026-12-31T14:59:00Z')).toBe('open, week');
  expect(at('2026-12-31T15:00:00Z')).toBe('closed, closed-day');
  expect(at('2027-01-01T15:00:00Z')).toBe('open, week');
});

test('an override stands above the week and above closed days', async () => {
  const at = await scheduleOf(
    '{ timezone: UTC, open: "mon-fri 09:00-18:00", closed: 2026-12-24, ' +
      'overrides: { 2026-12-24: "09:00-12:00", 2026-12-26: open, 2026-12-28: closed } }',
  );
  expect(at('2026-12-24T10:00:00Z')).toBe('open, override');
  expect(at('2026-12-24T12:00:00Z')).toBe('closed, override');
  expect(at('2026-12-26T23:59:00Z')).toBe('open, override');
  expect(at('2026-12-28T10:00:00Z')).toBe('closed, override');
});

test('the holidays of a calendar file are closed days', async () => {
  const holidays = [
    'BEGIN:VCALENDAR',
    'BEGIN:VEVENT',
    'DTSTART;VALUE=DATE:20261225',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ];
  const at = await scheduleOf('{ timezone: Europe/Paris, open: "mon-fri 09:00-18:00", closed: [file:days/fr.ics] }', {
    'days/fr.ics': holidays.join('\r\n'),
  });
  expect(at('2026-12-24T10:00:00Z')).toBe('open, week');
  expect(at('2026-12-25T10:00:00Z')).toBe('closed, closed-day');
});

test('what a calendar says is part of the hash of the plan, and what it is called is not', async () => {
  const calendar = (day: string) => `BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:${day}\nEND:VEVENT\nEND:VCALENDAR\n`;
  const hash = async (name: string, day: string) => {
    const text = `schedules:\n  s: { timezone: UTC, open: mon 09:00-10:00, closed: file:${name} }\n${anyRoute}`;
    return (await planOf({ 'a.yaml': text, [name]: calendar(day) })).hash;
  };
  expect(await hash('x.ics', '20261225')).toBe(await hash('y.ics', '20261225'));
  expect(await hash('x.ics', '20261225')).not.toBe(await hash('x.ics', '20261226'));
});
