import { addApplicationHeaders } from './application-headers';
import type { Dialog } from './dialog';
import { HeaderList } from './header-list';
import { parseCSeq, parseNameAddr } from './header-values';
import { withTag } from './compose-response';
import type { LocalSide } from './local-side';
import { contactOf, replaceLocalhost, schemeOf } from './local-side';
import type { SipRequest } from './sip-message';
import { formatHostPort } from './uri';

/** Methods whose requests carry a Contact when the application gives none. */
const contactMethods = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE', 'REFER', 'NOTIFY']);

interface Hop {
  readonly local: LocalSide;
  readonly branch: string;
}

/**
 * A request outside dialogs: the application's, with Via, tags, CSeq and defaults filled in. An application that
 * repeats a challenged request gives its Call-ID, From tag and CSeq itself. `to`: whom it is for, when no To says so.
 */
export function composeOutsideRequest(
  template: SipRequest,
  { local, branch, callId, fromTag, cseq, to }: Hop & { callId: string; fromTag: string; cseq: number; to: string },
): SipRequest {
  const own = template.headers;
  const given = (name: string, fallback: string): string => {
    const value = own.first(name);
    const usable = value !== undefined && parseNameAddr(value) !== undefined;
    return usable ? replaceLocalhost({ name, value }, local) : fallback;
  };
  const contact = given('Contact', contactOf(local, schemeOf(template.uri)));
  const headers = new HeaderList();
  headers.add('Via', composeVia(local, branch));
  headers.add('Max-Forwards', own.first('Max-Forwards') ?? '70');
  headers.add('From', withTag(given('From', contactOf(local)), fromTag));
  headers.add('To', bracketed(given('To', `<${to}>`)));
  headers.add('Call-ID', own.first('Call-ID') ?? callId);
  headers.add('CSeq', `${parseCSeq(own.first('CSeq') ?? '')?.number ?? cseq} ${template.method}`);
  if (own.has('Contact') || contactMethods.has(template.method)) headers.add('Contact', contact);
  addApplicationHeaders(headers, template, local);
  return { ...template, headers };
}

/** A request inside `dialog` (RFC 3261 section 12.2.1.1). An ACK or CANCEL takes the number of its INVITE as `cseq`. */
export function composeDialogRequest(
  template: SipRequest,
  dialog: Dialog,
  { local, branch, cseq }: Hop & { cseq: number },
): SipRequest {
  const { uri, routes } = dialog.requestRoute(placeholderOf(template.uri));
  const headers = new HeaderList();
  headers.add('Via', composeVia(local, branch));
  for (const route of routes) headers.add('Route', route);
  headers.add('Max-Forwards', '70');
  headers.add('From', dialog.localIdentity);
  headers.add('To', dialog.remoteIdentity);
  headers.add('Call-ID', dialog.callId);
  headers.add('CSeq', `${cseq} ${template.method}`);
  const contact = template.headers.first('Contact');
  if (contact !== undefined) headers.add('Contact', replaceLocalhost({ name: 'Contact', value: contact }, local));
  else if (contactMethods.has(template.method))
    headers.add('Contact', dialog.localContact ?? contactOf(local, schemeOf(uri)));
  addApplicationHeaders(headers, template, local);
  return { ...template, uri, headers };
}

/** Our own Via (RFC 3261 section 8.1.1.7, RFC 3581). */
export function composeVia({ host, port, transport }: LocalSide, branch: string): string {
  return `SIP/2.0/${transport.toUpperCase()} ${formatHostPort(host, port)};rport;branch=${branch}`;
}

/** Without brackets a URI's parameters would read as the header's own. */
function bracketed(value: string): string {
  const parsed = parseNameAddr(value);
  return parsed === undefined || value.includes('<') ? value : withTag(`<${parsed.uri}>`, parsed.params.get('tag'));
}

/** srf writes `sip:placeholder` where the dialog knows better. */
function placeholderOf(uri: string): string | undefined {
  return uri === '' || uri === 'sip:placeholder' || uri === 'placeholder' ? undefined : uri;
}
