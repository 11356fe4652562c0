import type { MediaLeg } from '../media/media-leg';
import { OfferRefused } from '../media/media-leg';
import { LegGone } from '../signalling/caller-leg';
import type { Call } from './call';
import type { CallerLine } from './caller-line';

/** Media that is ready for the caller's answer. */
export interface PreparedMedia {
  leg: MediaLeg;
  /** Our answer, or our offer when the INVITE had none. */
  sdp: string;
}

/**
 * 200 OK, media starts, ACK. `begun` runs when the caller can hear us. Resolves with false when the call is over before it
 * is up; rejects only on a bug.
 */
export async function comeUp(call: Call, media: PreparedMedia, line: CallerLine, begun: () => void): Promise<boolean> {
  call.answering();
  if (call.isEnding()) return false;
  // Listened to from here on: were it to reject while what follows fails, nobody else would hear it.
  const acknowledged = untilAcknowledged(call, call.leg.answer(media.sdp));
  call.answered();
  // With the offer in the INVITE all is known: the phone that sees the 200 hears us.
  if (call.leg.offer !== undefined) startMedia(call, media.leg, line, begun);
  const lateAnswer = await acknowledged;
  if (call.isEnding()) return false;
  if (call.leg.offer !== undefined) return true;
  if (!(await acceptLateAnswer(call, media.leg, lateAnswer))) return false;
  startMedia(call, media.leg, line, begun);
  return !call.isEnding();
}

function startMedia(call: Call, leg: MediaLeg, line: CallerLine, begun: () => void): void {
  if (call.isEnding()) return;
  leg.start(
    {
      onAudio: (frame) => line.push(frame),
      onDigit: (digit) => call.onMediaDigit(digit),
      onFailure: (failure) => call.end({ kind: 'media-failed', failure }),
    },
    line,
  );
  begun();
}

/** The SDP in the ACK. Never rejects. */
async function untilAcknowledged(call: Call, acknowledged: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await acknowledged;
  } catch (cause) {
    // How the caller left was told before, by `onHangUp`.
    if (cause instanceof LegGone) call.end({ kind: 'caller-hung-up', how: { kind: 'lost', reason: cause.message } });
    else call.fail(cause);
    return undefined;
  }
}

/** A late offer (RFC 3261 section 13.2.1) is answered in the ACK; without an answer there is no media to talk over. */
async function acceptLateAnswer(call: Call, leg: MediaLeg, answer: string | undefined): Promise<boolean> {
  try {
    if (answer === undefined || answer === '') throw new OfferRefused(488, 'the ACK carried no SDP answer');
    await leg.acceptAnswer(answer);
    return !call.isEnding();
  } catch (cause) {
    if (!(cause instanceof OfferRefused)) throw cause;
    call.end({ kind: 'bad-offer', status: cause.status, message: cause.message });
    return false;
  }
}
