import type { AccessPolicy } from '../../src/sip-server/access-policy';
import type { SipServer, SipServerOptions } from '../../src/sip-server/server';
import { selfSignedCertificate } from '../simulator/self-signed-certificate';
import { runSipp, startSipp } from '../sip-server/sipp';
import type { SrfApp, SrfMessage } from '../sip-server/srf-app';
import { addressOf, connectSrf, disconnect, sdpOf, startTestServer } from '../sip-server/srf-app';
import { Baresip } from '../support/baresip';
import { eventually } from '../support/eventually';

jest.setTimeout(60_000);

const policy: AccessPolicy = {
  realm: 'office.test',
  users: [{ name: 'alice', password: 'wonderland' }],
  trunks: [],
};

const servers: SipServer[] = [];
const apps: SrfApp[] = [];
let phone: Baresip | undefined;

afterEach(async () => {
  await phone?.close();
  phone = undefined;
  for (const app of apps.splice(0)) disconnect(app);
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A server whose application answers every call, and the INVITEs that it got. */
async function startOffice(options: Partial<SipServerOptions> = {}) {
  const server = await startTestServer(options);
  servers.push(server);
  const invites: SrfMessage[] = [];
  const app = await connectSrf(server, (srf) => {
    srf.invite((req, res) => {
      invites.push(req);
      void srf.createUAS(req, res, { localSdp: sdpOf(2) });
    });
  });
  apps.push(app);
  return { server, app, invites };
}

/** It may have registered before its control socket was there to say so. */
function registered(server: SipServer): Promise<void> {
  return eventually(() => server.stats.registrationsAccepted === 1, 'the registration');
}

/** baresip as alice, who registers and answers every call. */
async function startPhone(server: SipServer, transport: 'udp' | 'tcp', password = 'wonderland'): Promise<Baresip> {
  const uri = `sip:alice@${addressOf(server, transport)};transport=${transport}`;
  const account = `<${uri}>;auth_user=alice;auth_pass=${password};regint=60;answermode=auto`;
  phone = await Baresip.start({ codec: 'PCMU', account });
  return phone;
}

test.each(['udp', 'tcp'] as const)(
  'a phone on %s registers with its password and is called back',
  async (transport) => {
    const { server, app } = await startOffice({ access: policy });
    const alice = await startPhone(server, transport);
    await registered(server);

    const dialog = await app.createUAC('sip:alice@localhost', { localSdp: sdpOf(1) });
    await alice.eventOf('CALL_ESTABLISHED');
    await dialog.destroy();
    await alice.eventOf('CALL_CLOSED');

    expect(dialog.remote.sdp).toContain('m=audio');
    expect(server.stats).toMatchObject({ registrationsAccepted: 1, credentialsRefused: 0, dialogsEnded: 1 });
  },
);

test('a phone that registered calls with the same password', async () => {
  const { server, invites } = await startOffice({ access: policy });
  const alice = await startPhone(server, 'udp');
  await registered(server);

  alice.dial(`sip:reception@${addressOf(server)}`);
  await alice.eventOf('CALL_ESTABLISHED');

  expect(invites).toHaveLength(1);
  expect(invites[0]?.get('X-Authenticated-User')).toBe('alice');
});

test('a phone with a wrong password is not registered', async () => {
  const { server, app } = await startOffice({ access: policy });
  await startPhone(server, 'udp', 'wrong');
  await eventually(() => server.stats.credentialsRefused > 0, 'the wrong password');

  const call = app.createUAC('sip:alice@localhost', { localSdp: sdpOf(1) });

  await expect(call).rejects.toMatchObject({ status: 480 });
  expect(server.stats.registrationsAccepted).toBe(0);
});

test('a hundred callers prove who they are', async () => {
  const { server, invites } = await startOffice({ access: policy });
  const args = ['-m', '100', '-r', '50', '-au', 'alice', '-ap', 'wonderland'];

  const { code, output } = await runSipp('uac-digest.xml', { target: addressOf(server), args });

  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
  expect(invites).toHaveLength(100);
  await eventually(() => server.stats.dialogsEnded === 100, 'the end of every call');
});

test('a caller with a wrong password reaches nobody, and after ten tries not even the question', async () => {
  const { server, invites } = await startOffice({ access: policy });
  const args = ['-m', '12', '-r', '20', '-au', 'alice', '-ap', 'wrong'];

  const caller = await startSipp('uac-digest.xml', { target: addressOf(server), args });

  await eventually(() => server.stats.addressesBlocked === 1, 'the end of patience');
  caller.stop();
  await caller.finished;
  expect(invites).toHaveLength(0);
  expect(server.stats).toMatchObject({ credentialsRefused: 10, credentialsAccepted: 0 });
});

test.each(['udp', 'tcp', 'tls'] as const)(
  'an office that registers with a PBX over %s is called by it, and calls it with its credentials',
  async (transport) => {
    const identity = selfSignedCertificate();
    const listen = [{ transport, address: '127.0.0.1', port: 0 }];
    const common = { listen, tls: { ...identity, ca: identity.cert } };
    const pbx = await startOffice({ ...common, access: policy });
    const credentials = { username: 'alice', password: 'wonderland', realm: 'office.test' };
    const trunk = { name: 'pbx', addresses: ['127.0.0.1'], credentials: { ...credentials, hosts: ['127.0.0.1'] } };
    const office = await startOffice({ ...common, access: { realm: 'here', users: [], trunks: [trunk] } });
    const at = `${addressOf(pbx.server, transport)};transport=${transport}`;
    const registration = office.server.register({ registrar: `sip:${at}`, address: `sip:alice@${at}`, credentials });
    await eventually(() => registration.state.state === 'registered', 'the registration');

    const toOffice = await pbx.app.createUAC('sip:alice@localhost', { localSdp: sdpOf(1) });
    const toPbx = await office.app.createUAC(`sip:100@${at}`, { localSdp: sdpOf(3) });
    await Promise.all([toOffice.destroy(), toPbx.destroy()]);

    expect(office.invites[0]?.get('X-Trunk')).toBe('pbx');
    expect(office.invites[0]?.uri).toMatch(/^sip:alice@127\.0\.0\.1:/);
    expect(pbx.invites[0]?.get('X-Authenticated-User')).toBe('alice');
    await registration.close();
    const after = pbx.app.createUAC('sip:alice@localhost', { localSdp: sdpOf(1) });
    await expect(after).rejects.toMatchObject({ status: 480 });
  },
);
