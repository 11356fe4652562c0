import type { Clock, Timer } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import { probeSipPort, probeTargetOf, type ProbeResult, type ProbeTarget } from './options-probe';

export interface LinkWatchdogOptions {
  clock: Clock;
  random: Random;
  log: Logger;
  /** Rejects when the server does not answer in time. */
  ping: (options: { deadlineMs: number }) => Promise<number>;
  /** The connection stands and is of no use: make another one. */
  onSilent: (why: string) => void;
  /** Tests put another one in place. */
  probe?: typeof probeSipPort;
}

/** Between two rounds; each round takes at most the deadline. */
const roundDelayMs = 5_000;
/** After a miss, to know soon whether it was more than lost packets. */
const doubtDelayMs = 1_000;
const answerDeadlineMs = 2_000;
/** One miss may be another application's on the same server, which asks them in turn. */
const missesMax = 2;

/**
 * Notices a server that is silent though its connection stands: stopped, cut off, wedged by a frame or spinning. A ping
 * asks the admin side; an OPTIONS from outside asks its SIP side, and through it us. The latter counts only once it was
 * answered: a firewall may lie between.
 */
export class LinkWatchdog {
  readonly #options: LinkWatchdogOptions;
  #timer: Timer | undefined;
  #target: ProbeTarget | undefined;
  /** Counts starts and stops: what was begun before does not count after. */
  #run = 0;
  #everAnswered = false;
  #misses = 0;
  #deaf = false;

  constructor(options: LinkWatchdogOptions) {
    this.#options = options;
  }

  /** True from when the SIP side was found silent until it answers again. */
  get deaf(): boolean {
    return this.#deaf;
  }

  /** A connection was made; `hostPorts` are the server's SIP addresses in its own words. */
  start(hostPorts: readonly string[]): void {
    this.stop();
    const target = probeTargetOf(hostPorts);
    this.#target = target ?? this.#target;
    this.#misses = 0;
    void this.#round(this.#run);
  }

  /** Twice is fine. */
  stop(): void {
    this.#run += 1;
    this.#timer?.cancel();
  }

  async #round(run: number): Promise<void> {
    const { ping, onSilent } = this.#options;
    const [answersPing, probed] = await Promise.all([
      ping({ deadlineMs: answerDeadlineMs }).then(
        () => true,
        () => false,
      ),
      this.#probe(),
    ]);
    if (run !== this.#run) return;
    if (!answersPing) {
      onSilent('it does not answer pings');
      return;
    }
    if (!this.#judge(probed)) return;
    this.#timer = this.#options.clock.setTimer(this.#misses > 0 ? doubtDelayMs : roundDelayMs, () => {
      void this.#round(run);
    });
  }

  async #probe(): Promise<ProbeResult | undefined> {
    const { clock, random, probe = probeSipPort } = this.#options;
    if (this.#target === undefined) return undefined;
    return probe(this.#target, { clock, random, deadlineMs: answerDeadlineMs });
  }

  /** False when the connection was given up. */
  #judge(probed: ProbeResult | undefined): boolean {
    const { log, onSilent } = this.#options;
    if (probed === undefined) return true;
    if (probed === 'answered') {
      if (this.#deaf) log.info({}, 'the SIP side of the server answers again');
      this.#everAnswered = true;
      this.#misses = 0;
      this.#deaf = false;
      return true;
    }
    if (!this.#everAnswered || this.#deaf) return true;
    this.#misses += 1;
    if (this.#misses < missesMax) return true;
    // A new connection helps when the server forgot our routes; one that spins needs its supervisor, and then a new
    // connection comes by itself. So one is made, once.
    this.#misses = 0;
    this.#deaf = true;
    onSilent(probed === 'silent' ? 'its SIP port does not answer' : 'it forgot that we take its requests');
    return false;
  }
}
