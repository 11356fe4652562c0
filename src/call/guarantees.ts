import type { GuaranteeRules } from '../dialplan/conversation-rules';
import type { Clock, Timer } from '../runtime/clock';
import type { Occupation } from './occupations';

/** A promise of the route that was not kept, and what was done about it. */
export interface Breach {
  guarantee: 'first-sound' | 'silence' | 'answer' | 'length' | 'cost';
  remedy: 'filler' | 'warning' | 'apology' | 'goodbye';
  /** Since the answer. */
  atMs: number;
}

export interface GuaranteeHost {
  /** How long the caller has heard nothing of us, in frames that were sent. */
  silentMs(): number;
  /** Says that it goes on. */
  fill(): void;
  /** Apologises and ends the call. */
  giveUp(): void;
  breached(breach: Breach): void;
}

/** While a tool runs the caller is told to wait as often as needed; a model that says nothing at all is given up. */
const fillersWithoutTool = 1;
/** Breaches on one call's record; what follows is remedied all the same. */
const breachesMax = 50;
/** Between two things that the caller waits for, such as a tool and the answer to it. */
const waitGapMs = 1_000;

const waitedFor: readonly Occupation[] = ['responding', 'tool', 'handoff', 'agent-speaking'];
/** Silence that the caller makes, or knows the reason of. */
const explained: readonly Occupation[] = ['caller-speaking', 'hold', 'transfer', 'digits'];

//  silent ─▶ fulfilled                       first sound: whatever the caller hears first
//  at ease ─▶ waiting ─▶ filled ─▶ given up  silence: a sound leads back to waiting, the end of the wait to at ease
/**
 * Watches over what the route promises: something is heard soon after the answer, and no silence is longer than it says
 * while the caller waits for the agent. The first remedy is a filler, the last one an apology and the end of the call:
 * there is always an exit.
 */
export class Guarantees {
  readonly #clock: Clock;
  readonly #rules: GuaranteeRules;
  readonly #host: GuaranteeHost;
  #startedAtMs: number | undefined;
  #closed = false;
  #busy: ReadonlySet<Occupation> = new Set();
  #waitingSinceMs: number | undefined;
  #waitEndedAtMs = Number.NEGATIVE_INFINITY;
  /** Since something else than a filler was heard. */
  #fillers = 0;
  #isFilling = false;
  #breaches = 0;
  #firstSoundTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;

  constructor({ clock, rules, host }: { clock: Clock; rules: GuaranteeRules; host: GuaranteeHost }) {
    this.#clock = clock;
    this.#rules = rules;
    this.#host = host;
  }

  /** The call is answered. */
  start(): void {
    if (this.#startedAtMs !== undefined || this.#closed) return;
    this.#startedAtMs = this.#clock.now();
    const { firstSoundMs } = this.#rules;
    if (firstSoundMs !== undefined) {
      this.#firstSoundTimer = this.#clock.setTimer(firstSoundMs, () => this.#onNoFirstSound());
    }
    this.onOccupations(this.#busy);
  }

  /** Something of the agent is heard, a recording of ours or its own words. */
  heard(what: 'agent' | 'recording'): void {
    this.#firstSoundTimer?.cancel();
    if (what === 'agent') this.#fillers = 0;
  }

  onOccupations(current: ReadonlySet<Occupation>): void {
    this.#busy = current;
    if (this.#isFilling && !current.has('announcement')) this.#isFilling = false;
    if (this.#startedAtMs === undefined || this.#closed) return;
    const isWaiting = waitedFor.some((one) => current.has(one)) && !explained.some((one) => current.has(one));
    if (isWaiting) this.#wait();
    else this.#rest();
  }

  /** A promise that others watch over: the length of the call, its cost. */
  breached(breach: Omit<Breach, 'atMs'>): void {
    this.#breaches += 1;
    if (this.#breaches > breachesMax) return;
    const atMs = this.#clock.now() - (this.#startedAtMs ?? this.#clock.now());
    this.#host.breached({ ...breach, atMs });
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true;
    this.#firstSoundTimer?.cancel();
    this.#silenceTimer?.cancel();
  }

  #wait(): void {
    const nowMs = this.#clock.now();
    if (this.#waitingSinceMs === undefined) this.#waitingSinceMs = nowMs;
    else if (this.#waitEndedAtMs + waitGapMs < nowMs && this.#silenceTimer === undefined) this.#waitingSinceMs = nowMs;
    this.#silenceTimer ??= this.#startTimer();
  }

  #rest(): void {
    if (this.#silenceTimer === undefined) return;
    this.#waitEndedAtMs = this.#clock.now();
    this.#silenceTimer.cancel();
    this.#silenceTimer = undefined;
  }

  #silenceMs(): number {
    return Math.min(this.#host.silentMs(), this.#clock.now() - (this.#waitingSinceMs ?? this.#clock.now()));
  }

  #startTimer(): Timer | undefined {
    const { silenceMs } = this.#rules;
    if (silenceMs === undefined) return undefined;
    return this.#clock.setTimer(Math.max(1, silenceMs - this.#silenceMs()), () => {
      this.#silenceTimer = undefined;
      if (this.#silenceMs() >= silenceMs) this.#onSilence();
      if (!this.#closed) this.#silenceTimer ??= this.#startTimer();
    });
  }

  #onSilence(): void {
    // The next one is counted from here, whether or not the remedy is heard.
    this.#waitingSinceMs = this.#clock.now();
    if (this.#busy.has('tool') || this.#fillers < fillersWithoutTool) {
      this.#fillers += 1;
      this.#fill('silence');
      return;
    }
    this.breached({ guarantee: 'silence', remedy: 'apology' });
    this.#host.giveUp();
  }

  #onNoFirstSound(): void {
    // A caller who speaks first hears nobody, and wants nobody to speak.
    if (explained.some((one) => this.#busy.has(one))) return;
    this.#fill('first-sound');
  }

  #fill(guarantee: 'first-sound' | 'silence'): void {
    this.breached({ guarantee, remedy: 'filler' });
    if (this.#isFilling) return;
    this.#isFilling = true;
    this.#host.fill();
  }
}
