import type { CallPlan } from '../sip-server/sipp-calls';
import { callIn, callOut } from '../sip-server/sipp-calls';
import type { SrfApp } from '../sip-server/srf-app';
import { connectSrf, disconnect, sdpOf } from '../sip-server/srf-app';
import type { BenchOptions } from './bench';
import { cpuSeconds } from './machine';
import type { Report } from './report';
import { SipServerProcess } from './sip-server-process';

const loadPerSecond = 300;
const loadSecondsByDefault = 20;
/** Of the runs in which every call counts. */
const calls = 1_000;
const perSecond = 50;

/**
 * Calls that sipp sets up and tears down through the embedded server, which is alone in its process; the application
 * (drachtio-srf) is this one. First as many a second as a goal asks for, on a network that loses nothing: nothing may be
 * sent twice, and the processor time is that of one core in the same seconds. Then a thousand each way, with a tenth of
 * the packets lost, and over TCP.
 */
export async function run(report: Report, { seconds = loadSecondsByDefault }: BenchOptions): Promise<void> {
  const server = await SipServerProcess.start();
  const srf = await connectSrf(server.addresses, (app) => {
    app.invite((req, res) => void app.createUAS(req, res, { localSdp: sdpOf(1) }).catch(() => undefined));
  });
  try {
    await measureLoad(report, server, seconds);
    await measureEveryCall(report, server, srf);
  } finally {
    disconnect(srf);
    server.stop();
  }
}

async function measureLoad(report: Report, server: SipServerProcess, seconds: number): Promise<void> {
  const plan: CallPlan = { calls: loadPerSecond * seconds, perSecond: loadPerSecond, transport: 'udp', lostPercent: 0 };
  report.line(`  ${plan.calls} calls over UDP, ${loadPerSecond} a second, answered, acknowledged and hung up`);
  const before = await server.measure();
  const ownCpuBefore = cpuSeconds();
  const startMs = performance.now();
  const { succeeded } = await callIn(server.addresses.udp, plan);
  const wallSeconds = (performance.now() - startMs) / 1_000;
  const ownCpu = cpuSeconds() - ownCpuBefore;
  const after = await server.measure();
  const cpu = after.cpuSeconds - before.cpuSeconds;
  const repeated =
    after.stats.retransmissionsSent +
    after.stats.retransmissionsAbsorbed -
    before.stats.retransmissionsSent -
    before.stats.retransmissionsAbsorbed;
  report.none('calls that failed', plan.calls - succeeded, 'calls');
  report.none('messages sent twice, by either side', repeated, 'messages');
  report.figure({ name: 'calls a second, set up and torn down', value: succeeded / wallSeconds, unit: '/s' });
  report.figure({ name: 'server, of one core', value: (100 * cpu) / wallSeconds, unit: '%', atMost: 100 });
  report.figure({ name: 'server, processor time of a call', value: (1_000 * cpu) / plan.calls, unit: 'ms' });
  report.figure({ name: 'application, of one core', value: (100 * ownCpu) / wallSeconds, unit: '%' });
}

async function measureEveryCall(report: Report, server: SipServerProcess, srf: SrfApp): Promise<void> {
  const { udp, tcp } = server.addresses;
  report.line(`  ${calls} calls each way: failed ones`);
  const lossy: CallPlan = { calls, perSecond, transport: 'udp', lostPercent: 10 };
  const reliable: CallPlan = { calls, perSecond, transport: 'tcp', lostPercent: 0 };
  const failed = async (counts: Promise<{ succeeded: number }>): Promise<number> => calls - (await counts).succeeded;
  report.none('incoming, UDP, every tenth packet lost each way', await failed(callIn(udp, lossy)), 'calls');
  report.none('outgoing, UDP, every tenth packet lost each way', await failed(callOut(srf, lossy)), 'calls');
  report.none('incoming, TCP', await failed(callIn(tcp, reliable)), 'calls');
  report.none('outgoing, TCP', await failed(callOut(srf, reliable)), 'calls');
}
