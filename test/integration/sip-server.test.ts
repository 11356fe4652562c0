import type { SipServer } from '../../src/sip-server/server';
import { runSipp, startSipp } from '../sip-server/sipp';
import type { SippResult } from '../sip-server/sipp';
import type { SrfApp, SrfDialog } from '../sip-server/srf-app';
import { addressOf, connectSrf, disconnect, sdpOf, settable, startTestServer } from '../sip-server/srf-app';

jest.setTimeout(120_000);

let server: SipServer;
let srf: SrfApp;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(async () => {
  disconnect(srf);
  await server.close();
});

/** An application that answers every call and hands the dialog to `talk`. */
async function answerWith(talk: (dialog: SrfDialog) => unknown = () => undefined): Promise<void> {
  srf = await connectSrf(server, (app) => {
    app.invite((req, res) => {
      app.createUAS(req, res, { localSdp: sdpOf(1) }).then(talk, () => undefined);
    });
  });
}

function expectSuccess({ code, output }: SippResult): void {
  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
}

test('a caller is answered and hangs up', async () => {
  const destroyed = settable<string>();
  await answerWith((dialog) => dialog.on('destroy', (_bye: unknown, reason: string) => destroyed.settle(reason)));

  expectSuccess(await runSipp('uac', { target: addressOf(server), args: ['-m', '1', '-d', '100'] }));

  expect(await destroyed.promise).toBe('normal release');
});

test('a caller is answered and hung up on, before its ACK has come', async () => {
  await answerWith((dialog) => dialog.destroy());

  expectSuccess(await runSipp('uac-await-bye.xml', { target: addressOf(server), args: ['-m', '1'] }));
});

test('a caller cancels while it rings', async () => {
  srf = await connectSrf(server, (app) => app.invite((_req, res) => res.send(180)));

  expectSuccess(await runSipp('uac-cancel.xml', { target: addressOf(server), args: ['-m', '20'] }));
});

test('on a clean network nothing is sent twice', async () => {
  await answerWith();

  expectSuccess(await runSipp('uac', { target: addressOf(server), args: ['-m', '200', '-r', '50', '-d', '100'] }));

  expect(server.stats.dialogsEnded).toBe(200);
  expect([server.stats.retransmissionsSent, server.stats.retransmissionsAbsorbed]).toEqual([0, 0]);
});

test('two hundred incoming calls survive when every tenth packet is lost', async () => {
  await answerWith();
  const args = ['-m', '200', '-r', '50', '-lost', '10', '-d', '200', '-recv_timeout', '40000'];

  expectSuccess(await runSipp('uac', { target: addressOf(server), args }));

  expect(server.stats.retransmissionsSent + server.stats.retransmissionsAbsorbed).toBeGreaterThan(0);
});

// sipp's own callee gives a call up when its ACK is lost and the BYE behind it is not, and now and then an INVITE: such a
// call ends in our 408. So a few may fail here, and none of those that do may leave anything behind.
test('nearly all of fifty outgoing calls survive when every tenth packet is lost', async () => {
  srf = await connectSrf(server);
  const callee = await startSipp('uas', { args: ['-lost', '10'] });
  const call = async (): Promise<void> => {
    const dialog = await srf.createUAC(`sip:bob@127.0.0.1:${callee.port}`, { localSdp: sdpOf(1) });
    await dialog.destroy();
  };

  const calls = await Promise.allSettled(Array.from({ length: 50 }, call));

  expect(calls.filter((one) => one.status === 'fulfilled').length).toBeGreaterThanOrEqual(47);
  expect(server.stats.dialogsEnded).toBe(server.stats.dialogsCreated);
  callee.stop();
  await callee.finished;
});

test('many calls share one TCP connection', async () => {
  await answerWith();

  const args = ['-t', 't1', '-m', '100', '-r', '50', '-d', '100'];
  expectSuccess(await runSipp('uac', { target: addressOf(server, 'tcp'), args }));

  expect(server.stats.dialogsEnded).toBe(100);
});

test('a caller that comes over TCP is hung up on over its own connection', async () => {
  await answerWith((dialog) => dialog.destroy());

  const args = ['-t', 't1', '-m', '5'];
  expectSuccess(await runSipp('uac-await-bye.xml', { target: addressOf(server, 'tcp'), args }));
});
