import { addApplicationHeaders } from './application-headers';
import { HeaderList } from './header-list';
import { formatNameAddr, parseNameAddr, withParam } from './header-values';
import type { LocalSide } from './local-side';
import { contactOf, replaceLocalhost, schemeOf } from './local-side';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody } from './sip-message';

export interface ReplyOptions {
  readonly status: number;
  readonly reason: string;
  /** Added to To when the request had no tag there. */
  readonly toTag?: string | undefined;
  readonly headers?: readonly (readonly [string, string])[] | undefined;
}

/** A response of our own: the headers of RFC 3261 section 8.2.6.2 and nothing more than `headers`. */
export function composeReply(request: SipRequest, { status, reason, toTag, headers = [] }: ReplyOptions): SipResponse {
  const list = copyIdentity(request, toTag);
  for (const [name, value] of headers) list.add(name, value);
  return { kind: 'response', status, reason, headers: list, body: emptyBody };
}

/** Via, From, To, Call-ID and CSeq of a request, as its responses repeat them. */
export function copyIdentity(request: SipRequest, toTag: string | undefined): HeaderList {
  const headers = new HeaderList();
  for (const via of request.headers.all('Via')) headers.add('Via', via);
  for (const name of ['From', 'To', 'Call-ID', 'CSeq']) {
    const value = request.headers.first(name);
    if (value !== undefined) headers.add(name, name === 'To' ? withTag(value, toTag) : value);
  }
  return headers;
}

/** The value with `;tag=`, unless it has one or cannot carry one. */
export function withTag(value: string, tag: string | undefined): string {
  const parsed = parseNameAddr(value);
  if (tag === undefined || parsed === undefined || parsed.params.has('tag')) return value;
  return formatNameAddr({ ...parsed, params: withParam(parsed.params, 'tag', tag) });
}

/** Methods whose 2xx carries a Contact when the application gives none; an INVITE's 1xx too. */
const contactMethods = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE', 'REFER']);

/** The application's response to `request`: its status, headers and body, with everything that is ours to know. */
export function composeApplicationResponse(
  request: SipRequest,
  template: SipResponse,
  { toTag, local }: { toTag: string | undefined; local: LocalSide },
): SipResponse {
  const { status } = template;
  const headers = copyIdentity(request, status === 100 ? undefined : toTag);
  const makesDialog = status > 100 && status < 300 && contactMethods.has(request.method);
  if (makesDialog) for (const route of request.headers.all('Record-Route')) headers.add('Record-Route', route);
  const contact = template.headers.first('Contact');
  if (contact !== undefined) headers.add('Contact', replaceLocalhost({ name: 'Contact', value: contact }, local));
  else if (makesDialog && (request.method === 'INVITE' || status >= 200))
    headers.add('Contact', contactOf(local, schemeOf(request.uri)));
  addApplicationHeaders(headers, template, local);
  return { ...template, headers };
}
