import { capitalisedHeaderName } from './header-list';
import type { HeaderList } from './header-list';
import type { LocalSide } from './local-side';
import { replaceLocalhost } from './local-side';
import type { SipMessage } from './sip-message';

/** What the application may not set: it is ours to know. */
const ownHeaders = new Set([
  ...['via', 'route', 'record-route', 'rseq', 'content-length'],
  ...['from', 'to', 'call-id', 'cseq', 'contact', 'max-forwards'],
]);

/** A body needs a type; SDP is recognised by its first line. */
export function lacksContentType({ headers, body }: Pick<SipMessage, 'headers' | 'body'>): boolean {
  return body.length > 0 && !headers.has('Content-Type') && !isSdp(body);
}

/** Headers the application gave and may give, named as drachtio-server names them, and the type of an SDP body. */
export function addApplicationHeaders(
  headers: HeaderList,
  template: Pick<SipMessage, 'headers' | 'body'>,
  local: LocalSide,
): void {
  for (const field of template.headers) {
    const name = capitalisedHeaderName(field.name);
    if (!ownHeaders.has(field.name.toLowerCase())) headers.add(name, replaceLocalhost(field, local));
  }
  if (template.body.length > 0 && !headers.has('Content-Type')) headers.add('Content-Type', 'application/sdp');
}

function isSdp(body: Buffer): boolean {
  return body.subarray(0, 3).toString('latin1') === 'v=0';
}
