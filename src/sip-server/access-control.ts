import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Clock } from '../runtime/clock';
import type { Random } from '../runtime/random';
import type { AccessLimits, AccessPolicy, TrunkCredentials } from './access-policy';
import type { Accounts } from './authenticator';
import { Authenticator } from './authenticator';
import { algorithmsFor } from './challenge-order';
import type { ReplyOptions } from './compose-response';
import { composeReply } from './compose-response';
import { wireText } from './digest';
import { parseNameAddr } from './header-values';
import type { Binding } from './registrar';
import { Registrar } from './registrar';
import type { ServerTransaction } from './server-transaction';
import type { SipRequest } from './sip-message';
import type { StatelessTags } from './stateless-tags';
import type { SipServerStats } from './stats';
import type { TransactionUser } from './transaction-layer';
import type { Flow } from './transport';
import type { Arrival } from './transport-layer';
import type { SipUri } from './uri';
import { parseSipUri } from './uri';

/** Tell applications whose request it is. What a stranger writes there is taken away. */
export const userHeader = 'X-Authenticated-User';
export const trunkHeader = 'X-Trunk';

interface AccessControlOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: SipServerStats;
  /** Of refusals, which no transaction may remember. */
  readonly tags: StatelessTags;
  readonly limits: AccessLimits;
}

/** A policy, made ready for each request. */
interface ActivePolicy {
  readonly accounts: Accounts;
  readonly trunks: readonly ActiveTrunk[];
}

interface ActiveTrunk {
  readonly name: string;
  readonly addresses: BlockList;
  readonly credentials: TrunkCredentials | undefined;
}

/**
 * Stands between transactions and the user agent: with a policy nobody gets past it outside dialogs who is neither a
 * trunk nor has proved to be a user, and REGISTER ends here. OPTIONS passes: it asks whether we are there. A dialog's
 * requests pass, too: its tags are known to its two ends only.
 */
export class AccessControl implements TransactionUser {
  readonly #options: AccessControlOptions;
  readonly #next: TransactionUser;
  readonly #authenticator: Authenticator;
  readonly #registrar: Registrar;
  #policy: ActivePolicy | undefined;

  constructor(options: AccessControlOptions, next: TransactionUser) {
    this.#options = options;
    this.#next = next;
    this.#authenticator = new Authenticator(options);
    this.#registrar = new Registrar(options);
  }

  /** Takes effect with the next request. Users who stay keep their registrations. Throws for an address that is none. */
  setPolicy(policy: AccessPolicy | undefined): void {
    this.#policy = policy && activate(policy);
    this.#registrar.keepOnly(this.#policy?.accounts.passwords ?? new Set());
  }

  /** Whether REGISTER is handled here. */
  get registers(): boolean {
    return (this.#policy?.accounts.passwords.size ?? 0) > 0;
  }

  isTrunk(address: string): boolean {
    return this.#trunkOf(address) !== undefined;
  }

  /** Who we are to the trunk that is called by `host` or has `address`; undefined: nobody gets credentials of ours. */
  credentialsFor({ host, address }: { host: string; address: string }): TrunkCredentials | undefined {
    const named = this.#policy?.trunks.find(({ credentials }) => {
      return credentials?.hosts.some((known) => known.toLowerCase() === host);
    });
    return (named ?? this.#trunkOf(address))?.credentials;
  }

  /** Where the user of `sip:user@us` can be reached, latest first; undefined when the URI names no user of ours. */
  bindingsOf({ user, host }: SipUri, isOurs: (host: string) => boolean): readonly Binding[] | undefined {
    const { accounts } = this.#policy ?? {};
    const name = nameOf(user ?? '');
    if (accounts?.passwords.has(name) !== true) return undefined;
    const named = host === accounts.realm.toLowerCase() || host === 'localhost';
    return named || isOurs(host) ? this.#registrar.bindings(name) : undefined;
  }

  /** Whether `flow` is how a registered phone reaches us. */
  knowsFlow(flow: Flow): boolean {
    return this.#registrar.knows(flow);
  }

  onRequest(transaction: ServerTransaction): void {
    const { arrival } = transaction;
    const refusal = this.#policy && this.#judge(arrival, this.#policy);
    if (refusal === undefined) this.#next.onRequest(transaction);
    else this.#reply(transaction, refusal);
  }

  onCancel(transaction: ServerTransaction, named: ServerTransaction | undefined): void {
    this.#next.onCancel(transaction, named);
  }

  onAck(arrival: Arrival<SipRequest>): void {
    this.#next.onAck(arrival);
  }

  /** What to answer in the place of the user agent; undefined lets the request pass. */
  #judge({ message, essentials, flow, ...rest }: Arrival<SipRequest>, policy: ActivePolicy): ReplyOptions | undefined {
    message.headers.remove(userHeader).remove(trunkHeader);
    if (essentials.toTag !== undefined || message.method === 'OPTIONS') return undefined;
    const trunk = this.#trunkOf(flow.remoteAddress);
    if (message.method !== 'REGISTER' && trunk !== undefined) {
      message.headers.add(trunkHeader, trunk.name);
      return undefined;
    }
    if (!this.registers) return this.#forbid();
    const address = flow.remoteAddress;
    const judged = this.#authenticator.judge(message, policy.accounts, address);
    switch (judged.kind) {
      case 'blocked':
        return blocked(judged.waitMs);
      case 'unproved':
        return this.#challenge(message, policy, { address, stale: judged.stale });
      case 'proved':
        if (message.method !== 'REGISTER') {
          message.headers.add(userHeader, judged.username);
          return undefined;
        }
        if (registeredName(message) !== judged.username) return this.#forbid();
        return this.#registrar.register({ message, essentials, flow, ...rest }, judged.username);
    }
  }

  #challenge(
    request: SipRequest,
    { accounts }: ActivePolicy,
    { address, stale }: { address: string; stale: boolean },
  ): ReplyOptions {
    const offer = { realm: accounts.realm, algorithms: algorithmsFor(request, accounts.algorithms) };
    const values = this.#authenticator.challenges(offer, { address, stale });
    const [status, reason, name] =
      request.method === 'REGISTER'
        ? ([401, 'Unauthorized', 'WWW-Authenticate'] as const)
        : ([407, 'Proxy Authentication Required', 'Proxy-Authenticate'] as const);
    return { status, reason, headers: values.map((value) => [name, value] as const) };
  }

  #forbid(): ReplyOptions {
    this.#options.stats.accessForbidden += 1;
    return { status: 403, reason: 'Forbidden' };
  }

  #trunkOf(address: string): ActiveTrunk | undefined {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    return this.#policy?.trunks.find(({ addresses }) => addresses.check(address, family));
  }

  #reply(transaction: ServerTransaction, reply: ReplyOptions): void {
    const { message } = transaction.arrival;
    transaction.respond(composeReply(message, { toTag: this.#options.tags.of(message), ...reply }));
    // Who offers nothing costs nothing: no table entry, and no repetitions to an address that may be forged.
    if (message.method === 'INVITE' && !hasCredentials(message)) transaction.terminate();
  }
}

function hasCredentials({ headers }: SipRequest): boolean {
  return headers.has('Authorization') || headers.has('Proxy-Authorization');
}

function activate({ realm, users, trunks, algorithms = ['SHA-256', 'MD5'] }: AccessPolicy): ActivePolicy {
  const passwords = new Map(users.map(({ name, password }) => [wireText(name), wireText(password)]));
  return {
    accounts: { realm: wireText(realm), algorithms, passwords },
    trunks: trunks.map(({ name, addresses, credentials }) => {
      return { name, addresses: blockListOf(addresses), credentials };
    }),
  };
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (isIP(address) === 0) throw new Error(`${network} is neither an IP address nor a network`);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

function blocked(waitMs: number): ReplyOptions {
  const headers = [['Retry-After', String(Math.ceil(waitMs / 1_000))]] as const;
  return { status: 503, reason: 'Service Unavailable', headers };
}

/** Whose registration a REGISTER is about. */
function registeredName({ headers }: SipRequest): string | undefined {
  const uri = parseSipUri(parseNameAddr(headers.first('To') ?? '')?.uri ?? '');
  return typeof uri === 'string' ? undefined : nameOf(uri.user ?? '');
}

/** The user part without a password, its escapes undone as far as they are any. */
function nameOf(user: string): string {
  const [name = ''] = user.split(':');
  return name.replace(/%([0-9a-f]{2})/gi, (_escape, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
