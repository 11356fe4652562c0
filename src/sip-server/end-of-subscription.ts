import type { AgentContext } from './agent-context';
import type { Sent } from './application';
import { composeDialogRequest } from './compose-request';
import type { Dialog } from './dialog';
import { HeaderList } from './header-list';
import type { SipRequest } from './sip-message';
import { emptyBody, serializeMessage } from './sip-message';

/** Tells a subscriber that its time is over (RFC 6665 section 4.1.3). */
export function composeLastNotify({ event }: Dialog): SipRequest {
  const headers = new HeaderList().add('Subscription-State', 'terminated;reason=timeout');
  if (event !== undefined) headers.add('Event', event);
  return template('NOTIFY', headers);
}

/** What tells an application of drachtio's that a dialog is over; on the network there is no BYE for a subscription. */
export function composeUnsentBye(context: AgentContext, dialog: Dialog, text: string): Sent {
  const headers = new HeaderList().add('Reason', `SIP;cause=481;text="${text}"`);
  const { peerFlow: flow, id: dialogId } = dialog;
  const hop = {
    local: context.localSideOf(flow),
    branch: context.transactions.newBranch(),
    cseq: dialog.nextLocalCSeq(),
  };
  const bytes = serializeMessage(composeDialogRequest(template('BYE', headers), dialog, hop));
  return { transactionId: context.random.uuid(), method: 'BYE', dialogId, bytes, flow };
}

function template(method: string, headers: HeaderList): SipRequest {
  return { kind: 'request', method, uri: '', headers, body: emptyBody };
}
