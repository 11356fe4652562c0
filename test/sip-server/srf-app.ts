import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import Srf from 'drachtio-srf';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import type { SipServer, SipServerOptions } from '../../src/sip-server/server';
import { startSipServer } from '../../src/sip-server/server';
import type { TransportName } from '../../src/sip-server/transport';

/** What these tests use of drachtio-srf; its own types lack much of it. */
export interface SrfMessage {
  get(header: string): string;
  has(header: string): boolean;
  body: string;
  uri: string;
  source_address: string;
  receivedOn: string;
}

export interface SrfRequest extends EventEmitter, SrfMessage {
  method: string;
  cancel(callback?: (error: unknown) => void): void;
}

export interface SrfResponse extends SrfMessage {
  status: number;
  reason: string;
  send(
    status: number,
    options?: object,
    callback?: (error: unknown, sent: SrfMessage) => void,
    onPrack?: (prack: SrfRequest) => void,
  ): void;
}

export interface SrfDialog extends EventEmitter {
  id: string;
  connected: boolean;
  sip: { callId: string; localTag: string; remoteTag: string };
  local: { uri: string; sdp: string };
  remote: { uri: string; sdp: string };
  destroy(options?: object): Promise<SrfMessage>;
  modify(sdp: string | object): Promise<string & { sdp: string; ack: (sdp: string) => void }>;
  request(options: object): Promise<SrfResponse>;
}

export interface LateOffer {
  sdp: string;
  ack(sdp: string): Promise<SrfDialog>;
}

type Handler = (req: SrfRequest, res: SrfResponse) => unknown;

export interface SrfApp extends EventEmitter {
  invite(handler: Handler): void;
  options(handler: Handler): void;
  message(handler: Handler): void;
  subscribe(handler: Handler): void;
  connect(options: object): void;
  disconnect(): void;
  createUAS(req: SrfRequest, res: SrfResponse, options: object): Promise<SrfDialog>;
  createUAC(uri: string, options: object, callbacks?: object): Promise<SrfDialog>;
  request(uri: string, options: object): Promise<SrfRequest>;
}

/** An SDP whose version tells it from others. */
export function sdpOf(version: number): string {
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 40000 RTP/AVP 0',
    'a=rtpmap:0 PCMU/8000',
    '',
  ].join('\r\n');
}

/** A server on loopback with ports of the system's choice. */
export function startTestServer(options: Partial<SipServerOptions> = {}): Promise<SipServer> {
  return startSipServer({
    listen: [
      { transport: 'udp', address: '127.0.0.1', port: 0 },
      { transport: 'tcp', address: '127.0.0.1', port: 0 },
    ],
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
}

/** An application of `server`. Handlers must be there before it connects, so they are registered by `register`. */
export async function connectSrf(
  server: Pick<SipServer, 'admin'>,
  register: (srf: SrfApp) => void = () => undefined,
): Promise<SrfApp> {
  const srf = new Srf() as unknown as SrfApp;
  srf.on('error', () => undefined);
  register(srf);
  srf.connect({ ...server.admin, reconnect: { maxAttempts: 1 } });
  const [error] = (await once(srf, 'connect')) as [Error | null];
  if (error !== null) throw error;
  // srf sends its routes right behind the login and tells nobody when they are there.
  await new Promise((resolve) => setImmediate(resolve));
  return srf;
}

/** Twice is fine, which it is not for srf. */
export function disconnect(srf: SrfApp): void {
  try {
    srf.disconnect();
  } catch {
    // It has no connection any more.
  }
}

/** `127.0.0.1:port` of the listener of that transport. */
export function addressOf(server: SipServer, transport: TransportName = 'udp'): string {
  const found = server.listening.find((listening) => listening.transport === transport);
  return `127.0.0.1:${found?.port ?? 0}`;
}

export function uriOf(server: SipServer, transport: TransportName = 'udp'): string {
  return `sip:bob@${addressOf(server, transport)}${transport === 'udp' ? '' : `;transport=${transport}`}`;
}

/** The arguments of the next event. */
export async function next<Arguments extends unknown[]>(emitter: EventEmitter, event: string): Promise<Arguments> {
  return (await once(emitter, event)) as Arguments;
}

/** A promise and the function that settles it. */
export function settable<T>(): { promise: Promise<T>; settle: (value: T) => void } {
  let settle: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}
