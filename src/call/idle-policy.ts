import type { IdleRules } from '../dialplan/conversation-rules';
import { frameMs } from '../audio/pcm';
import type { Clock, Timer } from '../runtime/clock';
import type { Occupation } from './occupations';

export interface IdleHost {
  /** How long the caller has heard nothing of us, in frames that were sent. */
  silentMs(): number;
  /** The caller's line carries a voice, whether or not the server has said so yet. */
  isCallerAudible(): boolean;
  /** Sets the idle timeout of the server; undefined switches it off. */
  setServerTimeout(timeoutMs: number | undefined): void;
  /** Makes the server's wait begin anew. */
  clearInput(): void;
  /** The response that the server is about to make for its timeout is not wanted. */
  refuseServerAnswer(): void;
  /** Asks the model to ask whether the caller is still there. */
  checkIn(instructions: string): void;
  /** Asks the model to say goodbye; the call ends when it was heard, unless the caller speaks. */
  sayGoodbye(instructions: string): void;
  /** Sends the caller to a destination. */
  transfer(destination: string): void;
  emit(decision: {
    decision: 'check-in' | 'goodbye' | 'transfer' | 'too-early';
    by: IdleRules['by'];
    checkIns: number;
  }): void;
}

/** How late the server may be before we ask in its place: it counts from what it generated. */
const serverLatenessMsMax = 3_000;
/** Between two looks at a line that carries a voice. */
const voiceRetryMs = 200;
/** The server's clock and ours differ by the way between them. */
const earlyToleranceMs = 60;

const speech: readonly Occupation[] = ['agent-speaking', 'announcement'];
/** What the server knows of by itself. */
const knownToServer: readonly Occupation[] = ['caller-speaking', 'responding'];

const defaultCheckIn =
  'The caller has not said anything for a while. Ask in one short sentence, in the language of the conversation, ' +
  'whether they are still there. Say nothing else and call no function.';
const defaultGoodbye =
  'The caller does not answer any more. Say goodbye in one short sentence, in the language of the conversation. ' +
  'Say nothing else and call no function.';

/**
 * What happens when nobody speaks: check in a few times, then say goodbye, or wait. It counts from when the caller last
 * heard us, or was last heard, and only while the call is busy with nothing.
 *
 * `by: server` lets the server time the check-ins. It counts from what it generated, so its timeout is switched off
 * while the call is busy and on again, with a cleared input, when heard-truth says that all is quiet; the goodbye and
 * check-ins that the server forgets are ours. With `by: bridge` the server is never told of any timeout.
 */
export class IdlePolicy {
  readonly #clock: Clock;
  readonly #rules: IdleRules;
  readonly #host: IdleHost;
  #started = false;
  #closed = false;
  #busy: ReadonlySet<Occupation> = new Set();
  #checkIns = 0;
  #saidGoodbye = false;
  /** One that failed is not tried again before the caller was heard: then it is goodbye. */
  #saidTransfer = false;
  /** When something last ended that is not our own speech. */
  #quietSinceMs: number;
  #respondingSinceMs = 0;
  #serverTimeout: 'on' | 'off';
  #timer: Timer | undefined;
  #restoreTimer: Timer | undefined;

  constructor({ clock, rules, host }: { clock: Clock; rules: IdleRules; host: IdleHost }) {
    this.#clock = clock;
    this.#rules = rules;
    this.#host = host;
    this.#quietSinceMs = clock.now();
    this.#serverTimeout = rules.by === 'server' ? 'on' : 'off';
  }

  /** The caller can hear us: from now on they may be silent. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#quietSinceMs = this.#clock.now();
    this.onOccupations(this.#busy);
  }

  onOccupations(current: ReadonlySet<Occupation>): void {
    this.#note(current);
    this.#busy = current;
    if (!this.#started || this.#closed) return;
    if (current.size > 0) {
      this.#timer?.cancel();
      if ([...current].some((one) => !knownToServer.includes(one))) this.#switchServerOff();
      return;
    }
    this.#switchServerOn();
    this.#watch();
  }

  /** The caller has shown a sign of life. */
  callerIsThere(): void {
    this.#checkIns = 0;
    this.#saidGoodbye = false;
    this.#saidTransfer = false;
  }

  /** The server's timeout has fired: it commits the silence and makes a response. */
  onServerTimeout(): void {
    if (this.#closed) return;
    const isWanted = this.#serverTimeout === 'on' && this.#started && this.#busy.size === 0;
    if (!isWanted || this.#quietMs() + earlyToleranceMs < this.#rules.afterMs) {
      this.#host.refuseServerAnswer();
      this.#emit('too-early');
      // Its timer is spent: it counts again from its next response, or from a restore.
      if (isWanted) this.#restartServer();
      return;
    }
    this.#checkIns += 1;
    this.#emit('check-in');
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#restoreTimer?.cancel();
  }

  #note(current: ReadonlySet<Occupation>): void {
    const nowMs = this.#clock.now();
    if (current.has('responding') && !this.#busy.has('responding')) this.#respondingSinceMs = nowMs;
    for (const ended of this.#busy) {
      if (current.has(ended) || speech.includes(ended)) continue;
      // A response that was heard is over when its last word was heard, not when the server says so.
      const wasHeard = this.#host.silentMs() < nowMs - this.#respondingSinceMs;
      if (ended !== 'responding' || !wasHeard) this.#quietSinceMs = nowMs;
    }
  }

  /** How long neither side has been heard and nothing was under way. */
  #quietMs(): number {
    return Math.min(this.#host.silentMs(), this.#clock.now() - this.#quietSinceMs);
  }

  get #isDone(): boolean {
    return this.#saidGoodbye || (this.#checkIns >= this.#rules.checkInsMax && this.#rules.then === 'wait');
  }

  #watch(): void {
    this.#timer?.cancel();
    if (this.#isDone) return;
    const isServers = this.#serverTimeout === 'on';
    const afterMs = this.#rules.afterMs + (isServers ? serverLatenessMsMax : 0);
    // The frame that ends our speech is heard for its 20 ms, and resampling carries its last samples into the next one.
    const waitMs = afterMs - this.#quietMs() + 2 * frameMs;
    this.#timer = this.#clock.setTimer(Math.max(frameMs, waitMs), () => {
      if (this.#quietMs() < afterMs) this.#watch();
      else if (this.#host.isCallerAudible()) this.#timer = this.#clock.setTimer(voiceRetryMs, () => this.#watch());
      else this.#decide();
    });
  }

  #decide(): void {
    // Two check-ins at once would be one too many.
    this.#switchServerOff();
    if (this.#checkIns < this.#rules.checkInsMax) {
      this.#checkIns += 1;
      this.#emit('check-in', 'bridge');
      this.#host.checkIn(this.#rules.checkIn ?? defaultCheckIn);
      return;
    }
    const { then } = this.#rules;
    if (typeof then === 'object' && !this.#saidTransfer) {
      this.#saidTransfer = true;
      this.#emit('transfer', 'bridge');
      this.#host.transfer(then.transferTo);
      return;
    }
    this.#saidGoodbye = true;
    this.#emit('goodbye', 'bridge');
    this.#host.sayGoodbye(this.#rules.goodbye ?? defaultGoodbye);
  }

  #switchServerOff(): void {
    this.#restoreTimer?.cancel();
    if (this.#serverTimeout === 'off') return;
    this.#serverTimeout = 'off';
    this.#host.setServerTimeout(undefined);
  }

  #switchServerOn(): void {
    this.#restoreTimer?.cancel();
    const isOurs = this.#rules.by === 'bridge' || this.#checkIns >= this.#rules.checkInsMax;
    if (isOurs || this.#serverTimeout === 'on') return;
    // A clear would take the first word from a caller whom the server has not yet noticed.
    if (this.#host.isCallerAudible()) {
      this.#restoreTimer = this.#clock.setTimer(voiceRetryMs, () => this.#switchServerOn());
      return;
    }
    this.#restartServer();
    this.#watch();
  }

  #restartServer(): void {
    this.#serverTimeout = 'on';
    this.#host.clearInput();
    this.#host.setServerTimeout(this.#rules.afterMs);
  }

  #emit(decision: 'check-in' | 'goodbye' | 'transfer' | 'too-early', by: IdleRules['by'] = 'server'): void {
    this.#host.emit({ decision, by, checkIns: this.#checkIns });
  }
}
