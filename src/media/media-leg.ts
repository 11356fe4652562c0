import type { PcmFrame, SampleRateHz } from '../audio/pcm';

/** A telephone key (RFC 4733 section 3.2, events 0 to 15). */
export type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D';

/** Why a leg has stopped working on its own. The call decides what follows. */
export type MediaFailure =
  /** No RTP and no RTCP for the configured time, while the caller was not on hold. */
  | { kind: 'media-timeout'; silentMs: number }
  /** The socket or the far server failed. */
  | { kind: 'media-error'; message: string };

/** What the caller's side tells the call. Called synchronously from the packet path: no `await`, no throw. */
export interface MediaLegListener {
  /**
   * 20 ms of the caller at `MediaLeg.rateHz`, in order, gaps already concealed or filled with silence so that the count
   * of samples keeps step with the call's clock. The array is reused: the listener must not keep it.
   */
  onAudio(frame: PcmFrame): void;
  /** A key was pressed: once per key, however many packets told of it. */
  onDigit(digit: Digit): void;
  /** Told at most once. */
  onFailure(failure: MediaFailure): void;
}

/** Where the caller's next 20 ms come from. */
export interface AudioSource {
  /**
   * Fills the whole frame (silence included). Called once for every frame that goes to the caller, right before it is
   * sent: what was filled counts as heard. Must not keep the array.
   */
  pull(frame: PcmFrame): void;
}

/** Counters of one leg: plain numbers, read by records and metrics. Times in milliseconds. */
export interface MediaStats {
  /** `PCMU/8000` or such, undefined before the answer. */
  codec: string | undefined;
  packetsReceived: number;
  packetsSent: number;
  packetsLost: number;
  packetsReordered: number;
  packetsDuplicate: number;
  packetsLate: number;
  framesConcealed: number;
  framesSilenced: number;
  /** Frames whose time had passed before they could be sent (a stalled process). */
  framesSkipped: number;
  /** Dropped datagrams by cause: `foreign-source`, `too-short`, `not-version-2`, `unknown-payload-type` ... */
  dropped: Record<string, number>;
  digits: number;
  /** Interarrival jitter of the caller's RTP (RFC 3550 section 6.4.1), and of ours as the far side reports it. */
  jitterMs: number;
  remoteJitterMs: number | undefined;
  remoteLostPackets: number | undefined;
  roundTripMs: number | undefined;
}

/** An SDP offer that cannot be accepted: signalling answers 488 (Not Acceptable Here) or 400 (not SDP at all). */
export class OfferRefused extends Error {
  override readonly name = 'OfferRefused';
  constructor(
    readonly status: 400 | 488,
    message: string,
  ) {
    super(message);
  }
}

/** There is no media to be had now, and it is not the offer's fault: the call is answered 503. */
export class MediaUnavailable extends Error {
  override readonly name = 'MediaUnavailable';
}

/**
 * The caller's audio, whoever faces the caller: our RTP socket, or FreeSWITCH in between. It sends no SIP.
 *
 * Order: `answer` or `offer` then `acceptAnswer`; `start` once; `modify` any number of times; `close` once or more.
 */
export interface MediaLeg {
  /** The rate of the frames on both sides: 8 kHz, or 24 kHz when Opus was agreed on first. Fixed then, or at `start`. */
  readonly rateHz: SampleRateHz;
  /** Takes the caller's SDP offer and returns our SDP answer. Rejects with `OfferRefused` or `MediaUnavailable`. */
  answer(offer: string): Promise<string>;
  /** For an INVITE (or re-INVITE) without SDP (RFC 3261 section 13.2.1): our offer. Rejects with `MediaUnavailable`. */
  offer(): Promise<string>;
  /** The SDP answer to our offer. Rejects with `OfferRefused` when it cannot be used. */
  acceptAnswer(answer: string): Promise<void>;
  /** A re-INVITE's offer: new address, codec, hold, resume. Rejects with `OfferRefused` and then changes nothing. */
  modify(offer: string): Promise<string>;
  /** True while the caller has put us on hold (`sendonly`, `inactive` or a zero address). */
  readonly onHold: boolean;
  /** Begins to send, continuously, one frame each 20 ms until `close`. */
  start(listener: MediaLegListener, source: AudioSource): void;
  /** Sends a key to the caller (RFC 4733); false when telephone-event was not negotiated. */
  sendDigit(digit: Digit, durationMs: number): boolean;
  /**
   * Lets the far sides of two legs talk to each other without us, whichever of the two it is asked of: from then on both
   * tell silence, and what they pull is not heard. Keys go over by themselves; `onDigit` tells only those that the other
   * side could not take. Resolves with false when these two cannot be joined: then whoever asks relays what they tell.
   * Rejects with `MediaUnavailable` when it went wrong; both are as they were. A leg that closes parts from the other.
   */
  join(other: MediaLeg): Promise<boolean>;
  /** Both talk to us again, or fail. Does nothing when the leg is not joined. */
  part(): Promise<void>;
  readonly stats: Readonly<MediaStats>;
  /** Stops at once; the port goes to quarantine. Twice is fine. No listener is called afterwards. */
  close(): void;
}

/** Makes a leg for one call. Rejects with an `Error` when no port is free: the call is answered 503. */
export interface MediaLegFactory {
  create(options: MediaLegOptions): Promise<MediaLeg>;
}

/** Codecs that an offer of ours may list. Beyond G.711, and Opus where it is there, it takes a FreeSWITCH that knows them. */
export type OfferedCodec = 'pcmu' | 'pcma' | 'g722' | 'opus' | 'g729';

export interface MediaLegOptions {
  callId: string;
  /** The address that SIP came from: media may be sent there before it has sent any. */
  signallingAddress: string;
  /** What `offer` lists, the preferred first; PCMU and PCMA unless given. What the leg cannot do is left out. */
  codecs?: readonly OfferedCodec[];
  /** Another leg of the same call: this one is made where the two can be joined, if there is room. */
  beside?: MediaLeg | undefined;
}
