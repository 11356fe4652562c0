import { withDeadline, type Clock, type Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import { FreeswitchEndpoint, type EndpointHost } from './freeswitch-endpoint';
import type { MrfEndpoint, MrfMediaServer } from './freeswitch-mrf';
import type {
  EndpointRequest,
  FreeswitchAddress,
  FreeswitchServerOptions,
  FreeswitchStats,
} from './freeswitch-options';
import { checkListen } from './freeswitch-probe';
import { passableOffer } from './freeswitch-sdp';
import { readChannels, readStatus } from './freeswitch-status';
import { MediaUnavailable, OfferRefused } from './media-leg';

//  idle ─▶ connecting ─▶ up ─▶ lost ─▶ connecting ...      closed: from any state, for good
export type FreeswitchState = 'idle' | 'connecting' | 'up' | 'lost' | 'closed';

/** Profile of `sofia` that fsmrf calls (docs/cluster-freeswitch.md). */
const sipProfile = 'drachtio_mrf';
const heartbeatMs = 2_000;
const commandDeadlineMs = 2_000;
const connectDeadlineMs = 3_000;
const endpointDeadlineMs = 3_000;
/** New calls work within 2 s of a server's return. */
const retryMs = 500;
/** Media may go on while the event socket is away; after this the server counts as gone, with all its calls. */
const lostGraceMs = 5_000;
/** Each channel hangs itself up unless we say otherwise in time: what remains of us when we die. */
export const leaseSeconds = 60;
const leaseRenewalMs = 20_000;

/**
 * The supervisor of one FreeSWITCH: it alone talks to fsmrf, gives every promise a deadline, connects afresh whenever
 * something is wrong, and knows every channel that it has made.
 */
export class FreeswitchServer {
  readonly name: string;
  readonly weight: number;
  readonly clock: Clock;
  readonly stats: FreeswitchStats = {
    connects: 0,
    losses: 0,
    endpointsMade: 0,
    endpointsFailed: 0,
    endpointsLate: 0,
    leftoversReaped: 0,
    joinsGivenUp: 0,
  };

  readonly #options: FreeswitchServerOptions;
  readonly #address: FreeswitchAddress;
  readonly #logger: Logger;
  readonly #endpoints = new Set<FreeswitchEndpoint>();
  /** Over, but for the BYE. */
  readonly #ending = new Set<FreeswitchEndpoint>();
  #onState: () => void = () => undefined;
  #state: FreeswitchState = 'idle';
  #server: MrfMediaServer | undefined;
  #problem = 'not connected yet';
  #sessions = 0;
  #sessionsMax = 0;
  /** FreeSWITCH takes sessions: false after `fsctl pause`. */
  #taking = false;
  /** Channels asked for and not there yet. */
  #pending = 0;
  #heartbeatTimer: Timer | undefined;
  #leaseTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  #graceTimer: Timer | undefined;

  readonly #host: EndpointHost;

  constructor(options: FreeswitchServerOptions, address: FreeswitchAddress) {
    this.#options = options;
    this.#host = {
      clock: options.clock,
      api: (command) => this.#api(command),
      onOver: (endpoint) => {
        this.#endpoints.delete(endpoint);
        this.#ending.add(endpoint);
      },
      onDone: (endpoint) => this.#ending.delete(endpoint),
    };
    this.#address = address;
    this.clock = options.clock;
    this.weight = address.weight;
    this.name = `${address.host}:${address.port}`;
    this.#logger = options.logger.child({ freeswitch: this.name });
  }

  /** Connects, and goes on trying until `close`. `onState` is called after each change. */
  start(onState: () => void): void {
    invariant(this.#state === 'idle', 'a server is started once');
    this.#onState = onState;
    this.#connectSoon(0);
  }

  get state(): FreeswitchState {
    return this.#state;
  }

  /** What is wrong, while it is not up. */
  get problem(): string {
    return this.#problem;
  }

  /** Channels that we have there. */
  get channels(): number {
    return this.#endpoints.size + this.#pending;
  }

  /** Somebody has paused it (`fsctl pause`): it gets no new calls, and old ones finish. */
  get draining(): boolean {
    return !this.#taking;
  }

  /** Why a call with that many channels should go elsewhere; undefined when it is welcome. */
  refusalFor(channels: number): string | undefined {
    if (this.#state !== 'up') return this.#problem;
    if (this.draining) return 'takes no new calls';
    // Its own count is one heartbeat old; ours is not, and others may use it too.
    const sessions = Math.max(this.#sessions, this.channels);
    // It refuses the one that would reach its limit, which then counts there for ten seconds more.
    return sessions + channels >= this.#sessionsMax ? `is full (${this.#sessionsMax} sessions)` : undefined;
  }

  /** Makes a channel. Rejects with `OfferRefused` (488: no codec) or `MediaUnavailable`; a late one is hung up. */
  async createEndpoint(request: EndpointRequest): Promise<FreeswitchEndpoint> {
    const server = this.#server;
    if (server === undefined) throw new MediaUnavailable(`FreeSWITCH ${this.name}: ${this.#problem}`);
    this.#pending += 1;
    let inTime = true;
    // fsmrf asserts; inside a promise that is a rejection like any other.
    const making = Promise.resolve().then(() => server.createEndpoint(this.#endpointOptions(request)));
    making.then(
      (late) => inTime || this.#hangUpLate(late),
      () => undefined,
    );
    try {
      const onTimeout = (): Error => new Error(`no channel in ${endpointDeadlineMs} ms`);
      const mrf = await withDeadline(this.clock, endpointDeadlineMs, making, onTimeout);
      return this.#adopt(mrf, server);
    } catch (cause) {
      inTime = false;
      this.stats.endpointsFailed += 1;
      throw this.#endpointError(cause);
    } finally {
      this.#pending -= 1;
    }
  }

  /** Ends every channel and the connection. Twice is fine. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    for (const endpoint of this.#endpoints) endpoint.close();
    // The commands were written; their replies say that they were obeyed.
    if (this.#state === 'up') await this.#api('status').catch(() => undefined);
    this.#move('closed', 'closed');
    this.#cancelTimers();
    this.#graceTimer?.cancel();
    for (const endpoint of this.#ending) endpoint.forget();
    this.#disconnect();
  }

  async #api(command: string): Promise<string> {
    const server = this.#server;
    if (server === undefined) throw new MediaUnavailable(`FreeSWITCH ${this.name}: ${this.#problem}`);
    const onTimeout = (): Error => new MediaUnavailable(`FreeSWITCH ${this.name} did not answer ${command}`);
    try {
      return await withDeadline(this.clock, commandDeadlineMs, server.api(command), onTimeout);
    } catch (cause) {
      if (server === this.#server) this.#lose(messageOf(cause));
      throw cause;
    }
  }

  #connectSoon(delayMs: number): void {
    this.#move('connecting', this.#problem);
    this.#retryTimer = this.clock.setTimer(delayMs, () => {
      this.#connect().catch((cause: unknown) => {
        if (this.#state !== 'connecting') return;
        const problem = messageOf(cause);
        if (problem !== this.#problem) this.#logger.warn({ problem }, 'FreeSWITCH cannot be used');
        this.#problem = problem;
        this.#onState();
        this.#connectSoon(retryMs);
      });
    });
  }

  async #connect(): Promise<void> {
    const { mrf, probe, secret, listen, advertise } = this.#options;
    const { host, port } = this.#address;
    await probe({ host, port, secret }, sipProfile);
    await checkListen(listen.host, listen.port);
    if (this.state !== 'connecting') return;
    const connecting = mrf.connect({
      address: host,
      port,
      secret,
      profile: sipProfile,
      listenAddress: listen.host,
      listenPort: listen.port,
      ...(advertise === undefined ? {} : { advertisedAddress: advertise }),
    });
    const onTimeout = (): Error => new Error(`no connection in ${connectDeadlineMs} ms`);
    let inTime = true;
    connecting.then(
      (late) => inTime || release(late),
      () => undefined,
    );
    const server = await withDeadline(this.clock, connectDeadlineMs, connecting, onTimeout).catch((cause: unknown) => {
      inTime = false;
      throw cause;
    });
    // It may have been closed meanwhile.
    if (this.#state !== 'connecting') {
      release(server);
      return;
    }
    await this.#takeOver(server);
  }

  /** The connection is made: the first heartbeat and a look for leftovers decide whether it is of use. */
  async #takeOver(server: MrfMediaServer): Promise<void> {
    server.conn.reconnectOpts.maxAttempts = 1;
    server.conn.socket?.setNoDelay(true);
    server.conn.removeAllListeners('esl::end');
    server.conn.on('esl::end', () => {
      if (server === this.#server) this.#lose('the event socket was closed');
    });
    this.#server = server;
    try {
      await this.#beat();
      await this.#reap();
    } catch (cause) {
      if (server === this.#server) this.#disconnect();
      throw cause;
    }
    if (server !== this.#server) throw new Error(this.#problem);
    this.stats.connects += 1;
    this.#graceTimer?.cancel();
    this.#move('up', '');
    this.#logger.info({ sessions: this.#sessions, sessionsMax: this.#sessionsMax }, 'FreeSWITCH is up');
    this.#renewLeases();
    this.#beatLater();
  }

  #beatLater(): void {
    this.#heartbeatTimer = this.clock.setTimer(heartbeatMs, () => {
      this.#beat().then(
        () => {
          if (this.#state === 'up') this.#beatLater();
        },
        () => undefined,
      );
    });
  }

  async #beat(): Promise<void> {
    const status = readStatus(await this.#api('status'));
    const was = this.#taking;
    this.#sessions = status.sessions;
    this.#sessionsMax = status.sessionsMax;
    this.#taking = status.ready;
    if (was !== this.#taking && this.#state === 'up') {
      this.#logger.info({ taking: this.#taking, channels: this.channels }, 'FreeSWITCH paused or resumed');
      this.#onState();
    }
  }

  /** Channels of ours that we do not know: of a process that died, or of the time when the server was lost. */
  async #reap(): Promise<void> {
    const known = new Set([...this.#endpoints].map(({ uuid }) => uuid));
    const channels = readChannels(await this.#api('show channels as json'));
    const leftovers = channels.filter(({ uuid, owner }) => owner === this.#options.owner && !known.has(uuid));
    for (const { uuid } of leftovers) await this.#api(`uuid_kill ${uuid}`);
    this.stats.leftoversReaped += leftovers.length;
    if (leftovers.length > 0) this.#logger.warn({ channels: leftovers.length }, 'hung up channels of an earlier life');
  }

  #lose(problem: string): void {
    if (this.#state === 'connecting') {
      this.#disconnect();
      return;
    }
    if (this.#state !== 'up') return;
    this.stats.losses += 1;
    this.#logger.error({ problem, channels: this.#endpoints.size }, 'lost FreeSWITCH');
    this.#cancelTimers();
    this.#disconnect();
    this.#move('lost', problem);
    this.#graceTimer = this.clock.setTimer(lostGraceMs, () => this.#abandon());
    this.#connectSoon(0);
  }

  #abandon(): void {
    for (const endpoint of this.#endpoints) endpoint.gone(`FreeSWITCH ${this.name} is gone: ${this.#problem}`);
  }

  #disconnect(): void {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) release(server);
  }

  #renewLeases(): void {
    for (const endpoint of this.#endpoints) this.#lease(endpoint);
    this.#leaseTimer = this.clock.setTimer(leaseRenewalMs, () => this.#renewLeases());
  }

  /** The old order first: `sched_del` removes all of a channel. */
  #lease({ uuid }: FreeswitchEndpoint): void {
    const ignored = (): undefined => undefined;
    this.#api(`sched_del ${uuid}`).catch(ignored);
    this.#api(`sched_hangup +${leaseSeconds} ${uuid} allotted_timeout`).catch(ignored);
  }

  #endpointOptions({ callId, offer }: EndpointRequest): Parameters<MrfMediaServer['createEndpoint']>[0] {
    return {
      remoteSdp: passableOffer(offer),
      headers: {
        // `localhost` becomes the SIP server's address. The name and the number are columns of `show channels`.
        From: `"${callId}" <sip:${this.#options.owner}@localhost>`,
        // Packets go on as they come. With a timer they wait for its tick: 24 ms more on the way to the agent.
        'X-Ringbridge-Timer': 'none',
      },
    };
  }

  #adopt(mrf: MrfEndpoint, server: MrfMediaServer): FreeswitchEndpoint {
    const endpoint = new FreeswitchEndpoint(mrf, this.#host);
    this.stats.endpointsMade += 1;
    if (server !== this.#server) {
      endpoint.close();
      throw new MediaUnavailable(`FreeSWITCH ${this.name}: ${this.#problem}`);
    }
    this.#endpoints.add(endpoint);
    this.#lease(endpoint);
    // Else the agent would hear music while the caller holds: `hold-music` of the SIP profile does not count there.
    this.#api(`uuid_setvar ${endpoint.uuid} hold_music silence`).catch(() => undefined);
    return endpoint;
  }

  #hangUpLate(mrf: MrfEndpoint): void {
    this.stats.endpointsLate += 1;
    new FreeswitchEndpoint(mrf, this.#host).close();
  }

  #endpointError(cause: unknown): Error {
    if (cause instanceof MediaUnavailable) return cause;
    const status = typeof cause === 'object' && cause !== null && 'status' in cause ? cause.status : undefined;
    if (status === 488 || status === 415) return new OfferRefused(488, `FreeSWITCH answered ${status}`);
    return new MediaUnavailable(`FreeSWITCH ${this.name}: ${messageOf(cause)}`, { cause });
  }

  #cancelTimers(): void {
    this.#heartbeatTimer?.cancel();
    this.#leaseTimer?.cancel();
    this.#retryTimer?.cancel();
  }

  #move(state: FreeswitchState, problem: string): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#problem = problem;
    this.#onState();
  }
}

/** Ends a connection of fsmrf for good. */
function release(server: MrfMediaServer): void {
  server.conn.removeAllListeners('esl::end');
  try {
    server.disconnect();
  } catch {
    // It was gone already.
    return;
  }
}
