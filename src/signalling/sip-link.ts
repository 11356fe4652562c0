import type { Socket } from 'node:net';

import { withDeadline, type Clock, type Timer } from '../runtime/clock';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import { openAdminSocket } from './admin-socket';
import type { CallHandler } from './caller-leg';
import { frameProblem } from './frame-limits';
import { createGuard, type Guard, type OnSignallingBug } from './guarded';
import { IncomingRequests } from './incoming-requests';
import { LinkWatchdog } from './link-watchdog';
import { nameOfServer, SipLinkError, type SipServerAddress, type SipServerKind } from './sip-server-address';
import { createSrf, type Srf } from './srf';
import { askForRequests, openIntake, sendPing, stopSrf, type AdminGreeting, type SocketIntake } from './srf-internals';

//  idle ─▶ connecting ─▶ connected ◀─▶ lost      refused: the secret is wrong; closed: from any state, for good
export type LinkState = 'idle' | 'connecting' | 'connected' | 'lost' | 'refused' | 'closed';

export interface SipLinkOptions {
  server: SipServerAddress;
  clock: Clock;
  random: Random;
  log: Logger;
  onBug: OnSignallingBug;
  /** Undefined: calls are answered 480. Must not throw. */
  onCall?: CallHandler;
  /** True: OPTIONS get 503, as while the link does not accept calls. */
  full?: () => boolean;
  onState?: (state: LinkState) => void;
}

/** Something that lives on the link and dies with it. */
export interface LinkPart {
  abandon(): void;
  /** The link is there again; only for what attached itself anew when it was abandoned. */
  regain?(socket: Socket): void;
}

export interface LinkStats {
  /** Times that a connection broke after it had been accepted. */
  losses: number;
  /** Messages of ours that were too long for the server and were not sent. */
  refusedMessages: number;
}

/** From the first packet to the server's welcome. One that was stopped or cut off takes connections and says nothing. */
const attemptDeadlineMs = 2_000;
/** Between two attempts; doubles up to the second. Calls must work again within 2 s of the server's return. */
const retryDelayMinMs = 50;
const retryDelayMaxMs = 500;
/** With a wrong secret there is no hurry: somebody has to change it. */
const refusedDelayMs = 5_000;

/**
 * One connection to one SIP server, embedded or drachtio-server, that comes back when it is lost. What becomes of calls
 * in progress then is the server's kind to say: see `IncomingRequests.connectionLost`.
 */
export class SipLink {
  readonly srf: Srf;
  readonly kind: SipServerKind;
  /** `HOST:PORT` of the server, for logs and metrics. */
  readonly name: string;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** While false, new calls and OPTIONS get 503, so that balancers look elsewhere. */
  accepting = true;
  readonly stats: LinkStats = { losses: 0, refusedMessages: 0 };
  readonly #options: SipLinkOptions;
  readonly #incoming: IncomingRequests;
  readonly #intake: SocketIntake;
  readonly #watchdog: LinkWatchdog | undefined;
  readonly #parts = new Set<LinkPart>();
  #state: LinkState = 'idle';
  #socket: Socket | undefined;
  #attemptTimer: Timer | undefined;
  #retryDelayMs = retryDelayMinMs;
  #lastError = 'no answer';
  #connecting: { resolve: () => void; reject: (error: SipLinkError) => void } | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: SipLinkOptions) {
    const { server, clock, random, onBug, onCall, full = () => false } = options;
    this.#options = options;
    this.kind = server.kind ?? 'embedded';
    this.name = nameOfServer(server);
    this.clock = clock;
    this.random = random;
    this.log = options.log.child({ sipServer: this.name });
    this.guard = createGuard({ log: this.log, onBug });
    this.srf = createSrf(server);
    const common = { srf: this.srf, guard: this.guard, clock, random, log: this.log, onBug, onCall };
    this.#incoming = new IncomingRequests({ ...common, kind: this.kind, accepting: () => this.accepting, full });
    // Without a listener an error would end the process.
    this.srf.on('error', () => undefined);
    this.#intake = openIntake(this.srf, {
      secret: server.secret,
      messageProblem: (message) => this.#messageProblem(message),
    });
    this.#watchdog = this.kind === 'embedded' ? undefined : this.#createWatchdog();
  }

  get state(): LinkState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** False while the server's SIP side gives no sign of life, though the connection stands. */
  get alive(): boolean {
    return this.connected && this.#watchdog?.deaf !== true;
  }

  /** Inbound calls that are not over. */
  get legs(): number {
    return this.#incoming.legs;
  }

  /** Requests that were dropped because no answer to them may go through the server. */
  get unanswerable(): number {
    return this.#incoming.unanswerable;
  }

  /** Begins to connect, and keeps at it until `close`. What comes of it is told to `onState`. */
  start(): void {
    invariant(this.#state === 'idle', 'a link starts once');
    this.#move('connecting');
    this.#dial();
  }

  /**
   * `start`, and waits at most `deadlineMs`. Rejects with `SipLinkError` (`auth-failed` at once, else `unreachable`), and
   * the link is then closed.
   */
  async connect(options: { deadlineMs: number }): Promise<void> {
    const connected = new Promise<void>((resolve, reject) => (this.#connecting = { resolve, reject }));
    this.start();
    const onTimeout = (): Error => {
      const why = `no SIP server at ${this.name} in ${options.deadlineMs} ms: ${this.#lastError}`;
      return new SipLinkError('unreachable', why);
    };
    try {
      await withDeadline(this.clock, options.deadlineMs, connected, onTimeout);
    } catch (cause) {
      await this.close();
      throw cause;
    }
  }

  /** Round trip to the SIP server in milliseconds. Rejects with `SipLinkError` after `deadlineMs` without a sign of life. */
  async ping(options: { deadlineMs: number }): Promise<number> {
    const sentAtMs = this.clock.now();
    const unreachable = (): SipLinkError => new SipLinkError('unreachable', 'the SIP server does not answer pings');
    let detach = (): void => undefined;
    const pong = new Promise<number>((resolve, reject) => {
      detach = this.attach({ abandon: () => reject(unreachable()) });
      const onPong = this.guard('ping', () => resolve(this.clock.now() - sentAtMs));
      const socket = this.connected ? this.#socket : undefined;
      if (socket === undefined || !sendPing(this.srf, socket, onPong)) reject(unreachable());
    });
    try {
      return await withDeadline(this.clock, options.deadlineMs, pong, unreachable);
    } finally {
      detach();
    }
  }

  /** Tells `part` when the link is lost; returns how to stop that. */
  attach(part: LinkPart): () => void {
    this.#parts.add(part);
    return () => void this.#parts.delete(part);
  }

  /** Ends the connection as if it had broken; a new one is made. */
  reconnect(why: string): void {
    this.#lastError = why;
    this.#socket?.destroy();
  }

  /**
   * Asks for no more new calls, so that they go to the server's other applications; those that come meanwhile get 503.
   * Calls in progress go on. For the embedded server: drachtio-server would take back every method.
   */
  leaveRotation(): void {
    this.accepting = false;
    this.guard('leaving the rotation', () => {
      for (const method of ['invite', 'options'] as const) this.srf.unregisterForMessages(method);
    })();
  }

  /**
   * Ends the connection; what still lives on it is told that the server is gone. Resolves when the socket is closed.
   * Twice is fine.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const wasConnected = this.connected;
    this.#move('closed');
    this.#watchdog?.stop();
    this.#attemptTimer?.cancel();
    this.#connecting?.reject(new SipLinkError('closed', 'the link was closed'));
    this.#connecting = undefined;
    this.#incoming.abandonAll();
    this.#abandonParts();
    if (!wasConnected) this.#socket?.destroy();
    await stopSrf(this.srf, this.clock);
  }

  #dial(): void {
    this.#attemptTimer?.cancel();
    const socket = openAdminSocket(
      this.#options.server,
      { clock: this.clock, deadlineMs: attemptDeadlineMs },
      {
        onOpen: this.guard('connect', (opened: Socket) => {
          this.#attemptTimer = this.clock.setTimer(attemptDeadlineMs, () => this.reconnect('no welcome in time'));
          this.#intake.handOver(
            opened,
            this.guard('welcome', (greeting) => this.#onGreeting(opened, greeting)),
          );
        }),
        onClose: this.guard('close', (cause: string) => {
          if (socket === this.#socket) this.#onClose(socket, cause);
        }),
      },
    );
    this.#socket = socket;
  }

  #onGreeting(socket: Socket, greeting: AdminGreeting | undefined): void {
    this.#attemptTimer?.cancel();
    if (this.#state === 'closed') return;
    if (greeting === undefined) {
      if (this.#state !== 'refused') this.log.error({}, 'the SIP server refused our secret');
      this.#move('refused');
      this.#connecting?.reject(new SipLinkError('auth-failed', `the SIP server at ${this.name} refused the secret`));
      this.#connecting = undefined;
      socket.destroy();
      return;
    }
    askForRequests(this.srf, socket);
    this.#retryDelayMs = retryDelayMinMs;
    this.log.info({ version: greeting.version, hostPorts: greeting.hostPorts }, 'connected to the SIP server');
    this.#move('connected');
    this.#incoming.connectionRegained(socket);
    for (const part of [...this.#parts]) this.guard('link regained', () => part.regain?.(socket))();
    this.#watchdog?.start(greeting.localHostPorts.length > 0 ? greeting.localHostPorts : greeting.hostPorts);
    this.#connecting?.resolve();
    this.#connecting = undefined;
  }

  #onClose(socket: Socket | undefined, cause: string): void {
    this.#attemptTimer?.cancel();
    if (cause !== '') this.#lastError = cause;
    if (this.#state === 'closed') return;
    if (this.#state === 'connected') {
      this.stats.losses += 1;
      this.log.error({ legs: this.legs, lastError: this.#lastError }, 'lost the SIP server');
      this.#watchdog?.stop();
      this.#move('lost');
      if (socket !== undefined) this.#incoming.connectionLost(socket);
      this.#abandonParts();
    } else {
      this.log.debug({ message: this.#lastError }, 'connection to the SIP server failed');
    }
    const delayMs = this.#state === 'refused' ? refusedDelayMs : this.#retryDelayMs;
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, retryDelayMaxMs);
    this.#attemptTimer = this.clock.setTimer(delayMs, () => this.#dial());
  }

  #abandonParts(): void {
    const parts = [...this.#parts];
    this.#parts.clear();
    for (const part of parts) this.guard('link lost', () => part.abandon())();
  }

  #messageProblem(message: string): string | undefined {
    const problem = this.kind === 'embedded' ? undefined : frameProblem(message);
    if (problem === undefined) return undefined;
    this.stats.refusedMessages += 1;
    this.log.error({ problem }, 'a message was not sent: the SIP server would not survive it');
    return problem;
  }

  #createWatchdog(): LinkWatchdog {
    return new LinkWatchdog({
      clock: this.clock,
      random: this.random,
      log: this.log,
      ping: (options) => this.ping(options),
      onSilent: (why) => this.reconnect(why),
    });
  }

  #move(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState?.(state);
  }
}
