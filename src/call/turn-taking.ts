import type { Clock, Timer } from '../runtime/clock';
import type { TurnRules } from '../dialplan/conversation-rules';
import type { Occupations } from './occupations';
import { ReversibleBargeIn } from './reversible-barge-in';

/** What the turns of the caller bring about. */
export interface TurnHost {
  /** Something of ours is being played, or about to be. */
  isAgentBusy(): boolean;
  isCallerAudible(): boolean;
  /** Stops what plays and tells the model how much of it was heard; `cancel` when the server does not by itself. */
  interrupt(options: { cancel: boolean }): void;
  /** The caller has something to say: a hang-up that was on its way is called off. */
  keepCallOpen(): void;
  /** Silences the agent so that it can go on at the same sample. */
  hold(): void;
  resume(): void;
  /** Asks the model for an answer to the turn that is over. */
  answer(): void;
  /** The caller's turn does not end: what waits for its end may go on. */
  waitNoLonger(): void;
  /** An answer will come, or has been asked for. */
  owe(): void;
  forgive(): void;
  discardTurn(itemId: string): void;
  clearInput(): void;
  commitInput(): void;
  emit(event: { kind: 'murmur' | 'endless-speech' } | { kind: 'push-to-talk'; pressed: boolean }): void;
}

/** A turn of the caller that goes on while the agent changes: by voice, by the key, or none. */
export type OpenTurn = 'none' | 'speaking' | 'pushed';

/** Someone who forgot the second key must not talk to nobody for ever. */
const pushedTurnMsMax = 120_000;
/** Music or an engine behind the caller, or a server that lost the end: nobody goes on for this long without a breath. */
const speechMsMax = 60_000;
/** A commit of less than 100 ms is refused by the API. */
const turnFramesMin = 5;

/**
 * Whose turn it is. The rules say who decides: the server's turn detection, the bridge (reversible barge-in), or the
 * caller by a key (push-to-talk).
 */
export class TurnTaking {
  readonly #clock: Clock;
  readonly #rules: TurnRules;
  readonly #host: TurnHost;
  readonly #occupations: Occupations;
  readonly #bargeIn: ReversibleBargeIn | undefined;
  #endSpeech: (() => void) | undefined;
  #speechLimit: Timer | undefined;
  /** The turn that the caller opened by the key. */
  #pushed: { timer: Timer; frames: number } | undefined;

  constructor(options: { clock: Clock; rules: TurnRules; occupations: Occupations; host: TurnHost }) {
    const { clock, rules, host } = options;
    this.#clock = clock;
    this.#rules = rules;
    this.#host = host;
    this.#occupations = options.occupations;
    if (rules.kind !== 'reversible') return;
    this.#bargeIn = new ReversibleBargeIn({
      clock,
      decideAfterMs: rules.decideAfterMs,
      host: {
        isCallerAudible: () => host.isCallerAudible(),
        hold: () => host.hold(),
        resume: () => host.resume(),
        interrupt: () => this.#interruptByUs(),
        murmur: (itemId) => {
          host.discardTurn(itemId);
          host.emit({ kind: 'murmur' });
        },
      },
    });
  }

  /** Whether the caller's audio is for the model now. Called for every frame of it. */
  takesFrame(): boolean {
    if (this.#rules.kind !== 'push-to-talk') return true;
    if (this.#pushed === undefined) return false;
    this.#pushed.frames += 1;
    return true;
  }

  onSpeechStarted(itemId: string): void {
    this.#host.forgive();
    this.#endSpeech ??= this.#occupations.begin('caller-speaking');
    this.#speechLimit?.cancel();
    this.#speechLimit = this.#clock.setTimer(speechMsMax, () => this.#speechIsEndless());
    if (this.#bargeIn !== undefined) {
      if (this.#host.isAgentBusy()) this.#bargeIn.speechStarted(itemId);
      else this.#host.keepCallOpen();
      return;
    }
    this.#host.keepCallOpen();
    if (this.#rules.kind === 'server' && this.#rules.interrupts) this.#host.interrupt({ cancel: false });
  }

  onSpeechStopped(itemId: string): void {
    const wasMurmur = this.#bargeIn?.speechStopped(itemId) === 'murmur';
    this.#speechEnds();
    if (wasMurmur) return;
    if (this.#rules.kind === 'server') this.#host.owe();
    else if (this.#rules.kind === 'reversible') this.#host.answer();
  }

  /** The server forgot what it had heard: a turn that had begun will not stop. */
  onInputCleared(): void {
    if (this.#pushed !== undefined) return;
    this.#bargeIn?.forget();
    this.#speechEnds();
  }

  /** True when the key was for us. The first press opens a turn, the next one closes it. */
  onDigit(digit: string): boolean {
    if (this.#rules.kind !== 'push-to-talk' || digit !== this.#rules.key) return false;
    if (this.#pushed === undefined) this.#push();
    else this.#release();
    return true;
  }

  /** Another agent's rules hold from now on; returns what goes on of the caller's turn. Nothing may be asked afterwards. */
  handOver(): OpenTurn {
    const turn = this.#pushed !== undefined ? 'pushed' : this.#endSpeech !== undefined ? 'speaking' : 'none';
    this.#bargeIn?.forget();
    this.close();
    return turn;
  }

  /** Goes on with a turn that began under another agent's rules, in the same session. */
  takeUp(turn: OpenTurn): void {
    if (turn === 'none') return;
    if (this.#rules.kind === 'push-to-talk') {
      if (turn === 'pushed') this.#open({ frames: turnFramesMin });
      // Nothing but the key opens a turn now: what was said so far is one.
      else this.#host.commitInput();
    } else if (turn === 'speaking') this.#endSpeech ??= this.#occupations.begin('caller-speaking');
    else this.#host.commitInput();
  }

  /** Twice is fine. */
  close(): void {
    this.#pushed?.timer.cancel();
    this.#pushed = undefined;
    this.#bargeIn?.close();
    this.#speechEnds();
  }

  #push(): void {
    this.#open({ frames: 0 });
    this.#host.emit({ kind: 'push-to-talk', pressed: true });
    this.#host.forgive();
    this.#interruptByUs();
    this.#host.clearInput();
  }

  #open({ frames }: { frames: number }): void {
    this.#pushed = { timer: this.#clock.setTimer(pushedTurnMsMax, () => this.#release()), frames };
    this.#endSpeech ??= this.#occupations.begin('caller-speaking');
  }

  #release(): void {
    const frames = this.#pushed?.frames ?? 0;
    this.#pushed?.timer.cancel();
    this.#pushed = undefined;
    this.#host.emit({ kind: 'push-to-talk', pressed: false });
    if (frames >= turnFramesMin) {
      this.#host.commitInput();
      this.#host.answer();
    }
    this.#speechEnds();
  }

  #interruptByUs(): void {
    this.#host.keepCallOpen();
    this.#host.interrupt({ cancel: true });
  }

  /** The silence is not the caller's any more, and answers to tools are not held back for ever. */
  #speechIsEndless(): void {
    this.#host.emit({ kind: 'endless-speech' });
    this.#speechEnds();
    this.#host.waitNoLonger();
  }

  #speechEnds(): void {
    this.#speechLimit?.cancel();
    const end = this.#endSpeech;
    this.#endSpeech = undefined;
    end?.();
  }
}
