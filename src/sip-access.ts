import type { Settings } from './config/settings';
import { isLoopback } from './config/setting-formats';
import { hostName } from './dialplan/destination-schema';
import type { Plan } from './dialplan/plan';
import type { OutboundTrunk, Trunk } from './dialplan/trunk';
import type { Logger } from './runtime/logger';
import type { AccessPolicy, SipTrunk } from './sip-server/access-policy';
import type { DigestAlgorithm } from './sip-server/digest';
import type { Registration, RegistrationSettings, RegistrationState } from './sip-server/registration';
import type { SipServer } from './sip-server/server';

type RealmSettings = Pick<Settings, 'sipRealm' | 'sipAuthAlgorithms'>;
type AccessibleServer = Pick<SipServer, 'setAccess' | 'register'>;

/** Who may use the SIP server under a plan; undefined: everybody, as the plan names neither users nor trunks. */
export function accessPolicyOf(
  plan: Plan,
  { sipRealm: realm, sipAuthAlgorithms }: RealmSettings,
): AccessPolicy | undefined {
  if (plan.users.size === 0 && plan.trunks.size === 0) return undefined;
  return {
    realm,
    users: [...plan.users.values()].map(({ name, password }) => ({ name, password: password.reveal() })),
    trunks: [...plan.trunks.values()].map(toSipTrunk),
    algorithms: sipAuthAlgorithms.split(',') as DigestAlgorithm[],
  };
}

/** Where a plan wants us registered, by the name of the trunk. */
export function registrationsOf(plan: Plan): Map<string, RegistrationSettings> {
  const wanted = new Map<string, RegistrationSettings>();
  for (const { name, outbound } of plan.trunks.values()) {
    const { host, transport, digest, registerSeconds } = outbound ?? {};
    if (host === undefined || digest === undefined || registerSeconds === undefined) continue;
    const user = digest.user.reveal();
    wanted.set(name, {
      registrar: `sip:${host}${transportParam(transport)}`,
      address: `sip:${encodeURIComponent(user)}@${bracketed(hostName(host))}`,
      credentials: { username: user, password: digest.password.reveal(), realm: digest.realm },
      expiresSeconds: registerSeconds,
    });
  }
  return wanted;
}

/** What a plan asks for and these settings do not allow, one line each: it must not come into force. */
export function accessRefusals(plan: Plan, { drachtio, sipListen }: Settings): string[] {
  if (drachtio === undefined) {
    const listening = new Set(sipListen.map(({ transport }) => transport));
    return [...plan.trunks.values()].flatMap(({ name, outbound }) =>
      outbound?.transport === undefined || listening.has(outbound.transport)
        ? []
        : [
            `trunk "${name}" is called over ${outbound.transport}, but RINGBRIDGE_SIP_LISTEN names no ${outbound.transport}: address`,
          ],
    );
  }
  const lines = [...plan.trunks.values()].flatMap(({ name, outbound }) => [
    ...(outbound?.digest === undefined ? [] : [`trunk "${name}" has a digest, ${embeddedOnly}`]),
    ...(outbound?.registerSeconds === undefined ? [] : [`trunk "${name}" registers, ${embeddedOnly}`]),
  ]);
  return plan.users.size === 0 ? lines : [...lines, `the plan has users, ${embeddedOnly}`];
}

/** For a person: the doors that stand open to everybody; undefined when none does. */
export function openDoorWarning(plan: Plan, { drachtio, sipListen }: Settings): string | undefined {
  const open = sipListen.filter(({ address }) => !isLoopback(address));
  if (drachtio !== undefined || open.length === 0 || plan.users.size + plan.trunks.size > 0) return undefined;
  const addresses = open.map(({ transport, address, port }) => `${transport}:${bracketed(address)}:${port}`).join(', ');
  return `everybody who reaches ${addresses} can call: the dialplan names no trunks and no users`;
}

const embeddedOnly = 'which only the embedded SIP server can do: unset RINGBRIDGE_DRACHTIO, or leave it out';

/** Keeps a SIP server in step with the plan in force. */
export class SipAccess {
  readonly #server: AccessibleServer;
  readonly #settings: RealmSettings;
  readonly #logger: Logger;
  readonly #kept = new Map<string, KeptRegistration>();
  /** A registrar must hear that we leave before it hears that we come again: both are about the same contact. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor({ server, settings, logger }: { server: AccessibleServer; settings: RealmSettings; logger: Logger }) {
    this.#server = server;
    this.#settings = settings;
    this.#logger = logger;
  }

  /**
   * Users who stay keep their phones, and registrations that say the same go on; others end, and new ones begin. Takes
   * effect with the next request; calls in progress go on.
   */
  setPlan(plan: Plan): void {
    this.#server.setAccess(accessPolicyOf(plan, this.#settings));
    const wanted = registrationsOf(plan);
    for (const [trunk, { settings, registration }] of this.#kept) {
      const next = wanted.get(trunk);
      if (next !== undefined && isSame(settings, next)) continue;
      this.#kept.delete(trunk);
      if (registration !== undefined) this.#leave(trunk, registration);
    }
    for (const [trunk, settings] of wanted) if (!this.#kept.has(trunk)) this.#register(trunk, settings);
  }

  /** How it stands with each trunk that we register at. */
  get registrations(): ReadonlyMap<string, RegistrationState['state']> {
    return new Map(
      [...this.#kept].map(([trunk, { registration }]) => [trunk, registration?.state.state ?? 'registering']),
    );
  }

  #register(trunk: string, settings: RegistrationSettings): void {
    const kept: KeptRegistration = { settings, registration: undefined };
    this.#kept.set(trunk, kept);
    const begin = (): void => {
      // Another plan may have come meanwhile.
      if (this.#kept.get(trunk) !== kept) return;
      this.#logger.info({ trunk, registrar: settings.registrar }, 'registering at a trunk');
      kept.registration = this.#server.register(settings);
    };
    const leaving = this.#leaving.get(trunk);
    if (leaving === undefined) begin();
    else void leaving.then(begin);
  }

  #leave(trunk: string, registration: Registration): void {
    this.#logger.info({ trunk }, 'leaving a trunk');
    const left = registration.close().then(() => {
      if (this.#leaving.get(trunk) === left) this.#leaving.delete(trunk);
    });
    this.#leaving.set(trunk, left);
  }
}

interface KeptRegistration {
  readonly settings: RegistrationSettings;
  /** Undefined while the one before takes its leave. */
  registration: Registration | undefined;
}

function isSame(one: RegistrationSettings, other: RegistrationSettings): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function toSipTrunk({ name, networks, outbound }: Trunk): SipTrunk {
  const { digest, host = '' } = outbound ?? {};
  if (digest === undefined) return { name, addresses: networks };
  const { user, password, realm } = digest;
  const credentials = { username: user.reveal(), password: password.reveal(), hosts: [hostName(host)], realm };
  return { name, addresses: networks, credentials };
}

function transportParam(transport: OutboundTrunk['transport']): string {
  return transport === undefined || transport === 'udp' ? '' : `;transport=${transport}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
