import { isIPv6 } from 'node:net';
import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { SipServerStats } from './stats';
import { TokenBucket } from './token-bucket';

/** What a source of packets may do. A source is an IPv4 address or an IPv6 /64, which is what one customer gets. */
export interface GuardSettings {
  /** Offences within `offenceWindowMs` that get a source banned. 0: nobody is ever banned. */
  readonly offencesPerBan: number;
  readonly offenceWindowMs: number;
  readonly banMs: number;
  /** Sources and bans that are remembered; above it the oldest is forgotten. */
  readonly sources: number;
  readonly bans: number;
  /** Messages of any kind; what is above is dropped unread. */
  readonly messagesPerSecond: number;
  /** Messages that cannot be read; above it everything from there is dropped unread, until the flood is over. */
  readonly malformedPerSecond: number;
  /** Requests outside dialogs; what is above gets 503 with Retry-After. */
  readonly requestsPerSecond: number;
  /** So many different users refused within `usersWindowMs`, and nobody accepted: one offence. */
  readonly usersPerOffence: number;
  readonly usersWindowMs: number;
  /** A User-Agent with one of these in it, in any case, is a scanner's. */
  readonly scannerAgents: readonly string[];
  /** A display name in From that is one of these, in any case, is a scanner's whatever its User-Agent says. */
  readonly scannerCallers: readonly string[];
}

export const defaultGuardSettings: GuardSettings = {
  offencesPerBan: 5,
  offenceWindowMs: 600_000,
  banMs: 600_000,
  sources: 10_000,
  bans: 10_000,
  messagesPerSecond: 10_000,
  malformedPerSecond: 1_000,
  requestsPerSecond: 1_000,
  usersPerOffence: 20,
  usersWindowMs: 60_000,
  scannerAgents: [
    ...['friendly-scanner', 'friendly-request', 'sipvicious', 'sipcli', 'pplsip', 'sip-scan', 'sipscan', 'sipptk'],
    ...['sundayddr', 'siparmyknife', 'vaxsipuseragent'],
  ],
  scannerCallers: ['sipvicious'],
};

interface SourceGuardOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: SipServerStats;
  readonly settings: GuardSettings;
  /** Addresses that are never banned nor slowed: our trunks. UDP sources can be forged, also by one who wants them banned. */
  readonly isTrusted?: ((address: string) => boolean) | undefined;
}

interface Source {
  readonly messages: TokenBucket;
  readonly malformed: TokenBucket;
  readonly requests: TokenBucket;
  readonly refusedUsers: Set<string>;
  usersSinceMs: number;
  offences: number;
  offencesSinceMs: number;
}

/** Whoever bans with forged addresses must not fill the log: one line in this time. */
const banLogIntervalMs = 60_000;

/** Knows the sources of packets by their behaviour and keeps out those that only cost. Knows no SIP. */
export class SourceGuard {
  readonly #options: SourceGuardOptions;
  readonly #sources = new Map<string, Source>();
  /** When each ban ends; all last equally long, so the first to be added is the first to end. */
  readonly #bans = new Map<string, number>();
  #nextBanLogMs = -Infinity;

  constructor(options: SourceGuardOptions) {
    this.#options = options;
  }

  /** Whether a packet is worth reading. Counts it. */
  admits(address: string): boolean {
    const { stats, clock } = this.#options;
    if (this.#isTrusted(address)) return true;
    const nowMs = clock.now();
    const key = sourceKey(address);
    if (this.#isBanned(key, nowMs)) {
      stats.bannedDropped += 1;
      return false;
    }
    const source = this.#sourceOf(key, nowMs);
    if (!source.messages.take(nowMs)) {
      stats.messageFloodDropped += 1;
      return false;
    }
    if (source.malformed.hasToken(nowMs)) return true;
    stats.malformedFloodDropped += 1;
    return false;
  }

  /** Whether a connection may stay. */
  admitsConnection(address: string): boolean {
    if (this.#isTrusted(address) || !this.#isBanned(sourceKey(address), this.#options.clock.now())) return true;
    this.#options.stats.bannedConnections += 1;
    return false;
  }

  /** Whether a request outside dialogs is within its source's rate. Counts it. */
  admitsRequest(address: string): boolean {
    if (this.#isTrusted(address)) return true;
    const nowMs = this.#options.clock.now();
    return this.#sourceOf(sourceKey(address), nowMs).requests.take(nowMs);
  }

  /** A message from there could not be read. */
  noteMalformed(address: string): void {
    if (this.#isTrusted(address)) return;
    const nowMs = this.#options.clock.now();
    this.#sourceOf(sourceKey(address), nowMs).malformed.take(nowMs);
  }

  /** A request for `user` was refused in a way that tells a stranger who exists. */
  noteRefusedUser(address: string, user: string): void {
    if (this.#isTrusted(address)) return;
    const { clock, settings, stats } = this.#options;
    const nowMs = clock.now();
    const source = this.#sourceOf(sourceKey(address), nowMs);
    if (nowMs - source.usersSinceMs > settings.usersWindowMs) source.refusedUsers.clear();
    if (source.refusedUsers.size === 0) source.usersSinceMs = nowMs;
    source.refusedUsers.add(user);
    if (source.refusedUsers.size < settings.usersPerOffence) return;
    source.refusedUsers.clear();
    stats.enumerationsNoticed += 1;
    this.noteOffence(address);
  }

  /** A registration or a call from there was accepted: its other failures are no scan. */
  noteAccepted(address: string): void {
    this.#sources.get(sourceKey(address))?.refusedUsers.clear();
  }

  /** Something that no honest peer does. */
  noteOffence(address: string): void {
    const { clock, settings, stats } = this.#options;
    if (settings.offencesPerBan === 0 || this.#isTrusted(address)) return;
    const nowMs = clock.now();
    const key = sourceKey(address);
    const source = this.#sourceOf(key, nowMs);
    if (nowMs - source.offencesSinceMs > settings.offenceWindowMs) source.offences = 0;
    if (source.offences === 0) source.offencesSinceMs = nowMs;
    source.offences += 1;
    if (source.offences < settings.offencesPerBan) return;
    stats.sourcesBanned += 1;
    this.#sources.delete(key);
    if (remember(this.#bans, key, nowMs + settings.banMs, settings.bans)) stats.bansForgotten += 1;
    this.#logBan(key, nowMs);
  }

  #isTrusted(address: string): boolean {
    return this.#options.isTrusted?.(address) === true;
  }

  #isBanned(key: string, nowMs: number): boolean {
    const endsAtMs = this.#bans.get(key);
    if (endsAtMs === undefined) return false;
    if (endsAtMs > nowMs) return true;
    this.#bans.delete(key);
    return false;
  }

  #sourceOf(key: string, nowMs: number): Source {
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const { settings, stats } = this.#options;
    const source: Source = {
      messages: new TokenBucket(settings.messagesPerSecond, nowMs),
      malformed: new TokenBucket(settings.malformedPerSecond, nowMs),
      requests: new TokenBucket(settings.requestsPerSecond, nowMs),
      refusedUsers: new Set(),
      usersSinceMs: nowMs,
      offences: 0,
      offencesSinceMs: nowMs,
    };
    if (remember(this.#sources, key, source, settings.sources)) stats.sourcesForgotten += 1;
    return source;
  }

  #logBan(source: string, nowMs: number): void {
    if (nowMs < this.#nextBanLogMs) return;
    this.#nextBanLogMs = nowMs + banLogIntervalMs;
    const { logger, settings, stats } = this.#options;
    const fields = { sourceAddress: source, banMs: settings.banMs, bannedSoFar: stats.sourcesBanned };
    logger.info(fields, 'banned a source of SIP scans');
  }
}

/** IPv4 in either notation as it is; of IPv6 the first 64 bits. */
export function sourceKey(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}

/** True when the oldest had to make room. */
function remember<Value>(table: Map<string, Value>, key: string, value: Value, sizeMax: number): boolean {
  table.delete(key);
  const [oldest] = table.size >= sizeMax ? table.keys() : [];
  if (oldest !== undefined) table.delete(oldest);
  table.set(key, value);
  return oldest !== undefined;
}
