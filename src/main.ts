// Start here: settings in, everything wired, calls answered, drained on request.
import { createHash } from 'node:crypto';
import { access, constants, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

import { readWavFile } from './audio/wav';
import type { CallServices } from './call/call';
import { Calls } from './call/calls';
import type { Prompts } from './call/prompts';
import { promptNames } from './call/prompts';
import { modelChoice } from './config/model-choice';
import type { Settings } from './config/settings';
import { unbuiltSettings } from './config/unbuilt-settings';
import type { HttpServer } from './console/http-server';
import { startHttpServer } from './console/http-server';
import type { Plan } from './dialplan/plan';
import { formatProblem } from './dialplan/plan-problem';
import { folderReader } from './dialplan/plan-reader';
import { PlanStore } from './dialplan/plan-store';
import { route } from './dialplan/route';
import { FrameClock } from './media/frame-clock';
import { createFreeswitchLegFactory, neverMs } from './media/freeswitch-leg';
import { createMrf } from './media/freeswitch-mrf';
import { FreeswitchPool } from './media/freeswitch-pool';
import { freeswitchProbe } from './media/freeswitch-probe';
import type { MediaLegFactory } from './media/media-leg';
import { createRtpLegFactory } from './media/rtp-leg';
import { ModelRefused, Models } from './models';
import type { LogDestination, RootLogger } from './observability/logger';
import { createLogger } from './observability/logger';
import { Metrics } from './observability/metrics';
import { ObserveCalls } from './observability/observe-calls';
import { recoverCrashedCalls } from './records/crash-recovery';
import { Journal } from './records/journal';
import { RecordCalls } from './records/record-calls';
import { PortPool } from './rtp/port-pool';
import type { Clock } from './runtime/clock';
import { messageOf } from './runtime/errors';
import { invariant } from './runtime/invariant';
import type { Random } from './runtime/random';
import { SipLink } from './signalling/sip-link';
import type { SipServer } from './sip-server/server';
import { startSipServer } from './sip-server/server';
import { readTlsFiles } from './tls-files';

/** Settings, plan or machine do not allow a start; the message is for the person who typed. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

export interface BridgeOptions {
  settings: Settings;
  clock: Clock;
  random: Random;
  /** What relative folders in the settings are relative to. */
  cwd: string;
  /** Standard output unless given. */
  logDestination?: LogDestination;
}

/** How the bridge ended: `failed` after an error that nobody caught. */
export type BridgeEnd = 'well' | 'failed';

/** The model must be ready this soon after the INVITE, or the route's `unavailable` applies. */
const modelDeadlineMs = 3_000;
const linkDeadlineMs = 10_000;
/** One FreeSWITCH must be there at the start; those that come later are used when they come. */
const freeswitchDeadlineMs = 10_000;
const freeswitchProbeDeadlineMs = 2_000;

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
  readonly #frameClock: FrameClock;
  readonly #plans: PlanStore;
  readonly #journal: Journal;
  readonly #metrics: Metrics;
  #models: Models | undefined;
  #sipServer: SipServer | undefined;
  #link: SipLink | undefined;
  #freeswitch: FreeswitchPool | undefined;
  #calls: Calls | undefined;
  #http: HttpServer | undefined;
  #failed = false;
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
    this.#frameClock = new FrameClock({ clock });
    this.#plans = new PlanStore(folderReader(this.#folder(settings.dialplans)));
    this.#journal = new Journal({ folder: this.#folder(settings.data), clock, logger: this.#logger });
    this.#metrics = new Metrics({
      calls: () => this.#calls?.snapshots() ?? [],
      lateness: () => this.#frameClock.lateness,
      sip: () => this.#sipCounters(),
      recordFailures: () => this.#journal.failures,
      planHash: () => this.#plans.current?.hash,
    });
    this.closed = new Promise((resolveClosed) => (this.#tellClosed = resolveClosed));
  }

  /** `udp:127.0.0.1:5060`, with the ports that were really taken. */
  get sipListening(): readonly string[] {
    const { drachtio } = this.#settings;
    if (this.#sipServer === undefined)
      return (drachtio ?? []).map(({ host, port }) => `drachtio-server ${host}:${port}`);
    return this.#sipServer.listening.map(({ transport, address, port }) => {
      return `${transport}:${address.includes(':') ? `[${address}]` : address}:${port}`;
    });
  }

  /** For the banner: which model, and why. */
  get model(): string {
    return this.#models?.description ?? '';
  }

  get plan(): string {
    const plan = this.#plans.current;
    return plan === undefined ? '' : `${plan.hash} (${plan.files.join(', ')})`;
  }

  /** `ADDRESS:PORT` of the HTTP server. */
  get http(): string {
    return this.#http === undefined ? '' : `${this.#http.address}:${this.#http.port}`;
  }

  activeCalls(): number {
    return this.#calls?.active ?? 0;
  }

  async start(): Promise<void> {
    const choice = modelChoice(this.#settings);
    const refusals = unbuiltSettings(this.#settings);
    if (choice.kind === 'refused') refusals.push(choice.line);
    if (refusals.length > 0 || choice.kind === 'refused') throw new StartRefused(refusals.join('\nringbridge: '));
    const plan = await this.#loadPlan();
    await this.#openRecords();
    const services = await this.#services(plan, choice);
    this.#calls = new Calls({
      services,
      clock: this.#clock,
      random: this.#random,
      callsMax: this.#settings.maxCalls,
    });
    await this.#listen();
    this.#logger.info({ model: this.model, sip: this.sipListening, plan: plan.hash }, 'answering calls');
  }

  /** Takes no new calls, lets those in progress end within the drain time, and closes. */
  async drain(): Promise<void> {
    if (this.#link !== undefined) this.#link.accepting = false;
    this.#logger.info({ calls: this.activeCalls() }, 'draining');
    await this.#calls?.drain({ limitMs: this.#settings.drainTimeMs });
    await this.close('well');
  }

  /** Ends the calls in progress, and then everything. */
  endNow(): void {
    this.#calls?.endAll({ kind: 'draining' });
    void this.close('well');
  }

  /** For `uncaughtException`: the call that it rose in ends, and the process drains, because it can no longer be trusted. */
  readonly onEscapedError = (cause: unknown): void => {
    const known = this.#calls?.blameCurrentCall(cause) === true;
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
    if (this.#link !== undefined) this.#link.accepting = false;
    this.#calls?.endAll({ kind: 'draining' });
    await this.#closePart('http', () => this.#http?.close());
    // The BYEs that were just sent need a moment on the link to the SIP server.
    if (this.#link?.connected === true) await this.#settleBye();
    await this.#closePart('freeswitch', () => this.#freeswitch?.close());
    await this.#closePart('link', () => this.#link?.close());
    await this.#closePart('sip server', () => this.#sipServer?.close());
    await this.#closePart('models', () => this.#models?.close());
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

  #settleBye(): Promise<void> {
    return new Promise((settled) => this.#clock.setTimer(100, settled));
  }

  async #loadPlan(): Promise<Plan> {
    const load = await this.#plans.load();
    for (const warning of load.warnings)
      this.#logger.warn({ problem: formatProblem(warning, { folder: this.#settings.dialplans }) }, 'dialplan warning');
    if (load.kind === 'refused') {
      const lines = load.problems.map((problem) => formatProblem(problem, { folder: this.#settings.dialplans }));
      throw new StartRefused(`the dialplans in ${this.#settings.dialplans} cannot be used:\n\n${lines.join('\n\n')}`);
    }
    return load.plan;
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

  async #services(plan: Plan, choice: Parameters<typeof Models.start>[0]['choice']): Promise<CallServices> {
    const common = { clock: this.#clock, random: this.#random, logger: this.#logger };
    const models = await startModels({ ...common, settings: this.#settings, choice, plan });
    this.#models = models;
    return {
      clock: this.#clock,
      logger: this.#logger,
      media: this.#mediaFactory(),
      prompts: await readPrompts(),
      observers: [
        new RecordCalls({ journal: this.#journal, clock: this.#clock }),
        new ObserveCalls({ metrics: this.#metrics, logger: this.#logger }),
      ],
      route: (caller) => {
        const { current } = this.#plans;
        invariant(current !== undefined, 'calls come only after a plan was loaded');
        return route(current, caller, { atMs: this.#clock.wallTimeMs() });
      },
      modelFor: (agent) => models.modelFor(agent),
      openSession: (agent, listener, callId) => models.open(agent, listener, callId),
      modelDeadlineMs,
      timeWarningMs: this.#settings.sessionWarningMs,
    };
  }

  #mediaFactory(): MediaLegFactory {
    const { rtpPorts, publicAddress, mediaTimeoutMs, firstMediaTimeoutMs } = this.#settings;
    const { clock, logger } = { clock: this.#clock, logger: this.#logger };
    const localAddress = this.#rtpAddress();
    const facesFreeswitch = this.#settings.freeswitch !== undefined;
    const ours = createRtpLegFactory({
      clock,
      random: this.#random,
      logger,
      frameClock: this.#frameClock,
      ports: new PortPool({ clock, random: this.#random, ...rtpPorts }),
      localAddress,
      // FreeSWITCH stands on our side of the NAT.
      publicAddress: facesFreeswitch && !isWildcard(localAddress) ? undefined : publicAddress,
      // FreeSWITCH passes on no comfort noise: who is silent is judged by what it has heard.
      mediaTimeoutMs: facesFreeswitch ? neverMs : mediaTimeoutMs,
      firstMediaTimeoutMs: facesFreeswitch ? neverMs : firstMediaTimeoutMs,
    });
    if (!facesFreeswitch) return ours;
    return {
      create: (options) => {
        const pool = this.#freeswitch;
        invariant(pool !== undefined, 'calls come only after FreeSWITCH');
        const parts = { pool, ours, clock, logger, mediaTimeoutMs, firstMediaTimeoutMs };
        return createFreeswitchLegFactory(parts).create(options);
      },
    };
  }

  /** Before the first call is taken: a call needs a FreeSWITCH. */
  async #startFreeswitch(link: SipLink): Promise<void> {
    const { freeswitch, freeswitchSecret, freeswitchListen, freeswitchAdvertise, data } = this.#settings;
    if (freeswitch === undefined) return;
    const clock = this.#clock;
    // One process per data folder: the same name after a restart, and another one for every other Ringbridge.
    const identity = createHash('sha256')
      .update(`${hostname()}:${this.#folder(data)}`)
      .digest('hex')
      .slice(0, 12);
    this.#freeswitch = new FreeswitchPool(
      {
        clock,
        logger: this.#logger.child({ part: 'freeswitch' }),
        mrf: createMrf(link.srf),
        probe: freeswitchProbe({ clock, deadlineMs: freeswitchProbeDeadlineMs }),
        secret: freeswitchSecret ?? '',
        listen: freeswitchListen ?? { host: '127.0.0.1', port: 0 },
        advertise: freeswitchAdvertise,
        owner: `ringbridge-${identity}`,
      },
      freeswitch,
    );
    await refused(this.#freeswitch.start({ deadlineMs: freeswitchDeadlineMs }));
  }

  #rtpAddress(): string {
    const [listener] = this.#settings.sipListen;
    return this.#settings.rtpAddress ?? listener?.address ?? '127.0.0.1';
  }

  async #listen(): Promise<void> {
    const { settings } = { settings: this.#settings };
    this.#http = await refused(
      startHttpServer({
        listen: settings.httpListen,
        ready: () => this.#notReady(),
        metrics: () => this.#metrics.text(),
        contentType: this.#metrics.contentType,
        logger: this.#logger,
      }),
    );
    const server = await this.#sipAdmin();
    this.#link = new SipLink({
      server,
      clock: this.#clock,
      random: this.#random,
      log: this.#logger.child({ part: 'sip' }),
      onBug: ({ leg, cause }) => this.#calls?.failCallOf(leg, cause),
      onCall: (leg) => this.#calls?.accept(leg),
    });
    await this.#startFreeswitch(this.#link);
    await refused(this.#link.connect({ deadlineMs: linkDeadlineMs }));
  }

  /** A drachtio-server when one is named, else the embedded SIP server. */
  async #sipAdmin(): Promise<{ host: string; port: number; secret: string }> {
    const { drachtio, drachtioSecret, sipListen, publicAddress } = this.#settings;
    const [named] = drachtio ?? [];
    if (named !== undefined) return { ...named, secret: drachtioSecret ?? '' };
    const tls = await refused(readTlsFiles(this.#settings, (path) => this.#folder(path)));
    this.#sipServer = await refused(
      startSipServer({
        listen: sipListen,
        ...(tls === undefined ? {} : { tls }),
        ...(publicAddress === undefined ? {} : { publicAddress }),
        clock: this.#clock,
        random: this.#random,
        logger: this.#logger.child({ part: 'sip-server' }),
      }),
    );
    return this.#sipServer.admin;
  }

  #notReady(): string[] {
    const reasons: string[] = [];
    if (this.#plans.current === undefined) reasons.push('no dialplan is loaded');
    if (this.#link?.connected !== true) reasons.push('there is no link to the SIP server');
    if (this.#freeswitch?.taking === false) reasons.push('no FreeSWITCH takes calls');
    if (this.#calls?.draining === true) reasons.push('the bridge is draining');
    if (this.activeCalls() >= this.#settings.maxCalls) reasons.push('as many calls are up as may be');
    return reasons;
  }

  #sipCounters(): Record<string, number> {
    const counters: Record<string, number> = { unanswerable: this.#link?.unanswerable ?? 0 };
    for (const [name, count] of Object.entries(this.#sipServer?.stats ?? {})) {
      if (typeof count === 'number') counters[name] = count;
    }
    return counters;
  }

  #folder(path: string): string {
    return resolve(this.#options.cwd, path);
  }
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

async function startModels(options: Parameters<typeof Models.start>[0]): Promise<Models> {
  try {
    return await Models.start(options);
  } catch (cause) {
    if (cause instanceof ModelRefused) throw new StartRefused(cause.message, { cause });
    throw cause;
  }
}

/** An address that is taken or a server that is away is told as one line. */
async function refused<T>(starting: Promise<T>): Promise<T> {
  try {
    return await starting;
  } catch (cause) {
    throw new StartRefused(messageOf(cause), { cause });
  }
}

async function readPrompts(): Promise<Prompts> {
  const folder = join(__dirname, '..', 'audio');
  const entries = promptNames.map(async (name) => {
    const at = (file: string, rateHz: 8_000 | 24_000) => readWavFile(join(folder, file), rateHz);
    return [name, { 8_000: await at(`${name}-8khz.wav`, 8_000), 24_000: await at(`${name}.wav`, 24_000) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as unknown as Prompts;
}
