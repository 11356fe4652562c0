import { onePlan, type TestPlan } from '../support/bridge';
import { onCalmMachine, type Keep } from '../support/calm-machine';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { flawsOf, RtpPhone } from '../support/rtp-phone';
import { buildIfStale, ServeProcess, type ServedWorker } from '../support/serve-process';
import { runSipp, startSipp, wentWell, type SippRun } from '../support/sipp';
import { bye, byeOfEither, call, phoneSdp, refusedCall, waitForCue } from '../support/sipp-scenario';
import { dominantHz, toneGaps } from '../support/spectrum';

jest.setTimeout(240_000);

const keepForTest = closedAfterEach();

beforeAll(() => buildIfStale());

interface PlacedCall {
  phone: RtpPhone;
  sipp: SippRun;
  /** The one that has the call. */
  worker: ServedWorker;
}

/** Number 101 gets an agent with a tone of its own, and so on. */
const agentHz = (index: number): number => 500 + 110 * index;
const callerHz = (index: number): number => 555 + 110 * index;

function planOfTones(calls: number): TestPlan {
  const indices = Array.from({ length: calls }, (_, index) => index);
  return {
    agents: Object.fromEntries(
      indices.map((index) => {
        const agent = { instructions: `Call ${index}.`, greeting: 'Hello.', model: `simulator:tone:${agentHz(index)}` };
        return [`agent-${index}`, agent];
      }),
    ),
    routes: indices.map((index) => ({ name: `call ${index}`, when: { to: `10${index}` }, answer: `agent-${index}` })),
  };
}

/** Calls to 100, 101 and so on, one after the other, so that they are answered in this order. */
async function placeCalls(served: ServeProcess, calls: number, keep: Keep, last = byeOfEither): Promise<PlacedCall[]> {
  const placed: PlacedCall[] = [];
  for (let index = 0; index < calls; index += 1) {
    const phone = keep(await RtpPhone.open());
    phone.sayTone(callerHz(index));
    const steps = [call(phoneSdp({ port: phone.port })), last];
    const sipp = keep(await startSipp({ target: served.sip, steps, calls: [[`10${index}`]] }));
    await phone.heardPackets(5);
    placed.push({ phone, sipp, worker: workerOf(served, phone) });
  }
  return placed;
}

/** By the port that its audio comes from. */
function workerOf(served: ServeProcess, { remote }: RtpPhone): ServedWorker {
  const found = served.workers().findLast(({ rtpPorts: { first, last } }) => {
    return remote !== undefined && remote.port >= first && remote.port <= last;
  });
  if (found === undefined) throw new Error(`no worker sends from port ${remote?.port}`);
  return found;
}

const startWith = (workers: number, plan: TestPlan, env: Record<string, string> = {}): Promise<ServeProcess> =>
  ServeProcess.start(plan, env, ['--workers', String(workers)]);

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const endsOf = async (served: ServeProcess) => (await served.journal()).filter(({ type }) => type === 'call.end');
/** Records follow the BYE: what an answer that was cut off cost comes later, and the parent's word of a lost worker. */
const endsOnceThere = async (served: ServeProcess, count: number) => {
  await eventually(async () => (await endsOf(served)).length >= count, `${count} end records`);
  return endsOf(served);
};

describeWith('sipp')('ringbridge serve --workers 2', () => {
  test('spreads calls over both, each with its own agent, and counts and records them as one', async () => {
    await onCalmMachine(async (keep) => {
      const served = keep(await startWith(2, planOfTones(6)));
      const placed = await placeCalls(served, 6, keep);
      await Promise.all(placed.map(({ phone }) => phone.heardPackets(150)));
      const active = await served.metric('ringbridge_calls_active{state="active",model_kind="simulator"}');
      for (const { sipp } of placed) sipp.cue();
      expect(await Promise.all(placed.map(({ sipp }) => sipp.finished))).toEqual(placed.map(() => wentWell));

      const [one, other] = served.workers().sort((a, b) => a.worker - b.worker);
      expect(one!.rtpPorts.last).toBeLessThan(other!.rtpPorts.first);
      expect(placed.map(({ worker }) => worker.worker).sort()).toEqual([1, 1, 1, 2, 2, 2]);
      for (const [index, { phone }] of placed.entries()) {
        expect(flawsOf(phone.packets, 0)).toEqual([]);
        const heard = phone.audio({ from: phone.packetsWithSound()[0]! });
        expect(dominantHz(heard, 8_000)).toBeCloseTo(agentHz(index), 0);
        expect(toneGaps(heard, 8_000, agentHz(index))).toEqual([]);
      }
      expect(active).toBe(6);
      const ends = await endsOnceThere(served, 6);
      const journal = await served.journal();
      for (const { callId } of ends) {
        expect(journal.filter((line) => line.callId === callId).map(({ type }) => type)).toEqual([
          'call.start',
          'call.end',
        ]);
      }
      expect(journal).toHaveLength(12);
      expect(await served.metric('ringbridge_calls_started_total')).toBe(6);
      expect(await served.metric('ringbridge_calls_ended_total{reason="caller-hung-up",blame="nobody"}')).toBe(6);
      const sent = journal.map(({ media }) => (media as { packetsSent: number } | undefined)?.packetsSent ?? 0);
      const sentInAll = sent.reduce((sum, count) => sum + count);
      expect(await served.metric('ringbridge_media_total{what="packets_sent"}')).toBe(sentInAll);
      expect(await served.metric('ringbridge_frame_lateness_seconds_count')).toBe(sentInAll);
    });
  });

  test("brings each caller's voice to that caller's model", async () => {
    await onCalmMachine(async (keep) => {
      const model = keep(await ModelUnderTap.start('tone:410'));
      const plan = planOfTones(4);
      for (const agent of Object.values(plan.agents)) delete agent.model;
      const served = keep(await startWith(2, plan, model.env));
      const placed = await placeCalls(served, 4, keep);
      const heardEnough = (): boolean => model.sessions.every(({ framesHeard }) => framesHeard >= 150);
      await eventually(heardEnough, '3 s of every caller at the models');
      for (const { sipp } of placed) sipp.cue();
      expect(await Promise.all(placed.map(({ sipp }) => sipp.finished))).toEqual(placed.map(() => wentWell));

      for (let session = 0; session < 4; session += 1) {
        const [update] = model.events(session, 'bridge', 'session.update');
        const index = Number(/Call (\d)/.exec(JSON.stringify(update))?.[1]);
        const heard = model.heard(session);
        expect(dominantHz(heard.subarray(24_000), 24_000)).toBeCloseTo(callerHz(index), 0);
      }
    });
  });

  test('loses with a killed worker its calls alone, which get a BYE and a record, and starts it again', async () => {
    await onCalmMachine(async (keep) => {
      const served = keep(await startWith(2, planOfTones(6)));
      const placed = await placeCalls(served, 4, keep);
      await Promise.all(placed.map(({ phone }) => phone.heardPackets(50)));
      const victim = placed[0]!.worker;
      const lost = placed.filter(({ worker }) => worker.worker === victim.worker);
      const kept = placed.filter(({ worker }) => worker.worker !== victim.worker);

      process.kill(victim.pid, 'SIGKILL');

      // Nobody gave a cue: the bridge hung up.
      expect(await Promise.all(lost.map(({ sipp }) => sipp.finished))).toEqual([wentWell, wentWell]);
      const ends = await endsOnceThere(served, 2);
      expect(ends).toHaveLength(2);
      for (const end of ends) {
        expect(end).toMatchObject({ blame: 'us', reason: { kind: 'worker-lost', message: 'signal SIGKILL' } });
        expect(end.answeredAt).not.toBeNull();
      }
      await eventually(() => served.workers().length === 3, 'the next worker');
      expect(served.workers().at(-1)).toMatchObject({ worker: victim.worker, rtpPorts: victim.rtpPorts });
      const fresh = await placeCalls(served, 2, keep);
      await Promise.all([...kept, ...fresh].map(({ phone }) => phone.heardPackets(phone.packets.length + 50)));
      expect(fresh.map(({ worker }) => worker.worker).sort()).toEqual([1, 2]);
      const other = { active: await served.metric('ringbridge_calls_active{state="active",model_kind="simulator"}') };
      for (const { sipp } of [...kept, ...fresh]) sipp.cue();
      await Promise.all([...kept, ...fresh].map(async ({ sipp }) => expect(await sipp.finished).toEqual(wentWell)));

      expect(other.active).toBe(4);
      for (const { phone } of kept) {
        expect(flawsOf(phone.packets, 0)).toEqual([]);
        const index = placed.findIndex((one) => one.phone === phone);
        expect(toneGaps(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000, agentHz(index))).toEqual([]);
      }
      await endsOnceThere(served, 6);
      const journal = await served.journal();
      expect(journal.map(({ type }) => type).sort()).toEqual([
        ...Array<string>(6).fill('call.end'),
        ...Array<string>(6).fill('call.start'),
      ]);
      expect(await served.metric('ringbridge_calls_started_total')).toBe(6);
      expect(await served.metric('ringbridge_calls_ended_total{reason="worker-lost",blame="us"}')).toBe(2);
      expect(await served.metric('ringbridge_calls_ended_total{reason="caller-hung-up",blame="nobody"}')).toBe(4);
      expect(await served.metric(`ringbridge_worker_lost_total{worker="${victim.worker}"}`)).toBe(1);
    });
  });

  test('kills a worker that hangs, and its callers get a BYE', async () => {
    const served = keepForTest(await startWith(2, planOfTones(2)));
    const placed = await placeCalls(served, 2, keepForTest);
    const [hanging, other] = placed as [PlacedCall, PlacedCall];

    process.kill(hanging.worker.pid, 'SIGSTOP');

    expect(await hanging.sipp.finished).toEqual(wentWell);
    expect(await endsOnceThere(served, 1)).toMatchObject([
      { reason: { kind: 'worker-lost', message: /did not answer/ } },
    ]);
    other.sipp.cue();
    expect(await other.sipp.finished).toEqual(wentWell);
    expect(isAlive(hanging.worker.pid)).toBe(false);
  });

  test('holds the limits of routes and of the bridge over both, and after a worker was lost', async () => {
    const plan = onePlan('simulator:tone:610');
    plan.routes = [
      { name: 'two at once', when: { to: '200' }, answer: 'tester', limits: { calls: 2 } },
      { name: 'every number', when: 'any', answer: 'tester' },
    ];
    const served = keepForTest(await startWith(2, plan, { RINGBRIDGE_MAX_CALLS: '3' }));
    const place = async (number: string): Promise<PlacedCall> => {
      const phone = keepForTest(await RtpPhone.open());
      const steps = [call(phoneSdp({ port: phone.port })), byeOfEither];
      const sipp = keepForTest(await startSipp({ target: served.sip, steps, calls: [[number]] }));
      await phone.heardPackets(5);
      return { phone, sipp, worker: workerOf(served, phone) };
    };
    const refuse = async (number: string, status: number): Promise<void> => {
      const steps = [refusedCall(status, phoneSdp({ port: 40_000 }))];
      expect(await runSipp({ target: served.sip, steps, calls: [[number]] })).toEqual(wentWell);
    };

    const first = await place('200');
    const second = await place('200');
    expect(first.worker.worker).not.toBe(second.worker.worker);
    // Whichever worker they come to.
    await refuse('200', 486);
    await refuse('200', 486);
    await place('300');
    await refuse('300', 503);
    await refuse('300', 503);
    expect(await served.status('/ready')).toBe(503);
    process.kill(first.worker.pid, 'SIGKILL');
    expect(await first.sipp.finished).toEqual(wentWell);
    await place('200');

    const reasons = (await endsOf(served)).map(({ reason }) => (reason as { kind: string }).kind);
    expect(reasons.filter((kind) => kind === 'route-full')).toHaveLength(2);
    expect(reasons.filter((kind) => kind === 'overload')).toHaveLength(2);
  });

  test('drains both after SIGTERM to the whole group, and lets their calls go on', async () => {
    const served = keepForTest(await startWith(2, planOfTones(2)));
    const placed = await placeCalls(served, 2, keepForTest, [waitForCue, bye].join('\n'));
    const pids = served.workers().map(({ pid }) => pid);

    for (const pid of pids) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
    served.signal('SIGTERM');
    await served.tells('no new calls');
    await eventually(() => served.log.some(({ msg }) => msg === 'draining'), 'the drain');
    const refused = await runSipp({ target: served.sip, steps: [refusedCall(503, phoneSdp({ port: 40_000 }))] });
    const ready = await served.status('/ready');
    await Promise.all(placed.map(({ phone }) => phone.heardPackets(phone.packets.length + 50)));
    for (const { sipp } of placed) sipp.cue();

    expect({ refused, ready }).toEqual({ refused: wentWell, ready: 503 });
    expect(await Promise.all(placed.map(({ sipp }) => sipp.finished))).toEqual([wentWell, wentWell]);
    expect(await served.exited).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    const ends = await endsOf(served);
    expect(ends.map(({ reason }) => (reason as { kind: string }).kind)).toEqual(['caller-hung-up', 'caller-hung-up']);
  });

  test('ends all calls on a second SIGTERM, each with its BYE and record', async () => {
    const served = keepForTest(await startWith(2, planOfTones(2)));
    const placed = await placeCalls(served, 2, keepForTest);

    served.signal('SIGTERM');
    await served.tells('no new calls');
    served.signal('SIGTERM');

    expect(await Promise.all(placed.map(({ sipp }) => sipp.finished))).toEqual([wentWell, wentWell]);
    expect(await served.exited).toBe(0);
    expect(await endsOf(served)).toMatchObject([{ reason: { kind: 'draining' } }, { reason: { kind: 'draining' } }]);
  });

  test('takes its workers with it when it is killed', async () => {
    const served = keepForTest(await startWith(2, planOfTones(1)));
    const pids = served.workers().map(({ pid }) => pid);

    served.signal('SIGKILL');

    await eventually(() => pids.every((pid) => !isAlive(pid)), 'the end of both workers');
  });

  test('answers three hundred short calls, half of them in each worker, and loses none', async () => {
    const served = keepForTest(await startWith(2, onePlan('simulator:tone:610')));
    const calls = Array.from({ length: 300 }, () => ['100']);
    const steps = [call(phoneSdp({ port: 40_000 })), '<pause milliseconds="300"/>', bye];

    expect(await runSipp({ target: served.sip, calls, steps, args: ['-r', '15'] })).toEqual(wentWell);

    await eventually(() => served.log.filter(({ msg }) => msg === 'call ended').length === 300, 'every end');
    const journal = await served.journal();
    const ids = new Set(journal.map(({ callId }) => callId));
    expect({ lines: journal.length, calls: ids.size }).toEqual({ lines: 600, calls: 300 });
    const ends = served.log.filter(({ msg, reason }) => msg === 'call ended' && reason === 'caller-hung-up');
    expect(ends.filter(({ worker }) => worker === 1)).toHaveLength(150);
    expect(ends.filter(({ worker }) => worker === 2)).toHaveLength(150);
    expect(await served.metric('ringbridge_calls_started_total')).toBe(300);
  });
});
