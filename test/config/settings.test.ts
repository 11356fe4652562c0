import { describeSettings, loadSettings, SettingsError } from '../../src/config/settings';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

test('an empty environment gives the documented defaults', () => {
  const settings = loadSettings({});
  expect(settings.sipListen).toEqual([
    { transport: 'udp', address: '127.0.0.1', port: 5060 },
    { transport: 'tcp', address: '127.0.0.1', port: 5060 },
  ]);
  expect(settings.rtpPorts).toEqual({ first: 10_000, last: 19_999 });
  expect(settings.httpListen).toEqual({ host: '127.0.0.1', port: 8_080 });
  expect(settings.realtimeModel).toBe('gpt-realtime-2');
  expect(settings.simulator).toBe('receptionist');
  expect(settings.dialplans).toBe('dialplans');
  expect(settings.data).toBe('data');
  expect(settings.logLevel).toBe('info');
  expect(settings.publicAddress).toBeUndefined();
  expect(settings.drachtio).toBeUndefined();
  expect(settings.openaiApiKey).toBeUndefined();
  expect(settings.drainTimeMs).toBe(300_000);
});

test('values are parsed into their types', () => {
  const settings = loadSettings({
    RINGBRIDGE_SIP_LISTEN: 'udp:0.0.0.0:5070, tcp:[::1]:5071,tls:[2001:db8::1]:5061',
    RINGBRIDGE_SIP_TLS_CERT: 'cert.pem',
    RINGBRIDGE_SIP_TLS_KEY: 'key.pem',
    RINGBRIDGE_RTP_PORTS: '30000-30003',
    RINGBRIDGE_DRACHTIO: 'sip.example.com:9022, tls:[2001:db8::2]:9023',
    RINGBRIDGE_DRACHTIO_SECRET: 's3cret',
    RINGBRIDGE_FREESWITCH: '10.0.0.3:8021,media.example.com:8022;weight=3',
    RINGBRIDGE_FREESWITCH_SECRET: 's3cret',
    RINGBRIDGE_FREESWITCH_LISTEN: '0.0.0.0:8085',
    RINGBRIDGE_DRACHTIO_TAGS: 'paris,v2',
    RINGBRIDGE_RTP_ADDRESS: '192.0.2.7',
    RINGBRIDGE_FREESWITCH_ADVERTISE: '192.0.2.7',
    RINGBRIDGE_MAX_CALLS: '12',
    RINGBRIDGE_MEDIA_TIMEOUT: '1.5m',
    RINGBRIDGE_SIMULATOR: 'tone:610',
    RINGBRIDGE_HTTP_LISTEN: '[::1]:0',
  });
  expect(settings.sipListen).toEqual([
    { transport: 'udp', address: '0.0.0.0', port: 5_070 },
    { transport: 'tcp', address: '::1', port: 5_071 },
    { transport: 'tls', address: '2001:db8::1', port: 5_061 },
  ]);
  expect(settings.rtpPorts).toEqual({ first: 30_000, last: 30_003 });
  expect(settings.drachtio).toEqual([
    { host: 'sip.example.com', port: 9_022, tls: false },
    { host: '2001:db8::2', port: 9_023, tls: true },
  ]);
  expect(settings.drachtioTags).toEqual(['paris', 'v2']);
  expect(settings.freeswitch).toEqual([
    { host: '10.0.0.3', port: 8_021, weight: 1 },
    { host: 'media.example.com', port: 8_022, weight: 3 },
  ]);
  expect(settings.freeswitchAdvertise).toBe('192.0.2.7');
  expect(settings.maxCalls).toBe(12);
  expect(settings.mediaTimeoutMs).toBe(90_000);
  expect(settings.simulator).toBe('tone:610');
  expect(settings.httpListen).toEqual({ host: '::1', port: 0 });
});

test('settings cannot be changed, at any depth', () => {
  const settings = loadSettings({});
  expect(Object.isFrozen(settings)).toBe(true);
  expect(Object.isFrozen(settings.sipListen)).toBe(true);
  expect(Object.isFrozen(settings.sipListen[0])).toBe(true);
});

test('an empty value counts as unset and foreign names are left alone', () => {
  const settings = loadSettings({
    RINGBRIDGE_PUBLIC_ADDRESS: '',
    RINGBRIDGE_LOG_LEVEL: '',
    PATH: '/bin',
    HOME: undefined,
  });
  expect(settings.publicAddress).toBeUndefined();
  expect(settings.logLevel).toBe('info');
});

test('an unknown name is an error with the nearest valid one', () => {
  expect(problemsOf({ RINGBRIDGE_RTP_PORT: '1-2', RINGBRIDGE_XYZZY: '1' })).toEqual([
    'RINGBRIDGE_RTP_PORT: no such setting; did you mean RINGBRIDGE_RTP_PORTS?',
    'RINGBRIDGE_XYZZY: no such setting',
  ]);
});

test('all problems are told at once, one line each', () => {
  const problems = problemsOf({
    RINGBRIDGE_SIP_LISTEN: 'udp:localhost:5060',
    RINGBRIDGE_LOG_LEVEL: 'loud',
    RINGBRIDGE_DIALPLAN: 'x',
  });
  expect(problems).toEqual([
    'RINGBRIDGE_DIALPLAN: no such setting; did you mean RINGBRIDGE_DIALPLANS?',
    'RINGBRIDGE_SIP_LISTEN: expected a list such as udp:127.0.0.1:5060,tcp:[::1]:5060, each once, at most 32, got "udp:localhost:5060"',
    'RINGBRIDGE_LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, got "loud"',
  ]);
  expect(problems.every((line) => !line.includes('\n'))).toBe(true);
});

test.each([
  ['RINGBRIDGE_SIP_LISTEN', 'sctp:127.0.0.1:5060'],
  ['RINGBRIDGE_SIP_LISTEN', 'udp:127.0.0.1:70000'],
  ['RINGBRIDGE_SIP_LISTEN', 'udp:127.0.0.1'],
  ['RINGBRIDGE_SIP_LISTEN', 'udp:127.0.0.1:5060,udp:127.0.0.1:5060'],
  ['RINGBRIDGE_SIP_LISTEN', 'udp:::1:5060'],
  ['RINGBRIDGE_SIP_LISTEN', 'udp:[127.0.0.1]:5060'],
  ['RINGBRIDGE_RTP_PORTS', '19999-10000'],
  ['RINGBRIDGE_RTP_PORTS', '10001-10002'],
  ['RINGBRIDGE_RTP_PORTS', '80-90'],
  ['RINGBRIDGE_RTP_PORTS', '10000'],
  ['RINGBRIDGE_RTP_PORTS', '60000-65536'],
  ['RINGBRIDGE_PUBLIC_ADDRESS', 'example.com'],
  ['RINGBRIDGE_DRACHTIO', 'host'],
  ['RINGBRIDGE_DRACHTIO', 'host:0'],
  ['RINGBRIDGE_DRACHTIO', 'ho st:9022'],
  ['RINGBRIDGE_DRACHTIO', 'tcp:host:9022'],
  ['RINGBRIDGE_DRACHTIO_LISTEN', 'tls:host:9100'],
  ['RINGBRIDGE_DRACHTIO_TAGS', 'a b'],
  ['RINGBRIDGE_REALTIME_URL', 'https://api.openai.com/v1/realtime'],
  ['RINGBRIDGE_REALTIME_URL', 'wss://user:pw@example.com/'],
  ['RINGBRIDGE_REALTIME_URL', 'nonsense'],
  ['RINGBRIDGE_REALTIME_MODEL', 'two words'],
  ['RINGBRIDGE_SIMULATOR', 'tone:0'],
  ['RINGBRIDGE_SIMULATOR', 'scenario:'],
  ['RINGBRIDGE_MAX_CALLS', '0'],
  ['RINGBRIDGE_MAX_CALLS', '1e3'],
  ['RINGBRIDGE_MEDIA_TIMEOUT', '15'],
  ['RINGBRIDGE_MEDIA_TIMEOUT', '3h'],
  ['RINGBRIDGE_HTTP_LISTEN', ':8080'],
  ['RINGBRIDGE_FREESWITCH', '10.0.0.3:8021;weight=0'],
  ['RINGBRIDGE_FREESWITCH', '10.0.0.3:8021;priority=2'],
])('%s=%s is refused', (name, value) => {
  const problems = problemsOf({ [name]: value });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${name}: expected `));
});

test('a remote server needs its secret', () => {
  expect(problemsOf({ RINGBRIDGE_DRACHTIO: '127.0.0.1:9022', RINGBRIDGE_FREESWITCH: '127.0.0.1:8021' })).toEqual([
    'RINGBRIDGE_DRACHTIO_SECRET: needed with RINGBRIDGE_DRACHTIO; there is no default secret',
    'RINGBRIDGE_FREESWITCH_SECRET: needed with RINGBRIDGE_FREESWITCH; there is no default secret',
  ]);
  expect(problemsOf({ RINGBRIDGE_DRACHTIO_LISTEN: '127.0.0.1:9100' })).toEqual([
    'RINGBRIDGE_DRACHTIO_SECRET: needed with RINGBRIDGE_DRACHTIO_LISTEN; there is no default secret',
  ]);
});

const remoteFreeswitch = {
  RINGBRIDGE_FREESWITCH: '10.0.0.3:8021',
  RINGBRIDGE_FREESWITCH_SECRET: 'x',
  RINGBRIDGE_RTP_ADDRESS: '10.0.0.2',
};

test('a FreeSWITCH on another machine must be able to call us back', () => {
  expect(problemsOf(remoteFreeswitch)).toEqual([
    'RINGBRIDGE_FREESWITCH_LISTEN: needed for a FreeSWITCH on another machine, which calls us back',
  ]);
});

test('a FreeSWITCH is called through a link of ours', () => {
  const local = { RINGBRIDGE_FREESWITCH: '127.0.0.1:8021', RINGBRIDGE_FREESWITCH_SECRET: 'x' };
  const env = { ...local, RINGBRIDGE_DRACHTIO_LISTEN: '127.0.0.1:9100', RINGBRIDGE_DRACHTIO_SECRET: 'x' };
  expect(problemsOf(env)).toEqual([
    'RINGBRIDGE_DRACHTIO: needed with RINGBRIDGE_FREESWITCH, whose channels are called through it',
  ]);
  expect(problemsOf({ ...env, RINGBRIDGE_DRACHTIO: '127.0.0.1:9022' })).toEqual([]);
});

test('a FreeSWITCH cannot call back an address that is every address', () => {
  const env = remoteFreeswitch;
  expect(problemsOf({ ...env, RINGBRIDGE_FREESWITCH_LISTEN: '0.0.0.0:8085' })).toEqual([
    'RINGBRIDGE_FREESWITCH_ADVERTISE: needed when RINGBRIDGE_FREESWITCH_LISTEN names every address',
  ]);
});

test('settings of FreeSWITCH without a FreeSWITCH are a mistake', () => {
  expect(problemsOf({ RINGBRIDGE_FREESWITCH_SECRET: 'x', RINGBRIDGE_FREESWITCH_ADVERTISE: '10.0.0.2' })).toEqual([
    'RINGBRIDGE_FREESWITCH_SECRET: there is no RINGBRIDGE_FREESWITCH that would use it',
    'RINGBRIDGE_FREESWITCH_ADVERTISE: there is no RINGBRIDGE_FREESWITCH that would use it',
  ]);
});

describe('the secrets that the servers are shipped with', () => {
  const shipped = (drachtio: string, freeswitch: string, password = 'ClueCon') =>
    problemsOf({
      RINGBRIDGE_DRACHTIO: drachtio,
      RINGBRIDGE_DRACHTIO_SECRET: 'cymru',
      RINGBRIDGE_FREESWITCH: freeswitch,
      RINGBRIDGE_FREESWITCH_SECRET: password,
      RINGBRIDGE_FREESWITCH_LISTEN: '10.0.0.1:8085',
      RINGBRIDGE_RTP_ADDRESS: '10.0.0.1',
    });
  const refused = [
    'RINGBRIDGE_DRACHTIO_SECRET: everybody knows this one; outside of loopback choose another',
    'RINGBRIDGE_FREESWITCH_SECRET: everybody knows this one; outside of loopback choose another',
  ];

  test('are refused when one server is on another machine', () => {
    expect(shipped('127.0.0.1:9022,10.0.0.2:9022', '10.0.0.3:8021')).toEqual(refused);
    expect(shipped('sip.example.com:9022', '[2001:db8::1]:8021', 'JambonzR0ck$')).toEqual(refused);
  });

  test('are taken on loopback', () => {
    expect(shipped('127.0.0.1:9022,localhost:9023', '[::1]:8021')).toEqual([]);
  });

  test('are refused where we listen to a network', () => {
    const listen = { RINGBRIDGE_DRACHTIO_LISTEN: '0.0.0.0:9100', RINGBRIDGE_DRACHTIO_SECRET: 'cymru' };
    expect(problemsOf({ ...listen, RINGBRIDGE_RTP_ADDRESS: '10.0.0.1' })).toEqual([refused[0]]);
  });
});

test('with servers on other machines, our own RTP must have an address that they reach', () => {
  const remote = { RINGBRIDGE_DRACHTIO: '10.0.0.2:9022', RINGBRIDGE_DRACHTIO_SECRET: 'x' };
  expect(problemsOf(remote)).toEqual([
    'RINGBRIDGE_RTP_ADDRESS: needed with servers on other machines, which send our RTP there',
  ]);
  expect(problemsOf({ ...remote, RINGBRIDGE_RTP_ADDRESS: '10.0.0.1' })).toEqual([]);
});

test('tags are for the servers that we connect to', () => {
  expect(problemsOf({ RINGBRIDGE_DRACHTIO_TAGS: 'paris' })).toEqual([
    'RINGBRIDGE_DRACHTIO_TAGS: only with RINGBRIDGE_DRACHTIO',
  ]);
});

test('a TLS listener needs a certificate and a key, and they need a TLS listener', () => {
  expect(problemsOf({ RINGBRIDGE_SIP_LISTEN: 'tls:127.0.0.1:5061', RINGBRIDGE_SIP_TLS_CERT: 'cert.pem' })).toEqual([
    'RINGBRIDGE_SIP_TLS_KEY: needed for a tls: address in RINGBRIDGE_SIP_LISTEN',
  ]);
  expect(problemsOf({ RINGBRIDGE_SIP_TLS_CERT: 'cert.pem', RINGBRIDGE_SIP_TLS_KEY: 'key.pem' })).toEqual([
    'RINGBRIDGE_SIP_TLS_CERT: there is no tls: address in RINGBRIDGE_SIP_LISTEN that would use it',
    'RINGBRIDGE_SIP_TLS_KEY: there is no tls: address in RINGBRIDGE_SIP_LISTEN that would use it',
  ]);
});

test('connections of drachtio-servers to a tls: address need a certificate, too', () => {
  const listen = { RINGBRIDGE_DRACHTIO_LISTEN: 'tls:127.0.0.1:9100', RINGBRIDGE_DRACHTIO_SECRET: 'x' };
  expect(problemsOf({ ...listen, RINGBRIDGE_SIP_TLS_KEY: 'key.pem' })).toEqual([
    'RINGBRIDGE_SIP_TLS_CERT: needed for the tls: address in RINGBRIDGE_DRACHTIO_LISTEN',
  ]);
});

test('the key never travels in clear to another machine', () => {
  const key = { OPENAI_API_KEY: 'sk-canary' };
  expect(problemsOf({ ...key, RINGBRIDGE_REALTIME_URL: 'ws://192.0.2.1/v1' })).toEqual([
    'RINGBRIDGE_REALTIME_URL: ws: would send OPENAI_API_KEY in clear over the network; use wss:',
  ]);
  expect(problemsOf({ ...key, RINGBRIDGE_REALTIME_URL: 'ws://[::1]:9000/v1' })).toEqual([]);
  expect(problemsOf({ ...key, RINGBRIDGE_REALTIME_URL: 'ws://127.0.0.1:9000/v1' })).toEqual([]);
  expect(problemsOf({ RINGBRIDGE_REALTIME_URL: 'ws://192.0.2.1/v1' })).toEqual([]);
});

test('secrets are printed neither in the description nor in an error', () => {
  const settings = loadSettings({
    OPENAI_API_KEY: 'sk-canary-1',
    RINGBRIDGE_DRACHTIO: '127.0.0.1:9022',
    RINGBRIDGE_DRACHTIO_SECRET: 'canary-2',
    RINGBRIDGE_REALTIME_URL: 'wss://gateway.example.com/v1?key=canary-3',
  });
  const lines = describeSettings(settings);
  expect(lines.join('\n')).not.toContain('canary');
  expect(lines).toContain('OPENAI_API_KEY=(set)');
  expect(lines).toContain('RINGBRIDGE_DRACHTIO_SECRET=(set)');
  const bad = problemsOf({ OPENAI_API_KEY: 'canary four' });
  expect(bad).toEqual(['OPENAI_API_KEY: expected one word of ASCII without spaces']);
});

test('the description shows values as an admin would write them', () => {
  const lines = describeSettings(
    loadSettings({
      RINGBRIDGE_SIP_LISTEN: 'udp:[::1]:5060',
      RINGBRIDGE_DRAIN_TIME: '90s',
      RINGBRIDGE_MEDIA_TIMEOUT: '1500ms',
    }),
  );
  expect(lines).toContain('RINGBRIDGE_SIP_LISTEN=udp:[::1]:5060');
  expect(lines).toContain('RINGBRIDGE_RTP_PORTS=10000-19999');
  expect(lines).toContain('RINGBRIDGE_DRAIN_TIME=90s');
  expect(lines).toContain('RINGBRIDGE_MEDIA_TIMEOUT=1500ms');
  expect(lines.some((line) => line.startsWith('OPENAI_API_KEY'))).toBe(false);
});

describe('the codecs', () => {
  test('are what the system has, unless they are named', () => {
    expect(loadSettings({}).codecs).toBeUndefined();
    expect(loadSettings({ RINGBRIDGE_CODECS: 'PCMA, opus' }).codecs).toEqual(['pcma', 'opus']);
  });

  test.each(['opus', 'pcmu,pcmu', 'g722,pcmu', 'pcmu,'])('%s is refused', (codecs) => {
    expect(problemsOf({ RINGBRIDGE_CODECS: codecs })).toEqual([
      expect.stringContaining('RINGBRIDGE_CODECS: expected a list of opus, pcmu and pcma with pcmu or pcma in it'),
    ]);
  });

  test('are not for FreeSWITCH', () => {
    const freeswitch = { RINGBRIDGE_FREESWITCH: '127.0.0.1:8021', RINGBRIDGE_FREESWITCH_SECRET: 's3cret' };
    expect(problemsOf({ ...freeswitch, RINGBRIDGE_CODECS: 'pcma' })).toEqual([
      'RINGBRIDGE_CODECS: not with RINGBRIDGE_FREESWITCH, which is told its codecs by its own profile',
    ]);
  });
});
