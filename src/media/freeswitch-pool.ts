import { withDeadline, type Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { FreeswitchEndpoint } from './freeswitch-endpoint';
import type { FreeswitchAddress, FreeswitchServerOptions, FreeswitchStats } from './freeswitch-options';
import { FreeswitchServer } from './freeswitch-server';
import { MediaUnavailable, OfferRefused } from './media-leg';

/** The two channels of one call, bridged: one faces the caller, one our RTP socket. */
export interface BridgedPair {
  /** Both live there. */
  server: FreeswitchServer;
  caller: FreeswitchEndpoint;
  ours: FreeswitchEndpoint;
}

export interface PairRequest {
  callId: string;
  callerOffer: string;
  /** The offer of our RTP socket. */
  ourOffer: string;
  /** Where it should be if that server takes more: only channels of one server can be joined. */
  preferred?: FreeswitchServer | undefined;
}

export interface FreeswitchServerView {
  name: string;
  state: string;
  draining: boolean;
  channels: number;
  problem: string;
  stats: Readonly<FreeswitchStats>;
}

/** A call has two channels. */
const channelsPerCall = 2;

/** All FreeSWITCH servers: each new call goes to the one with the fewest of our channels for its weight. */
export class FreeswitchPool {
  readonly #clock: Clock;
  readonly #servers: readonly FreeswitchServer[];
  #onUp: () => void = () => undefined;

  /** A port to call us back on is that of the first server; each further server has the next one. */
  constructor(options: FreeswitchServerOptions, addresses: readonly FreeswitchAddress[]) {
    this.#clock = options.clock;
    this.#servers = addresses.map((address, index) => {
      const { host, port } = options.listen;
      return new FreeswitchServer({ ...options, listen: { host, port: port === 0 ? 0 : port + index } }, address);
    });
  }

  /** Resolves when the first server is up. Rejects after `deadlineMs`, with what is wrong with each; it goes on trying. */
  async start({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    const firstUp = new Promise<void>((resolve) => (this.#onUp = resolve));
    for (const server of this.#servers) {
      server.start(() => {
        if (server.state === 'up') this.#onUp();
      });
    }
    await withDeadline(this.#clock, deadlineMs, firstUp, () => {
      const problems = this.#servers.map(({ name, problem }) => `FreeSWITCH ${name}: ${problem}`);
      return new Error(problems.join('; '));
    });
  }

  /** Whether a new call would find a place. */
  get taking(): boolean {
    return this.#servers.some((server) => server.refusalFor(channelsPerCall) === undefined);
  }

  get servers(): readonly FreeswitchServerView[] {
    return this.#servers.map(({ name, state, draining, channels, problem, stats }) => {
      return { name, state, draining, channels, problem, stats };
    });
  }

  /**
   * Two bridged channels on the preferred or the best server; when it fails, on the next one. Rejects with `OfferRefused`
   * (no server would find a codec either) or `MediaUnavailable`.
   */
  async openPair(request: PairRequest): Promise<BridgedPair> {
    const problems: string[] = [];
    const tried = new Set<FreeswitchServer>();
    const { preferred } = request;
    const first = preferred?.refusalFor(channelsPerCall) === undefined ? preferred : undefined;
    for (let server = first ?? this.#best(tried); server !== undefined; server = this.#best(tried)) {
      tried.add(server);
      try {
        return await openPairOn(server, request);
      } catch (cause) {
        if (cause instanceof OfferRefused) throw cause;
        problems.push(messageOf(cause));
      }
    }
    const refusals = this.#servers.filter((server) => !tried.has(server));
    problems.push(
      ...refusals.map((server) => `FreeSWITCH ${server.name}: ${server.refusalFor(channelsPerCall) ?? ''}`),
    );
    throw new MediaUnavailable(problems.join('; '));
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  #best(tried: ReadonlySet<FreeswitchServer>): FreeswitchServer | undefined {
    let best: FreeswitchServer | undefined;
    for (const server of this.#servers) {
      if (tried.has(server) || server.refusalFor(channelsPerCall) !== undefined) continue;
      if (best === undefined || loadOf(server) < loadOf(best)) best = server;
    }
    return best;
  }
}

function loadOf({ channels, weight }: FreeswitchServer): number {
  return channels / weight;
}

/** Both at once: each takes two round trips. What was made of a pair that fails is hung up. */
async function openPairOn(
  server: FreeswitchServer,
  { callId, callerOffer, ourOffer }: PairRequest,
): Promise<BridgedPair> {
  const [caller, ours] = await Promise.allSettled([
    server.createEndpoint({ callId, offer: callerOffer }),
    server.createEndpoint({ callId, offer: ourOffer }),
  ]);
  try {
    if (caller.status === 'rejected') throw caller.reason;
    // Our own offer is never the caller's fault.
    if (ours.status === 'rejected') throw new MediaUnavailable(messageOf(ours.reason), { cause: ours.reason });
    await caller.value.bridge(ours.value);
    return { server, caller: caller.value, ours: ours.value };
  } catch (cause) {
    for (const made of [caller, ours]) if (made.status === 'fulfilled') made.value.close();
    throw cause;
  }
}
