import type { CallerLeg } from '../signalling/caller-leg';
import { sipStatusFor, type EndReason } from './end-reason';

/** Says goodbye in SIP: BYE to a caller who was answered, else the status that fits the reason. */
export function endSignalling(leg: CallerLeg, reason: EndReason, { isAnswered }: { isAnswered: boolean }): void {
  if (reason.kind === 'caller-hung-up') return;
  if (isAnswered) {
    leg.hangUp({ reason: reason.kind });
    return;
  }
  const status = sipStatusFor(reason);
  if (status === undefined) return;
  if (reason.kind === 'redirected-by-plan') leg.reject(status, { headers: { Contact: `<${reason.contact}>` } });
  else leg.reject(status);
}
