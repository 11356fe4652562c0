import { loadSettings } from '../../src/config/settings';
import { describeSettings } from '../../src/config/settings';
import { settingGroups } from '../../src/config/setting-definitions';
import { limitsOf } from '../../src/embedded-sip';
import { defaultAccessLimits } from '../../src/sip-server/access-policy';
import { defaultLimits } from '../../src/sip-server/limits';
import { defaultRequestRules } from '../../src/sip-server/request-rules';
import { defaultSessionSettings } from '../../src/sip-server/session-expires';
import { defaultGuardSettings } from '../../src/sip-server/source-guard';
import { createStats } from '../../src/sip-server/stats';

const sipGroups = settingGroups.filter(({ title }) => title.startsWith('SIP server'));

test("the defaults are the SIP server's own, and none of its limits is without a setting", () => {
  expect(limitsOf(loadSettings({}))).toEqual({
    limits: defaultLimits,
    guard: defaultGuardSettings,
    accessLimits: defaultAccessLimits,
    rules: defaultRequestRules,
    sessions: defaultSessionSettings,
  });
});

test('every counter that a setting names is one', () => {
  const docs = sipGroups.flatMap(({ settings }) => Object.values(settings).map(({ doc }) => doc));
  const named = docs.flatMap((doc) => {
    const list = /Counter: ([^.]*)\./.exec(doc)?.[1] ?? '';
    return [...list.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
  });
  expect(named.length).toBeGreaterThan(25);
  for (const name of named) expect(Object.keys(createStats())).toContain(name);
});

test('limits are changed, lists are emptied and rules are lifted', () => {
  const settings = loadSettings({
    RINGBRIDGE_SIP_MAX_DIALOGS: '7',
    RINGBRIDGE_SIP_BAN_OFFENCES: '0',
    RINGBRIDGE_SIP_BAN_TIME: '1h',
    RINGBRIDGE_SIP_SCANNER_AGENTS: 'none',
    RINGBRIDGE_SIP_EXTENSIONS: 'any',
    RINGBRIDGE_SIP_INVITE_TYPES: 'application/sdp',
    RINGBRIDGE_SIP_REFUSE_UNROUTED: 'no',
  });
  expect(limitsOf(settings)).toMatchObject({
    limits: { dialogs: 7 },
    guard: { offencesPerBan: 0, banMs: 3_600_000, scannerAgents: [] },
    rules: { extensions: 'any', inviteContentTypes: ['application/sdp'], refuseUnroutedMethods: false },
  });
});

test.each([
  ['RINGBRIDGE_SIP_MAX_DIALOGS', '0'],
  ['RINGBRIDGE_SIP_BAN_TIME', '10'],
  ['RINGBRIDGE_SIP_REFUSE_UNROUTED', 'true'],
  ['RINGBRIDGE_SIP_EXTENSIONS', '100rel,,timer'],
  ['RINGBRIDGE_SIP_REGISTER_MIN', '3h'],
])('%s=%s stops the start', (name, value) => {
  expect(() => loadSettings({ [name]: value })).toThrow('RINGBRIDGE_SIP_');
});

test('the banner has only those that were changed', () => {
  const lines = describeSettings(loadSettings({ RINGBRIDGE_SIP_MAX_DIALOGS: '7', RINGBRIDGE_SIP_BAN_TIME: '600s' }));
  const names = sipGroups.flatMap(({ settings }) => Object.values(settings).map(({ env }) => env));
  expect(lines.filter((line) => names.some((name) => line.startsWith(`${name}=`)))).toEqual([
    'RINGBRIDGE_SIP_MAX_DIALOGS=7',
  ]);
});
