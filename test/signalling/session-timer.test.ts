import { sessionTimerHeaders, tooShortSession } from '../../src/signalling/session-timer';
import type { SrfRequest } from '../../src/signalling/srf';

const timerFor = (headers: Record<string, string>) =>
  sessionTimerHeaders({ get: (name: string) => headers[name] } as unknown as SrfRequest);

test('a caller that supports timers refreshes each 90 s', () => {
  const expected = { 'Session-Expires': '90;refresher=uac', Require: 'timer' };
  expect(timerFor({ Supported: 'replaces, timer' })).toEqual(expected);
  expect(timerFor({ Supported: 'TIMER', 'Session-Expires': '1800' })).toEqual(expected);
  expect(timerFor({ Require: 'timer', 'Session-Expires': '1800;refresher=uac' })).toEqual(expected);
});

test('a caller that wants the server to refresh is refreshed, and needs not understand it', () => {
  const headers = { Supported: 'timer', 'Session-Expires': '600 ; Refresher = UAS' };
  expect(timerFor(headers)).toEqual({ 'Session-Expires': '90;refresher=uas' });
});

test('the interval is not below what a proxy on the way asks for', () => {
  expect(timerFor({ Supported: 'timer', 'Min-SE': '180' })['Session-Expires']).toBe('180;refresher=uac');
  expect(timerFor({ Supported: 'timer', 'Min-SE': '30' })['Session-Expires']).toBe('90;refresher=uac');
  expect(timerFor({ Supported: 'timer', 'Min-SE': '999999999' })['Session-Expires']).toBe('86400;refresher=uac');
  expect(timerFor({ Supported: 'timer', 'Min-SE': 'x' })['Session-Expires']).toBe('90;refresher=uac');
});

test('a caller that does not support timers gets none', () => {
  expect(timerFor({})).toEqual({});
  expect(timerFor({ Supported: 'timers', 'Session-Expires': '1800' })).toEqual({});
});

test('a session shorter than 90 s is refused, to a caller that knows what that means', () => {
  const refusal = (headers: Record<string, string>) =>
    tooShortSession({ get: (name: string) => headers[name] } as unknown as SrfRequest);
  expect(refusal({ Supported: 'timer', 'Session-Expires': '60;refresher=uac' })).toEqual({ 'Min-SE': '90' });
  expect(refusal({ Require: 'timer', 'Session-Expires': '89' })).toEqual({ 'Min-SE': '90' });
  for (const enough of ['90', '1800;refresher=uas', '', 'x', '60s', '9999999999']) {
    expect(refusal({ Supported: 'timer', 'Session-Expires': enough })).toBeUndefined();
  }
  expect(refusal({ Supported: 'timer' })).toBeUndefined();
  expect(refusal({ 'Session-Expires': '60' })).toBeUndefined();
});
