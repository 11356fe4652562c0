import { loadSettings } from '../src/config/settings';
import type { Plan } from '../src/dialplan/plan';
import { accessPolicyOf, accessRefusals, openDoorWarning, registrationsOf, SipAccess } from '../src/sip-access';
import type { AccessPolicy } from '../src/sip-server/access-policy';
import type { Registration, RegistrationSettings } from '../src/sip-server/registration';
import { planOf } from './dialplan/plan-of';
import { LoggerSpy } from './support/logger-spy';

const routes = 'routes: [{ name: all, when: any, reject: 404 }]\n';
const settings = loadSettings({});

function plan(text: string, env: Record<string, string> = {}): Promise<Plan> {
  return planOf({ 'plan.yaml': `${text}\n${routes}` }, { ALICE: 'wonderland', PBX: 'pbx-password', ...env });
}

const account = "digest: { user: '600', password: env:PBX }, register: { expires: 10m }";

test('a plan without users and trunks lets everybody in', async () => {
  expect(accessPolicyOf(await plan(''), settings)).toBeUndefined();
});

test('users and trunks become the policy of the SIP server', async () => {
  const said = await plan(`users: { alice: { password: env:ALICE } }
trunks:
  carrier: { addresses: [192.0.2.0/24, '2001:db8::1'] }
  pbx: { host: 'PBX.example.com:5070', addresses: [192.0.2.9], ${account} }
  gateway: { host: '198.51.100.1:5070', digest: { user: env:ALICE, password: env:PBX, realm: gw } }`);
  expect(accessPolicyOf(said, settings)).toEqual<AccessPolicy>({
    realm: 'ringbridge',
    algorithms: ['SHA-256', 'MD5'],
    users: [{ name: 'alice', password: 'wonderland' }],
    trunks: [
      { name: 'carrier', addresses: ['192.0.2.0/24', '2001:db8::1'] },
      {
        name: 'pbx',
        addresses: ['192.0.2.9'],
        credentials: {
          username: '600',
          password: 'pbx-password',
          hosts: ['PBX.example.com'],
          realm: 'PBX.example.com',
        },
      },
      {
        name: 'gateway',
        addresses: ['198.51.100.1'],
        credentials: { username: 'wonderland', password: 'pbx-password', hosts: ['198.51.100.1'], realm: 'gw' },
      },
    ],
  });
});

test('a trunk with an account may register there', async () => {
  const said = await plan(`trunks:
  pbx: { host: 'pbx.example.com:5070', transport: tcp, addresses: [192.0.2.9], ${account} }
  carrier: { host: sip.example.com }`);
  expect([...registrationsOf(said)]).toEqual([
    [
      'pbx',
      {
        registrar: 'sip:pbx.example.com:5070;transport=tcp',
        address: 'sip:600@pbx.example.com',
        credentials: { username: '600', password: 'pbx-password', realm: 'pbx.example.com' },
        expiresSeconds: 600,
      },
    ],
  ]);
});

describe('registrations follow the plan', () => {
  function serverUnderTest() {
    const log: string[] = [];
    const left: (() => void)[] = [];
    const server = {
      setAccess: () => undefined,
      register({ registrar }: RegistrationSettings): Registration {
        log.push(`register ${registrar}`);
        const close = (): Promise<void> => {
          log.push(`leave ${registrar}`);
          return new Promise((resolve) => left.push(resolve));
        };
        return { close, state: { state: 'registering' } } as unknown as Registration;
      },
    };
    const access = new SipAccess({ server, settings, logger: new LoggerSpy() });
    return { access, log, left };
  }
  const at = (host: string, env: Record<string, string> = {}) =>
    plan(`trunks: { pbx: { host: ${host}, ${account} } }`, env);
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };

  test('one that says the same goes on', async () => {
    const { access, log } = serverUnderTest();
    access.setPlan(await at('192.0.2.1'));
    access.setPlan(await at('192.0.2.1'));
    expect(log).toEqual(['register sip:192.0.2.1']);
    expect([...access.registrations]).toEqual([['pbx', 'registering']]);
  });

  test('one that changed is left before it begins again', async () => {
    const { access, log, left } = serverUnderTest();
    access.setPlan(await at('192.0.2.1'));
    access.setPlan(await at('192.0.2.2'));
    expect(log).toEqual(['register sip:192.0.2.1', 'leave sip:192.0.2.1']);
    left[0]?.();
    await settle();
    expect(log.at(-1)).toBe('register sip:192.0.2.2');
  });

  test('a password that changed counts, though the plan says the same', async () => {
    const { access, log } = serverUnderTest();
    access.setPlan(await at('192.0.2.1'));
    access.setPlan(await at('192.0.2.1', { PBX: 'another' }));
    expect(log).toEqual(['register sip:192.0.2.1', 'leave sip:192.0.2.1']);
  });

  test('of plans that follow each other quickly only the last one registers', async () => {
    const { access, log, left } = serverUnderTest();
    access.setPlan(await at('192.0.2.1'));
    access.setPlan(await at('192.0.2.2'));
    access.setPlan(await at('192.0.2.3'));
    left[0]?.();
    await settle();
    expect(log).toEqual(['register sip:192.0.2.1', 'leave sip:192.0.2.1', 'register sip:192.0.2.3']);
  });

  test('a trunk that is gone is left', async () => {
    const { access, log } = serverUnderTest();
    access.setPlan(await at('192.0.2.1'));
    access.setPlan(await plan(''));
    expect(log.at(-1)).toBe('leave sip:192.0.2.1');
    expect(access.registrations.size).toBe(0);
  });
});

test('what a drachtio-server cannot do for us refuses the start, one line each', async () => {
  const external = loadSettings({ RINGBRIDGE_DRACHTIO: '127.0.0.1:9022', RINGBRIDGE_DRACHTIO_SECRET: 'x' });
  const said = await plan(`users: { alice: { password: env:ALICE } }
trunks: { carrier: { addresses: [192.0.2.1] }, pbx: { host: 192.0.2.9, ${account} } }`);
  const lines = accessRefusals(said, external);
  expect(lines.map((line) => line.split(',')[0])).toEqual([
    'trunk "pbx" has a digest',
    'trunk "pbx" registers',
    'the plan has users',
  ]);
  for (const line of lines) expect(line).toContain('RINGBRIDGE_DRACHTIO');
  expect(accessRefusals(await plan('trunks: { carrier: { addresses: [192.0.2.1] } }'), external)).toEqual([]);
});

test('a trunk needs a listener of its transport to be called by', async () => {
  const said = await plan('trunks: { carrier: { host: sip.example.com, transport: tls } }');
  expect(accessRefusals(said, settings)).toEqual([
    'trunk "carrier" is called over tls, but RINGBRIDGE_SIP_LISTEN names no tls: address',
  ]);
});

test('a door that stands open to a network is told of', async () => {
  const network = loadSettings({ RINGBRIDGE_SIP_LISTEN: 'udp:0.0.0.0:5060,tcp:127.0.0.1:5060' });
  expect(openDoorWarning(await plan(''), network)).toBe(
    'everybody who reaches udp:0.0.0.0:5060 can call: the dialplan names no trunks and no users',
  );
  expect(openDoorWarning(await plan(''), settings)).toBeUndefined();
  expect(openDoorWarning(await plan('users: { alice: { password: env:ALICE } }'), network)).toBeUndefined();
});
