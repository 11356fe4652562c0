import type { Digit, MediaLeg } from '../media/media-leg';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { OfferReply } from '../signalling/caller-leg';
import type { EndReason } from './end-reason';

export interface CallerMediaHost {
  isEnding(): boolean;
  end(reason: EndReason): void;
  /** The caller has put us on hold, or is back. */
  onHold(isOnHold: boolean): void;
}

/** As long as people press a key. */
const sentKeyMs = 120;

/** The caller's media, once there is a leg: what the caller's side and we agree on about it while the call goes on. */
export class CallerMedia {
  readonly #logger: Logger;
  readonly #host: CallerMediaHost;
  #leg: MediaLeg | undefined;

  constructor({ logger, host }: { logger: Logger; host: CallerMediaHost }) {
    this.#logger = logger;
    this.#host = host;
  }

  /** Owns the leg from now on. */
  adopt(leg: MediaLeg): void {
    this.#leg = leg;
    if (this.#host.isEnding()) leg.close();
  }

  get stats(): MediaLeg['stats'] | undefined {
    return this.#leg?.stats;
  }

  /** A re-INVITE of the caller; undefined when we are to make the offer. Never rejects. */
  async onOffer(offer: string | undefined): Promise<OfferReply> {
    const leg = this.#leg;
    if (leg === undefined || this.#host.isEnding()) return { status: 481 };
    try {
      const sdp = await (offer === undefined ? leg.offer() : leg.modify(offer));
      this.#host.onHold(leg.onHold);
      return { sdp };
    } catch (cause) {
      this.#logger.warn({ error: messageOf(cause) }, 'the caller asked for media that cannot be had');
      return { status: cause instanceof Error && 'status' in cause && cause.status === 400 ? 400 : 488 };
    }
  }

  /** The caller's answer to an offer of ours: one that cannot be used ends the call. */
  onAnswer(answer: string): void {
    const leg = this.#leg;
    if (leg === undefined) return;
    leg.acceptAnswer(answer).then(
      () => this.#host.onHold(leg.onHold),
      (cause: unknown) => {
        this.#logger.warn({ error: messageOf(cause) }, 'the answer to our offer cannot be used');
        this.#host.end({ kind: 'bad-offer', status: 488, message: messageOf(cause) });
      },
    );
  }

  /** Presses keys on the caller's side; false where telephone-event was not agreed on, or too many wait. */
  sendDigits(keys: string): boolean {
    const leg = this.#leg;
    return leg !== undefined && keys.split('').every((key) => leg.sendDigit(key as Digit, sentKeyMs));
  }

  /** Twice is fine. */
  close(): void {
    this.#leg?.close();
  }
}
