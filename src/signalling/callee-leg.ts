import type { OfferReply } from './caller-leg';

/** Why a call was never talked on. */
export type OutboundFailure =
  /** A final answer of 300 or above; 408 and 503 also come from our own SIP server when nobody answers it. */
  | { kind: 'rejected'; status: number; reason: string }
  /** No final answer in time: the INVITE was cancelled. */
  | { kind: 'timeout' }
  /** The 200 had no SDP answer: it got its ACK and a BYE. */
  | { kind: 'no-sdp' }
  /** The SIP server would not send it. */
  | { kind: 'not-sent'; message: string }
  | { kind: 'server-gone' };

/** How a call that was talked on ended, other than by our `hangUp`. */
export type OutboundHangUp = { kind: 'bye' | 'lost'; reason: string | undefined } | { kind: 'server-gone' };

/** What the far side does. Called synchronously, must not throw. */
export interface OutboundCallListener {
  /** 180, 183 ...; `sdp` when it carries early media. */
  onProvisional(status: number, sdp: string | undefined): void;
  onAnswered(sdp: string): void;
  /** Told at most once, instead of `onAnswered`. */
  onFailed(failure: OutboundFailure): void;
  /** Told at most once, after `onAnswered`. */
  onHangUp(how: OutboundHangUp): void;
  /** A re-INVITE (or UPDATE). Without SDP, `offer` is undefined and the reply's SDP is our offer. */
  onOffer(offer: string | undefined): Promise<OfferReply>;
  /** The SDP answer in the ACK of a re-INVITE that came without an offer. */
  onAnswer(answer: string): void;
  onDigit(digit: string): void;
}

export interface PlaceCallOptions {
  /** Request-URI: `sip:600@pbx.example.com`. */
  uri: string;
  /** Our offer. */
  sdp: string;
  /** A user part, or a whole From value; the SIP server fills in what is missing. */
  from?: string;
  headers?: Record<string, string>;
  /** Next hop, when it is not the host of `uri`: a SIP URI with a numeric address. */
  proxy?: string;
  /** Time for a final answer. */
  timeoutMs: number;
}

/** One outbound INVITE, until the end of its dialog. It carries SDP as text and knows no audio. */
export interface CalleeLeg {
  /** CANCEL before the answer, BYE after it; neither is awaited, and the listener hears nothing more. Twice is fine. */
  hangUp(options?: { reason?: string }): void;
  /** INFO; resolves with the status of its answer. Rejects with `LegGone` when the call is over or not yet answered. */
  sendInfo(contentType: string, body: string): Promise<number>;
}

/** Sends an INVITE. Whatever happens is told to `listener`, after this has returned. */
export type PlaceCall = (options: PlaceCallOptions, listener: OutboundCallListener) => CalleeLeg;
