import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SipServer } from '../../src/sip-server/server';
import { selfSignedCertificate } from '../simulator/self-signed-certificate';
import type { SrfApp } from '../sip-server/srf-app';
import { connectSrf, disconnect, sdpOf, startTestServer } from '../sip-server/srf-app';
import { BridgeUnderTest, onePlan } from '../support/bridge';

jest.setTimeout(60_000);

const identity = selfSignedCertificate();
const stranger = selfSignedCertificate();
let folder: string;
let bridge: BridgeUnderTest | undefined;
let callerServer: SipServer;
let caller: SrfApp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringbridge-tls-'));
  await Promise.all([
    writeFile(join(folder, 'cert.pem'), identity.cert),
    writeFile(join(folder, 'key.pem'), identity.key),
    writeFile(join(folder, 'other-key.pem'), stranger.key),
  ]);
  callerServer = await startTestServer({
    listen: [{ transport: 'tls', address: '127.0.0.1', port: 0 }],
    tls: { ...stranger, ca: identity.cert },
  });
  caller = await connectSrf(callerServer);
});

afterEach(async () => {
  disconnect(caller);
  await callerServer.close();
  await bridge?.close();
  bridge = undefined;
  await rm(folder, { recursive: true });
});

function startBridge(files: { cert: string; key: string }): Promise<BridgeUnderTest> {
  return BridgeUnderTest.start(onePlan('simulator:echo'), {
    RINGBRIDGE_SIP_LISTEN: 'udp:127.0.0.1:0,tls:127.0.0.1:0',
    RINGBRIDGE_SIP_TLS_CERT: join(folder, files.cert),
    RINGBRIDGE_SIP_TLS_KEY: join(folder, files.key),
  });
}

test('a call over TLS is answered and recorded', async () => {
  bridge = await startBridge({ cert: 'cert.pem', key: 'key.pem' });
  const listening = bridge.bridge.sipListening.find((one) => one.startsWith('tls:')) ?? '';

  const dialog = await caller.createUAC(`sips:bob@${listening.slice('tls:'.length)}`, { localSdp: sdpOf(1) });
  await dialog.destroy();

  expect(dialog.remote.sdp).toContain('m=audio');
  expect(await bridge.endedCalls()).toHaveLength(1);
});

test.each([
  ['a file that is not there', { cert: 'none.pem', key: 'key.pem' }, /^RINGBRIDGE_SIP_TLS_CERT: .*ENOENT/],
  ['a key of another certificate', { cert: 'cert.pem', key: 'other-key.pem' }, /^the TLS key does not belong/],
])('%s stops the start with one line', async (_what, files, line) => {
  const error = await startBridge(files).catch((cause: unknown) => cause as Error);

  expect(error).toMatchObject({ name: 'StartRefused' });
  expect((error as Error).message).toMatch(line);
  expect((error as Error).message).not.toContain('\n');
});
