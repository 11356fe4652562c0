// Start here: settings in, everything wired, calls answered, drained on request.
import { access, constants, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { CallLimits } from './call/call-limits';
import type { CallObserver } from './call/call-observer';
import type { SupervisionReply, SupervisionRequest } from './call/supervision-record';
import { modelChoice } from './config/model-choice';
import type { Settings } from './config/settings';
import type { HttpServer } from './console/http-server';
import { startHttpServer } from './console/http-server';
import type { Plan } from './dialplan/plan';
import type { PlanLoader } from './dialplan/plan-attempt';
import { PlanThread } from './dialplan/plan-thread';
import type { EmbeddedSip } from './embedded-sip';
import { startEmbeddedSip } from './embedded-sip';
import { PlanRefused, Plans } from './plans';
import type { LogDestination, RootLogger } from './observability/logger';
import { createLogger } from './observability/logger';
import { Metrics } from './observability/metrics';
import { ObserveCalls } from './observability/observe-calls';
import { recoverCrashedCalls } from './records/crash-recovery';
import { Journal } from './records/journal';
import { RecordCalls } from './records/record-calls';
import type { Clock } from './runtime/clock';
import { messageOf } from './runtime/errors';
import { invariant } from './runtime/invariant';
import type { Logger } from './runtime/logger';
import type { Random } from './runtime/random';
import type { SipServerAddress } from './signalling/sip-server-address';
import { nameOfServer } from './signalling/sip-server-address';
import { accessRefusals, openDoorWarning } from './sip-access';
import { refused, StartRefused } from './start-refused';
import type { Answering, ReadPlan } from './workers/answering';
import { forkWorker } from './workers/fork-worker';
import { OwnAnswering } from './workers/own-answering';
import { portSlices } from './workers/port-slices';
import { Workers } from './workers/workers';
import { codecRefusals, voiceCodecs } from './voice-codecs';

export interface BridgeOptions {
  settings: Settings;
  clock: Clock;
  random: Random;
  /** Where `env:NAME` of a dialplan is looked up. */
  env: Readonly<Record<string, string | undefined>>;
  /** What relative folders in the settings are relative to. */
  cwd: string;
  /** Standard output unless given. */
  logDestination?: LogDestination;
  /** For the person at the terminal, whole lines; nobody unless given. */
  tell?: (text: string) => void;
  /** A thread of its own unless given. */
  planLoader?: PlanLoader;
  /** How many processes answer the calls; undefined: this one does. */
  workers?: number;
}

/** How the bridge ended: `failed` after an error that nobody caught. */
export type BridgeEnd = 'well' | 'failed';

/** While draining, how many calls are left is logged this often. */
const drainReportMs = 10_000;
/** Before anything was counted. */
const noBuckets = { boundsMs: [], counts: [], total: 0, sumMs: 0 };

/** Starts everything in the order in which it is needed; what was started is closed again when a later part fails. */
export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const bridge = new Bridge(options);
  try {
    await bridge.start();
    return bridge;
  } catch (cause) {
    await bridge.close('failed');
    throw cause;
  }
}

/** A running Ringbridge. */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: RootLogger;
  readonly #plans: Plans;
  readonly #journal: Journal;
  readonly #limits: CallLimits;
  readonly #records: RecordCalls;
  readonly #metrics: Metrics;
  #answering: Answering | undefined;
  #sip: EmbeddedSip | undefined;
  #http: HttpServer | undefined;
  #started = false;
  #failed = false;
  /** For the banner: what callers may speak, and what they could. */
  codecs = '';
  #closing: Promise<void> | undefined;
  #tellClosed: (end: BridgeEnd) => void = () => undefined;
  /** Resolves once when everything is closed. */
  readonly closed: Promise<BridgeEnd>;

  constructor(options: BridgeOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = options.random;
    this.#logger = createLogger({
      level: settings.logLevel,
      ...(options.logDestination === undefined ? {} : { destination: options.logDestination }),
    });
    this.#plans = new Plans({
      folder: this.#folder(settings.dialplans),
      folderName: settings.dialplans,
      keptFolder: join(this.#folder(settings.data), 'plans'),
      keptMax: settings.keptPlans,
      watch: settings.dialplanWatch === 'yes',
      loader: options.planLoader ?? new PlanThread({ clock, env: options.env }),
      use: (read) => this.#usePlan(read),
      clock,
      logger: this.#logger,
      tell: options.tell ?? (() => undefined),
    });
    this.#journal = new Journal({ folder: this.#folder(settings.data), clock, logger: this.#logger });
    this.#limits = new CallLimits({ callsMax: settings.maxCalls });
    this.#records = new RecordCalls({ journal: this.#journal, clock });
    this.#metrics = new Metrics({
      calls: () => this.#answering?.snapshots() ?? [],
      lateness: () => this.#answering?.lateness() ?? noBuckets,
      sip: () => this.#sipCounters(),
      recordFailures: () => this.#journal.failures,
      toolDiscards: () => this.#answering?.toolDiscards?.() ?? new Map<string, number>(),
      plan: () => ({ hash: this.#plans.current?.hash, ...this.#plans.loads }),
      workers: () => this.#answering?.workers ?? [],
      waysIn: () => this.#answering?.waysIn() ?? [],
      freeswitch: () => this.#answering?.freeswitch() ?? [],
    });
    this.closed = new Promise((resolveClosed) => (this.#tellClosed = resolveClosed));
  }

  /** `udp:127.0.0.1:5060`, with the ports that were really taken. */
  get sipListening(): readonly string[] {
    const { drachtio = [], drachtioListen } = this.#settings;
    if (this.#sip === undefined) {
      const remote = drachtio.map((server) => `drachtio-server ${nameOfServer(server)}`);
      return [
        ...remote,
        ...(drachtioListen === undefined ? [] : [`for drachtio-servers ${nameOfServer(drachtioListen)}`]),
      ];
    }
    return this.#sip.server.listening.map(({ transport, address, port }) => {
      return `${transport}:${nameOfServer({ host: address, port })}`;
    });
  }

  /** For the banner: which model, and why. */
  get model(): string {
    return this.#answering?.model ?? '';
  }

  get plan(): string {
    const { inForce } = this.#plans;
    if (inForce === undefined) return '';
    const { plan, origin } = inForce;
    const kept = origin === 'kept' ? `, a kept plan: ${this.#settings.dialplans} says something else` : '';
    return `${plan.hash} (${plan.files.join(', ')})${kept}`;
  }

  /** What the person who starts it should know, one line each. */
  get warnings(): readonly string[] {
    const plan = this.#plans.current;
    const warning = plan === undefined ? undefined : openDoorWarning(plan, this.#settings);
    return warning === undefined ? [] : [warning];
  }

  /** `ADDRESS:PORT` of the HTTP server. */
  get http(): string {
    return this.#http === undefined ? '' : `${this.#http.address}:${this.#http.port}`;
  }

  /** Reads the dialplans again; a plan that cannot be used is reported and changes nothing. Never rejects. */
  async reloadPlan(): Promise<void> {
    await this.#plans.reload('signal');
  }

  activeCalls(): number {
    return this.#answering?.activeCalls ?? 0;
  }

  async start(): Promise<void> {
    const choice = modelChoice(this.#settings);
    if (choice.kind === 'refused') throw new StartRefused(choice.line);
    this.codecs = voiceCodecs(this.#settings).description;
    const answering = this.#makeAnswering();
    await this.#openRecords();
    const read = await this.#loadPlan();
    this.#answering = answering;
    await answering.prepare(read);
    await this.#listen(answering, read.plan);
    this.#plans.onChange(({ plan }) => this.#sip?.access.setPlan(plan));
    this.#started = true;
    for (const warning of this.warnings) this.#logger.warn({ problem: warning }, 'the SIP server is open to everybody');
    const { model, codecs, sipListening: sip } = this;
    this.#logger.info({ model, codecs, sip, plan: read.plan.hash }, 'answering calls');
  }

  /** Takes no new calls, lets those in progress end within the drain time, and closes. */
  async drain(): Promise<void> {
    const stopReports = this.#reportDraining();
    await this.#answering?.drain({ limitMs: this.#settings.drainTimeMs });
    stopReports();
    await this.close('well');
  }

  #reportDraining(): () => void {
    this.#logger.info({ calls: this.activeCalls(), limitMs: this.#settings.drainTimeMs }, 'draining');
    let stop = (): void => timer.cancel();
    const timer = this.#clock.setTimer(drainReportMs, () => (stop = this.#reportDraining()));
    return () => stop();
  }

  /** Ends the calls in progress, and then everything. */
  endNow(): void {
    this.#answering?.endAll({ kind: 'draining' });
    void this.close('well');
  }

  /** For `uncaughtException`: the call that it rose in ends, and the process drains, because it can no longer be trusted. */
  readonly onEscapedError = (cause: unknown): void => {
    const known = this.#answering?.blameCurrentCall(cause) === true;
    this.#logger.error(
      { error: messageOf(cause), stack: cause instanceof Error ? cause.stack : undefined, blamedOnCall: known },
      'an error escaped; the process drains',
    );
    if (this.#failed) return;
    this.#failed = true;
    void this.drain();
  };

  /** Closes everything, last opened first. Twice is fine. */
  close(end: BridgeEnd): Promise<void> {
    this.#closing ??= this.#close(end);
    return this.#closing;
  }

  async #close(end: BridgeEnd): Promise<void> {
    this.#answering?.refuseCalls();
    this.#answering?.endAll({ kind: 'draining' });
    await this.#closePart('http', () => this.#http?.close());
    await this.#closePart('dialplans', () => this.#plans.close());
    await this.#closePart('calls', () => this.#answering?.close());
    await this.#closePart('sip server', () => this.#sip?.server.close());
    await this.#closePart('records', () => this.#journal.close());
    this.#logger.info({}, 'stopped');
    this.#logger.flush();
    this.#tellClosed(this.#failed ? 'failed' : end);
  }

  /** One part that fails to close must not keep the others open, nor the process alive. */
  async #closePart(part: string, close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close();
    } catch (cause) {
      this.#logger.error({ part, error: messageOf(cause) }, 'a part of the bridge failed to close');
    }
  }

  async #loadPlan(): Promise<ReadPlan> {
    try {
      await this.#plans.start();
    } catch (cause) {
      if (cause instanceof PlanRefused) throw new StartRefused(cause.message, { cause });
      throw cause;
    }
    const { inForce } = this.#plans;
    invariant(inForce !== undefined, 'a start without a plan is refused');
    return inForce;
  }

  /** Rejects when settings or models do not go with a plan. At the start only the settings can tell. */
  async #usePlan(read: ReadPlan): Promise<void> {
    const refusals = [...accessRefusals(read.plan, this.#settings), ...codecRefusals(read.plan, this.#settings)];
    if (refusals.length > 0) throw new StartRefused(refusals.join('\n'));
    if (this.#started) await this.#answering?.usePlan(read);
  }

  /** A start without a place for records is refused; later failures of the disk are counted and cost no call. */
  async #openRecords(): Promise<void> {
    const folder = this.#folder(this.#settings.data);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await access(folder, constants.W_OK);
    } catch (cause) {
      throw new StartRefused(`no call records can be kept in ${this.#settings.data}: ${messageOf(cause)}`, { cause });
    }
    await recoverCrashedCalls({ folder, journal: this.#journal, clock: this.#clock, logger: this.#logger });
  }

  #makeAnswering(): Answering {
    const { workers } = this.#options;
    const { prices, sipTlsCert, sipTlsKey } = this.#settings;
    // Whoever reads the files may be another process.
    const absolute = (path: string | undefined): string | undefined => path && this.#folder(path);
    const files = { prices: absolute(prices), sipTlsCert: absolute(sipTlsCert), sipTlsKey: absolute(sipTlsKey) };
    const settings = { ...this.#settings, ...files };
    const [clock, logger, admission] = [this.#clock, this.#logger, this.#limits];
    const observersFor = (log: Logger): CallObserver[] => this.#observersFor(log);
    const { rtpPorts, drachtio, drachtioListen, freeswitch } = settings;
    if (workers === undefined) {
      const full = (): boolean => this.#limits.full;
      const own = { settings, clock, logger, admission, full, random: this.#random, rtpPorts };
      return new OwnAnswering({ ...own, observers: observersFor(logger) });
    }
    const remote = drachtio ?? drachtioListen;
    if (remote !== undefined || freeswitch !== undefined) {
      const named = remote === undefined ? 'RINGBRIDGE_FREESWITCH' : 'RINGBRIDGE_DRACHTIO';
      throw new StartRefused(`--workers: not with ${named}; start as many bridges instead, each with its own folder`);
    }
    const slices = portSlices(rtpPorts, workers);
    if (slices === undefined) {
      const range = `${rtpPorts.first}-${rtpPorts.last}`;
      throw new StartRefused(`RINGBRIDGE_RTP_PORTS: ${range} is too small for --workers ${workers}; a call takes two`);
    }
    const onLogLine = (line: string): void => logger.pass(line);
    const startChild = forkWorker;
    return new Workers({ settings, clock, logger, admission, observersFor, portSlices: slices, startChild, onLogLine });
  }

  /** The limits come first: whoever looks when the others were told finds the place free. */
  #observersFor(logger: Logger): CallObserver[] {
    return [this.#limits, this.#records, new ObserveCalls({ metrics: this.#metrics, logger })];
  }

  async #listen(answering: Answering, plan: Plan): Promise<void> {
    this.#http = await refused(
      startHttpServer({
        listen: this.#settings.httpListen,
        ready: () => this.#notReady(),
        degraded: () => answering.degraded(),
        metrics: async () => {
          await answering.refresh();
          return this.#metrics.text();
        },
        contentType: this.#metrics.contentType,
        plans: this.#plans,
        calls: {
          list: () => answering.snapshots(),
          supervise: (request) => this.#supervise(answering, request),
        },
        token: this.#settings.httpToken,
        logger: this.#logger,
      }),
    );
    await refused(answering.connect(await this.#sipAdmin(plan)));
  }

  async #supervise(answering: Answering, request: SupervisionRequest): Promise<SupervisionReply> {
    const reply = await answering.supervise(request);
    if (reply.kind === 'refused') this.#metrics.supervisions.refused(reply.why);
    return reply;
  }

  /** The embedded SIP server, unless drachtio-servers are named. */
  async #sipAdmin(plan: Plan): Promise<SipServerAddress | undefined> {
    const { drachtio, drachtioListen } = this.#settings;
    if (drachtio !== undefined || drachtioListen !== undefined) return undefined;
    this.#sip = await refused(
      startEmbeddedSip({
        settings: this.#settings,
        plan,
        clock: this.#clock,
        random: this.#random,
        logger: this.#logger.child({ part: 'sip-server' }),
        resolvePath: (path) => this.#folder(path),
      }),
    );
    return this.#sip.server.admin;
  }

  #notReady(): string[] {
    const reasons = this.#answering?.notReady() ?? [];
    if (this.#plans.current === undefined) reasons.unshift('no dialplan is loaded');
    if (this.#limits.full) reasons.push('as many calls are up as may be');
    return reasons;
  }

  #sipCounters(): Record<string, number> {
    const counters: Record<string, number> = { unanswerable: this.#answering?.unanswerable() ?? 0 };
    for (const [name, count] of Object.entries(this.#sip?.server.stats ?? {})) {
      if (typeof count === 'number') counters[name] = count;
    }
    return counters;
  }

  #folder(path: string): string {
    return resolve(this.#options.cwd, path);
  }
}
