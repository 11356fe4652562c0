import type { SipServer } from '../../src/sip-server/server';
import type { CallPlan } from '../sip-server/sipp-calls';
import { callIn, callOut } from '../sip-server/sipp-calls';
import type { SrfApp } from '../sip-server/srf-app';
import { addressOf, connectSrf, disconnect, sdpOf, startTestServer } from '../sip-server/srf-app';
import { describeWith } from '../support/installed';

jest.setTimeout(120_000);

let server: SipServer;
let srf: SrfApp;

beforeEach(async () => {
  server = await startTestServer();
  srf = await connectSrf(server, (app) => {
    app.invite((req, res) => void app.createUAS(req, res, { localSdp: sdpOf(1) }).catch(() => undefined));
  });
});

afterEach(async () => {
  disconnect(srf);
  await server.close();
});

/** A slice of what `npm run bench -- sip-load` does with a thousand calls. */
const plan = { calls: 100, perSecond: 50 };

describeWith('sipp').each<Pick<CallPlan, 'transport' | 'lostPercent'>>([
  { transport: 'udp', lostPercent: 10 },
  { transport: 'tcp', lostPercent: 0 },
])('over $transport with $lostPercent % of packets lost', (over) => {
  test('every incoming call is set up and torn down', async () => {
    const counts = await callIn(addressOf(server, over.transport), { ...plan, ...over });

    expect(counts).toEqual({ succeeded: plan.calls, problems: [] });
    expect(server.stats.dialogsCreated).toBe(plan.calls);
    expect(server.stats.dialogsEnded).toBe(plan.calls);
  });

  test('every outgoing call is set up and torn down', async () => {
    const counts = await callOut(srf, { ...plan, ...over });

    expect(counts).toEqual({ succeeded: plan.calls, problems: [] });
    expect(server.stats.dialogsCreated).toBe(plan.calls);
    expect(server.stats.dialogsEnded).toBe(plan.calls);
    expect(server.stats.clientTimeouts).toBe(0);
  });
});
