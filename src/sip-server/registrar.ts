import type { Clock } from '../runtime/clock';
import type { AccessLimits } from './access-policy';
import type { ReplyOptions } from './compose-response';
import type { NameAddr } from './header-values';
import { formatNameAddr, listValues, parseNameAddr } from './header-values';
import { parseDecimal } from './scanner';
import type { SipRequest } from './sip-message';
import type { SipServerStats } from './stats';
import type { Flow } from './transport';
import { defaultPortOf } from './transport';
import type { Arrival } from './transport-layer';
import type { SipUri } from './uri';
import { parseSipUri } from './uri';

/** Where a user can be reached. */
export interface Binding {
  /** What requests to it have as Request-URI. */
  readonly uri: string;
  /** How its phone reached us, and is reached: NATs and streams let nobody in by another way. */
  readonly flow: Flow;
  readonly expiresAtMs: number;
}

interface Contact extends Binding {
  /** Equal for the same contact (RFC 3261 section 10.2.4). */
  readonly key: string;
  /** Where its REGISTER came from. */
  readonly source: string;
  /** `+sip.instance` and `reg-id` (RFC 5626): one phone that comes back by another way. */
  readonly instance: string | undefined;
  /** Given back in every list. */
  readonly echoed: ReadonlyMap<string, string | undefined>;
  readonly callId: string;
  readonly cseq: number;
}

/** What one REGISTER asks for. */
type Wish = { kind: 'nothing' } | { kind: 'remove-all' } | { kind: 'bind'; contacts: readonly WishedContact[] };

interface WishedContact {
  readonly value: NameAddr;
  readonly uri: SipUri;
  /** 0 removes it. */
  readonly seconds: number;
}

/** Longest Contact URI and parameter that are kept, octets: each is sent back in every answer. */
const contactBytesMax = 512;
const expiresSecondsMax = 0xffff_ffff;
const echoedParams = ['q', '+sip.instance', 'reg-id'];

/**
 * Remembers where users are (RFC 3261 section 10.3), in memory, for as long as they asked and we allow. `Path` is not
 * looked at: requests go back the way the REGISTER came. Whoever calls has made sure who the user is.
 */
export class Registrar {
  readonly #clock: Clock;
  readonly #stats: SipServerStats;
  readonly #limits: AccessLimits;
  readonly #byUser = new Map<string, Contact[]>();
  /** Who registered from where last. */
  readonly #userBySource = new Map<string, string>();

  constructor({ clock, stats, limits }: { clock: Clock; stats: SipServerStats; limits: AccessLimits }) {
    this.#clock = clock;
    this.#stats = stats;
    this.#limits = limits;
  }

  /** Carries out a REGISTER of `user` and says what to answer. Changes all or nothing. */
  register(arrival: Arrival<SipRequest>, user: string): ReplyOptions {
    const reply = this.#carryOut(arrival, user);
    this.#stats[reply.status === 200 ? 'registrationsAccepted' : 'registrationsRefused'] += 1;
    return reply;
  }

  /** Where `user` can be reached, the latest REGISTER first. */
  bindings(user: string): readonly Binding[] {
    return this.#alive(user).reverse();
  }

  /** Whether `flow` is how a registered phone reaches us. */
  knows({ transport, remoteAddress, remotePort }: Flow): boolean {
    const source = `${transport.name} ${remoteAddress} ${remotePort}`;
    const user = this.#userBySource.get(source);
    return user !== undefined && this.#alive(user).some((contact) => contact.source === source);
  }

  /** Forgets everybody who is not among `users`. */
  keepOnly(users: { has(user: string): boolean }): void {
    for (const user of [...this.#byUser.keys()]) if (!users.has(user)) this.#replace(user, []);
  }

  #carryOut(arrival: Arrival<SipRequest>, user: string): ReplyOptions {
    const wish = readWish(arrival.message, this.#limits.registrationDefaultSeconds);
    if (wish === undefined) return { status: 400, reason: 'Bad Contact' };
    const before = this.#alive(user);
    const { callId, cseq } = arrival.essentials;
    // A REGISTER that was overtaken by a later one of the same phone (RFC 3261 section 10.3, step 7).
    const overtaken = before.some((contact) => contact.callId === callId && contact.cseq >= cseq.number);
    switch (wish.kind) {
      case 'nothing':
        return this.#listing(before);
      case 'remove-all':
        if (overtaken) return outOfOrder;
        this.#replace(user, []);
        return this.#listing([]);
      case 'bind': {
        const { registrationMinSeconds: least } = this.#limits;
        if (wish.contacts.some(({ seconds }) => seconds > 0 && seconds < least)) {
          return { status: 423, reason: 'Interval Too Brief', headers: [['Min-Expires', String(least)]] };
        }
        if (overtaken) return outOfOrder;
        const after = this.#rebind(before, wish.contacts, arrival);
        this.#replace(user, after);
        return this.#listing(after);
      }
    }
  }

  #replace(user: string, after: readonly Contact[]): void {
    for (const { source } of this.#byUser.get(user) ?? []) {
      if (this.#userBySource.get(source) === user) this.#userBySource.delete(source);
    }
    for (const { source } of after) this.#userBySource.set(source, user);
    if (after.length === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, [...after]);
  }

  #rebind(before: readonly Contact[], wished: readonly WishedContact[], arrival: Arrival<SipRequest>): Contact[] {
    let after = [...before];
    for (const wish of wished) {
      const contact = this.#contactOf(wish, arrival);
      after = after.filter(
        ({ key, instance }) => key !== contact.key && (instance === undefined || instance !== contact.instance),
      );
      if (wish.seconds > 0) after.push(contact);
    }
    const surplus = Math.max(0, after.length - this.#limits.contactsPerUser);
    this.#stats.registrationsReplaced += surplus;
    return after.slice(surplus);
  }

  #contactOf({ value, uri, seconds }: WishedContact, { flow, essentials }: Arrival<SipRequest>): Contact {
    const allowedSeconds = Math.min(seconds, this.#limits.registrationMaxSeconds);
    const instance = value.params.get('+sip.instance');
    return {
      key: `${uri.scheme}:${uri.user ?? ''}@${uri.host}:${uri.port ?? ''};${uri.params.get('transport') ?? ''}`,
      uri: value.uri,
      flow: flowTo(uri, flow),
      source: `${flow.transport.name} ${flow.remoteAddress} ${flow.remotePort}`,
      instance: instance === undefined ? undefined : `${instance} ${value.params.get('reg-id') ?? ''}`,
      echoed: new Map([...value.params].filter(([name]) => echoedParams.includes(name))),
      expiresAtMs: this.#clock.now() + allowedSeconds * 1_000,
      callId: essentials.callId,
      cseq: essentials.cseq.number,
    };
  }

  /** The answer that holds every contact (RFC 3261 section 10.3, step 8). */
  #listing(contacts: readonly Contact[]): ReplyOptions {
    const headers = contacts.map(({ uri, echoed, expiresAtMs }) => {
      const seconds = Math.ceil((expiresAtMs - this.#clock.now()) / 1_000);
      const params = new Map(echoed).set('expires', String(seconds));
      return ['Contact', formatNameAddr({ displayName: '', uri, params })] as const;
    });
    return { status: 200, reason: 'OK', headers };
  }

  /** The contacts whose time is not up, the earliest REGISTER first. */
  #alive(user: string): Contact[] {
    const contacts = this.#byUser.get(user) ?? [];
    return contacts.filter(({ expiresAtMs }) => expiresAtMs > this.#clock.now());
  }
}

const outOfOrder: ReplyOptions = { status: 400, reason: 'REGISTER Out Of Order' };

function readWish({ headers }: SipRequest, defaultSeconds: number): Wish | undefined {
  const values = listValues(headers, 'Contact');
  const common = parseDecimal(headers.first('Expires') ?? '', expiresSecondsMax) ?? defaultSeconds;
  if (values.length === 0) return { kind: 'nothing' };
  if (values.includes('*')) return values.length === 1 && common === 0 ? { kind: 'remove-all' } : undefined;
  const contacts: WishedContact[] = [];
  for (const text of values) {
    const value = parseNameAddr(text);
    const uri = value === undefined ? 'uri-malformed' : parseSipUri(value.uri);
    if (value === undefined || typeof uri === 'string' || !isShort(value)) return undefined;
    const seconds = parseDecimal(value.params.get('expires') ?? '', expiresSecondsMax) ?? common;
    contacts.push({ value, uri, seconds });
  }
  return { kind: 'bind', contacts };
}

function isShort({ uri, params }: NameAddr): boolean {
  const kept = echoedParams.map((name) => params.get(name) ?? '');
  return [uri, ...kept].every((text) => text.length <= contactBytesMax);
}

/**
 * The way back to the phone. One whose Contact is the address that it sends from is behind no NAT: it may be listening
 * on another port than it sends from. For any other, only the way it came leads back.
 */
function flowTo(uri: SipUri, flow: Flow): Flow {
  if (uri.host !== flow.remoteAddress) return flow;
  return { ...flow, remotePort: uri.port ?? defaultPortOf(flow.transport.name) };
}
