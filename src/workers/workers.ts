import type { Admission } from '../call/call-limits';
import type { CallObserver, CallSnapshot } from '../call/call-observer';
import type { EndReason } from '../call/end-reason';
import type { SupervisionReply, SupervisionRequest } from '../call/supervision-record';
import type { Settings } from '../config/settings';
import type { Buckets } from '../observability/buckets-metric';
import type { WorkerFigures } from '../observability/metrics';
import type { Clock, Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import type { SipServerAddress } from '../signalling/sip-server-address';
import { StartRefused } from '../start-refused';
import type { Answering, ReadPlan } from './answering';
import { BackOff } from './back-off';
import type { StartChild } from './fork-worker';
import { totalLateness } from './lateness-total';
import type { LatenessCounts, SentPlan } from './messages';
import { protocolVersion } from './messages';
import type { PortRange } from './port-slices';
import type { WorkerEnd } from './worker-process';
import { WorkerProcess, WorkerRefused } from './worker-process';

export interface WorkersOptions {
  settings: Settings;
  /** One worker for each, which has these ports to itself. */
  portSlices: readonly PortRange[];
  clock: Clock;
  logger: Logger;
  startChild: StartChild;
  /** Passes on a line of a worker's log. */
  onLogLine: (line: string) => void;
  admission: Admission;
  /** For the calls of one worker, whose logger it is. */
  observersFor(logger: Logger): readonly CallObserver[];
}

/** A worker that keeps figures from the scrape is left out of it. */
const refreshLimitMs = 250;

/** The place of a worker. The one that left may still have calls when another has taken it. */
interface Place {
  readonly worker: number;
  readonly rtpPorts: PortRange;
  readonly logger: Logger;
  readonly observers: readonly CallObserver[];
  readonly backOff: BackOff;
  current: WorkerProcess | undefined;
  restart: Timer | undefined;
  lastEnd: string;
  lost: number;
}

/** Answers calls in processes of their own, each of which is started again when it ends. */
export class Workers implements Answering {
  readonly #options: WorkersOptions;
  readonly #places: readonly Place[];
  readonly #processes = new Set<WorkerProcess>();
  /** Of processes that are gone. */
  #pastLateness: LatenessCounts[] = [];
  #pastUnanswerable = 0;
  #server: SipServerAddress | undefined;
  #plan: SentPlan | undefined;
  #model = '';
  /** Until all are up for the first time, one that ends is a start that failed. */
  #started = false;
  #draining = false;
  #closing: Promise<void> | undefined;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#places = options.portSlices.map((rtpPorts, index) => {
      const worker = index + 1;
      const logger = options.logger.child({ worker });
      const observers = options.observersFor(logger);
      const backOff = new BackOff(options.clock);
      const nobody = { current: undefined, restart: undefined, lastEnd: '', lost: 0 };
      return { worker, rtpPorts, logger, observers, backOff, ...nobody };
    });
  }

  get model(): string {
    return this.#model;
  }

  get activeCalls(): number {
    return [...this.#processes].reduce((sum, { activeCalls }) => sum + activeCalls, 0);
  }

  get workers(): WorkerFigures[] {
    return this.#places.map(({ worker, current, lost }) => {
      const { cpuSeconds = 0, memoryBytes = 0 } = current?.report ?? {};
      return { worker, up: current?.state === 'up', cpuSeconds, memoryBytes, lost };
    });
  }

  prepare({ plan, source }: ReadPlan): Promise<void> {
    this.#plan = { source, hash: plan.hash };
    return Promise.resolve();
  }

  async connect(server: SipServerAddress | undefined): Promise<void> {
    invariant(server !== undefined, 'workers answer for the embedded SIP server');
    this.#server = server;
    const processes = this.#places.map((place) => this.#start(place));
    try {
      await Promise.all(processes.map((process) => process.ready()));
    } catch (cause) {
      if (cause instanceof WorkerRefused) throw new StartRefused(cause.message, { cause });
      throw cause;
    }
    this.#started = true;
    this.#model = processes[0]?.model ?? '';
  }

  /** All workers or none: those that could are given the plan before, when one cannot. */
  async usePlan({ plan, source }: ReadPlan): Promise<void> {
    const before = this.#plan;
    const sent = { source, hash: plan.hash };
    const current = [...this.#processes];
    const uses = await Promise.allSettled(current.map((process) => process.usePlan(sent)));
    const refusal = uses.find((use, index) => use.status === 'rejected' && current[index]?.state !== 'gone');
    if (refusal?.status !== 'rejected') {
      this.#plan = sent;
      this.#catchUp();
      return;
    }
    if (before !== undefined) await Promise.allSettled(current.map((process) => process.usePlan(before)));
    throw new Error(messageOf(refusal.reason), { cause: refusal.reason });
  }

  snapshots(): CallSnapshot[] {
    return [...this.#processes].flatMap((process) => process.snapshots());
  }

  lateness(): Buckets {
    const present = [...this.#processes].flatMap(({ report }) => report?.lateness ?? []);
    return totalLateness([...this.#pastLateness, ...present]);
  }

  unanswerable(): number {
    return [...this.#processes].reduce((sum, { report }) => sum + (report?.unanswerable ?? 0), this.#pastUnanswerable);
  }

  waysIn(): [] {
    return [];
  }

  freeswitch(): [] {
    return [];
  }

  async refresh(): Promise<void> {
    await Promise.all([...this.#processes].map((process) => process.refresh({ limitMs: refreshLimitMs })));
  }

  notReady(): string[] {
    const reasons: string[] = [];
    if (this.#draining) reasons.push('the bridge is draining');
    if (!this.#places.some(({ current }) => current?.takesCalls === true)) {
      reasons.push('no worker takes calls', ...this.#troubles());
    }
    return reasons;
  }

  degraded(): string[] {
    return this.#troubles();
  }

  supervise(request: SupervisionRequest): Promise<SupervisionReply> {
    const process = [...this.#processes].find((one) => one.hasCall(request.callId));
    return process?.supervise(request) ?? Promise.resolve({ kind: 'refused', why: 'no-such-call' });
  }

  refuseCalls(): void {
    this.#startNoMore();
    for (const process of this.#processes) process.refuseCalls();
  }

  async drain(options: { limitMs: number }): Promise<void> {
    this.#startNoMore();
    await Promise.all([...this.#processes].map((process) => process.drain(options)));
  }

  endAll(reason: EndReason): void {
    for (const process of this.#processes) process.endAll(reason);
  }

  /** Calls are elsewhere: what goes wrong here is not theirs. */
  blameCurrentCall(): boolean {
    return false;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#startNoMore();
    await Promise.all([...this.#processes].map((process) => process.close()));
  }

  #startNoMore(): void {
    this.#draining = true;
    for (const place of this.#places) place.restart?.cancel();
  }

  #start(place: Place): WorkerProcess {
    const { settings, clock, startChild, onLogLine, admission } = this.#options;
    const { worker, rtpPorts, logger, observers } = place;
    invariant(this.#server !== undefined && this.#plan !== undefined, 'workers start with a server and a plan');
    const process: WorkerProcess = new WorkerProcess({
      start: { protocol: protocolVersion, worker, settings, rtpPorts, server: this.#server, plan: this.#plan },
      startChild,
      clock,
      logger,
      onLogLine,
      admission,
      observers,
      onLeaving: () => this.#onLeaving(place, process),
      onGone: (end) => this.#onGone(place, process, end),
    });
    this.#processes.add(process);
    place.current = process;
    process.ready().then(
      () => this.#onReady(place),
      () => undefined,
    );
    return process;
  }

  #onReady(place: Place): void {
    place.backOff.up();
    this.#catchUp();
  }

  /** A worker that was being started while the plan changed began with the one before. */
  #catchUp(): void {
    const plan = this.#plan;
    if (plan === undefined) return;
    for (const process of this.#processes) {
      if (process.state !== 'up' || process.planHash === plan.hash) continue;
      process.usePlan(plan).catch((cause: unknown) => {
        this.#options.logger.error({ error: messageOf(cause) }, 'a worker does not take the plan in force');
      });
    }
  }

  #onLeaving(place: Place, process: WorkerProcess): void {
    if (place.current !== process) return;
    place.current = undefined;
    place.lastEnd = 'an error escaped in it';
    this.#startAgain(place);
  }

  #onGone(place: Place, process: WorkerProcess, { how, report }: WorkerEnd): void {
    this.#processes.delete(process);
    if (report !== undefined) this.#remember(report);
    if (this.#draining) return;
    place.logger.error({ how }, 'worker is gone');
    if (place.current !== process) return;
    place.current = undefined;
    place.lastEnd = how;
    if (this.#started) this.#startAgain(place);
  }

  #remember({ lateness, unanswerable }: { lateness: LatenessCounts; unanswerable: number }): void {
    const { counts, ...rest } = totalLateness([...this.#pastLateness, lateness]);
    this.#pastLateness = [{ ...rest, counts: Array.from(counts) }];
    this.#pastUnanswerable += unanswerable;
  }

  #startAgain(place: Place): void {
    place.lost += 1;
    const delayMs = place.backOff.ended();
    if (this.#draining) return;
    place.logger.warn({ delayMs, shortLives: place.backOff.shortLives }, 'worker is started again');
    place.restart = this.#options.clock.setTimer(delayMs, () => void this.#start(place));
  }

  /** One sentence for each place without a worker that takes calls. */
  #troubles(): string[] {
    return this.#places.flatMap(({ worker, current, lastEnd, backOff }) => {
      if (current?.takesCalls === true) return [];
      if (current?.state === 'up') return [`worker ${worker} has no link to the SIP server`];
      const last = lastEnd === '' ? '' : `; the last one ended: ${lastEnd}`;
      const often = backOff.shortLives > 1 ? ` (${backOff.shortLives} times in a row)` : '';
      return [`worker ${worker} is being started${last}${often}`];
    });
  }
}
