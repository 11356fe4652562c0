import { modelChoice } from '../../src/config/model-choice';
import { loadSettings } from '../../src/config/settings';

const choose = (env: Record<string, string>) => modelChoice(loadSettings(env));

test('a key means the API', () => {
  expect(choose({ OPENAI_API_KEY: 'sk-1', RINGBRIDGE_SIP_LISTEN: 'udp:0.0.0.0:5060' })).toEqual({
    kind: 'api',
    url: 'wss://api.openai.com/v1/realtime',
    model: 'gpt-realtime-2',
  });
});

test.each([
  {},
  { RINGBRIDGE_SIP_LISTEN: 'udp:127.3.4.5:5060,tcp:[::1]:5060' },
  { RINGBRIDGE_SIP_LISTEN: 'udp:[::ffff:127.0.0.1]:5060' },
  { RINGBRIDGE_SIP_LISTEN: 'udp:[0:0:0:0:0:0:0:1]:5060' },
])('without a key the simulator answers where only this machine can call: %j', (env) => {
  expect(choose(env).kind).toBe('simulator');
});

test.each([
  [{ RINGBRIDGE_SIP_LISTEN: 'udp:127.0.0.1:5060,tcp:0.0.0.0:5060' }, 'RINGBRIDGE_SIP_LISTEN has tcp:0.0.0.0'],
  [{ RINGBRIDGE_SIP_LISTEN: 'udp:[::]:5060' }, 'RINGBRIDGE_SIP_LISTEN has udp:::'],
  [{ RINGBRIDGE_SIP_LISTEN: 'udp:192.168.1.4:5060' }, 'RINGBRIDGE_SIP_LISTEN has udp:192.168.1.4'],
  [{ RINGBRIDGE_DRACHTIO: '127.0.0.1:9022', RINGBRIDGE_DRACHTIO_SECRET: 'x' }, 'RINGBRIDGE_DRACHTIO is set'],
  [
    { RINGBRIDGE_DRACHTIO_LISTEN: '127.0.0.1:9023', RINGBRIDGE_DRACHTIO_SECRET: 'x' },
    'RINGBRIDGE_DRACHTIO_LISTEN is set',
  ],
  [{ RINGBRIDGE_FREESWITCH: '127.0.0.1:8021', RINGBRIDGE_FREESWITCH_SECRET: 'x' }, 'RINGBRIDGE_FREESWITCH is set'],
])('without a key and with strangers able to call, the start is refused: %j', (env, because) => {
  const choice = choose(env);
  expect(choice.kind).toBe('refused');
  expect(choice.kind === 'refused' ? choice.line : '').toContain(because);
  expect(choice.kind === 'refused' ? choice.line : '\n').not.toContain('\n');
});

test.each([{ RINGBRIDGE_REALTIME_URL: 'simulator' }, { RINGBRIDGE_REALTIME_MODEL: 'simulator' }])(
  'a simulator that was named answers everywhere, key or not: %j',
  (named) => {
    expect(choose({ ...named, RINGBRIDGE_SIP_LISTEN: 'udp:0.0.0.0:5060', OPENAI_API_KEY: 'sk-1' }).kind).toBe(
      'simulator',
    );
  },
);

test('another endpoint that was named may need no key', () => {
  expect(choose({ RINGBRIDGE_REALTIME_URL: 'ws://127.0.0.1:9100/v1/realtime' })).toEqual({
    kind: 'api',
    url: 'ws://127.0.0.1:9100/v1/realtime',
    model: 'gpt-realtime-2',
  });
});

test('a regional OpenAI endpoint without a key is not silently tried', () => {
  const env = {
    RINGBRIDGE_REALTIME_URL: 'wss://eu.api.openai.com/v1/realtime',
    RINGBRIDGE_SIP_LISTEN: 'udp:0.0.0.0:5060',
  };
  expect(choose(env).kind).toBe('refused');
});
