import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import type { MediaLeg } from '../media/media-leg';
import type { CallerLeg } from '../signalling/caller-leg';
import type { CallEvent } from './call-observer';
import type { CallerLine } from './caller-line';
import { DirectMedia } from './direct-media';
import { endOfTalk, type EndReason } from './end-reason';
import type { Prompts } from './prompts';
import type { SecondLeg } from './second-leg';
import { tellKey } from './tell-key';
import { Transfer, type CallDestinations, type TransferServices } from './transfer';
import type { TransferAttempt, TransferFailure } from './transfer-outcome';

/** Who asked for a transfer. One of the two is called, once; neither when the call ends before. */
export interface TransferRequester {
  onJoined(): void;
  onFailed(failure: TransferFailure): void;
}

export interface TransfersOptions {
  services: TransferServices;
  prompts: Prompts;
  callId: string;
  leg: CallerLeg;
  media: MediaLeg;
  line: CallerLine;
  destinations: CallDestinations;
  host: {
    emit(event: CallEvent): void;
    end(reason: EndReason): void;
  };
}

/** On one call's record. */
const attemptsMax = 50;

/** The transfers of one call, one at a time, and what the caller hears meanwhile. */
export class Transfers {
  readonly #options: TransfersOptions;
  #current: Transfer | undefined;
  #direct: DirectMedia | undefined;
  #endHold: (() => void) | undefined;
  #isListenedIn = false;
  #endListening: (() => void) | undefined;
  #attempts: readonly TransferAttempt[] = [];
  #closed = false;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** Of the call so far, in order. */
  get attempts(): readonly TransferAttempt[] {
    return this.#attempts;
  }

  /** From the beginning of a transfer until it failed or the call is over. */
  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  /** The caller talks to a destination. */
  get isJoined(): boolean {
    return this.#current?.isJoined === true;
  }

  /** Sends the caller to a destination of the plan. Whether it may was decided before; at most one at a time. */
  begin(name: string, requester: TransferRequester, { isAnswered }: { isAnswered: boolean }): void {
    if (this.#closed || this.#current !== undefined) return;
    const { services, callId, leg, media, line, destinations, host } = this.#options;
    const transfer = new Transfer({
      services,
      callId,
      leg,
      media,
      canRefer: isAnswered,
      destinations,
      host: {
        onAttempt: (attempt) => this.#note(attempt),
        onTrying: ({ waiting }) => line.fillSilence(this.#sound(waiting, media.rateHz)),
        onEarlyAudio: (second) => this.#hearEarly(second),
        onJoined: (second) => {
          line.fillSilence(undefined);
          line.connect({ source: second.toCaller, agent: undefined, onAudio: (frame) => second.toCallee.push(frame) });
          this.#direct = this.#goDirect(second);
          requester.onJoined();
        },
        onReferred: (destination) => host.end({ kind: 'transferred', destination }),
        onFailed: (failure) => {
          this.#current = undefined;
          line.fillSilence(undefined);
          line.connectAgain();
          requester.onFailed(failure);
        },
        onEnded: (destination, failure) => host.end(endOfTalk(destination, failure)),
        onDigit: (digit) => tellKey({ media, leg }, digit),
        onHold: (isOnHold) => this.#holdCaller(isOnHold),
      },
    });
    this.#current = transfer;
    transfer.begin(name);
  }

  /** A key of the caller; false when it is not for a destination. */
  onDigit(digit: string): boolean {
    if (!this.isJoined) return false;
    this.#current?.sendDigit(digit);
    return true;
  }

  /** How the two who were joined talk; undefined before. */
  get direct(): DirectMedia | undefined {
    return this.#direct;
  }

  /** Somebody listens in, or does no longer: meanwhile nobody talks past us. */
  listenedIn(isOn: boolean): void {
    this.#isListenedIn = isOn;
    this.#endListening?.();
    this.#endListening = isOn ? this.#direct?.keepHere() : undefined;
  }

  /** The call goes on without the transfer that is under way. */
  cancel(): void {
    const { line } = this.#options;
    this.#direct?.end();
    this.#direct = undefined;
    this.#current?.close('cancelled', { callerLeft: false });
    this.#current = undefined;
    line.fillSilence(undefined);
    line.connectAgain();
  }

  /** The call is over; `callerLeft` by a BYE of the caller's side. Twice is fine. */
  close(reason: string, how: { callerLeft: boolean }): void {
    this.#closed = true;
    this.#direct?.end();
    this.#current?.close(reason, how);
    this.#current = undefined;
  }

  #sound(name: 'music' | 'ringing', rateHz: SampleRateHz): PcmFrame {
    return this.#options.prompts[name === 'music' ? 'hold-music' : 'ringing'][rateHz];
  }

  #goDirect({ media: callee }: SecondLeg): DirectMedia | undefined {
    const { media: caller, services } = this.#options;
    if (callee === undefined) return undefined;
    const direct = new DirectMedia({ caller, callee, logger: services.logger });
    if (this.#isListenedIn) this.#endListening = direct.keepHere();
    direct.begin();
    return direct;
  }

  /** What the destination's side plays on hold is heard; when it plays nothing, our music is. */
  #holdCaller(isOnHold: boolean): void {
    const { line, media, services } = this.#options;
    services.logger.info({}, isOnHold ? 'the destination holds the caller' : 'the destination is back');
    this.#endHold?.();
    this.#endHold = isOnHold ? this.#direct?.keepHere() : undefined;
    line.fillSilence(isOnHold ? this.#sound('music', media.rateHz) : undefined);
  }

  #hearEarly({ toCaller }: SecondLeg): void {
    const { line } = this.#options;
    line.fillSilence(undefined);
    // Until the answer nothing of the caller goes over.
    line.hear(toCaller);
  }

  #note(attempt: TransferAttempt): void {
    const at = this.#attempts.findIndex(
      (one) =>
        one.startedAtMs === attempt.startedAtMs &&
        one.destination === attempt.destination &&
        one.endedAtMs === undefined,
    );
    if (at >= 0) this.#attempts = this.#attempts.with(at, attempt);
    else if (this.#attempts.length < attemptsMax) this.#attempts = [...this.#attempts, attempt];
    this.#options.host.emit({ kind: 'transfer', ...attempt });
  }
}
