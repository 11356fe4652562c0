import type { Settings } from './config/settings';
import type { Clock } from './runtime/clock';
import type { Logger } from './runtime/logger';
import type { Random } from './runtime/random';
import type { CallHandler } from './signalling/caller-leg';
import type { OnSignallingBug } from './signalling/guarded';
import type { SipLink } from './signalling/sip-link';
import { SipLinks } from './signalling/sip-links';
import { SipListener } from './signalling/sip-listener';
import { nameOfServer, type SipServerAddress } from './signalling/sip-server-address';
import type { SipServer } from './sip-server/server';
import { startSipServer } from './sip-server/server';
import { readTlsFiles } from './tls-files';

export interface SipFrontOptions {
  settings: Settings;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Makes relative paths of settings absolute. */
  resolvePath: (path: string) => string;
  onCall: CallHandler;
  onBug: OnSignallingBug;
  /** As many calls are up as may be. */
  full: () => boolean;
}

/** One way in for calls, for metrics and the console. */
export interface SipWayIn {
  /** `HOST:PORT` of a SIP server. */
  readonly name: string;
  readonly up: boolean;
  /** Inbound calls on it. */
  readonly calls: number;
  readonly losses: number;
}

/** Time for a SIP server to be there at start. */
const linkDeadlineMs = 10_000;
/** The BYEs that were just sent need a moment on the connections to the SIP servers. */
const settleByeMs = 100;

/**
 * Where calls come from: the embedded SIP server, or drachtio-servers that we connect to, that connect to us, or both.
 * Calls of all of them go to the same handler.
 */
export class SipFront {
  readonly #options: SipFrontOptions;
  #server: SipServer | undefined;
  #links: SipLinks | undefined;
  #listener: SipListener | undefined;

  private constructor(options: SipFrontOptions) {
    this.#options = options;
  }

  /** Rejects when an address is taken or no SIP server is there; what was opened is closed again. */
  static async start(options: SipFrontOptions): Promise<SipFront> {
    const front = new SipFront(options);
    try {
      await front.#start();
      return front;
    } catch (cause) {
      await front.close();
      throw cause;
    }
  }

  /** For the banner: `udp:127.0.0.1:5060`, with the ports that were really taken. */
  get listening(): readonly string[] {
    const own = (this.#server?.listening ?? []).map(({ transport, address, port }) => {
      return `${transport}:${nameOfServer({ host: address, port })}`;
    });
    const remote = this.#server === undefined ? (this.#links?.all ?? []) : [];
    const listener = this.#listener;
    return [
      ...own,
      ...remote.map(({ name }) => `drachtio-server ${name}`),
      ...(listener === undefined ? [] : [`for drachtio-servers on ${nameOfServer(listener.address)}`]),
    ];
  }

  /** While false, new calls and OPTIONS get 503. */
  set accepting(accepting: boolean) {
    if (this.#links !== undefined) this.#links.accepting = accepting;
    if (this.#listener !== undefined) this.#listener.accepting = accepting;
  }

  /** The link that requests of ours go out on; undefined while drachtio-servers only connect to us. */
  get link(): SipLink | undefined {
    return this.#links?.best;
  }

  /** Why no calls can come, or undefined. */
  get problem(): string | undefined {
    if (this.#links?.connected === true || this.#listener !== undefined) return undefined;
    return 'there is no link to the SIP server';
  }

  get waysIn(): readonly SipWayIn[] {
    const links = (this.#links?.all ?? []).map((link): SipWayIn => {
      return { name: link.name, up: link.alive, calls: link.legs, losses: link.stats.losses };
    });
    const listener = this.#listener;
    if (listener === undefined) return links;
    return [...links, { name: 'outbound connections', up: true, calls: listener.legs, losses: 0 }];
  }

  /** What signalling counts, by name; the counts only grow. */
  get counters(): Record<string, number> {
    const takers = [...(this.#links?.all ?? []), ...(this.#listener === undefined ? [] : [this.#listener])];
    const sum = (count: (taker: (typeof takers)[number]) => number): number =>
      takers.reduce((total, taker) => total + count(taker), 0);
    const counters: Record<string, number> = {
      unanswerable: sum((taker) => taker.unanswerable),
      refusedMessages: sum((taker) => taker.stats.refusedMessages),
    };
    if (this.#listener !== undefined) counters.refusedConnections = this.#listener.stats.refusedConnections;
    for (const [name, count] of Object.entries(this.#server?.stats ?? {})) {
      if (typeof count === 'number') counters[name] = count;
    }
    return counters;
  }

  /** Twice is fine. */
  async close(): Promise<void> {
    if (this.#links?.connected === true || this.#listener !== undefined) {
      await new Promise<void>((settled) => this.#options.clock.setTimer(settleByeMs, settled));
    }
    await Promise.all([this.#links?.close(), this.#listener?.close()]);
    await this.#server?.close();
  }

  async #start(): Promise<void> {
    const { settings, clock, random, onCall, onBug, full } = this.#options;
    const { drachtio, drachtioListen, drachtioSecret: secret = '' } = settings;
    const log = this.#options.logger.child({ part: 'sip' });
    const common = { clock, random, log, onCall, onBug, full };
    const tls = await readTlsFiles(settings, this.#options.resolvePath);
    if (drachtioListen !== undefined) {
      const listenTls = drachtioListen.tls ? tls : undefined;
      this.#listener = await SipListener.start({ ...common, listen: drachtioListen, tls: listenTls, secret });
    }
    if (drachtio !== undefined) this.#links = new SipLinks({ ...common, servers: addressesOf(settings) });
    else if (drachtioListen === undefined) {
      this.#server = await this.#startEmbedded(tls);
      this.#links = new SipLinks({ ...common, servers: [this.#server.admin] });
    }
    await this.#links?.connect({ deadlineMs: linkDeadlineMs });
  }

  #startEmbedded(tls: Awaited<ReturnType<typeof readTlsFiles>>): Promise<SipServer> {
    const { settings, clock, random, logger } = this.#options;
    const { sipListen, publicAddress } = settings;
    return startSipServer({
      listen: sipListen,
      ...(tls === undefined ? {} : { tls }),
      ...(publicAddress === undefined ? {} : { publicAddress }),
      clock,
      random,
      logger: logger.child({ part: 'sip-server' }),
    });
  }
}

function addressesOf(settings: Settings): SipServerAddress[] {
  const { drachtio, drachtioSecret: secret = '', drachtioTags: tags = [], sipTlsVerify } = settings;
  return (drachtio ?? []).map(({ host, port, tls }) => {
    const encrypted = tls ? { tls: { verify: sipTlsVerify === 'yes' } } : {};
    return { kind: 'drachtio-server', host, port, secret, tags, ...encrypted };
  });
}
