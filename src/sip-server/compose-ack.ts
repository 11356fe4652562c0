import { HeaderList } from './header-list';
import { listValues } from './header-values';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody } from './sip-message';

/** The hop-by-hop ACK for a final response of 300 or above (RFC 3261 section 17.1.1.3). */
export function composeAckForFailure(invite: SipRequest, response: SipResponse): SipRequest {
  return composeSibling(invite, 'ACK', response.headers.first('To'));
}

/** The CANCEL for a pending request (RFC 3261 section 9.1), with headers of the application's own. */
export function composeCancel(request: SipRequest, extra: HeaderList): SipRequest {
  const cancel = composeSibling(request, 'CANCEL', request.headers.first('To'));
  for (const { name, value } of extra) cancel.headers.add(name, value);
  return cancel;
}

/** A request that shares branch, route and identity with `request`. */
function composeSibling({ uri, headers }: SipRequest, method: string, to: string | undefined): SipRequest {
  const list = new HeaderList();
  list.add('Via', listValues(headers, 'Via')[0] ?? '');
  for (const route of headers.all('Route')) list.add('Route', route);
  list.add('Max-Forwards', '70');
  list.add('From', headers.first('From') ?? '');
  list.add('To', to ?? '');
  list.add('Call-ID', headers.first('Call-ID') ?? '');
  list.add('CSeq', `${Number.parseInt(headers.first('CSeq') ?? '', 10)} ${method}`);
  return { kind: 'request', method, uri, headers: list, body: emptyBody };
}
