import { lookup, resolveSrv } from 'node:dns/promises';
import { isIP } from 'node:net';

import { hostOfUri } from './sip-text';

/** A name that cannot be turned into an address. */
export class NoNextHop extends Error {
  override readonly name = 'NoNextHop';
}

export interface NameService {
  resolveSrv(name: string): Promise<readonly { name: string; port: number; priority: number }[]>;
  lookup(name: string): Promise<{ address: string }>;
}

const systemNames: NameService = { resolveSrv, lookup };

/**
 * The next hop of a request to `uri` as a SIP URI with a numeric address, or undefined when the host is one already or is
 * `localhost`, which the server takes for itself. drachtio-server asks the DNS in its only SIP thread, and without a route
 * to it never comes back; so names are looked up here: SRV when there is no port (RFC 3263 section 4.2), then A and AAAA.
 * Rejects with `NoNextHop`.
 */
export async function numericNextHop(uri: string, names: NameService = systemNames): Promise<string | undefined> {
  const host = hostOfUri(uri);
  const address = host.replace(/^\[|\]$/g, '');
  if (host === '' || host === 'localhost' || isIP(address) !== 0) return undefined;
  const scheme = /^sips:/i.test(uri) ? 'sips' : 'sip';
  const afterHost = uri.slice(uri.toLowerCase().indexOf(host, uri.indexOf('@') + 1) + host.length);
  const port = /^:(\d{1,5})/.exec(afterHost)?.[1];
  const transport = /;transport=([a-z]{2,5})/i.exec(afterHost)?.[1]?.toLowerCase() ?? (scheme === 'sips' ? 'tls' : '');
  const found = port === undefined ? await firstSrv(host, { scheme, transport }, names) : undefined;
  const numeric = await addressOf(found?.name ?? host, names);
  const hop = numeric.includes(':') ? `[${numeric}]` : numeric;
  const hopPort = port ?? found?.port;
  return `${scheme}:${hop}${hopPort === undefined ? '' : `:${hopPort}`}${transport === '' ? '' : `;transport=${transport}`}`;
}

async function firstSrv(
  host: string,
  { scheme, transport }: { scheme: string; transport: string },
  names: NameService,
): Promise<{ name: string; port: number } | undefined> {
  const service =
    scheme === 'sips' || transport === 'tls' ? '_sips._tcp' : `_sip._${transport === 'tcp' ? 'tcp' : 'udp'}`;
  try {
    const records = await names.resolveSrv(`${service}.${host}`);
    return [...records].sort((a, b) => a.priority - b.priority)[0];
  } catch {
    // No such record is the usual case.
    return undefined;
  }
}

async function addressOf(name: string, names: NameService): Promise<string> {
  try {
    return (await names.lookup(name)).address;
  } catch (cause) {
    throw new NoNextHop(`${name} has no address`, { cause });
  }
}
