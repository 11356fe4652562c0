import { HeaderList } from '../../src/sip-server/header-list';
import {
  agreeAsClient,
  agreeAsServer,
  defaultSessionSettings,
  isIntervalTooSmall,
  readMinSeconds,
  readSessionExpires,
} from '../../src/sip-server/session-expires';
import type { SipRequest } from '../../src/sip-server/sip-message';
import { answer, command } from './test-peer';

const sessionExpires = (value: string): HeaderList => new HeaderList([{ name: 'Session-Expires', value }]);

function invite(...headers: [string, string][]): SipRequest {
  return command('INVITE', 'sip:bob@example.com', headers);
}

const timer: [string, string] = ['Supported', '100rel, timer'];

describe('Session-Expires is read', () => {
  test.each([
    ['1800', { seconds: 1_800, refresher: undefined }],
    ['90;refresher=uac', { seconds: 90, refresher: 'uac' }],
    [' 4000 ; other=1 ; Refresher = UAS ', { seconds: 4_000, refresher: 'uas' }],
    ['90;refresher=nobody', { seconds: 90, refresher: undefined }],
  ])('from %j', (value, expected) => {
    expect(readSessionExpires(sessionExpires(value))).toEqual(expected);
  });

  test.each(['', ';refresher=uac', '-1', '1.5', 'soon', '4294967296'])('not from %j', (value) => {
    expect(readSessionExpires(sessionExpires(value))).toBeUndefined();
  });
});

test('Min-SE is read, and is 0 without one', () => {
  expect(readMinSeconds(new HeaderList([{ name: 'Min-SE', value: '120;x=1' }]))).toBe(120);
  expect(readMinSeconds(new HeaderList())).toBe(0);
});

test('an interval below the minimum is refused to those who understand why', () => {
  const short: [string, string] = ['Session-Expires', '89'];

  expect(isIntervalTooSmall(invite(short, timer), defaultSessionSettings)).toBe(true);
  expect(isIntervalTooSmall(invite(['Session-Expires', '90'], timer), defaultSessionSettings)).toBe(false);
  expect(isIntervalTooSmall(invite(short), defaultSessionSettings)).toBe(false);
  expect(isIntervalTooSmall(invite(timer), defaultSessionSettings)).toBe(false);
});

describe('our 2xx (RFC 4028 section 9)', () => {
  type Case = [string, [string, string][], [string, string][], string | undefined, 'ourselves' | 'peer' | undefined];

  test.each<Case>([
    ['nobody asks for a timer', [timer], [], undefined, undefined],
    ['the application asks', [timer], [['Session-Expires', '90;refresher=uac']], '90;refresher=uac', 'peer'],
    ['the application refreshes', [timer], [['Session-Expires', '90;refresher=uas']], '90;refresher=uas', 'ourselves'],
    ['a peer knows no timers', [], [['Session-Expires', '90;refresher=uac']], '90;refresher=uas', 'ourselves'],
    ['the application is silent', [timer, ['Session-Expires', '300']], [], '300;refresher=uac', 'peer'],
    ['a caller wants us to', [timer, ['Session-Expires', '300;refresher=uas']], [], '300;refresher=uas', 'ourselves'],
    [
      'a caller that refreshes keeps to it',
      [timer, ['Session-Expires', '300;refresher=uac']],
      [['Session-Expires', '200;refresher=uas']],
      '200;refresher=uac',
      'peer',
    ],
    [
      'nobody may make it longer than the caller asked',
      [timer, ['Session-Expires', '300']],
      [['Session-Expires', '1800']],
      '300;refresher=uac',
      'peer',
    ],
    [
      'nobody may make it shorter than Min-SE',
      [timer, ['Session-Expires', '300'], ['Min-SE', '200']],
      [['Session-Expires', '90']],
      '200;refresher=uac',
      'peer',
    ],
  ])('when %s', (_what, asked, said, expires, refresher) => {
    const response = answer(200, said);

    const terms = agreeAsServer(invite(...asked), response, defaultSessionSettings);

    expect(response.headers.first('Session-Expires')).toBe(expires);
    expect(terms?.refresher).toBe(refresher);
    expect(response.headers.first('Require')).toBe(refresher === 'peer' ? 'timer' : undefined);
  });

  test('keeps what the application requires beside the timer', () => {
    const response = answer(200, [
      ['Require', '100rel'],
      ['Session-Expires', '90;refresher=uac'],
    ]);

    agreeAsServer(invite(timer), response, defaultSessionSettings);

    expect(response.headers.all('Require')).toEqual(['100rel, timer']);
  });

  test('has no timer that the application did not ask for, when that is set', () => {
    const settings = { ...defaultSessionSettings, answerForApplication: false };
    const response = answer(200);

    expect(agreeAsServer(invite(timer, ['Session-Expires', '300']), response, settings)).toBeUndefined();
    expect(response.headers.has('Session-Expires')).toBe(false);
  });

  test('a session of years is refreshed every day', () => {
    const response = answer(200, [['Session-Expires', '4294967295;refresher=uas']]);

    expect(agreeAsServer(invite(timer), response, defaultSessionSettings)?.seconds).toBe(86_400);
  });
});

describe('a 2xx to our request (RFC 4028 section 7.2)', () => {
  const asked = invite(['Session-Expires', '300;refresher=uac']);

  test.each([
    ['120;refresher=uac', { seconds: 120, refresher: 'ourselves' }],
    ['120;refresher=uas', { seconds: 120, refresher: 'peer' }],
    ['120', { seconds: 120, refresher: 'ourselves' }],
  ])('with %s', (value, terms) => {
    expect(agreeAsClient(asked, answer(200, [['Session-Expires', value]]))).toEqual(terms);
  });

  test('without the header leaves the refreshing to us if we wanted it, else there is none', () => {
    expect(agreeAsClient(asked, answer(200))).toEqual({ seconds: 300, refresher: 'ourselves' });
    expect(agreeAsClient(invite(['Session-Expires', '300']), answer(200))).toBeUndefined();
  });
});
