import type { SipServer } from '../../src/sip-server/server';
import { runSipp } from '../sip-server/sipp';
import type { SrfApp } from '../sip-server/srf-app';
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

test('an inbound call is answered, acknowledged and ended by the caller', async () => {
  const destroyed = settable<string>();
  srf = await connectSrf(server, (app) => {
    app.invite(async (req, res) => {
      const dialog = await app.createUAS(req, res, { localSdp: sdpOf(1) });
      dialog.on('destroy', (_request: unknown, reason: string) => destroyed.settle(reason));
    });
  });

  const { code, output } = await runSipp('uac', { target: addressOf(server), args: ['-m', '1', '-d', '100'] });

  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
  expect(await destroyed.promise).toBe('normal release');
});

test('two hundred calls survive when every tenth packet is lost', async () => {
  srf = await connectSrf(server, (app) => {
    app.invite((req, res) => app.createUAS(req, res, { localSdp: sdpOf(1) }).catch(() => undefined));
  });

  const { code, output } = await runSipp('uac', {
    target: addressOf(server),
    args: ['-m', '200', '-r', '50', '-lost', '10', '-d', '200', '-recv_timeout', '30000'],
  });

  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
});
