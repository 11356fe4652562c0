import type { Dialog } from './dialog';
import type { SipRequest } from './sip-message';
import type { Arrival } from './transport-layer';

/**
 * Why a request must not be processed in its dialog now:
 * - `out-of-order`: its CSeq is lower than the last (RFC 3261 section 12.2.2)
 * - `busy`: the peer has not waited for our answer to what it sent before (RFC 3261 section 14.2, RFC 3311 section 5.2)
 * - `glare`: both sides have asked at once (the same sections)
 */
export type OrderFault = 'out-of-order' | 'busy' | 'glare';

/** The INVITE of ours that makes the dialog has no final response yet. */
function isUnanswered({ isCaller, state, usage }: Dialog): boolean {
  return usage === 'INVITE' && isCaller && state === 'early';
}

/** The fault of a peer's request, undefined when it may go on. Remembers its CSeq when that is in order. */
export function findOrderFault(dialog: Dialog, { message, essentials }: Arrival<SipRequest>): OrderFault | undefined {
  if (!dialog.acceptRemoteCSeq(essentials.cseq.number)) return 'out-of-order';
  const offers = message.body.length > 0;
  switch (message.method) {
    case 'INVITE':
      // Its ACK could not be told from that of the INVITE before it.
      if (dialog.ackWaiters.has(essentials.cseq.number)) return 'out-of-order';
      if (dialog.pendingInvite !== undefined) return 'busy';
      if (dialog.outgoingInvitePending || isUnanswered(dialog) || dialog.unansweredOffer === 'ours') return 'glare';
      return offers && dialog.unansweredOffer === 'theirs' ? 'busy' : undefined;
    case 'UPDATE':
      if (dialog.pendingUpdates > 0) return 'busy';
      if (!offers || dialog.unansweredOffer === undefined) return undefined;
      return dialog.unansweredOffer === 'ours' ? 'glare' : 'busy';
    default:
      return undefined;
  }
}
