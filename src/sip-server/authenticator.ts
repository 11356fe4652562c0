import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { AccessLimits } from './access-policy';
import type { DigestAlgorithm, DigestParams } from './digest';
import { algorithmOf, digestResponse, digestValues, quotedText } from './digest';
import { FailureLimiter } from './failure-limiter';
import { NonceKeeper } from './nonce-keeper';
import type { SipRequest } from './sip-message';
import { sourceKey } from './source-guard';
import type { SipServerStats } from './stats';
import { parseSipUri } from './uri';

/** What a request's credentials are worth. */
export type Authentication =
  | { kind: 'proved'; username: string }
  /** None, or none that are good: ask. `stale`: they may have been good for an earlier challenge. */
  | { kind: 'unproved'; stale: boolean }
  | { kind: 'blocked'; waitMs: number };

/** The names and passwords that credentials are compared with, as octets on the wire. */
export interface Accounts {
  readonly realm: string;
  readonly algorithms: readonly DigestAlgorithm[];
  readonly passwords: ReadonlyMap<string, string>;
}

interface AuthenticatorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: SipServerStats;
  readonly limits: AccessLimits;
}

/** Credentials that hold all that we ask for. */
interface Claim {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly nonce: string;
  readonly uri: string;
  readonly nc: string;
  readonly cnonce: string;
  readonly response: string;
}

/** Digest authentication as a server (RFC 3261 section 22, RFC 7616, RFC 8760), always with `qop=auth`. */
export class Authenticator {
  readonly #stats: SipServerStats;
  readonly #nonces: NonceKeeper;
  readonly #failures: FailureLimiter;
  /** Stands for the password of users that do not exist, so that they cost the same time as others. */
  readonly #nobodysPassword: string;

  constructor({ clock, random, stats, limits }: AuthenticatorOptions) {
    this.#stats = stats;
    this.#nonces = new NonceKeeper({ clock, random, lifeMs: limits.nonceLifeMs });
    const { failuresPerAddress: failuresMax, failureWindowMs: windowMs } = limits;
    this.#failures = new FailureLimiter(clock, { failuresMax, windowMs });
    this.#nobodysPassword = random.bytes(16).toString('hex');
  }

  /** Judges the credentials in either header; each may be used once. */
  judge(request: SipRequest, accounts: Accounts, address: string): Authentication {
    const source = sourceKey(address);
    const waitMs = this.#failures.waitMs(source);
    if (waitMs > 0) return { kind: 'blocked', waitMs };
    const claim = findClaim(request, accounts);
    if (claim === undefined) return { kind: 'unproved', stale: false };
    // Only an answer to a challenge that this address was given counts as a failure: others may have forged its source.
    if (this.#nonces.check(claim.nonce, address) === 'stale') return this.#unprovedAsStale();
    if (!this.#isRight(claim, request, accounts)) {
      this.#stats.credentialsRefused += 1;
      if (this.#failures.note(source)) this.#stats.addressesBlocked += 1;
      return { kind: 'unproved', stale: false };
    }
    if (!this.#nonces.use(claim.nonce, Number.parseInt(claim.nc, 16))) return this.#unprovedAsStale();
    this.#stats.credentialsAccepted += 1;
    return { kind: 'proved', username: claim.username };
  }

  /** One challenge for each algorithm, best first, without the name of its header. */
  challenges(
    { realm, algorithms }: Pick<Accounts, 'realm' | 'algorithms'>,
    { address, stale }: { address: string; stale: boolean },
  ): string[] {
    this.#stats.challengesSent += 1;
    return algorithms.map((algorithm) => {
      const parts = [
        `realm=${quotedText(realm)}`,
        `nonce="${this.#nonces.make(address)}"`,
        `algorithm=${algorithm}`,
        'qop="auth"',
      ];
      return `Digest ${[...parts, ...(stale ? ['stale=true'] : [])].join(', ')}`;
    });
  }

  #unprovedAsStale(): Authentication {
    this.#stats.credentialsStale += 1;
    return { kind: 'unproved', stale: true };
  }

  #isRight(claim: Claim, request: SipRequest, { realm, passwords }: Accounts): boolean {
    const password = passwords.get(claim.username);
    const expected = digestResponse({
      ...claim,
      realm,
      password: password ?? this.#nobodysPassword,
      method: request.method,
      protection: { qop: 'auth', nc: claim.nc, cnonce: claim.cnonce },
    });
    const equal = isEqual(expected, claim.response);
    return equal && password !== undefined && isSameResource(claim.uri, request.uri);
  }
}

/** The first complete credentials for our realm. */
function findClaim(request: SipRequest, { realm, algorithms }: Accounts): Claim | undefined {
  const given = ['Authorization', 'Proxy-Authorization'].flatMap((name) => digestValues(request.headers, name));
  const claims = given.filter((params) => params.get('realm') === realm).map(claimOf);
  return claims.find((claim) => claim !== undefined && algorithms.includes(claim.algorithm));
}

function claimOf(params: DigestParams): Claim | undefined {
  const algorithm = algorithmOf(params);
  const [username, nonce, uri, cnonce, response] = ['username', 'nonce', 'uri', 'cnonce', 'response'].map((name) =>
    params.get(name),
  );
  const nc = params.get('nc') ?? '';
  if (params.get('qop') !== 'auth' || !/^[0-9a-f]{8}$/i.test(nc) || algorithm === undefined) return undefined;
  if (username === undefined || nonce === undefined || uri === undefined) return undefined;
  if (cnonce === undefined || response === undefined) return undefined;
  return { algorithm, username, nonce, uri, nc, cnonce, response: response.toLowerCase() };
}

/** A proxy on the way may have changed the Request-URI a little (RFC 3261 section 22.4, point 5), and some name no user. */
function isSameResource(claimed: string, requested: string): boolean {
  if (claimed === requested) return true;
  const [one, other] = [parseSipUri(claimed), parseSipUri(requested)];
  if (typeof one === 'string' || typeof other === 'string') return false;
  return one.host === other.host && (one.user === undefined || one.user === other.user);
}

function isEqual(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected, 'latin1'), Buffer.from(given, 'latin1')];
  return one.length === other.length && timingSafeEqual(one, other);
}
