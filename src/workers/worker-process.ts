import type { Admission } from '../call/call-limits';
import type { CallEvent, CallObserver, CallSnapshot } from '../call/call-observer';
import { tellObservers } from '../call/call-observer';
import type { EndReason } from '../call/end-reason';
import { blameFor } from '../call/end-reason';
import type { SupervisionReply, SupervisionRequest } from '../call/supervision-record';
import type { Clock, Timer } from '../runtime/clock';
import { withDeadline } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { Child, StartChild } from './fork-worker';
import type { FromWorker, SentPlan, ToWorker, WorkerReport, WorkerStart } from './messages';
import { readFromWorker } from './messages';

//  starting ─▶ up ─▶ leaving ─▶ gone      leaving: no new calls; gone: from any state, for good
export type WorkerState = 'starting' | 'up' | 'leaving' | 'gone';

export interface WorkerProcessOptions {
  start: WorkerStart;
  startChild: StartChild;
  clock: Clock;
  logger: Logger;
  /** Passes on a line of its log. */
  onLogLine: (line: string) => void;
  admission: Admission;
  observers: readonly CallObserver[];
  /** It takes no more calls but still has some: another may take its place. */
  onLeaving(): void;
  /** Told once. The records of its calls are written. */
  onGone(end: WorkerEnd): void;
}

export interface WorkerEnd {
  how: string;
  /** What it last told of itself. */
  report: WorkerReport | undefined;
}

/** A worker that cannot start, in words for the person who typed. */
export class WorkerRefused extends Error {
  override readonly name = 'WorkerRefused';
}

/** From the start of the process until it answers calls. */
const startLimitMs = 20_000;
const planLimitMs = 20_000;
/** Between two questions. A worker that leaves so many unanswered hangs, and its callers hear nothing. */
const beatMs = 2_000;
const unansweredMax = 3;
/** A worker answers at once, or stands still. */
const superviseLimitMs = 2_000;
/** After it was told to close. */
const closeLimitMs = 5_000;

/**
 * One worker as its parent sees it: its calls, which end with it, and whether it is alive. Whatever happens to the process,
 * observers are told of the end of every call that they, or the limits, have heard of.
 */
export class WorkerProcess {
  readonly #options: WorkerProcessOptions;
  readonly #child: Child;
  readonly #calls = new Map<string, CallSnapshot>();
  #state: WorkerState = 'starting';
  #model = '';
  #report: WorkerReport | undefined;
  #unanswered = 0;
  #timer: Timer | undefined;
  /** Why we killed it, if we did. */
  #killedFor: string | undefined;
  #refusal: string | undefined;
  readonly #ready = new Waiter<undefined>();
  readonly #drained = new Waiter<undefined>();
  readonly #gone = new Waiter<undefined>();
  #planHash: string;
  #plan: { hash: string; waiter: Waiter<undefined> } | undefined;
  #onReport: (() => void)[] = [];
  readonly #questions = new Map<number, (reply: SupervisionReply) => void>();
  #questionCount = 0;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.#planHash = options.start.plan.hash;
    this.#child = options.startChild({
      onMessage: (message) => this.#onMessage(message),
      onLine: (line) => options.logger.warn({ line }, 'a worker printed a line'),
      onGone: (how) => this.#onGone(how),
    });
    options.logger.info({ pid: this.#child.pid }, 'worker was started');
    this.#send({ kind: 'start', start: options.start });
    this.#timer = options.clock.setTimer(startLimitMs, () => this.#kill(`not up within ${startLimitMs} ms`));
  }

  get state(): WorkerState {
    return this.#state;
  }

  get model(): string {
    return this.#model;
  }

  get activeCalls(): number {
    return this.#calls.size;
  }

  get report(): WorkerReport | undefined {
    return this.#report;
  }

  /** True while the link to the SIP server is there, as far as it has told. */
  get takesCalls(): boolean {
    return this.#state === 'up' && this.#report?.connected !== false;
  }

  /** Hash of the plan that new calls follow. */
  get planHash(): string {
    return this.#planHash;
  }

  snapshots(): CallSnapshot[] {
    return [...this.#calls.values()];
  }

  /** Resolves when it answers calls. Rejects with `WorkerRefused` when it says why not, else with another Error. */
  ready(): Promise<undefined> {
    return this.#ready.promise;
  }

  /** Rejects when the worker makes another plan of it, or none. */
  async usePlan(plan: SentPlan): Promise<void> {
    // One that leaves takes no calls any more.
    if (this.#state === 'leaving' || this.#state === 'gone') return;
    const waiter = new Waiter<undefined>();
    this.#plan = { hash: plan.hash, waiter };
    this.#send({ kind: 'use-plan', plan });
    const late = (): Error => new Error(`no answer to the plan within ${planLimitMs} ms`);
    await withDeadline(this.#options.clock, planLimitMs, waiter.promise, late);
  }

  /** A report that is newer than this question, or what there is after `limitMs`. Never rejects. */
  refresh({ limitMs }: { limitMs: number }): Promise<void> {
    if (this.#state !== 'up' && this.#state !== 'leaving') return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(limitMs, resolve);
      this.#onReport.push(() => {
        timer.cancel();
        resolve();
      });
      this.#send({ kind: 'ask' });
    });
  }

  hasCall(callId: string): boolean {
    return this.#calls.has(callId);
  }

  /** Never rejects. */
  async supervise(request: SupervisionRequest): Promise<SupervisionReply> {
    this.#questionCount += 1;
    const question = this.#questionCount;
    const answer = new Promise<SupervisionReply>((resolve) => this.#questions.set(question, resolve));
    this.#send({ kind: 'supervise', question, request });
    const { clock } = this.#options;
    try {
      return await withDeadline(clock, superviseLimitMs, answer, () => new Error('no answer'));
    } catch {
      return { kind: 'refused', why: 'no-answer' };
    } finally {
      this.#questions.delete(question);
    }
  }

  refuseCalls(): void {
    this.#send({ kind: 'refuse-calls' });
  }

  /** Resolves when its last call has ended, or it has. One that is not up yet ends at once. */
  async drain({ limitMs }: { limitMs: number }): Promise<void> {
    if (this.#state === 'starting') this.#kill('the bridge is draining');
    else this.#send({ kind: 'drain', limitMs });
    await Promise.race([this.#drained.promise, this.#gone.promise]);
  }

  endAll(reason: EndReason): void {
    this.#send({ kind: 'end-all', reason });
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    if (this.#state === 'gone') return;
    this.#state = 'leaving';
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(closeLimitMs, () => this.#kill(`not closed within ${closeLimitMs} ms`));
    this.#send({ kind: 'close' });
    await this.#gone.promise;
  }

  #onMessage(value: unknown): void {
    const message = readFromWorker(value);
    if (message === undefined) this.#kill('a message that no worker of this build sends');
    else this.#read(message);
  }

  #read(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#onReady(message);
        return;
      case 'refused':
        this.#refusal = message.line;
        return;
      case 'plan-used':
      case 'plan-refused':
        this.#onPlan(message);
        return;
      case 'admit':
        void this.#admit(message.call, message.routeCallsMax);
        return;
      case 'call-event':
        this.#onCallEvent(message.event, message.call);
        return;
      case 'report':
        this.#onReportOf(message.report);
        return;
      case 'supervision':
        this.#questions.get(message.question)?.(message.reply);
        return;
      case 'failing':
        this.#leave();
        return;
      case 'drained':
        this.#drained.resolve(undefined);
        return;
      case 'log':
        this.#options.onLogLine(message.line);
        return;
      case 'ending':
        return;
    }
  }

  #onReady({ model, planHash }: { model: string; planHash: string }): void {
    const { start, logger } = this.#options;
    if (planHash !== start.plan.hash) {
      this.#kill(`its plan is ${planHash}, not ${start.plan.hash}`);
      return;
    }
    if (this.#state !== 'starting') return;
    this.#model = model;
    this.#state = 'up';
    logger.info({ pid: this.#child.pid, rtpPorts: start.rtpPorts }, 'worker is up');
    this.#ready.resolve(undefined);
    this.#timer?.cancel();
    this.#beat();
  }

  #onPlan(message: Extract<FromWorker, { kind: 'plan-used' | 'plan-refused' }>): void {
    if (this.#plan?.hash !== message.hash) return;
    const { waiter } = this.#plan;
    this.#plan = undefined;
    if (message.kind === 'plan-used') {
      this.#planHash = message.hash;
      waiter.resolve(undefined);
    } else waiter.reject(new Error(message.line));
  }

  async #admit(call: CallSnapshot, routeCallsMax: number | undefined): Promise<void> {
    const { callId } = call;
    this.#calls.set(callId, call);
    const refusal = await this.#options.admission.admit(call, { routeCallsMax });
    this.#send({ kind: 'admission', callId, refusal });
  }

  #onCallEvent(event: CallEvent, call: CallSnapshot): void {
    if (event.kind === 'ended') this.#calls.delete(call.callId);
    else this.#calls.set(call.callId, call);
    tellObservers(this.#options.observers, event, call, this.#options.logger);
  }

  #onReportOf(report: WorkerReport): void {
    this.#report = report;
    for (const call of report.calls) if (this.#calls.has(call.callId)) this.#calls.set(call.callId, call);
    this.#unanswered = 0;
    for (const told of this.#onReport.splice(0)) told();
  }

  /** Counts questions, not time: a parent that stood still itself reads the answers before it asks again. */
  #beat(): void {
    if (this.#unanswered >= unansweredMax) {
      this.#kill(`it did not answer for ${unansweredMax * beatMs} ms`);
      return;
    }
    this.#unanswered += 1;
    this.#send({ kind: 'ask' });
    this.#timer = this.#options.clock.setTimer(beatMs, () => this.#beat());
  }

  #leave(): void {
    if (this.#state !== 'starting' && this.#state !== 'up') return;
    this.#state = 'leaving';
    this.#options.logger.error({ calls: this.#calls.size }, 'worker takes no more calls after an error of its own');
    this.#options.onLeaving();
  }

  #kill(why: string): void {
    if (this.#killedFor !== undefined || this.#state === 'gone') return;
    this.#killedFor = why;
    this.#options.logger.error({ pid: this.#child.pid, why }, 'worker is killed');
    this.#child.kill();
  }

  #onGone(exit: string): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#timer?.cancel();
    const how = this.#refusal ?? (this.#killedFor === undefined ? exit : `killed: ${this.#killedFor}`);
    this.#endCalls(how);
    const error = this.#refusal === undefined ? new Error(`a worker ended: ${how}`) : new WorkerRefused(how);
    this.#ready.reject(error);
    this.#plan?.waiter.reject(error);
    this.#gone.resolve(undefined);
    for (const told of this.#onReport.splice(0)) told();
    for (const answer of this.#questions.values()) answer({ kind: 'refused', why: 'no-such-call' });
    this.#options.onGone({ how, report: this.#report });
  }

  /** The SIP server has hung up for them: their application is gone. */
  #endCalls(how: string): void {
    const { clock, observers, logger } = this.#options;
    for (const call of this.#calls.values()) {
      // It may have been over, but for what its model cost.
      const known = call.state === 'ending' ? call.endReason : undefined;
      const reason: EndReason = known ?? { kind: 'worker-lost', message: how };
      const blame = blameFor(reason);
      const ended: CallSnapshot = {
        ...call,
        state: 'ended',
        endedAtMs: clock.wallTimeMs(),
        endReason: reason,
        blame,
      };
      tellObservers(observers, { kind: 'ended', reason, blame }, ended, logger);
    }
    this.#calls.clear();
  }

  #send(message: ToWorker): void {
    try {
      this.#child.send(message);
    } catch (cause) {
      this.#kill(`a message could not be sent: ${messageOf(cause)}`);
    }
  }
}

/** A promise that is settled from outside; one that nobody waits for may be rejected. */
class Waiter<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (cause: Error) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined);
  }
}
