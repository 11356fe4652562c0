/** What a caller asked for, read once from the INVITE. Untrusted text, length-capped, no control characters. */
export interface CallerInfo {
  /** SIP Call-ID. */
  readonly sipCallId: string;
  /** User part of the Request-URI: the number that was dialled. */
  readonly to: string;
  /** User part of From, or `anonymous`. */
  readonly from: string;
  /** Display name of From, or an empty string. */
  readonly fromName: string;
  /** Where the INVITE came from. */
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** `udp`, `tcp` or `tls`. */
  readonly transport: string;
  /** First value of a header, any case; undefined when absent or malformed. */
  header(name: string): string | undefined;
}

/** How the caller's side ended. */
export type CallerHangUp =
  /** BYE from the caller. */
  | { kind: 'bye'; reason: string | undefined }
  /** CANCEL before the final answer. */
  | { kind: 'cancel' }
  /** No ACK for our 200, or a session timer ran out: the server sent the BYE itself. */
  | { kind: 'lost'; reason: string | undefined }
  /** The link to the SIP server broke, before the call was talked on or with a server that ends its calls then. */
  | { kind: 'server-gone' };

/** A reply to a re-INVITE's offer. */
export type OfferReply = { sdp: string } | { status: number };

/** What the caller's side tells the call. Must not throw. */
export interface CallerLegListener {
  /** Told at most once; the leg is over. */
  onHangUp(how: CallerHangUp): void;
  /**
   * The SIP server can no longer be reached, or was away: the caller still hears us, but nothing of what it signals comes
   * here any more, its BYE included. Its end shows in the media. Not told twice.
   */
  onServerLost?(): void;
  /** A re-INVITE (or UPDATE). Without SDP, `offer` is undefined and the reply's SDP is our offer. */
  onOffer(offer: string | undefined): Promise<OfferReply>;
  /** The SDP answer in the ACK of a re-INVITE that came without an offer. */
  onAnswer(answer: string): void;
  /** INFO with `application/dtmf-relay` or `application/dtmf`: one key, already upper-case. */
  onDigit(digit: string): void;
}

/** What becomes of a caller who was asked to call somebody else (RFC 3515). */
export type ReferProgress =
  /** 202: the caller's side will try. */
  | { kind: 'accepted' }
  /** The REFER itself was refused; 408 when nothing answered it. */
  | { kind: 'refused'; status: number }
  /** A NOTIFY: how far the caller's new call is, a SIP status of 100 or above; 200 and above is the last. */
  | { kind: 'status'; status: number }
  /** The caller's side will tell nothing more, and never told how it went. */
  | { kind: 'ended' };

/** Nothing more can be done with this leg: the caller cancelled, or the dialog is gone. */
export class LegGone extends Error {
  override readonly name = 'LegGone';
}

/**
 * One inbound INVITE, until the end of its dialog. It carries SDP as text and knows no audio.
 *
 * Order: `listen` at once; `ring` any number of times; one of `answer` and `reject`; `hangUp`.
 */
export interface CallerLeg {
  readonly info: CallerInfo;
  /** The SDP offer of the INVITE, undefined for a late offer. */
  readonly offer: string | undefined;
  listen(listener: CallerLegListener): void;
  /** 180 Ringing. Does nothing when the leg is over. */
  ring(): void;
  /**
   * 200 OK with `sdp`, which is our answer, or our offer when the INVITE had none. Resolves when the caller's ACK has
   * come, with the SDP it carried (undefined when none). Rejects with `LegGone`.
   */
  answer(sdp: string): Promise<string | undefined>;
  /** A final answer of 300 or above; a 503 says when to try again. Does nothing when the leg is over. */
  reject(status: number, options?: { reason?: string; headers?: Record<string, string> }): void;
  /**
   * REFER: the caller is asked to call `uri` instead, and `onProgress` hears what becomes of it until the leg is over or
   * another REFER follows. Only in an answered call; otherwise it is told as refused with 481.
   */
  refer(uri: string, onProgress: (progress: ReferProgress) => void): void;
  /** INFO; resolves with the status of its answer. Rejects with `LegGone` when the call is over or not yet answered. */
  sendInfo(contentType: string, body: string): Promise<number>;
  /** BYE when answered, else a rejection with 480. Does not wait for the far side. Twice is fine. */
  hangUp(options?: { reason?: string }): void;
}

/** A new call, handed over before any final answer was sent. */
export type CallHandler = (leg: CallerLeg) => void;
