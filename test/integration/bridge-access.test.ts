import { createSocket } from 'node:dgram';

import { loadSettings } from '../../src/config/settings';
import { dial } from '../../src/dialplan/dial';
import type { IncomingCall } from '../../src/dialplan/incoming-call';
import { startEmbeddedSip } from '../../src/embedded-sip';
import type { EmbeddedSip } from '../../src/embedded-sip';
import { systemClock } from '../../src/runtime/clock';
import { systemRandom } from '../../src/runtime/random';
import type { OutboundCallListener, OutboundFailure } from '../../src/signalling/callee-leg';
import { placeCall } from '../../src/signalling/outbound-call';
import { SipLink } from '../../src/signalling/sip-link';
import type { SipServer } from '../../src/sip-server/server';
import { planOf } from '../dialplan/plan-of';
import type { SrfApp, SrfMessage } from '../sip-server/srf-app';
import { addressOf, connectSrf, disconnect, sdpOf, startTestServer } from '../sip-server/srf-app';
import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import type { TestPlan } from '../support/bridge';
import { eventually } from '../support/eventually';
import { LoggerSpy } from '../support/logger-spy';

// Who gets in, and through whom we call, as an admin would write it: in a dialplan, with passwords in the environment.

jest.setTimeout(60_000);

const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

const users = { alice: { password: 'env:ALICE_PASSWORD' } };
const env = { ALICE_PASSWORD: 'wonderland', PBX_PASSWORD: 'pbx-password' };

async function startOffice(sections: Partial<TestPlan>): Promise<BridgeUnderTest> {
  const bridge = await BridgeUnderTest.start({ ...onePlan('simulator:echo'), ...sections }, env);
  toClose.push(() => bridge.close());
  return bridge;
}

async function startPhone(registrar: string, password = 'wonderland'): Promise<Baresip> {
  const account = `<sip:alice@${registrar}>;auth_user=alice;auth_pass=${password};regint=60;answermode=auto`;
  const phone = await Baresip.start({ codec: 'PCMU', account });
  toClose.push(() => phone.close());
  return phone;
}

const sip = (event: string): string => `ringbridge_sip_total{event="${event}"}`;

async function counted(bridge: BridgeUnderTest, event: string, atLeast = 1): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await bridge.metric(sip(event))) >= atLeast) return;
    await new Promise((resolve) => systemClock.setTimer(100, () => resolve(undefined)));
  }
  throw new Error(`${event} stayed at ${await bridge.metric(sip(event))}`);
}

test('a phone of the plan registers, calls in, and an agent answers it', async () => {
  const bridge = await startOffice({ users });
  const alice = await startPhone(bridge.sip());
  await counted(bridge, 'registrationsAccepted');

  alice.dial(`sip:100@${bridge.sip()}`);
  await alice.eventOf('CALL_ESTABLISHED');
  alice.hangUp();

  expect(await bridge.endedCalls()).toHaveLength(1);
  expect(JSON.stringify([bridge.log, await bridge.journal()])).not.toContain('wonderland');
  expect(bridge.errors()).toEqual([]);
});

test('a stranger is asked who it is, and a wrong password is none', async () => {
  const bridge = await startOffice({ users });
  const stranger = await startPhone(bridge.sip(), 'wrong');
  await counted(bridge, 'credentialsRefused');

  stranger.dial(`sip:100@${bridge.sip()}`);
  await stranger.eventOf('CALL_CLOSED');

  expect(await bridge.journal()).toEqual([]);
  expect(await bridge.metric(sip('credentialsAccepted'))).toBe(0);
});

test('a trunk calls in by its address, and its name is on the record', async () => {
  const bridge = await startOffice({ trunks: { carrier: { addresses: ['127.0.0.1'] } } });
  const carrier = await Baresip.start({ codec: 'PCMU' });
  toClose.push(() => carrier.close());

  carrier.dial(`sip:100@${bridge.sip()}`);
  await carrier.eventOf('CALL_ESTABLISHED');
  carrier.hangUp();

  expect(await bridge.endedCalls()).toHaveLength(1);
  expect(JSON.stringify(await bridge.journal())).toContain('"carrier"');
});

test('who comes from another address than the trunk gets 403, and no call begins', async () => {
  const bridge = await startOffice({ trunks: { carrier: { addresses: ['192.0.2.1'] } } });
  const stranger = await Baresip.start({ codec: 'PCMU' });
  toClose.push(() => stranger.close());

  stranger.dial(`sip:100@${bridge.sip()}`);
  const closed = await stranger.eventOf('CALL_CLOSED');

  expect(closed.param).toContain('403');
  expect(await bridge.metric(sip('accessForbidden'))).toBe(1);
  expect(await bridge.journal()).toEqual([]);
});

test('a scanner costs one counter', async () => {
  const bridge = await startOffice({ users });
  const [host = '', port = ''] = bridge.sip().split(':');
  const socket = createSocket('udp4');
  toClose.push(() => void socket.close());
  for (let user = 100; user < 105; user += 1) {
    const lines = [
      `REGISTER sip:${host} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-${user}`,
      `From: <sip:${user}@${host}>;tag=${user}`,
      `To: <sip:${user}@${host}>`,
      `Call-ID: scan-${user}`,
      'CSeq: 1 REGISTER',
      'Max-Forwards: 70',
      `Contact: <sip:${user}@127.0.0.1:5061>`,
      'User-Agent: friendly-scanner',
      'Content-Length: 0',
    ];
    socket.send(`${lines.join('\r\n')}\r\n\r\n`, Number(port), host);
  }
  await counted(bridge, 'scannersDropped', 5);
  expect(await bridge.metric(sip('challengesSent'))).toBe(0);
  expect(await bridge.journal()).toEqual([]);
});

/** A PBX of our own make, whose one account is ours, and the calls that it took. */
async function startPbx(): Promise<{ server: SipServer; app: SrfApp; invites: SrfMessage[] }> {
  const server = await startTestServer({
    access: { realm: '127.0.0.1', users: [{ name: '600', password: 'pbx-password' }], trunks: [] },
  });
  toClose.push(() => server.close());
  const invites: SrfMessage[] = [];
  const app = await connectSrf(server, (srf) => {
    srf.invite((req, res) => {
      invites.push(req);
      void srf.createUAS(req, res, { localSdp: sdpOf(2) });
    });
  });
  toClose.push(() => disconnect(app));
  return { server, app, invites };
}

const accountAt = (server: SipServer) => ({
  host: addressOf(server),
  digest: { user: '600', password: 'env:PBX_PASSWORD' },
});

test('the bridge registers with a PBX, is called by it, and says goodbye', async () => {
  const { server, app } = await startPbx();
  const bridge = await startOffice({ trunks: { pbx: { ...accountAt(server), register: { expires: '60s' } } } });
  await eventually(() => server.stats.registrationsAccepted === 1, 'the registration with the PBX');

  const dialog = await app.createUAC('sip:600@localhost', { localSdp: sdpOf(1) });
  await dialog.destroy();

  expect((await bridge.endedCalls())[0]).toMatchObject({ type: 'call.end' });
  await bridge.close();
  await eventually(() => server.stats.registrationsAccepted === 2, 'the goodbye to the PBX');
});

/** The embedded server under a plan, and a link of ours to it, as in the bridge. */
async function startLink(text: string): Promise<{ sip: EmbeddedSip; link: SipLink; place: Place }> {
  const settings = loadSettings({ RINGBRIDGE_SIP_LISTEN: 'udp:127.0.0.1:0' });
  const plan = await planOf({ 'plan.yaml': `${text}\nroutes: [{ name: all, when: any, reject: 404 }]\n` }, env);
  const common = { clock: systemClock, random: systemRandom };
  const started = await startEmbeddedSip({
    ...common,
    settings,
    plan,
    logger: new LoggerSpy(),
    resolvePath: (path) => path,
  });
  toClose.push(() => started.server.close());
  const link = new SipLink({
    ...common,
    server: started.server.admin,
    log: new LoggerSpy(),
    onBug: ({ cause }) => {
      throw cause;
    },
  });
  toClose.push(() => link.close());
  await link.connect({ deadlineMs: 5_000 });
  const call: IncomingCall = {
    to: '100',
    from: '+33612345678',
    fromName: 'Ann',
    sipCallId: 'c1',
    sourceAddress: '192.0.2.9',
    header: () => undefined,
  };
  const place: Place = (name) => {
    const destination = plan.destinations.get(name);
    if (destination === undefined) throw new Error(`the plan has no destination ${name}`);
    const { uri, from, headers, proxy } = dial(destination, { call, route: 'all', trunk: undefined });
    return new Promise((resolve) => {
      const listener = {
        onProvisional: () => undefined,
        onAnswered: () => {
          outbound.hangUp();
          resolve('answered');
        },
        onFailed: resolve,
        onHangUp: () => undefined,
        onDigit: () => undefined,
        onOffer: () => undefined,
        onAnswer: () => undefined,
      } as unknown as OutboundCallListener;
      const options = { uri, from, headers: { ...headers }, sdp: sdpOf(1), timeoutMs: 10_000 };
      const outbound = placeCall(link, proxy === undefined ? options : { ...options, proxy }, listener);
    });
  };
  return { sip: started, link, place };
}
type Place = (destination: string) => Promise<'answered' | OutboundFailure>;

test('a number is dialled through a trunk that asks for a password', async () => {
  const { server, invites } = await startPbx();
  const { sip: ours, place } = await startLink(`trunks:
  pbx: { host: '${addressOf(server)}', digest: { user: '600', password: env:PBX_PASSWORD }, caller_id: +33100 }
destinations:
  sales: { to: '+33123456789', trunk: pbx, headers: { X-Caller: '{{caller.number}}' } }`);

  expect(await place('sales')).toBe('answered');

  expect(invites).toHaveLength(1);
  expect(invites[0]?.uri).toContain('sip:+33123456789@127.0.0.1');
  expect(invites[0]?.get('From')).toContain('<sip:+33100@127.0.0.1>');
  expect(invites[0]?.get('P-Asserted-Identity')).toContain('<sip:+33100@127.0.0.1');
  expect(invites[0]?.get('X-Caller')).toBe('+33612345678');
  expect(invites[0]?.get('X-Authenticated-User')).toBe('600');
  expect(ours.server.stats).toMatchObject({ challengesAnswered: 1, challengesUnanswered: 0 });
});

test('a wrong password at the trunk is a refusal, and is tried once', async () => {
  const { server } = await startPbx();
  const { place } = await startLink(`trunks:
  pbx: { host: '${addressOf(server)}', digest: { user: '600', password: env:ALICE_PASSWORD } }
destinations: { sales: { to: '7', trunk: pbx } }`);

  expect(await place('sales')).toMatchObject({ kind: 'rejected', status: 407 });
  expect(server.stats.credentialsRefused).toBe(1);
});

test('a user is called at the phone that registered', async () => {
  const { sip: ours, place } = await startLink(`users: { alice: { password: env:ALICE_PASSWORD } }
destinations: { desk: { to: 'user:alice' } }`);
  expect(await place('desk')).toMatchObject({ kind: 'rejected', status: 480 });
  const alice = await startPhone(addressOf(ours.server));
  await eventually(() => ours.server.stats.registrationsAccepted === 1, 'the registration');

  expect(await place('desk')).toBe('answered');
  await alice.eventOf('CALL_CLOSED');
});

test('a trunk through which nobody here could speak stops the start', async () => {
  const trunks = { carrier: { host: 'sip.example.com', codecs: ['g729'] } };
  await expect(startOffice({ trunks })).rejects.toMatchObject({
    name: 'StartRefused',
    message: expect.stringMatching(/DP009: trunk "carrier" offers only g729; without FreeSWITCH our RTP speaks/),
  });
});
