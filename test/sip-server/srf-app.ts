import { once } from 'node:events';
import Srf from 'drachtio-srf';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import type { SipServer, SipServerOptions } from '../../src/sip-server/server';
import { startSipServer } from '../../src/sip-server/server';

export const sdp = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

/** A server on loopback with ports of the system's choice. */
export function startTestServer(options: Partial<SipServerOptions> = {}): Promise<SipServer> {
  return startSipServer({
    listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
}

/** The application's side. Handlers must be registered before it connects, so they are given here. */
export async function connectSrf(server: SipServer, register: (srf: any) => void = () => undefined): Promise<any> {
  const srf: any = new Srf();
  srf.on('error', () => undefined);
  register(srf);
  const connected = once(srf, 'connect');
  srf.connect({ ...server.admin, reconnect: { maxAttempts: 1 } });
  const [error] = await connected;
  if (error) throw error as Error;
  return srf;
}

/** `127.0.0.1:port` of the first listener of that transport. */
export function addressOf(server: SipServer, transport: 'udp' | 'tcp' = 'udp'): string {
  const found = server.listening.find((listening) => listening.transport === transport);
  return `127.0.0.1:${found?.port ?? 0}`;
}

/** Resolves with the arguments of the next event. */
export function next(emitter: any, event: string): Promise<any[]> {
  return once(emitter, event);
}

/** A promise and the function that settles it. */
export function settable<T>(): { promise: Promise<T>; settle: (value: T) => void } {
  let settle: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}
