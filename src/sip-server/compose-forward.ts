import { capitalisedHeaderName } from './header-list';
import type { HeaderList } from './header-list';
import { composeVia } from './compose-request';
import { listValues, parseNameAddr } from './header-values';
import type { LocalSide } from './local-side';
import { parseDecimal } from './scanner';
import type { SipRequest, SipResponse } from './sip-message';
import { formatHostPort, parseSipUri } from './uri';

/** Headers of a proxied request that are not the application's to change. */
const fixedHeaders = new Set([
  ...['via', 'route', 'record-route', 'max-forwards', 'from', 'to', 'call-id', 'cseq', 'contact'],
  ...['content-length', 'content-type', 'content-encoding'],
]);
const maxForwardsDefault = 70;

/** What a request may still pass, undefined when its header makes no sense. A request without the header has the default. */
export function maxForwardsOf({ headers }: SipRequest): number | undefined {
  const text = headers.first('Max-Forwards');
  return text === undefined ? maxForwardsDefault : parseDecimal(text, 255);
}

/** The copy of `request` that goes to `uri` (RFC 3261 section 16.6). Headers of the application's replace those of their name. */
export function composeForward(
  request: SipRequest,
  {
    uri,
    local,
    branch,
    recordRoutes,
    extra,
  }: {
    uri: string;
    local: LocalSide;
    branch: string;
    /** Our own, the one that faces the target first; none to stay out of the dialog. */
    recordRoutes: readonly string[];
    extra: HeaderList;
  },
): SipRequest {
  const headers = request.headers.clone();
  for (const { name, value } of extra) {
    if (!fixedHeaders.has(name.toLowerCase())) headers.set(capitalisedHeaderName(name), value);
  }
  headers.set('Max-Forwards', String(Math.max(0, (maxForwardsOf(request) ?? maxForwardsDefault) - 1)));
  for (const route of [...recordRoutes].reverse()) headers.prepend('Record-Route', `<${route}>`);
  headers.prepend('Via', composeVia(local, branch));
  return { ...request, uri, headers };
}

/** The response as the caller gets it: with the Vias of its own request, whatever the target made of them. */
export function composeForwardedResponse(request: SipRequest, response: SipResponse): SipResponse {
  const headers = response.headers.clone().remove('Via');
  for (const via of request.headers.all('Via').reverse()) headers.prepend('Via', via);
  return { ...response, headers };
}

/** The URIs that keep a proxy in the dialog: one, or two when the ways in and out differ (RFC 5658 section 4). */
export function recordRouteUris(towardsTarget: LocalSide, towardsCaller: LocalSide): string[] {
  return [...new Set([recordRouteUri(towardsTarget), recordRouteUri(towardsCaller)])];
}

/**
 * A request in a dialog that we stay in, as it goes on (RFC 3261 section 16.4): our own routes are taken off, and a
 * Request-URI that is ours comes from a strict router, which put the true one last.
 */
export function withoutOwnRoutes(request: SipRequest, own: readonly string[]): SipRequest {
  const routes = listValues(request.headers, 'Route').filter((value) => value !== '');
  let { uri } = request;
  if (isOneOf(uri, own)) uri = uriOf(routes.pop()) ?? uri;
  while (routes.length > 0 && isOneOf(uriOf(routes[0]) ?? '', own)) routes.shift();
  const headers = request.headers.clone().remove('Route');
  for (const route of routes) headers.add('Route', route);
  return { ...request, uri, headers };
}

/** Where a request goes first: its first route, else its Request-URI. */
export function nextHopOf({ uri, headers }: SipRequest): string {
  return uriOf(listValues(headers, 'Route')[0]) ?? uri;
}

function recordRouteUri({ host, port, transport }: LocalSide): string {
  return `sip:${formatHostPort(host, port)}${transport === 'udp' ? '' : `;transport=${transport}`};lr`;
}

function uriOf(route: string | undefined): string | undefined {
  return route === undefined ? undefined : parseNameAddr(route)?.uri;
}

/** By host and port, which our own routes always have: peers may rewrite parameters. */
function isOneOf(uri: string, own: readonly string[]): boolean {
  const hostPort = hostPortOf(uri);
  return hostPort !== undefined && own.some((other) => hostPortOf(other) === hostPort);
}

function hostPortOf(uri: string): string | undefined {
  const parsed = parseSipUri(uri);
  return typeof parsed === 'string' ? undefined : formatHostPort(parsed.host, parsed.port);
}
