import { loadSettings } from '../../src/config/settings';
import { unbuiltSettings } from '../../src/config/unbuilt-settings';

const unbuilt = (env: Record<string, string>) => unbuiltSettings(loadSettings(env));

test('the defaults and drachtio-servers ask for nothing unbuilt', () => {
  expect(unbuilt({})).toEqual([]);
  expect(unbuilt({ RINGBRIDGE_DRACHTIO: '127.0.0.1:9022,127.0.0.1:9023', RINGBRIDGE_DRACHTIO_SECRET: 'x' })).toEqual(
    [],
  );
});

test('everything unbuilt that was asked for has one line', () => {
  const lines = unbuilt({
    RINGBRIDGE_FREESWITCH: '127.0.0.1:8021',
    RINGBRIDGE_FREESWITCH_SECRET: 'x',
    RINGBRIDGE_FREESWITCH_LISTEN: '127.0.0.1:8085',
    RINGBRIDGE_FREESWITCH_ADVERTISE: '127.0.0.1',
  });
  expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
    'RINGBRIDGE_FREESWITCH',
    'RINGBRIDGE_FREESWITCH_SECRET',
    'RINGBRIDGE_FREESWITCH_LISTEN',
    'RINGBRIDGE_FREESWITCH_ADVERTISE',
  ]);
  expect(lines.every((line) => line.includes('not built yet'))).toBe(true);
});
