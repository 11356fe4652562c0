import type { Destination } from '../dialplan/destination';
import type { SupervisionMode } from '../dialplan/destination-schema';
import type { Dialling } from '../dialplan/dial';
import type { SampleRateHz } from '../audio/pcm';
import type { MediaFailure } from '../media/media-leg';
import type { CallerLine } from './caller-line';
import { ListeningIn } from './listening-in';
import { SecondLeg } from './second-leg';
import type { SupervisionRecord } from './supervision-record';
import type { TransferServices } from './transfer';
import type { TransferFailure } from './transfer-outcome';

export interface SupervisionHost {
  /** The record has changed; `change` says in what. */
  onChange(change: SupervisionChange, record: SupervisionRecord): void;
  /** The supervisor listens in on the line, or does no longer. */
  onListening(isOn: boolean): void;
  /** The caller is to talk to the supervisor, and to nobody else: whoever is on the line has to go. */
  onTakeOver(): void;
  onKey(key: string): void;
  /** After a take-over: the supervisor is gone. */
  onEnded(destination: string, failure?: MediaFailure): void;
}

export type SupervisionChange = 'called' | 'decided' | 'mode' | 'whisper' | 'over';

export interface SupervisionOptions {
  services: TransferServices;
  callId: string;
  callerRateHz: SampleRateHz;
  line: CallerLine;
  destination: Destination;
  dialling: Dialling;
  mode: SupervisionMode;
  host: SupervisionHost;
}

/** On one call's record. */
const modesMax = 100;

/** What a supervisor's telephone may ask for. */
const modeOfKey: Readonly<Record<string, SupervisionMode>> = { '1': 'listen', '2': 'whisper', '3': 'take-over' };

//  state      answered       not reached   supervisor hangs up   request ends it   call ends   take-over
//  ---------  -------------  ------------  --------------------  ----------------  ----------  -----------------------
//  calling    listening in   over          -                     over (CANCEL)     over        (when answered)
//  listening  -              -             over, call goes on    over (BYE)        over (BYE)  talking, when no secret
//  talking    -              -             over, call ends       refused           over (BYE)  -
type State = 'calling' | 'listening' | 'talking' | 'over';

/** One supervisor of one call, from the INVITE to the BYE. */
export class Supervision {
  readonly #options: SupervisionOptions;
  readonly #leg: SecondLeg;
  readonly #ear: ListeningIn;
  #state: State = 'calling';
  #wanted: SupervisionMode;
  #mode: SupervisionMode | undefined;
  #record: SupervisionRecord;
  #release: (() => void) | undefined;

  constructor(options: SupervisionOptions) {
    const { services, callId, destination, dialling, callerRateHz, line } = options;
    this.#options = options;
    this.#wanted = options.mode;
    this.#record = {
      destination: destination.name,
      outcome: undefined,
      detail: undefined,
      startedAtMs: services.clock.wallTimeMs(),
      answeredAtMs: undefined,
      endedAtMs: undefined,
      endedBy: undefined,
      modes: [],
      whispers: { told: 0, lost: 0 },
    };
    this.#leg = new SecondLeg({
      callId: `${callId}/supervisor/${destination.name}`,
      dialling,
      callerRateHz,
      media: services.media,
      placeCall: services.placeCall,
      logger: services.logger,
      listener: {
        onRinging: () => undefined,
        onEarlyAudio: () => undefined,
        onAnswered: () => this.#onAnswered(),
        onFailed: (failure, detail) => this.#onFailed(failure, detail),
        onEnded: (why, failure) => this.#onEnded(why, failure),
        onDigit: (key) => this.#onKey(key),
      },
    });
    this.#ear = new ListeningIn({
      line,
      callerRateHz,
      leg: this.#leg,
      onFrame: () => {
        if (this.#wanted !== this.#mode) this.#follow();
      },
      onWhisper: (told) => this.#onWhisper(told),
    });
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Caller and supervisor talk. */
  get hasTakenOver(): boolean {
    return this.#state === 'talking';
  }

  /** Calls the supervisor. What comes of it may be told before this returns. */
  begin(): void {
    const { services, destination, host } = this.#options;
    this.#release = services.destinationLimits.take(destination.name, destination.limits);
    host.onChange('called', this.#record);
    if (this.#release === undefined) this.#onFailed('refused', 'the limits of the destination');
    else void this.#leg.begin();
  }

  mayBe(mode: SupervisionMode): boolean {
    return this.#options.destination.supervises?.includes(mode) === true;
  }

  /** Returns `waiting` while the caller keys in a secret, which is not the supervisor's to hear: it changes after that. */
  change(mode: SupervisionMode): 'done' | 'waiting' {
    this.#wanted = mode;
    if (this.#state === 'listening') this.#follow();
    return this.#state === 'listening' && this.#mode !== mode ? 'waiting' : 'done';
  }

  /** A key of the caller; only one who has taken over gets it. */
  sendDigit(key: string): void {
    if (this.#state === 'talking') this.#leg.sendDigit(key);
  }

  /** Hangs up. Nothing more happens to the call. Twice is fine. */
  end(by: 'request' | 'call'): void {
    if (this.#state === 'over') return;
    const wasAnswered = this.#state !== 'calling';
    this.#leg.hangUp('supervision is over');
    this.#over(wasAnswered ? { endedBy: by } : { outcome: 'cancelled' });
  }

  #onAnswered(): void {
    this.#state = 'listening';
    this.#tap(true);
    this.#note('decided', { outcome: 'answered', answeredAtMs: this.#nowMs() });
    if (!this.isOver) this.#follow();
  }

  #onFailed(outcome: TransferFailure, detail: string | undefined): void {
    this.#over({ outcome, detail });
  }

  #onEnded(why: string, failure: MediaFailure | undefined): void {
    const hadTakenOver = this.hasTakenOver;
    this.#over({ endedBy: 'supervisor', detail: why });
    if (hadTakenOver) this.#options.host.onEnded(this.#record.destination, failure);
  }

  #onKey(key: string): void {
    if (this.#state === 'talking') {
      this.#options.host.onKey(key);
      return;
    }
    const mode = modeOfKey[key];
    if (mode !== undefined && this.mayBe(mode)) this.change(mode);
  }

  #onWhisper(told: boolean): void {
    const { whispers } = this.#record;
    const count = told ? { ...whispers, told: whispers.told + 1 } : { ...whispers, lost: whispers.lost + 1 };
    this.#note('whisper', { whispers: count });
  }

  /** Does what is wanted, as far as it may be done now. */
  #follow(): void {
    const { line, host } = this.#options;
    if (this.#wanted === 'take-over' && line.isSecret) {
      if (this.#mode === undefined) this.#enter('listen');
      return;
    }
    if (this.#wanted === this.#mode) return;
    this.#enter(this.#wanted);
    if (this.#wanted !== 'take-over' || this.isOver) return;
    // Before the line is let go: who goes must not be brought together with the caller again.
    host.onTakeOver();
    // Whoever was told may have ended the call.
    if (!this.hasTakenOver) return;
    this.#tap(false);
    const { toCaller, toCallee } = this.#leg;
    line.connect({ source: toCaller, agent: undefined, onAudio: (frame) => toCallee.push(frame) });
  }

  #tap(isOn: boolean): void {
    this.#options.line.tap(isOn ? this.#ear : undefined);
    this.#options.host.onListening(isOn);
  }

  #enter(mode: SupervisionMode): void {
    this.#mode = mode;
    if (mode === 'take-over') this.#state = 'talking';
    this.#ear.whisper(mode === 'whisper');
    const atMs = this.#nowMs();
    const modes = this.#modesUntil(atMs);
    // Of one who changes all the time the last ones count no more.
    if (modes.length < modesMax) this.#note('mode', { modes: [...modes, { mode, fromMs: atMs, toMs: undefined }] });
    else this.#note('mode', { modes });
  }

  #over(change: Partial<SupervisionRecord>): void {
    if (this.#state === 'over') return;
    const wasCalling = this.#state === 'calling';
    this.#state = 'over';
    this.#release?.();
    this.#tap(false);
    const endedAtMs = this.#nowMs();
    this.#note(wasCalling ? 'decided' : 'over', { ...change, endedAtMs, modes: this.#modesUntil(endedAtMs) });
  }

  #modesUntil(atMs: number): SupervisionRecord['modes'] {
    return this.#record.modes.map((one) => ({ ...one, toMs: one.toMs ?? atMs }));
  }

  #note(change: SupervisionChange, changed: Partial<SupervisionRecord>): void {
    this.#record = { ...this.#record, ...changed };
    this.#options.host.onChange(change, this.#record);
  }

  #nowMs(): number {
    return this.#options.services.clock.wallTimeMs();
  }
}
