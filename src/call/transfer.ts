import type { Destination } from '../dialplan/destination';
import type { Dialling } from '../dialplan/dial';
import type { MediaFailure, MediaLeg, MediaLegFactory } from '../media/media-leg';
import { unreachable } from '../runtime/invariant';
import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { PlaceCall } from '../signalling/callee-leg';
import type { CallerLeg } from '../signalling/caller-leg';
import type { DestinationLimits } from './destination-limits';
import { Referral } from './referral';
import { SecondLeg } from './second-leg';
import { fallbackFor, type TransferAttempt, type TransferFailure, type TransferOutcome } from './transfer-outcome';

/** What every transfer needs from the outside. */
export interface TransferServices {
  clock: Clock;
  logger: Logger;
  media: MediaLegFactory;
  placeCall: PlaceCall;
  destinationLimits: DestinationLimits;
}

/** What the plan says about the destinations of one call. */
export interface CallDestinations {
  readonly named: ReadonlyMap<string, Destination>;
  /** How one is called on behalf of this call. */
  dial(destination: Destination): Dialling;
}

export interface TransferHost {
  /** An attempt has begun, was decided or is over. */
  onAttempt(attempt: TransferAttempt): void;
  onTrying(destination: Destination): void;
  /** The destination's own sounds are heard from now on. */
  onEarlyAudio(leg: SecondLeg): void;
  onJoined(leg: SecondLeg): void;
  onReferred(destination: string): void;
  /** Nobody in the chain was reached. */
  onFailed(failure: TransferFailure): void;
  /** After `onJoined`: the destination is gone; `failure`: its media failed. */
  onEnded(destination: string, failure?: MediaFailure): void;
  onDigit(digit: string): void;
  /** After `onJoined`: the destination has put the caller on hold, or is back. */
  onHold(isOnHold: boolean): void;
}

export interface TransferOptions {
  services: TransferServices;
  callId: string;
  /** Of the caller. */
  media: MediaLeg;
  leg: CallerLeg;
  /** False before the caller is answered: a REFER needs a call. */
  canRefer: boolean;
  destinations: CallDestinations;
  host: TransferHost;
}

/** The checker refuses circles; this bounds what a caller waits for. */
const chainMax = 8;

//  state      answered           failed or limits          REFER came through   caller or call ends   destination ends
//  ---------  -----------------  ------------------------  -------------------  --------------------  ----------------
//  dialling   joined             the next one, else over   -                    over (CANCEL)         the next one
//  referring  -                  the next one, else over   over                 over (*)              -
//  joined     -                  -                         -                    over (BYE)            over
//  (*) a BYE of a caller's side that had accepted the REFER: it has gone where it was sent
type State =
  | { kind: 'dialling'; leg: SecondLeg }
  | { kind: 'referring'; referral: Referral }
  | { kind: 'joined'; leg: SecondLeg }
  | { kind: 'over' };

/** One transfer: a destination by its name, and those that the plan has for when it is not reached. */
export class Transfer {
  readonly #options: TransferOptions;
  #state: State = { kind: 'over' };
  #attempt: TransferAttempt | undefined;
  #release: (() => void) | undefined;
  readonly #tried = new Set<string>();

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  get isJoined(): boolean {
    return this.#state.kind === 'joined';
  }

  /** Tries a destination. What comes of it may be told before this returns. */
  begin(name: string): void {
    const destination = this.#options.destinations.named.get(name);
    if (destination === undefined || this.#tried.has(name) || this.#tried.size >= chainMax) {
      this.#options.host.onFailed('failed');
      return;
    }
    this.#tried.add(name);
    const { services, host } = this.#options;
    this.#attempt = {
      destination: name,
      method: destination.method,
      outcome: undefined,
      detail: undefined,
      startedAtMs: services.clock.wallTimeMs(),
      decidedAtMs: undefined,
      endedAtMs: undefined,
    };
    this.#release = services.destinationLimits.take(name, destination.limits);
    host.onAttempt(this.#attempt);
    if (this.#release === undefined) {
      this.#next(destination, 'refused', 'the limits of the destination');
      return;
    }
    host.onTrying(destination);
    if (destination.method === 'refer' && this.#options.canRefer) this.#refer(destination);
    else if (destination.method === 'refer') this.#next(destination, 'failed', 'the call is not answered yet');
    else this.#bridge(destination);
  }

  /** A key of the caller, once the two talk. */
  sendDigit(digit: string): void {
    if (this.#state.kind === 'joined') this.#state.leg.sendDigit(digit);
  }

  /**
   * The call is over, or goes on without: whatever is under way is taken back. Nothing more is told. Twice is fine.
   *
   * `callerLeft`: by a BYE. A REFER ends no call (RFC 3515), so that somebody has to, and some that accept one go at once
   * instead of telling how it went: they count as sent on, although nobody knows whether they arrived.
   */
  close(reason: string, { callerLeft }: { callerLeft: boolean }): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    switch (state.kind) {
      case 'dialling':
        state.leg.hangUp(reason);
        this.#decide('cancelled', undefined);
        return;
      case 'referring':
        if (callerLeft && state.referral.isAccepted) this.#decide('referred', 'BYE after accepting');
        else this.#decide('cancelled', undefined);
        state.referral.cancel();
        return;
      case 'joined':
        state.leg.hangUp(reason);
        this.#end();
        return;
      case 'over':
        return;
      default:
        unreachable(state);
    }
  }

  #bridge(destination: Destination): void {
    const { services, callId, media: beside, destinations, host } = this.#options;
    const { logger, media, placeCall } = services;
    const leg: SecondLeg = new SecondLeg({
      callId: `${callId}/${destination.name}`,
      dialling: destinations.dial(destination),
      callerRateHz: beside.rateHz,
      beside,
      media,
      placeCall,
      logger,
      listener: {
        onRinging: () => undefined,
        onEarlyAudio: () => host.onEarlyAudio(leg),
        onAnswered: () => this.#joined(leg),
        onFailed: (failure, detail) => this.#next(destination, failure, detail),
        onEnded: (why, cause) => this.#ended(destination.name, why, cause),
        onDigit: (digit) => host.onDigit(digit),
        onHold: (isOnHold) => host.onHold(isOnHold),
      },
    });
    this.#state = { kind: 'dialling', leg };
    void leg.begin();
  }

  #refer(destination: Destination): void {
    const { services, leg, destinations, host } = this.#options;
    const { uri, ringLimitMs } = destinations.dial(destination);
    const referral = new Referral({
      clock: services.clock,
      leg,
      uri,
      ringLimitMs,
      listener: {
        onRinging: () => undefined,
        onReached: () => {
          this.#state = { kind: 'over' };
          this.#decide('referred', undefined);
          host.onReferred(destination.name);
        },
        onFailed: (failure, detail) => this.#next(destination, failure, detail),
      },
    });
    this.#state = { kind: 'referring', referral };
  }

  #joined(leg: SecondLeg): void {
    this.#state = { kind: 'joined', leg };
    if (this.#attempt !== undefined) {
      this.#attempt = { ...this.#attempt, outcome: 'joined', decidedAtMs: this.#nowMs() };
      this.#options.host.onAttempt(this.#attempt);
    }
    this.#options.host.onJoined(leg);
  }

  #next(destination: Destination, failure: TransferFailure, detail: string | undefined): void {
    this.#state = { kind: 'over' };
    this.#decide(failure, detail);
    const next = fallbackFor(failure, destination.otherwise);
    if (next === undefined || this.#tried.has(next)) this.#options.host.onFailed(failure);
    else this.begin(next);
  }

  #ended(destination: string, why: string, failure: MediaFailure | undefined): void {
    this.#state = { kind: 'over' };
    if (this.#attempt !== undefined) this.#attempt = { ...this.#attempt, detail: why };
    this.#end();
    this.#options.host.onEnded(destination, failure);
  }

  /** The attempt came to this, and is over with it. */
  #decide(outcome: TransferOutcome, detail: string | undefined): void {
    if (this.#attempt !== undefined) {
      this.#attempt = { ...this.#attempt, outcome, detail, decidedAtMs: this.#nowMs() };
    }
    this.#end();
  }

  #end(): void {
    this.#release?.();
    this.#release = undefined;
    if (this.#attempt === undefined) return;
    const attempt = { ...this.#attempt, endedAtMs: this.#nowMs() };
    this.#attempt = undefined;
    this.#options.host.onAttempt(attempt);
  }

  #nowMs(): number {
    return this.#options.services.clock.wallTimeMs();
  }
}
