import { isIP } from 'node:net';

import { parseDurationMs } from '../runtime/duration';

/** What a text was understood as, or what was expected instead. */
export type Parsed<T> = { value: T } | { expected: string };

/** How a setting is written: both ways, so that the banner and the reference show what an admin would type. */
export interface SettingFormat<T> {
  parse(text: string): Parsed<T>;
  print(value: T): string;
}

export interface SipListener {
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  readonly port: number;
}

export interface HostPort {
  /** Name, IPv4 or IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** One end of an admin connection of drachtio-server. */
export interface AdminServer extends HostPort {
  readonly tls: boolean;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Entries of one list setting: more is a mistake. */
const listLengthMax = 32;
/** drachtio-srf takes no more. */
const tagsMax = 20;
const transports = ['udp', 'tcp', 'tls'] as const;

/** `udp:127.0.0.1:5060,tcp:[::1]:5060` */
export const sipListeners: SettingFormat<readonly SipListener[]> = {
  parse: (text) => parseList(text, parseSipListener, 'a list such as udp:127.0.0.1:5060,tcp:[::1]:5060'),
  print: (listeners) => listeners.map((one) => `${one.transport}:${joinHostPort(one.address, one.port)}`).join(','),
};

/** `[::1]:8080`; the host is an IP address of this machine, and port 0 lets the system choose. */
export const listenAddress: SettingFormat<HostPort> = {
  parse(text) {
    const parsed = splitHostPort(text);
    if (parsed === undefined || isIP(parsed.host) === 0) return { expected: 'IP:PORT, such as 127.0.0.1:8080' };
    return { value: parsed };
  },
  print: ({ host, port }) => joinHostPort(host, port),
};

/** `10.0.0.2:9022,tls:a.example.com:9023` */
export const adminServers: SettingFormat<readonly AdminServer[]> = {
  parse: (text) => parseList(text, parseAdminServer, 'a list of HOST:PORT or tls:HOST:PORT, such as 10.0.0.2:9022'),
  print: (list) => list.map((one) => `${one.tls ? 'tls:' : ''}${joinHostPort(one.host, one.port)}`).join(','),
};

/** `10.0.0.5:9100` or `tls:10.0.0.5:9100`; the host is an IP address of this machine. */
export const adminListener: SettingFormat<AdminServer> = {
  parse(text) {
    const { tls, rest } = splitTls(text);
    const parsed = listenAddress.parse(rest);
    if ('expected' in parsed) return { expected: 'IP:PORT or tls:IP:PORT, such as 10.0.0.5:9100' };
    return { value: { ...parsed.value, tls } };
  },
  print: ({ host, port, tls }) => `${tls ? 'tls:' : ''}${joinHostPort(host, port)}`,
};

/** `paris,v2`: what drachtio-server takes for a tag. */
export const tagList: SettingFormat<readonly string[]> = {
  parse(text) {
    const expected = `a list of tags of at most 32 of A-Z a-z 0-9 - _ + @ :`;
    const parsed = parseList(text, (tag) => (/^[A-Za-z0-9_+@:-]{1,32}$/.test(tag) ? tag : undefined), expected);
    return 'value' in parsed && parsed.value.length > tagsMax ? { expected: `at most ${tagsMax} tags` } : parsed;
  },
  print: (tags) => tags.join(','),
};

const codecNames = ['opus', 'pcmu', 'pcma'] as const;

/** `opus,pcmu,pcma`. Without a law of G.711 there are telephones with which nothing could be agreed on. */
export const codecList: SettingFormat<readonly (typeof codecNames)[number][]> = {
  parse(text) {
    const expected = 'a list of opus, pcmu and pcma with pcmu or pcma in it';
    const parsed = parseList(text, (name) => codecNames.find((one) => one === name.toLowerCase()), expected);
    return 'value' in parsed && parsed.value.every((name) => name === 'opus') ? { expected } : parsed;
  },
  print: (names) => names.join(','),
};

/** A remote server and its share of the work beside the others. */
export interface WeightedHostPort extends HostPort {
  readonly weight: number;
}

/** `10.0.0.2:8021,10.0.0.3:8021;weight=3`: three calls for each one of the first. */
export const weightedHostPorts: SettingFormat<readonly WeightedHostPort[]> = {
  parse: (text) => parseList(text, parseWeighted, 'a list of HOST:PORT or HOST:PORT;weight=N (1 to 100)'),
  print: (list) =>
    list
      .map(({ host, port, weight }) => joinHostPort(host, port) + (weight === 1 ? '' : `;weight=${weight}`))
      .join(','),
};

export const ipAddress: SettingFormat<string> = {
  parse: (text) => (isIP(text) === 0 ? { expected: 'an IP address' } : { value: text }),
  print: (address) => address,
};

/** `10000-19999`, both ends included. */
export const portRange: SettingFormat<PortRange> = {
  parse(text) {
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
    const first = Number(match?.[1] ?? Number.NaN);
    const last = Number(match?.[2] ?? Number.NaN);
    // RTP takes an even port and RTCP the odd one above it (RFC 3550 section 11), so a range holds at least one pair.
    const pairs = Math.floor((last + 1 - (first + (first % 2))) / 2);
    if (match === null || first < 1_024 || last > 65_535 || pairs < 1) {
      return {
        expected: 'FIRST-LAST between 1024 and 65535 with an even port and the odd one above it, such as 10000-19999',
      };
    }
    return { value: { first, last } };
  },
  print: ({ first, last }) => `${first}-${last}`,
};

/** `simulator`, or a `ws:` or `wss:` URL. */
export const realtimeUrl: SettingFormat<string> = {
  parse(text) {
    const expected = 'simulator, or a wss: or ws: URL without user, password and fragment';
    if (text === 'simulator') return { value: text };
    if (!URL.canParse(text)) return { expected };
    const url = new URL(text);
    const plain = url.username === '' && url.password === '' && url.hash === '';
    return plain && (url.protocol === 'wss:' || url.protocol === 'ws:') ? { value: text } : { expected };
  },
  // A gateway may want a key in the query, and what is printed ends in logs.
  print: (url) => url.replace(/\?.*$/s, '?...'),
};

/** The grammar of `RINGBRIDGE_SIMULATOR`; whether the scenario's file exists is the simulator's to say. */
export const simulatorBehaviour: SettingFormat<string> = {
  parse(text) {
    const toneHz = Number(/^tone:(\d{1,4})(?::\d{1,4}(?:ms|s|m)?)?$/.exec(text)?.[1] ?? Number.NaN);
    const known = text === 'receptionist' || text === 'echo' || (toneHz >= 50 && toneHz <= 9_900);
    if (known || /^scenario:\S/.test(text)) return { value: text };
    return { expected: 'receptionist, echo, tone:HZ or tone:HZ:LENGTH (50 to 9900 Hz), or scenario:FILE' };
  },
  print: (text) => text,
};

export function oneOf<const T extends string>(words: readonly T[]): SettingFormat<T> {
  return {
    parse(text) {
      const value = words.find((word) => word === text);
      return value === undefined ? { expected: `one of ${words.join(', ')}` } : { value };
    },
    print: (word) => word,
  };
}

export const yesOrNo: SettingFormat<boolean> = {
  parse: (text) => (text === 'yes' || text === 'no' ? { value: text === 'yes' } : { expected: 'yes or no' }),
  print: (value) => (value ? 'yes' : 'no'),
};

/** A list of words without commas; `special` in the place of a list is itself. */
export function wordList<const Special extends string>(special: Special): SettingFormat<readonly string[] | Special> {
  const expected = `words with commas between them, or ${special}`;
  return {
    parse(text) {
      if (text === special) return { value: special };
      return parseList(text, (one) => (/^[\x21-\x7e]{1,100}$/.test(one) ? one.toLowerCase() : undefined), expected);
    },
    print: (value) => (typeof value === 'string' ? value : value.join(',')),
  };
}

export function wholeNumber({ atLeast, atMost }: { atLeast: number; atMost: number }): SettingFormat<number> {
  return {
    parse(text) {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= atLeast && value <= atMost) return { value };
      return { expected: `a whole number from ${atLeast} to ${atMost}` };
    },
    print: (value) => String(value),
  };
}

/** A duration with its unit; the value is milliseconds. */
export function duration({ atLeast, atMost }: { atLeast: string; atMost: string }): SettingFormat<number> {
  return {
    parse(text) {
      const value = parseDurationMs(text);
      const lowest = parseDurationMs(atLeast) ?? 0;
      const highest = parseDurationMs(atMost) ?? 0;
      if (value !== undefined && value >= lowest && value <= highest) return { value };
      return { expected: `a duration with its unit from ${atLeast} to ${atMost}, such as 30s` };
    },
    print: (ms) => (ms % 60_000 === 0 && ms > 0 ? `${ms / 60_000}m` : ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`),
  };
}

/** One line of visible characters, no spaces: keys, secrets, model names. */
export const word: SettingFormat<string> = {
  parse: (text) =>
    /^[\x21-\x7e]{1,500}$/.test(text) ? { value: text } : { expected: 'one word of ASCII without spaces' },
  print: (text) => text,
};

/** Long enough that nobody guesses it. */
export const secretToken: SettingFormat<string> = {
  parse: (text) =>
    /^[\x21-\x7e]{16,500}$/.test(text) ? { value: text } : { expected: '16 to 500 characters of ASCII without spaces' },
  print: (text) => text,
};

export const filePath: SettingFormat<string> = {
  parse: (text) => (/[\x00-\x1f]/.test(text) ? { expected: 'a path' } : { value: text }),
  print: (path) => path,
};

/** True for 127.0.0.0/8, ::1 and the IPv4-mapped forms of the former. */
export function isLoopback(address: string): boolean {
  if (isIP(address) === 6) {
    // The URL parser writes every spelling of an IPv6 address in one way.
    const canonical = new URL(`http://[${address}]/`).hostname;
    return canonical === '[::1]' || canonical.startsWith('[::ffff:7f');
  }
  return isIP(address) === 4 && address.startsWith('127.');
}

function parseSipListener(text: string): SipListener | undefined {
  const separator = text.indexOf(':');
  const transport = transports.find((one) => one === text.slice(0, separator));
  const local = splitHostPort(text.slice(separator + 1));
  if (transport === undefined || local === undefined || isIP(local.host) === 0) return undefined;
  return { transport, address: local.host, port: local.port };
}

function parseAdminServer(text: string): AdminServer | undefined {
  const { tls, rest } = splitTls(text);
  const remote = parseRemote(rest);
  return remote === undefined ? undefined : { ...remote, tls };
}

function splitTls(text: string): { tls: boolean; rest: string } {
  const tls = text.startsWith('tls:');
  return { tls, rest: tls ? text.slice(4) : text };
}

function parseRemote(text: string): HostPort | undefined {
  const remote = splitHostPort(text);
  if (remote === undefined || remote.port === 0) return undefined;
  const isName = /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(remote.host);
  return isIP(remote.host) !== 0 || isName ? remote : undefined;
}

function parseWeighted(text: string): WeightedHostPort | undefined {
  const match = /^(.{1,300}?)(?:;weight=(\d{1,3}))?$/.exec(text);
  const remote = parseRemote(match?.[1] ?? '');
  const weight = Number(match?.[2] ?? 1);
  return remote === undefined || weight < 1 || weight > 100 ? undefined : { ...remote, weight };
}

function parseList<T>(text: string, parseOne: (text: string) => T | undefined, expected: string): Parsed<readonly T[]> {
  const parts = text.split(',').map((part) => part.trim());
  const values = parts.map(parseOne).filter((value) => value !== undefined);
  if (values.length !== parts.length || parts.length > listLengthMax || new Set(parts).size < parts.length) {
    return { expected: `${expected}, each once, at most ${listLengthMax}` };
  }
  return { value: values };
}

function splitHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([^:[\]]{1,253})):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  const bracketed = match?.[1];
  const host = bracketed ?? match?.[2];
  if (host === undefined || !(port <= 65_535) || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined;
  return { host, port };
}

function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
