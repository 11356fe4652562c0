import { readChannels, readStatus } from '../../src/media/freeswitch-status';

const status = `UP 0 years, 0 days, 0 hours, 0 minutes, 9 seconds, 611 milliseconds, 3 microseconds
FreeSWITCH (Version 1.11.1 -release 64bit) is ready
12 session(s) since startup
4 session(s) - peak 6, last 5min 6 
0 session(s) per Sec out of max 30, peak 2, last 5min 2 
1000 session(s) max
min idle cpu 0.00/96.53
Current Stack Size/Max 240K/8192K
`;

test('how many sessions there are and may be, and whether it takes more', () => {
  expect(readStatus(status)).toEqual({ ready: true, sessions: 4, sessionsMax: 1_000 });
  expect(readStatus(status.replace('is ready', 'is not ready')).ready).toBe(false);
});

test('what is no status is an error', () => {
  expect(() => readStatus('-ERR status Command not found!\n')).toThrow('FreeSWITCH printed no status');
});

test('channels with their makers, and none from what cannot be read', () => {
  const rows = [{ uuid: 'a', cid_num: 'ringbridge-1' }, { uuid: 7, cid_num: 'x' }, null, { uuid: 'b', cid_num: '' }];
  expect(readChannels(JSON.stringify({ row_count: 4, rows }))).toEqual([
    { uuid: 'a', owner: 'ringbridge-1' },
    { uuid: 'b', owner: '' },
  ]);
  for (const text of ['{"row_count":0}\n', '-ERR', 'null', '{"rows":{}}']) expect(readChannels(text)).toEqual([]);
});
