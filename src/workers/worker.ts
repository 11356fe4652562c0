// A worker process: its parent (`Workers`) starts this file and tells it everything over the channel between them.
import type { Admission, AdmissionRefusal } from '../call/call-limits';
import type { CallObserver } from '../call/call-observer';
import { PlanThread } from '../dialplan/plan-thread';
import type { LogDestination } from '../observability/logger';
import { createLogger } from '../observability/logger';
import { systemClock, withDeadline } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { letHeapGrow } from '../runtime/heap-growth';
import type { Logger } from '../runtime/logger';
import { systemRandom } from '../runtime/random';
import type { ReadPlan } from './answering';
import type { FromWorker, LatenessCounts, SentPlan, ToWorker, WorkerReport, WorkerStart } from './messages';
import { readToWorker } from './messages';
import { OwnAnswering } from './own-answering';

const unsentLogLengthMax = 4_194_304;
let unsentLogLength = 0;

/** The parent answers within microseconds, or not at all. */
const admissionLimitMs = 2_000;

class Worker {
  readonly #logger: Logger;
  readonly #start: WorkerStart;
  readonly #answering: OwnAnswering;
  readonly #admissions = new Map<string, (refusal: AdmissionRefusal | undefined) => void>();
  readonly #planThread = new PlanThread({ clock: systemClock, env: {} });
  /** The start, and then each plan: one after the other. */
  #planning: Promise<void> = Promise.resolve();
  #failing = false;
  #ending = false;

  constructor(start: WorkerStart) {
    const { settings, rtpPorts, worker } = start;
    this.#start = start;
    // Not to standard output: a line that waits for a reader who is gone would keep this process alive for ever.
    this.#logger = createLogger({ level: settings.logLevel, destination: parentLog }).child({ worker });
    const admission: Admission = { admit: (call, limits) => this.#admit(call, limits) };
    const observer: CallObserver = { onCallEvent: (event, call) => tell({ kind: 'call-event', event, call }) };
    this.#answering = new OwnAnswering({
      settings,
      clock: systemClock,
      random: systemRandom,
      logger: this.#logger,
      rtpPorts,
      admission,
      observers: [observer],
    });
  }

  /** Ends the process when it cannot. */
  begin(): void {
    this.#planning = this.#begin();
  }

  /** Never throws. */
  obey(message: ToWorker): void {
    switch (message.kind) {
      case 'start':
        return;
      case 'use-plan':
        this.#planning = this.#planning.then(() => this.#usePlan(message.plan));
        return;
      case 'admission':
        this.#admissions.get(message.callId)?.(message.refusal);
        return;
      case 'ask':
        tell({ kind: 'report', report: this.#report() });
        return;
      case 'supervise':
        void this.#answering
          .supervise(message.request)
          .then((reply) => tell({ kind: 'supervision', question: message.question, reply }));
        return;
      case 'refuse-calls':
        this.#answering.refuseCalls();
        return;
      case 'drain':
        void this.#answering.drain({ limitMs: message.limitMs }).then(() => tell({ kind: 'drained' }));
        return;
      case 'end-all':
        this.#answering.endAll(message.reason);
        return;
      case 'close':
        void this.end(0);
        return;
    }
  }
  /** For `uncaughtException`: the call that it rose in ends, and so does this process when its other calls have ended. */
  onEscapedError(cause: unknown): void {
    const known = this.#answering.blameCurrentCall(cause);
    this.#logger.error(
      { error: messageOf(cause), stack: cause instanceof Error ? cause.stack : undefined, blamedOnCall: known },
      'an error escaped; the worker drains',
    );
    if (this.#failing) return;
    this.#failing = true;
    this.#answering.leaveCallsToOthers();
    tell({ kind: 'failing' });
    const { drainTimeMs } = this.#start.settings;
    void this.#answering.drain({ limitMs: drainTimeMs }).then(() => this.end(1));
  }

  async end(code: number): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    await this.#planThread.close();
    await this.#answering.close();
    exitWhenTold(code);
  }

  async #begin(): Promise<void> {
    const { plan, server } = this.#start;
    try {
      const read = await this.#readPlan(plan);
      await this.#answering.prepare(read);
      await this.#answering.connect(server);
      tell({ kind: 'ready', model: this.#answering.model, planHash: read.plan.hash });
    } catch (cause) {
      tell({ kind: 'refused', line: messageOf(cause) });
      await this.end(1);
    }
  }

  async #usePlan(sent: SentPlan): Promise<void> {
    const { hash } = sent;
    try {
      await this.#answering.usePlan(await this.#readPlan(sent));
      tell({ kind: 'plan-used', hash });
    } catch (cause) {
      tell({ kind: 'plan-refused', hash, line: messageOf(cause) });
    }
  }

  /** By nothing but what the parent had read: the plan must come out the same. In a thread, as calls are up here. */
  async #readPlan({ source, hash }: SentPlan): Promise<ReadPlan> {
    const load = await this.#planThread.loadSource(source);
    if (load.kind === 'refused') {
      const [first] = load.problems;
      throw new Error(`the plan has ${load.problems.length} problems in a worker, such as: ${first?.message}`);
    }
    if (load.plan.hash !== hash) throw new Error(`the plan is ${load.plan.hash} in a worker, not ${hash}`);
    return { plan: load.plan, source };
  }

  async #admit(...[call, { routeCallsMax }]: Parameters<Admission['admit']>): Promise<AdmissionRefusal | undefined> {
    const { callId } = call;
    const answer = new Promise<AdmissionRefusal | undefined>((resolve) => this.#admissions.set(callId, resolve));
    tell({ kind: 'admit', call, routeCallsMax });
    try {
      return await withDeadline(systemClock, admissionLimitMs, answer, () => new Error('the parent does not answer'));
    } catch (cause) {
      return { kind: 'overload', message: messageOf(cause) };
    } finally {
      this.#admissions.delete(callId);
    }
  }

  #report(): WorkerReport {
    const { user, system } = process.cpuUsage();
    return {
      connected: this.#answering.connected,
      calls: this.#answering.snapshots(),
      lateness: copyOf(this.#answering.lateness()),
      unanswerable: this.#answering.unanswerable(),
      cpuSeconds: (user + system) / 1_000_000,
      memoryBytes: process.memoryUsage.rss(),
    };
  }
}

function copyOf({ boundsMs, counts, total, sumMs }: ReturnType<OwnAnswering['lateness']>): LatenessCounts {
  return { boundsMs: [...boundsMs], counts: Array.from(counts), total, sumMs };
}

/** Its parent prints the lines of all. More than it takes are dropped, rather than grow without end. */
const parentLog: LogDestination = {
  write(line) {
    if (unsentLogLength > unsentLogLengthMax || !process.connected) return;
    unsentLogLength += line.length;
    const sent = (): void => void (unsentLogLength -= line.length);
    process.send?.({ kind: 'log', line: line.trimEnd() } satisfies FromWorker, undefined, {}, sent);
  },
};

function tell(message: FromWorker): void {
  // The callback keeps a channel that breaks in this moment from becoming an error event.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

/** When everything that was told has left this process. */
function exitWhenTold(code: number): void {
  const exit = (): void => process.exit(code);
  if (process.send === undefined || !process.connected) exit();
  else process.send({ kind: 'ending' } satisfies FromWorker, undefined, {}, exit);
}

function run(): void {
  let worker: Worker | undefined;
  letHeapGrow();
  // A terminal and a service manager signal the whole group; the parent decides what it means, and tells.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.on('uncaughtException', (cause) => {
    if (worker === undefined) throw cause;
    worker.onEscapedError(cause);
  });
  process.on('unhandledRejection', (cause) => worker?.onEscapedError(cause));
  // The parent is gone, and the SIP server with it: there is nobody to say goodbye to.
  process.on('disconnect', () => process.exit(1));
  process.on('message', (value) => {
    const message = readToWorker(value);
    if (message?.kind === 'start' && worker === undefined) {
      worker = new Worker(message.start);
      worker.begin();
    } else if (message !== undefined && worker !== undefined) {
      worker.obey(message);
    } else {
      tell({ kind: 'refused', line: 'the program was changed while it ran; start it again' });
      exitWhenTold(1);
    }
  });
}

run();
