import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import { CallerWatch, type CallerWatchOptions } from './freeswitch-caller-watch';
import { Joint } from './freeswitch-joint';
import { offerAt, placeholderFor } from './freeswitch-offer';
import type { BridgedPair, FreeswitchPool } from './freeswitch-pool';
import { readSide, withDirection, withRtcpPort, type SideOfCall } from './freeswitch-sdp';
import type { FreeswitchServer } from './freeswitch-server';
import type {
  AudioSource,
  Digit,
  MediaFailure,
  MediaLeg,
  MediaLegFactory,
  MediaLegListener,
  MediaStats,
  OfferedCodec,
} from './media-leg';
import { MediaUnavailable } from './media-leg';

export interface FreeswitchLegFactoryOptions {
  pool: FreeswitchPool;
  /** Our RTP sockets, which face FreeSWITCH; their own media timeouts are switched off (`neverMs`). */
  ours: MediaLegFactory;
  clock: Clock;
  logger: Logger;
  /** As for a leg that faces the caller: 15 s. */
  mediaTimeoutMs?: number;
  /** 30 s. */
  firstMediaTimeoutMs?: number;
}

const defaultMediaTimeoutMs = 15_000;
const defaultFirstMediaTimeoutMs = 30_000;
const g711: readonly OfferedCodec[] = ['pcmu', 'pcma'];
/** A media timeout that no call lives to see. */
export const neverMs = Number.MAX_SAFE_INTEGER;

/** Legs with FreeSWITCH between the caller and our RTP socket. */
export function createFreeswitchLegFactory(options: FreeswitchLegFactoryOptions): MediaLegFactory {
  const { pool, ours, clock, logger } = options;
  const { mediaTimeoutMs = defaultMediaTimeoutMs, firstMediaTimeoutMs = defaultFirstMediaTimeoutMs } = options;
  return {
    async create({ callId, codecs, beside }) {
      if (!pool.taking) throw new MediaUnavailable('no FreeSWITCH takes calls');
      // Only the address that FreeSWITCH names is heard on our socket.
      const leg = await ours.create({ callId, signallingAddress: '' });
      const limits = { limitMs: mediaTimeoutMs, firstLimitMs: firstMediaTimeoutMs };
      const preferred = beside instanceof FreeswitchLeg ? beside.server : undefined;
      const parts = { pool, callId, ours: leg, clock, limits, preferred, codecs };
      return new FreeswitchLeg({ ...parts, logger: logger.child({ callId }) });
    },
  };
}

interface FreeswitchLegParts {
  pool: FreeswitchPool;
  callId: string;
  ours: MediaLeg;
  clock: Clock;
  limits: Pick<CallerWatchOptions, 'limitMs' | 'firstLimitMs'>;
  preferred: FreeswitchServer | undefined;
  codecs: readonly OfferedCodec[] | undefined;
  logger: Logger;
}

/**
 * FreeSWITCH negotiates with the caller (codecs, SRTP, its own NAT rules) and exchanges G.711 with our RTP socket, which
 * is an ordinary leg: jitter, pacing, keys and what was heard are its work, here as there.
 */
class FreeswitchLeg implements MediaLeg {
  readonly #pool: FreeswitchPool;
  readonly #callId: string;
  readonly #ours: MediaLeg;
  readonly #clock: Clock;
  readonly #limits: FreeswitchLegParts['limits'];
  readonly #preferred: FreeswitchServer | undefined;
  readonly #codecs: readonly OfferedCodec[];
  readonly #logger: Logger;
  readonly #joint: Joint;
  #watch: CallerWatch | undefined;
  #pair: BridgedPair | undefined;
  /** FreeSWITCH's last description for the caller. */
  #callerSdp = '';
  #answer: SideOfCall | undefined;
  /** What the caller's side last agreed to. */
  #side: SideOfCall | undefined;
  #listener: MediaLegListener | undefined;
  #failure: MediaFailure | undefined;
  #closed = false;

  constructor({ pool, callId, ours, clock, limits, preferred, codecs = g711, logger }: FreeswitchLegParts) {
    this.#pool = pool;
    this.#callId = callId;
    this.#ours = ours;
    this.#clock = clock;
    this.#limits = limits;
    this.#preferred = preferred;
    this.#codecs = codecs;
    this.#logger = logger;
    this.#joint = new Joint({
      clock,
      pair: () => (this.#closed ? undefined : this.#pair),
      canTakeKeys: () => this.#canTakeKeys,
      onDigit: (digit) => this.#listener?.onDigit(digit),
      onNeverHeard: (waitedMs) => this.#onNeverHeard(waitedMs),
      onFailure: (reason) => this.#onGone(reason),
    });
  }

  get rateHz(): MediaLeg['rateHz'] {
    return this.#ours.rateHz;
  }

  async answer(offer: string): Promise<string> {
    invariant(!this.#closed, 'a closed leg answers no offer');
    const side = readSide(offer);
    if (this.#pair !== undefined) return this.modify(offer);
    const pair = await this.#open(offer);
    this.#callerSdp = pair.caller.sdp;
    this.#answer = readSide(this.#callerSdp);
    await this.#follow(side, pair);
    this.#side = side;
    return this.#callerSdp;
  }

  async offer(): Promise<string> {
    invariant(!this.#closed, 'a closed leg makes no offer');
    if (this.#pair === undefined) {
      const { caller } = await this.#open(undefined);
      this.#callerSdp = offerAt(caller.sdp, this.#codecs);
    }
    return this.#callerSdp;
  }

  async acceptAnswer(answer: string): Promise<void> {
    await this.#negotiate(answer);
  }

  modify(offer: string): Promise<string> {
    return this.#negotiate(offer);
  }

  get onHold(): boolean {
    return this.#side?.holds === true;
  }

  start(listener: MediaLegListener, source: AudioSource): void {
    this.#listener = listener;
    this.#ours.start(
      {
        onAudio: (frame) => listener.onAudio(frame),
        onDigit: (digit) => listener.onDigit(digit),
        onFailure: (failure) => this.#fail(failure),
      },
      primed(source),
    );
    this.#watch = new CallerWatch({
      clock: this.#clock,
      ...this.#limits,
      ourPackets: () => this.#ours.stats.packetsReceived,
      callerPackets: () => this.#callerPackets(),
      rouse: () => this.#pair?.caller.rouse(),
      expectsMedia: () => this.#side === undefined || expectsMedia(this.#side),
      onSilent: (silentMs) => this.#fail({ kind: 'media-timeout', silentMs }),
    });
    // It may have come before anybody listened.
    if (this.#failure !== undefined) listener.onFailure(this.#failure);
  }

  sendDigit(digit: Digit, durationMs: number): boolean {
    if (this.#closed || !this.#canTakeKeys) return false;
    return this.#joint.isJoined ? this.#joint.sendKey(digit, durationMs) : this.#ours.sendDigit(digit, durationMs);
  }

  /** Where its channels are; undefined before they are made. */
  get server(): FreeswitchServer | undefined {
    return this.#pair?.server;
  }

  join(other: MediaLeg): Promise<boolean> {
    return other instanceof FreeswitchLeg ? this.#joint.join(other.#joint) : Promise.resolve(false);
  }

  part(): Promise<void> {
    return this.#joint.part();
  }

  /** Of our side of FreeSWITCH; the codec is the caller's. */
  get stats(): Readonly<MediaStats> {
    const { digits, ...stats } = this.#ours.stats;
    return { ...stats, codec: this.#answer?.codec, digits: digits + this.#joint.digits };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener = undefined;
    this.#joint.close();
    this.#watch?.end();
    this.#ours.close();
    this.#pair?.caller.close();
    this.#pair?.ours.close();
  }

  /** FreeSWITCH's own configuration has `rtp_liberal_dtmf`: it answers with telephone-event that was not offered, too. */
  get #canTakeKeys(): boolean {
    return this.#side?.canTakeKeys === true && this.#answer?.canTakeKeys === true;
  }

  async #open(callerOffer: string | undefined): Promise<BridgedPair> {
    const ourOffer = await this.#ours.offer();
    const pair = await this.#pool.openPair({
      callId: this.#callId,
      callerOffer: callerOffer === undefined ? placeholderFor(ourOffer) : withRtcpPort(callerOffer),
      ourOffer,
      preferred: this.#preferred,
    });
    if (this.#closed) {
      pair.caller.close();
      pair.ours.close();
      throw new MediaUnavailable('the call ended while its channels were made');
    }
    this.#pair = pair;
    for (const end of [pair.caller, pair.ours]) end.onGone((reason) => this.#onGone(reason));
    pair.caller.onKey((key) => this.#joint.onKey(key));
    pair.caller.onReport(() => this.#watch?.heardReport());
    await this.#ours.acceptAnswer(pair.ours.sdp);
    this.#logger.debug({ caller: pair.caller.uuid, ours: pair.ours.uuid }, 'FreeSWITCH bridged');
    return pair;
  }

  /** What the caller now wants goes to FreeSWITCH as a re-INVITE; when it refuses, nothing has changed. */
  async #negotiate(sdp: string): Promise<string> {
    const pair = this.#pair;
    invariant(!this.#closed && pair !== undefined, 'a leg without channels takes no SDP');
    const side = readSide(sdp);
    const before = this.#side;
    // FreeSWITCH is deaf from its reading of a hold on, and answers later: what we played meanwhile would be lost, and
    // count as heard.
    if (side.holds) await this.#follow(side, pair);
    try {
      this.#callerSdp = await pair.caller.reinvite(sdp);
      this.#answer = readSide(this.#callerSdp);
    } catch (cause) {
      if (before !== undefined) await this.#follow(before, pair);
      throw cause;
    }
    await this.#follow(side, pair);
    this.#side = side;
    return this.#callerSdp;
  }

  /** Our socket does as the caller's side says: silent on hold. FreeSWITCH's own description does not change. */
  async #follow({ direction, holds }: SideOfCall, pair: BridgedPair): Promise<void> {
    if (this.#closed) return;
    const wanted = holds && direction === 'sendrecv' ? 'sendonly' : direction;
    await this.#ours.modify(withDirection(pair.ours.sdp, wanted));
  }

  #callerPackets(): Promise<number> {
    // On time for what comes until the caller is given up.
    this.#pair?.caller.expectReport();
    return this.#pair?.caller.packetsReceived() ?? Promise.resolve(0);
  }

  #onNeverHeard(waitedMs: number): void {
    if (this.#pair === undefined) return;
    const { server, caller } = this.#pair;
    server.stats.joinsGivenUp += 1;
    this.#logger.warn(
      { channel: caller.uuid, waitedMs },
      'a far side sent nothing: no join inside FreeSWITCH, audio goes on through us',
    );
  }

  #onGone(reason: string): void {
    this.#fail({ kind: 'media-error', message: reason });
  }

  #fail(failure: MediaFailure): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#failure = failure;
    this.#logger.warn({ failure }, 'media through FreeSWITCH failed');
    try {
      this.#listener?.onFailure(failure);
    } catch (cause) {
      this.#logger.error({ error: messageOf(cause) }, 'a media listener failed');
    }
  }
}

/** FreeSWITCH throws away what comes while it begins to bridge: silence, and not the agent's first word. */
function primed(source: AudioSource): AudioSource {
  let left = primingFrames;
  return {
    pull(frame) {
      if (left === 0) {
        source.pull(frame);
        return;
      }
      left -= 1;
      frame.fill(0);
    },
  };
}

const primingFrames = 3;

/** Whether the writer's silence means that something is wrong. */
function expectsMedia({ direction, holds }: SideOfCall): boolean {
  return !holds && direction === 'sendrecv';
}
