import { lookup } from 'node:dns/promises';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import { messageOf } from '../runtime/errors';
import type { Allowance } from './outgoing-address';
import { addressesFault, hostOf, urlFault } from './outgoing-address';

/** One request to a service. */
export interface OutgoingRequest extends Allowance {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
}

export interface OutgoingAnswer {
  kind: 'answer';
  status: number;
  readonly header: (name: string) => string | undefined;
  body: Buffer;
}

/** Why there is no answer. Of `unreachable` alone is certain that the service got nothing. */
export interface NoAnswer {
  kind: 'address-refused' | 'unreachable' | 'broken-off' | 'too-large';
  message: string;
}

/** Sends one request. Never rejects; when `signal` aborts, it ends as `broken-off` soon. */
export type SendHttp = (request: OutgoingRequest, signal: AbortSignal) => Promise<OutgoingAnswer | NoAnswer>;

/** Every address of a name. Rejects when there is none. */
export type ResolveName = (name: string) => Promise<readonly LookupAddress[]>;

/** A request that did not come to an answer. */
export class OutgoingFailure extends Error {
  override readonly name = 'OutgoingFailure';
  constructor(
    readonly kind: NoAnswer['kind'],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export const answerBytesMax = 262_144;
const headersBytesMax = 16_384;

/** The system's own names: the hosts file and DNS. */
export const systemNames: ResolveName = (name) => lookup(name, { all: true });

/**
 * HTTP by Node's own client. A name is resolved once, every address of it is checked, and the connection goes to those
 * addresses and no others: a name that means another address a moment later changes nothing. Each request has its own
 * connection, and nothing follows a redirect here.
 */
export function outgoingHttp({
  names = systemNames,
  ca,
}: { names?: ResolveName; ca?: string | undefined } = {}): SendHttp {
  return async (request, signal) => {
    try {
      const answer = await openAnswer(request, { names, ca, signal });
      const body = await bodyOf(answer);
      return { kind: 'answer', status: answer.statusCode ?? 0, header: (name) => headerOf(answer, name), body };
    } catch (cause) {
      if (cause instanceof OutgoingFailure) return { kind: cause.kind, message: cause.message };
      return { kind: 'broken-off', message: messageOf(cause) };
    }
  };
}

/** The head of an answer; its body is still to come. Rejects with `OutgoingFailure`. */
export async function openAnswer(
  request: OutgoingRequest,
  { names, ca, signal }: { names: ResolveName; ca: string | undefined; signal: AbortSignal },
): Promise<IncomingMessage> {
  const addresses = await checkedAddresses(request, names);
  if (signal.aborted) throw new OutgoingFailure('broken-off', 'given up');
  return await new Promise((resolve, reject) => {
    const { url, method, headers, body } = request;
    const isSecure = url.protocol === 'https:';
    let isConnected = false;
    const options: RequestOptions & { ca?: string } = {
      method,
      headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body ?? '')) },
      agent: false,
      signal,
      maxHeaderSize: headersBytesMax,
      lookup: (_name, asked, callback) => {
        // Node asks for all where it may try several, and for one where it may not.
        const [first] = addresses;
        if (asked.all === true) callback(null, [...addresses]);
        else callback(null, first?.address ?? '', first?.family);
      },
      ...(ca === undefined ? {} : { ca }),
    };
    const outgoing = (isSecure ? requestSecure : requestPlain)(url, options);
    outgoing.on('socket', (socket) => socket.once(isSecure ? 'secureConnect' : 'connect', () => (isConnected = true)));
    outgoing.on('response', resolve);
    outgoing.on('error', (cause) => {
      reject(
        new OutgoingFailure(isConnected || signal.aborted ? 'broken-off' : 'unreachable', messageOf(cause), { cause }),
      );
    });
    outgoing.end(body);
  });
}

async function checkedAddresses(request: OutgoingRequest, names: ResolveName): Promise<readonly LookupAddress[]> {
  const { url } = request;
  const fault = urlFault(url, request);
  if (fault !== undefined) throw new OutgoingFailure('address-refused', fault);
  const host = hostOf(url);
  const family = isIP(host);
  const addresses = family === 0 ? await resolved(host, names) : [{ address: host, family }];
  const addressFault = addressesFault(
    url,
    addresses.map(({ address }) => address),
    request,
  );
  if (addressFault !== undefined) throw new OutgoingFailure('address-refused', addressFault);
  return addresses;
}

async function resolved(host: string, names: ResolveName): Promise<readonly LookupAddress[]> {
  try {
    return await names(host);
  } catch (cause) {
    throw new OutgoingFailure('unreachable', messageOf(cause), { cause });
  }
}

/** The whole body. One that is too large, or that ends before its end, is none. */
function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    answer.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= answerBytesMax) return;
      reject(new OutgoingFailure('too-large', `more than ${answerBytesMax} bytes`));
      answer.destroy();
    });
    answer.on('end', () => resolve(Buffer.concat(chunks)));
    answer.on('error', (cause) => reject(new OutgoingFailure('broken-off', messageOf(cause), { cause })));
    answer.on('close', () => reject(new OutgoingFailure('broken-off', 'the answer ended before its end')));
  });
}

function headerOf(answer: IncomingMessage, name: string): string | undefined {
  const value = answer.headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}
