import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

import { isLoopback } from '../config/setting-formats';
import { jsonAnswer } from './http-answer';
import type { Answer } from './http-answer';

/** What a request must carry without a token: a web page cannot add it without asking first, and nobody says yes. */
export const guardHeader = 'x-ringbridge';

/**
 * Why a request to the API is not served; undefined when it may be.
 *
 * With a token: who shows it. Without: who is on this machine and calls us by a loopback name, so that neither a stranger
 * nor a web page in the admin's browser gets here. A page can send a form or a plain GET anywhere, so what changes
 * something also needs a header and a media type that a page cannot send across sites (CORS preflight is never granted),
 * and a name that was made to point here (DNS rebinding) stands in `Host`.
 */
export function refusal(
  request: IncomingMessage,
  { token, changes }: { token: string | undefined; changes: boolean },
): Answer | undefined {
  const { headers, socket } = request;
  if (isCrossSite(headers)) return jsonAnswer(403, { error: 'requests of other sites are not served' });
  if (token !== undefined) {
    if (!showsToken(headers.authorization, token)) {
      const error = 'show RINGBRIDGE_HTTP_TOKEN: Authorization: Bearer TOKEN';
      return jsonAnswer(401, { error }, { 'WWW-Authenticate': 'Bearer' });
    }
  } else {
    if (!isLoopback(socket.remoteAddress ?? '') || !isLoopback(socket.localAddress ?? '')) {
      return jsonAnswer(403, { error: 'without RINGBRIDGE_HTTP_TOKEN only this machine is served, over loopback' });
    }
    if (!isLoopbackName(headers.host)) {
      return jsonAnswer(403, { error: 'without RINGBRIDGE_HTTP_TOKEN the host must be localhost or 127.0.0.1' });
    }
    if (changes && headers[guardHeader] === undefined) {
      return jsonAnswer(403, { error: 'a request that changes something needs the header X-Ringbridge: 1' });
    }
  }
  if (changes && !/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    return jsonAnswer(415, { error: 'Content-Type must be application/json' });
  }
  return undefined;
}

function isCrossSite(headers: IncomingMessage['headers']): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin, host } = headers;
  if (origin === undefined) return false;
  return origin !== `http://${host ?? ''}` && origin !== `https://${host ?? ''}`;
}

/** Takes the same time however much of it is right. */
function showsToken(authorization: string | undefined, token: string): boolean {
  const shown = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(token));
}

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`. */
function isLoopbackName(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d{1,5}$/, '').replace(/^\[|\]$/g, '');
  return name.toLowerCase() === 'localhost' || (isIP(name) !== 0 && isLoopback(name));
}
