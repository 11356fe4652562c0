import type { Digit, MediaLeg } from '../media/media-leg';
import type { CallerLeg } from '../signalling/caller-leg';

const keyMs = 160;

/** Passes a key of somebody else on to the caller: by RTP, or by INFO where the caller's side takes no other. */
export function tellKey({ media, leg }: { media: MediaLeg; leg: CallerLeg }, key: string): void {
  if (!/^[0-9*#A-D]$/.test(key) || media.sendDigit(key as Digit, keyMs)) return;
  leg.sendInfo('application/dtmf-relay', `Signal=${key}\r\nDuration=${keyMs}\r\n`).catch(() => undefined);
}
