import type { Settings } from './config/settings';
import type { WayInFigures } from './observability/metrics';
import type { Clock } from './runtime/clock';
import type { Logger } from './runtime/logger';
import type { Random } from './runtime/random';
import type { CallHandler } from './signalling/caller-leg';
import type { OnSignallingBug } from './signalling/guarded';
import type { SipLink } from './signalling/sip-link';
import { SipLinks } from './signalling/sip-links';
import { SipListener } from './signalling/sip-listener';
import type { SipServerAddress } from './signalling/sip-server-address';
import { readTlsFiles } from './tls-files';

export interface SipFrontOptions {
  settings: Settings;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** The embedded SIP server; undefined: those that the settings name. */
  embedded: SipServerAddress | undefined;
  onCall: CallHandler;
  onBug: OnSignallingBug;
  /** As many calls are up as may be. */
  full: () => boolean;
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

  /** Where drachtio-servers may connect to us; undefined when they may not. */
  get listening(): { host: string; port: number } | undefined {
    return this.#listener?.address;
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

  /** Calls can come. */
  get connected(): boolean {
    return this.problem === undefined;
  }

  /** Requests that were dropped because no answer to them may go through the server. */
  get unanswerable(): number {
    const onLinks = (this.#links?.all ?? []).reduce((sum, link) => sum + link.unanswerable, 0);
    return onLinks + (this.#listener?.unanswerable ?? 0);
  }

  get waysIn(): readonly WayInFigures[] {
    const links = (this.#links?.all ?? []).map((link): WayInFigures => {
      return { name: link.name, up: link.alive, calls: link.legs, ...link.stats };
    });
    const listener = this.#listener;
    if (listener === undefined) return links;
    const { refusedMessages } = listener.stats;
    return [...links, { name: 'outbound connections', up: true, calls: listener.legs, losses: 0, refusedMessages }];
  }

  /** New calls go to other processes. For the embedded SIP server. */
  leaveRotation(): void {
    for (const link of this.#links?.all ?? []) link.leaveRotation();
  }

  /** Twice is fine. */
  async close(): Promise<void> {
    if (this.#links?.connected === true || this.#listener !== undefined) {
      await new Promise<void>((settled) => this.#options.clock.setTimer(settleByeMs, settled));
    }
    await Promise.all([this.#links?.close(), this.#listener?.close()]);
  }

  async #start(): Promise<void> {
    const { settings, clock, random, onCall, onBug, full, embedded } = this.#options;
    const { drachtioListen, drachtioSecret: secret = '' } = settings;
    const log = this.#options.logger.child({ part: 'sip' });
    const common = { clock, random, log, onCall, onBug, full };
    if (drachtioListen !== undefined) {
      const tls = drachtioListen.tls ? await readTlsFiles(settings, (path) => path) : undefined;
      this.#listener = await SipListener.start({ ...common, listen: drachtioListen, tls, secret });
    }
    const servers = embedded === undefined ? addressesOf(settings) : [embedded];
    if (servers.length === 0) return;
    this.#links = new SipLinks({ ...common, servers });
    await this.#links.connect({ deadlineMs: linkDeadlineMs });
  }
}

function addressesOf(settings: Settings): SipServerAddress[] {
  const { drachtio, drachtioSecret: secret = '', drachtioTags: tags = [], sipTlsVerify } = settings;
  return (drachtio ?? []).map(({ host, port, tls }) => {
    const encrypted = tls ? { tls: { verify: sipTlsVerify === 'yes' } } : {};
    return { kind: 'drachtio-server', host, port, secret, tags, ...encrypted };
  });
}
