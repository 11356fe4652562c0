import { levelDbfs } from '../audio/level';
import { samplesPerFrame, type PcmFrame } from '../audio/pcm';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import { OfferRefused, type AudioSource, type Digit, type MediaLeg, type MediaStats } from '../media/media-leg';
import { LegGone, type OfferReply } from '../signalling/caller-leg';
import { dtmfRelayBody } from '../signalling/info-digit';
import type { OutboundFailure, OutboundHangUp } from '../signalling/callee-leg';
import { placeCall, type OutboundCall } from '../signalling/outbound-call';
import { AlignedTrack } from './aligned-track';
import type { PhoneOptions } from './phone-options';
import { describe, type PhoneDirection } from './phone-sdp';
import type { PhoneSource } from './phone-source';
import { timelineOf, type CallRecording, type CallTimeline, type EndedBy, type PhoneEvent } from './timeline';
import { soundDbfs } from './turns';

export interface PhoneCallOptions {
  /** Who speaks. */
  source: PhoneSource;
  /** Keeps both directions, up to `recordingMaxMs`. */
  record: boolean;
  /** A user part, or a whole From value. */
  from?: string;
  headers?: Readonly<Record<string, string>>;
  /** Time for an answer. Default 30 s. */
  ringMs?: number;
  onEvent?: (event: PhoneEvent) => void;
}

/** Longer calls are recorded no further. */
export const recordingMaxMs = 15 * 60_000;

const ringDefaultMs = 30_000;
const digitMs = 160;

//  dialling ─▶ talking ─▶ over      (dialling may go to over)
type State = 'dialling' | 'talking' | 'over';

/** One call of a `Phone`, from its INVITE to its end. */
export class PhoneCall {
  /** Resolves at the end, however that came. Never rejects. */
  readonly ended: Promise<void>;
  /** In the order of time. */
  readonly events: PhoneEvent[] = [];
  readonly #phone: PhoneOptions;
  readonly #leg: MediaLeg;
  readonly #options: PhoneCallOptions;
  readonly #startMs: number;
  readonly #sent: AlignedTrack;
  readonly #heard: AlignedTrack;
  #call: OutboundCall | undefined;
  #state: State = 'dialling';
  #answeredAtMs = 0;
  #heardSound = false;
  #onHold = false;
  #sdpVersion = 0;
  #resolveEnded: () => void = () => undefined;

  /** Made by `Phone.call`, with a leg that has made its offer; the call closes the leg. */
  constructor(phone: PhoneOptions, call: { uri: string; leg: MediaLeg; offer: string; options: PhoneCallOptions }) {
    const { uri, leg, offer, options } = call;
    invariant(leg.rateHz === 8_000, 'a phone hears and speaks at 8 kHz');
    this.#phone = phone;
    this.#leg = leg;
    this.#options = options;
    this.#startMs = phone.clock.now();
    const track = { rateHz: leg.rateHz, lengthMaxMs: recordingMaxMs };
    this.#sent = new AlignedTrack(track);
    this.#heard = new AlignedTrack(track);
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#dial(uri, offer);
  }

  get state(): State {
    return this.#state;
  }

  get stats(): Readonly<MediaStats> {
    return this.#leg.stats;
  }

  get sipCallId(): string {
    return this.#call?.sipCallId ?? '';
  }

  /** Milliseconds since the answer; undefined before it. */
  get sinceAnswerMs(): number | undefined {
    return this.#state === 'dialling' ? undefined : this.#phone.clock.now() - this.#answeredAtMs;
  }

  /** Both directions so far; undefined when the call was not to be recorded. */
  get recording(): CallRecording | undefined {
    if (!this.#options.record) return undefined;
    const length = Math.max(this.#sent.length, this.#heard.length);
    return {
      rateHz: this.#leg.rateHz,
      caller: this.#sent.toSamples(length),
      agent: this.#heard.toSamples(length),
      cut: this.#sent.full || this.#heard.full,
    };
  }

  timeline(): CallTimeline {
    return timelineOf({ events: this.events, recording: this.recording });
  }

  /** Sends a key in the media (RFC 4733); false when that was not agreed on. */
  press(digit: Digit): boolean {
    return this.#leg.sendDigit(digit, digitMs);
  }

  /** Sends a key by INFO and resolves with the status of the answer. Rejects with `LegGone` when there is no call. */
  pressByInfo(digit: Digit): Promise<number> {
    if (this.#call === undefined) return Promise.reject(new LegGone('nobody was called'));
    return this.#call.sendInfo('application/dtmf-relay', dtmfRelayBody(digit, digitMs));
  }

  /** Puts the other side on hold: we are silent until `resume`. False when it was refused or the call is over. */
  hold(): Promise<boolean> {
    return this.#reinvite('sendonly');
  }

  resume(): Promise<boolean> {
    return this.#reinvite('sendrecv');
  }

  /** CANCEL or BYE. Twice is fine. */
  hangUp(): void {
    if (this.#state === 'over') return;
    this.#call?.hangUp();
    this.#end('caller', undefined);
  }

  #dial(uri: string, offer: string): void {
    const { from, headers, ringMs } = this.#options;
    const invite = {
      uri,
      sdp: this.#describe(offer, 'sendrecv'),
      timeoutMs: ringMs ?? ringDefaultMs,
      ...(from !== undefined && { from }),
      ...(headers !== undefined && { headers }),
    };
    this.#call = placeCall(this.#phone.link, invite, {
      onProvisional: (status) => this.#event({ kind: 'ringing', status }),
      onAnswered: (sdp) => void this.#answered(sdp),
      onFailed: (failure) => this.#failed(describeFailure(failure)),
      onHangUp: (how) => this.#hungUpOn(how),
      onOffer: (sdp) => this.#answerOffer(sdp),
      onAnswer: (sdp) => void this.#leg.acceptAnswer(sdp).catch((cause: unknown) => this.#warn(cause)),
      onDigit: (digit) => this.#event({ kind: 'digit', digit }),
    });
  }

  async #answered(sdp: string): Promise<void> {
    try {
      await this.#leg.acceptAnswer(sdp);
    } catch (cause) {
      this.#call?.hangUp({ reason: 'unusable answer' });
      this.#failed(`the answer cannot be used: ${messageOf(cause)}`);
      return;
    }
    // The other side may have hung up meanwhile.
    if (this.#state !== 'dialling') return;
    this.#state = 'talking';
    this.#answeredAtMs = this.#phone.clock.now();
    this.#event({ kind: 'answered' });
    this.#options.source.begin?.({
      press: (digit) => void this.press(digit),
      // Not from within the frame that asks for it.
      hangUp: () => void this.#phone.clock.setTimer(0, () => this.hangUp()),
    });
    this.#leg.start(
      {
        onAudio: (frame) => this.#hear(frame),
        onDigit: (digit) => this.#event({ kind: 'digit', digit }),
        onFailure: (failure) => this.#mediaFailed(failure.kind),
      },
      this.#microphone,
    );
  }

  readonly #microphone: AudioSource = {
    pull: (frame) => {
      if (this.#onHold) frame.fill(0);
      else this.#options.source.pull(frame);
      if (this.#options.record) this.#sent.append(frame, this.#phone.clock.now() - this.#answeredAtMs);
    },
  };

  #hear(frame: PcmFrame): void {
    invariant(frame.length === samplesPerFrame(8_000), 'a leg delivers whole frames');
    this.#options.source.hear?.(frame);
    if (this.#options.record) this.#heard.append(frame, this.#phone.clock.now() - this.#answeredAtMs);
    if (this.#heardSound || levelDbfs(frame) < soundDbfs) return;
    this.#heardSound = true;
    this.#event({ kind: 'first-audio' });
  }

  async #reinvite(direction: PhoneDirection): Promise<boolean> {
    if (this.#state !== 'talking' || this.#call === undefined) return false;
    try {
      const result = await this.#call.reinvite(this.#describe(await this.#leg.offer(), direction));
      if (result.kind === 'refused') return false;
      if (result.sdp !== undefined) await this.#leg.acceptAnswer(result.sdp);
    } catch (cause) {
      if (!(cause instanceof LegGone)) this.#warn(cause);
      return false;
    }
    this.#onHold = direction === 'sendonly';
    this.#event({ kind: this.#onHold ? 'hold' : 'resume' });
    return true;
  }

  async #answerOffer(offer: string | undefined): Promise<OfferReply> {
    if (this.#state === 'over') return { status: 481 };
    try {
      const sdp = offer === undefined ? await this.#leg.offer() : await this.#leg.modify(offer);
      return { sdp: this.#describe(sdp, 'sendrecv') };
    } catch (cause) {
      if (cause instanceof OfferRefused) return { status: cause.status };
      throw cause;
    }
  }

  #describe(sdp: string, direction: PhoneDirection): string {
    this.#sdpVersion += 1;
    return describe(sdp, { direction, version: this.#sdpVersion });
  }

  #mediaFailed(why: string): void {
    this.#call?.hangUp({ reason: why });
    this.#end('network', why);
  }

  #hungUpOn(how: OutboundHangUp): void {
    if (how.kind === 'server-gone') this.#end('network', 'lost the SIP server');
    else this.#end(how.kind === 'bye' ? 'agent' : 'network', how.reason);
  }

  #failed(why: string): void {
    if (this.#state !== 'dialling') return;
    this.#event({ kind: 'failed', why });
    this.#close();
  }

  #end(by: EndedBy, why: string | undefined): void {
    if (this.#state === 'over') return;
    this.#event({ kind: 'ended', by, why });
    this.#close();
  }

  #close(): void {
    this.#state = 'over';
    this.#leg.close();
    this.#resolveEnded();
  }

  #warn(cause: unknown): void {
    this.#phone.log.warn({ cause: messageOf(cause) }, 'the phone could not change its media');
  }

  #event(event: DistributiveOmit<PhoneEvent, 'atMs'>): void {
    const timed = { atMs: this.#phone.clock.now() - this.#startMs, ...event };
    this.events.push(timed);
    this.#options.onEvent?.(timed);
  }
}

function describeFailure(failure: OutboundFailure): string {
  switch (failure.kind) {
    case 'rejected':
      return `${failure.status} ${failure.reason}`.trimEnd();
    case 'timeout':
      return 'nobody answered';
    case 'no-sdp':
      return 'answered without media';
    case 'not-sent':
      return `not sent: ${failure.message}`;
    case 'server-gone':
      return 'no connection to the SIP server';
  }
}

type DistributiveOmit<Union, Key extends keyof Union> = Union extends unknown ? Omit<Union, Key> : never;
