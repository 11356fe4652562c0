import { loadSettings } from '../../src/config/settings';
import { unbuiltSettings } from '../../src/config/unbuilt-settings';

const unbuilt = (env: Record<string, string>) => unbuiltSettings(loadSettings(env));

test('the defaults and one drachtio-server ask for nothing unbuilt', () => {
  expect(unbuilt({})).toEqual([]);
  expect(unbuilt({ RINGBRIDGE_DRACHTIO: '127.0.0.1:9022', RINGBRIDGE_DRACHTIO_SECRET: 'x' })).toEqual([]);
});

test('everything unbuilt that was asked for has one line', () => {
  const lines = unbuilt({
    RINGBRIDGE_DRACHTIO: '127.0.0.1:9022,127.0.0.1:9023',
    RINGBRIDGE_DRACHTIO_SECRET: 'x',
    RINGBRIDGE_DRACHTIO_LISTEN: '127.0.0.1:9024',
  });
  expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
    'RINGBRIDGE_DRACHTIO',
    'RINGBRIDGE_DRACHTIO_LISTEN',
  ]);
  expect(lines.every((line) => line.includes('not built yet'))).toBe(true);
});
