import type { PcmFrame, SampleRateHz } from '../audio/pcm';
import type { Dialling } from '../dialplan/dial';
import type { Digit, MediaFailure, MediaLeg, MediaLegFactory, MediaStats } from '../media/media-leg';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { CalleeLeg, OutboundCallListener, PlaceCall } from '../signalling/callee-leg';
import type { OfferReply } from '../signalling/caller-leg';
import { isAudible } from './caller-line';
import { RelayQueue, type RelayStats } from './relay-queue';
import { failureOf, type TransferFailure } from './transfer-outcome';

/** What the second leg tells. Each of `onAnswered` and `onFailed` at most once, and `onEnded` only after `onAnswered`. */
export interface SecondLegListener {
  onRinging(): void;
  /** The destination's side is heard before it answers: an announcement, or a ringing tone of its own. */
  onEarlyAudio(): void;
  /** Its media is up. */
  onAnswered(): void;
  onFailed(failure: TransferFailure, detail: string | undefined): void;
  /** `failure`: its media failed. */
  onEnded(why: string, failure?: MediaFailure): void;
  onDigit(digit: string): void;
  /** It has put us on hold, or is back. */
  onHold?(isOnHold: boolean): void;
}

export interface SecondLegOptions {
  /** Of this leg, for its media. */
  callId: string;
  dialling: Dialling;
  callerRateHz: SampleRateHz;
  /** The leg of the caller, beside which the media of this one is made: so the two can be joined. */
  beside?: MediaLeg;
  media: MediaLegFactory;
  placeCall: PlaceCall;
  logger: Logger;
  listener: SecondLegListener;
}

const digitMs = 160;

//  preparing ─▶ calling ─▶ joining ─▶ joined ─▶ over      any state may go to over
type State = 'preparing' | 'calling' | 'joining' | 'joined' | 'over';

/** The call that we place on behalf of a caller, with its own media, until either side ends it. */
export class SecondLeg {
  #toCaller: RelayQueue;
  #toCallee: RelayQueue;
  readonly #options: SecondLegOptions;
  #state: State = 'preparing';
  #media: MediaLeg | undefined;
  #callee: CalleeLeg | undefined;
  #isHeard = false;
  #mediaStarted = false;

  constructor(options: SecondLegOptions) {
    this.#options = options;
    [this.#toCaller, this.#toCallee] = this.#queuesFor(8_000);
  }

  /** What the caller hears of it, once its media has started. */
  get toCaller(): RelayQueue {
    return this.#toCaller;
  }

  /** Where the caller's audio goes. */
  get toCallee(): RelayQueue {
    return this.#toCallee;
  }

  /** Undefined until it is made. */
  get media(): MediaLeg | undefined {
    return this.#media;
  }

  get stats(): Readonly<MediaStats> | undefined {
    return this.#media?.stats;
  }

  get relay(): { toCaller: Readonly<RelayStats>; toCallee: Readonly<RelayStats> } {
    return { toCaller: this.#toCaller.stats, toCallee: this.#toCallee.stats };
  }

  /** Places the call. Never rejects: what goes wrong is told to the listener. */
  async begin(): Promise<void> {
    const { callId, dialling, media: factory, placeCall, beside } = this.#options;
    try {
      const { codecs } = dialling;
      const signallingAddress = hostOf(dialling.proxy ?? dialling.uri);
      const media = await factory.create({ callId, signallingAddress, codecs, beside });
      if (this.#isOver()) {
        media.close();
        return;
      }
      this.#media = media;
      const sdp = await media.offer();
      if (this.#isOver()) return;
      this.#state = 'calling';
      const { uri, proxy, from, headers, ringLimitMs: timeoutMs } = dialling;
      const options = { uri, sdp, from, headers: { ...headers }, timeoutMs, ...(proxy !== undefined && { proxy }) };
      this.#callee = placeCall(options, this.#calleeListener());
    } catch (cause) {
      this.#fail('failed', messageOf(cause));
    }
  }

  /** A key of the caller. */
  sendDigit(digit: string): void {
    if (this.#state !== 'joined' || !/^[0-9*#A-D]$/.test(digit)) return;
    if (this.#media?.sendDigit(digit as Digit, digitMs) === true) return;
    this.#callee
      ?.sendInfo('application/dtmf-relay', `Signal=${digit}\r\nDuration=${digitMs}\r\n`)
      .catch(() => undefined);
  }

  /** CANCEL or BYE, whichever it needs; the listener hears nothing more. Twice is fine. */
  hangUp(reason: string): void {
    if (this.#isOver()) return;
    this.#state = 'over';
    this.#callee?.hangUp({ reason });
    this.#media?.close();
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #calleeListener(): OutboundCallListener {
    const { listener } = this.#options;
    return {
      onProvisional: (status, sdp) => this.#onProvisional(status, sdp),
      onAnswered: (sdp) => void this.#join(sdp),
      onFailed: (cause) => {
        const { failure, detail } = failureOf(cause);
        this.#fail(failure, detail);
      },
      onHangUp: (how) => this.#ended(how.kind === 'bye' ? 'hung up' : how.kind),
      onOffer: (offer) => this.#answerOffer(offer),
      onAnswer: (answer) => void this.#takeAnswer(answer),
      onDigit: (digit) => {
        if (this.#state === 'joined') listener.onDigit(digit);
      },
    };
  }

  #onProvisional(status: number, sdp: string | undefined): void {
    if (this.#state !== 'calling') return;
    if (status >= 180) this.#options.listener.onRinging();
    if (sdp !== undefined) void this.#takeEarlyMedia(sdp);
  }

  async #takeEarlyMedia(sdp: string): Promise<void> {
    try {
      await this.#media?.acceptAnswer(sdp);
      if (this.#state === 'calling') this.#startMedia();
    } catch (cause) {
      // The final answer brings its own.
      this.#options.logger.debug({ error: messageOf(cause) }, 'early media cannot be used');
    }
  }

  async #join(sdp: string): Promise<void> {
    if (this.#isOver()) return;
    this.#state = 'joining';
    try {
      await this.#media?.acceptAnswer(sdp);
    } catch (cause) {
      this.#callee?.hangUp({ reason: 'no common audio' });
      this.#fail('failed', messageOf(cause));
      return;
    }
    if (this.#isOver()) return;
    this.#state = 'joined';
    this.#startMedia();
    this.#options.listener.onAnswered();
  }

  /** The rate of the destination is known by now. */
  #startMedia(): void {
    const media = this.#media;
    if (media === undefined || this.#mediaStarted) return;
    this.#mediaStarted = true;
    [this.#toCaller, this.#toCallee] = this.#queuesFor(media.rateHz);
    media.start(
      {
        onAudio: (frame) => this.#onAudio(frame),
        onDigit: (digit) => this.#options.listener.onDigit(digit),
        onFailure: (failure) => this.#mediaFailed(failure),
      },
      this.#toCallee,
    );
  }

  #queuesFor(calleeHz: SampleRateHz): [toCaller: RelayQueue, toCallee: RelayQueue] {
    const { callerRateHz: callerHz } = this.#options;
    const toCaller = new RelayQueue({ fromHz: calleeHz, toHz: callerHz });
    return [toCaller, new RelayQueue({ fromHz: callerHz, toHz: calleeHz })];
  }

  #mediaFailed(failure: MediaFailure): void {
    if (this.#isOver()) return;
    const { kind } = failure;
    this.#callee?.hangUp({ reason: kind });
    if (this.#state === 'joined') this.#ended(kind, failure);
    else this.#fail('failed', kind);
  }

  #onAudio(frame: PcmFrame): void {
    this.#toCaller.push(frame);
    if (this.#state !== 'calling' || this.#isHeard || !isAudible(frame)) return;
    this.#isHeard = true;
    this.#options.listener.onEarlyAudio();
  }

  async #answerOffer(offer: string | undefined): Promise<OfferReply> {
    const media = this.#media;
    if (media === undefined || this.#isOver()) return { status: 481 };
    const wasOnHold = media.onHold;
    try {
      const sdp = await (offer === undefined ? media.offer() : media.modify(offer));
      this.#tellHold(wasOnHold);
      return { sdp };
    } catch (cause) {
      this.#options.logger.warn({ error: messageOf(cause) }, 'the destination asked for media that cannot be had');
      return { status: 488 };
    }
  }

  async #takeAnswer(answer: string): Promise<void> {
    const wasOnHold = this.#media?.onHold === true;
    try {
      await this.#media?.acceptAnswer(answer);
      this.#tellHold(wasOnHold);
    } catch (cause) {
      this.#options.logger.warn({ error: messageOf(cause) }, 'the answer of the destination cannot be used');
    }
  }

  #tellHold(wasOnHold: boolean): void {
    const isOnHold = this.#media?.onHold === true;
    if (this.#state === 'joined' && isOnHold !== wasOnHold) this.#options.listener.onHold?.(isOnHold);
  }

  #fail(failure: TransferFailure, detail: string | undefined): void {
    if (this.#isOver()) return;
    this.#state = 'over';
    this.#media?.close();
    this.#options.listener.onFailed(failure, detail);
  }

  #ended(why: string, failure?: MediaFailure): void {
    if (this.#isOver()) return;
    const wasJoined = this.#state === 'joined';
    this.#state = 'over';
    this.#media?.close();
    if (wasJoined) this.#options.listener.onEnded(why, failure);
    // The BYE overtook the end of our own preparations.
    else this.#options.listener.onFailed('failed', why);
  }
}

/** Media of a destination may be sent where its SIP goes. */
function hostOf(uri: string): string {
  return /^sips?:(?:[^@]*@)?\[?([0-9A-Fa-f:.]+?)\]?(?::\d+)?(?:;.*)?$/.exec(uri)?.[1] ?? '';
}
