import { CallLimits } from '../../src/call/call-limits';
import type { CallEvent, CallObserver, CallSnapshot } from '../../src/call/call-observer';
import { loadSettings } from '../../src/config/settings';
import type { Plan } from '../../src/dialplan/plan';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { StartRefused } from '../../src/start-refused';
import { Workers } from '../../src/workers/workers';
import { endedCall } from '../support/ended-call';
import { LoggerSpy } from '../support/logger-spy';
import { FakeChild } from './fake-child';

const readPlan = (hash: string) => ({
  plan: { hash } as Plan,
  source: { names: [], reads: new Map(), secretNames: new Set<string>(), variables: new Map(), secretFiles: new Map() },
});
const server = { host: '127.0.0.1', port: 9, secret: 's' };
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Workers whose processes the test plays. */
class WorkersUnderTest {
  readonly clock = new VirtualClock();
  readonly children: FakeChild[] = [];
  readonly told: { event: CallEvent; call: CallSnapshot }[] = [];
  readonly log = new LoggerSpy();
  readonly limits: CallLimits;
  readonly workers: Workers;

  constructor({ count = 2, callsMax = 100 } = {}) {
    this.limits = new CallLimits({ callsMax });
    const observer: CallObserver = { onCallEvent: (event, call) => void this.told.push({ event, call }) };
    this.workers = new Workers({
      settings: loadSettings({}),
      portSlices: Array.from({ length: count }, (_, n) => ({ first: 10_000 + 100 * n, last: 10_099 + 100 * n })),
      clock: this.clock,
      logger: this.log,
      startChild: (listener) => {
        const child = new FakeChild(listener, this.children.length + 1);
        this.children.push(child);
        return child;
      },
      onLogLine: () => undefined,
      admission: this.limits,
      observersFor: () => [this.limits, observer],
    });
  }

  async up(): Promise<this> {
    await this.workers.prepare(readPlan('plan-1'));
    const connected = this.workers.connect(server);
    for (const child of this.children) child.come();
    await connected;
    return this;
  }

  child(number: number): FakeChild {
    const found = this.children[number - 1];
    if (found === undefined) throw new Error(`there is no child ${number}`);
    return found;
  }

  async ask(child: FakeChild, callId: string, route = 'main', routeCallsMax?: number): Promise<unknown> {
    child.say({ kind: 'admit', call: endedCall({ callId, route, state: 'ringing' }), routeCallsMax });
    await settle();
    const answer = child.received.findLast((message) => message.kind === 'admission' && message.callId === callId);
    return answer?.kind === 'admission' ? (answer.refusal?.kind ?? 'admitted') : undefined;
  }

  report(child: FakeChild, { calls = [] as CallSnapshot[], frames = 0 } = {}): void {
    const lateness = { boundsMs: [1, Infinity], counts: [frames, 0], total: frames, sumMs: frames };
    const figures = { connected: true, unanswerable: 1, cpuSeconds: 1, memoryBytes: 1 };
    child.say({ kind: 'report', report: { ...figures, calls, lateness } });
  }

  ends(): [string, string | undefined][] {
    return this.told.flatMap(({ event, call }) => (event.kind === 'ended' ? [[call.callId, event.reason.kind]] : []));
  }
}

const activeCall = (callId: string) => endedCall({ callId, state: 'active', endReason: undefined, blame: undefined });
const active: CallEvent = { kind: 'state', from: 'answering', to: 'active' };
const hungUp: CallEvent = { kind: 'ended', reason: { kind: 'agent-hung-up' }, blame: 'nobody' };

describe('the start', () => {
  test('gives each worker its ports and waits for all of them', async () => {
    const test = new WorkersUnderTest();
    await test.workers.prepare(readPlan('plan-1'));
    const connected = jest.fn();
    const connecting = test.workers.connect(server).then(connected);
    expect(test.children.map(({ start }) => start.rtpPorts.first)).toEqual([10_000, 10_100]);
    test.child(1).come();
    await settle();
    expect(connected).not.toHaveBeenCalled();
    expect(test.workers.notReady()).toEqual([]);
    expect(test.workers.degraded()).toEqual(['worker 2 is being started']);
    test.child(2).come();
    await connecting;
    expect(test.workers.degraded()).toEqual([]);
    expect(test.workers.model).toBe('simulator');
  });

  test('is refused with what a worker says, and no worker is started again', async () => {
    const test = new WorkersUnderTest();
    await test.workers.prepare(readPlan('plan-1'));
    const connected = test.workers.connect(server);
    test.child(1).say({ kind: 'refused', line: 'the simulator cannot do that' });
    test.child(1).go();
    await expect(connected).rejects.toEqual(new StartRefused('the simulator cannot do that'));
    test.clock.advance(60_000);
    expect(test.children).toHaveLength(2);
  });

  test('fails when a worker makes another plan of the same files, or does not come up', async () => {
    const test = new WorkersUnderTest();
    await test.workers.prepare(readPlan('plan-1'));
    const connected = test.workers.connect(server);
    test.child(1).say({ kind: 'ready', model: 'm', planHash: 'another' });
    test.clock.advance(20_000);
    expect(test.children.map(({ killed }) => killed)).toEqual([true, true]);
    test.child(1).go();
    await expect(connected).rejects.toThrow('its plan is another');
  });
});

describe('a worker that is lost', () => {
  test('takes its calls with it, and only those; what it had still sent counts', async () => {
    const test = await new WorkersUnderTest().up();
    for (const [number, callId] of [
      [1, 'a'],
      [1, 'b'],
      [1, 'ringing'],
      [2, 'c'],
    ] as const) {
      expect(await test.ask(test.child(number), callId)).toBe('admitted');
      if (callId !== 'ringing') test.child(number).say({ kind: 'call-event', event: active, call: activeCall(callId) });
    }
    test.child(1).say({ kind: 'call-event', event: hungUp, call: endedCall({ callId: 'a' }) });
    test.child(1).go('signal SIGKILL');
    expect(test.ends()).toEqual([
      ['a', 'agent-hung-up'],
      ['b', 'worker-lost'],
      ['ringing', 'worker-lost'],
    ]);
    expect(test.told.at(-2)?.call).toMatchObject({
      ...{ callId: 'b', state: 'ended', endedAtMs: test.clock.wallTimeMs(), blame: 'us' },
      endReason: { kind: 'worker-lost', message: 'signal SIGKILL' },
    });
    expect(test.workers.snapshots().map(({ callId }) => callId)).toEqual(['c']);
    expect(test.workers.activeCalls).toBe(1);
  });

  test('takes nothing from a call that had ended, and waited only for what its model cost', async () => {
    const test = await new WorkersUnderTest().up();
    expect(await test.ask(test.child(1), 'a')).toBe('admitted');
    const ending = { kind: 'state', from: 'active', to: 'ending' } as const;
    test.child(1).say({ kind: 'call-event', event: ending, call: endedCall({ callId: 'a', state: 'ending' }) });
    test.child(1).go('signal SIGKILL');
    expect(test.ends()).toEqual([['a', 'caller-hung-up']]);
    expect(test.told.at(-1)?.call).toMatchObject({ state: 'ended', blame: 'nobody' });
  });

  test('gives back the places of its calls, and of none that it had given back itself', async () => {
    const test = await new WorkersUnderTest({ callsMax: 3 }).up();
    expect(await test.ask(test.child(1), 'a')).toBe('admitted');
    expect(await test.ask(test.child(2), 'b', 'narrow', 1)).toBe('admitted');
    expect(await test.ask(test.child(1), 'c', 'narrow', 1)).toBe('route-full');
    expect(await test.ask(test.child(1), 'd')).toBe('admitted');
    expect(await test.ask(test.child(2), 'e')).toBe('overload');
    test.child(1).say({ kind: 'call-event', event: hungUp, call: endedCall({ callId: 'd' }) });
    test.child(1).go();
    expect(await test.ask(test.child(2), 'f')).toBe('admitted');
    expect(await test.ask(test.child(2), 'g')).toBe('admitted');
    expect(await test.ask(test.child(2), 'h')).toBe('overload');
  });

  test('is started again on its own ports, sooner or later by how often that went wrong', async () => {
    const test = await new WorkersUnderTest().up();
    for (let seconds = 0; seconds < 60; seconds += 1) {
      test.clock.advance(1_000);
      for (const child of test.children) test.report(child);
    }
    test.child(2).go();
    expect(test.workers.notReady()).toEqual([]);
    expect(test.workers.degraded()).toEqual(['worker 2 is being started; the last one ended: exit code 1']);
    const startsAtMs: number[] = [];
    for (let n = 3; n <= 6; n += 1) {
      const beginMs = test.clock.now();
      while (test.children.length < n) {
        test.clock.advance(50);
        test.report(test.child(1));
      }
      startsAtMs.push(test.clock.now() - beginMs);
      expect(test.child(n).start).toMatchObject({ worker: 2, rtpPorts: { first: 10_100 } });
      test.child(n).go('exit code 9');
    }
    expect(startsAtMs).toEqual([100, 200, 400, 800]);
    expect(test.workers.degraded()).toEqual([
      'worker 2 is being started; the last one ended: exit code 9 (5 times in a row)',
    ]);
    expect(test.workers.workers.map(({ lost, up }) => [lost, up])).toEqual([
      [0, true],
      [5, false],
    ]);
  });

  test('leaves the bridge not ready when it was the last', async () => {
    const test = await new WorkersUnderTest({ count: 1 }).up();
    test.child(1).go();
    expect(test.workers.notReady()).toEqual([
      'no worker takes calls',
      'worker 1 is being started; the last one ended: exit code 1',
    ]);
    test.clock.advance(100);
    test.child(2).come();
    await settle();
    expect(test.workers.notReady()).toEqual([]);
  });

  test('keeps its figures in the sums', async () => {
    const test = await new WorkersUnderTest().up();
    test.report(test.child(1), { frames: 5 });
    test.report(test.child(2), { frames: 7 });
    test.child(1).go();
    test.clock.advance(100);
    test.child(3).come();
    test.report(test.child(3), { frames: 1 });
    test.child(3).go();
    expect(test.workers.lateness()).toMatchObject({ counts: [13, 0], total: 13 });
    expect(test.workers.unanswerable()).toBe(3);
  });
});

describe('a worker that hangs', () => {
  test('is killed after three questions without an answer, and its calls end when it is gone', async () => {
    const test = await new WorkersUnderTest().up();
    await test.ask(test.child(1), 'a');
    for (let seconds = 0; seconds < 6; seconds += 2) {
      expect(test.child(1).killed).toBe(false);
      test.report(test.child(2));
      test.clock.advance(2_000);
    }
    expect(test.children.map(({ killed }) => killed)).toEqual([true, false]);
    expect(test.ends()).toEqual([]);
    test.child(1).go('signal SIGKILL');
    expect(test.ends()).toEqual([['a', 'worker-lost']]);
    expect(test.told.at(-1)?.event).toMatchObject({ reason: { message: expect.stringContaining('did not answer') } });
  });

  test('is not one that answers late because its parent stood still', async () => {
    const test = await new WorkersUnderTest({ count: 1 }).up();
    // One timer fires after the stall, however long it was; then what has come is read.
    test.clock.advance(2_000);
    test.report(test.child(1));
    test.clock.advance(4_000);
    test.report(test.child(1));
    test.clock.advance(4_000);
    expect(test.child(1).killed).toBe(false);
  });
});

test('a worker that says what no worker says is killed', async () => {
  const test = await new WorkersUnderTest().up();
  test.child(1).sayNonsense({ kind: 'call-event' });
  expect(test.child(1).killed).toBe(true);
});

describe('a worker in which an error escaped', () => {
  test('is replaced at once and keeps its calls until they end', async () => {
    const test = await new WorkersUnderTest().up();
    await test.ask(test.child(1), 'a');
    test.child(1).say({ kind: 'failing' });
    test.clock.advance(100);
    test.child(3).come();
    await settle();
    expect(test.child(3).start.worker).toBe(1);
    expect(test.ends()).toEqual([]);
    test.child(1).say({ kind: 'call-event', event: hungUp, call: endedCall({ callId: 'a' }) });
    test.child(1).go();
    expect(test.ends()).toEqual([['a', 'agent-hung-up']]);
    test.clock.advance(1_000);
    expect(test.children).toHaveLength(3);
    expect(test.workers.workers[0]).toMatchObject({ up: true, lost: 1 });
  });
});

describe('a new plan', () => {
  const use = (test: WorkersUnderTest, hash: string) => test.workers.usePlan(readPlan(hash));

  test('is in force when every worker has it', async () => {
    const test = await new WorkersUnderTest().up();
    const used = jest.fn();
    const using = use(test, 'plan-2').then(used);
    test.child(1).say({ kind: 'plan-used', hash: 'plan-2' });
    await settle();
    expect(used).not.toHaveBeenCalled();
    test.child(2).say({ kind: 'plan-used', hash: 'plan-2' });
    await using;
    test.child(1).go();
    test.clock.advance(100);
    expect(test.child(3).start.plan.hash).toBe('plan-2');
  });

  test('is taken back where it was taken, when one worker cannot use it', async () => {
    const test = await new WorkersUnderTest().up();
    const using = use(test, 'plan-2');
    test.child(1).say({ kind: 'plan-used', hash: 'plan-2' });
    test.child(2).say({ kind: 'plan-refused', hash: 'plan-2', line: 'no such scenario' });
    const settled = expect(using).rejects.toThrow('no such scenario');
    await settle();
    for (const child of test.children) {
      expect(child.received.at(-1)).toMatchObject({ kind: 'use-plan', plan: { hash: 'plan-1' } });
      child.say({ kind: 'plan-used', hash: 'plan-1' });
    }
    await settled;
    test.child(1).go();
    test.clock.advance(100);
    expect(test.child(3).start.plan.hash).toBe('plan-1');
  });

  test('reaches a worker that was lost and started again meanwhile', async () => {
    const test = await new WorkersUnderTest().up();
    const using = use(test, 'plan-2');
    test.child(1).go();
    test.clock.advance(100);
    expect(test.child(3).start.plan.hash).toBe('plan-1');
    test.child(2).say({ kind: 'plan-used', hash: 'plan-2' });
    await using;
    test.child(3).come();
    await settle();
    expect(test.child(3).received.at(-1)).toMatchObject({ kind: 'use-plan', plan: { hash: 'plan-2' } });
  });
});

describe('the end', () => {
  test('waits for the calls of every worker, and a lost one holds up nobody', async () => {
    const test = await new WorkersUnderTest().up();
    const drained = jest.fn();
    const draining = test.workers.drain({ limitMs: 60_000 }).then(drained);
    expect(test.child(1).received.at(-1)).toEqual({ kind: 'drain', limitMs: 60_000 });
    expect(test.workers.notReady()).toEqual(['the bridge is draining']);
    test.child(1).say({ kind: 'drained' });
    await settle();
    expect(drained).not.toHaveBeenCalled();
    test.child(2).go();
    await draining;
    test.clock.advance(1_000);
    expect(test.children).toHaveLength(2);
  });

  test('kills a worker that does not close', async () => {
    const test = await new WorkersUnderTest().up();
    const closed = jest.fn();
    const closing = test.workers.close().then(closed);
    expect(test.children.map((child) => child.kinds().at(-1))).toEqual(['close', 'close']);
    test.child(1).go('exit code 0');
    test.clock.advance(5_000);
    await settle();
    expect(closed).not.toHaveBeenCalled();
    expect(test.child(2).killed).toBe(true);
    test.child(2).go('signal SIGKILL');
    await closing;
    expect(test.clock.pendingTimers).toBe(0);
    expect(test.log.lines.filter((line) => line.includes('started again'))).toEqual([]);
  });
});

describe('supervising', () => {
  const request = { kind: 'mode', callId: 'call-1', mode: 'listen' } as const;

  test('asks the worker that has the call, and passes its answer on', async () => {
    const test = await new WorkersUnderTest().up();
    test.child(2).say({ kind: 'call-event', event: { kind: 'murmur' }, call: endedCall({ callId: 'call-1' }) });
    const reply = test.workers.supervise(request);
    const question = test.child(2).received.at(-1);
    expect(question).toEqual({ kind: 'supervise', question: expect.any(Number) as number, request });
    expect(test.child(1).kinds()).not.toContain('supervise');
    if (question?.kind !== 'supervise') throw new Error('not asked');
    test.child(2).say({ kind: 'supervision', question: question.question, reply: { kind: 'waiting' } });
    expect(await reply).toEqual({ kind: 'waiting' });
  });

  test('refuses a call that no worker has, and one whose worker is silent or goes', async () => {
    const test = await new WorkersUnderTest().up();
    expect(await test.workers.supervise(request)).toEqual({ kind: 'refused', why: 'no-such-call' });
    test.child(1).say({ kind: 'call-event', event: { kind: 'murmur' }, call: endedCall({ callId: 'call-1' }) });
    const silent = test.workers.supervise(request);
    await test.clock.advanceAsync(2_000);
    expect(await silent).toEqual({ kind: 'refused', why: 'no-answer' });
    const gone = test.workers.supervise(request);
    test.child(1).go();
    expect(await gone).toEqual({ kind: 'refused', why: 'no-such-call' });
  });
});
