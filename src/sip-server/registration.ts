import type { Timer } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import type { AgentContext } from './agent-context';
import { newTag } from './agent-context';
import { answerChallenge } from './answer-challenge';
import type { Credentials } from './answer-challenge';
import type { Outgoing } from './attempts';
import { Attempts } from './attempts';
import { composeVia } from './compose-request';
import { HeaderList } from './header-list';
import { listValues, parseNameAddr } from './header-values';
import { contactOf, schemeOf } from './local-side';
import { parseDecimal } from './scanner';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody } from './sip-message';
import type { Flow } from './transport';
import { formatSipUri, parseSipUri } from './uri';

/** Where Ringbridge is one of somebody else's phones. */
export interface RegistrationSettings {
  /** The registrar: `sip:pbx.example.com`. A name may have several addresses; they are tried in order. */
  readonly registrar: string;
  /** Who we are there: `sip:600@pbx.example.com`. */
  readonly address: string;
  readonly credentials?: Credentials;
  /** What is asked for; the registrar may give less or want more. Default 3600. */
  readonly expiresSeconds?: number;
}

export type RegistrationState =
  | { readonly state: 'registering' }
  | { readonly state: 'registered'; readonly expiresSeconds: number }
  /** `status`: of the registrar's answer; undefined when there was none. It is tried again after `retryMs`. */
  | { readonly state: 'failed'; readonly status: number | undefined; readonly retryMs: number }
  | { readonly state: 'closed' };

type RegistrationContext = Pick<
  AgentContext,
  'clock' | 'random' | 'stats' | 'transactions' | 'locator' | 'localSideOf'
> & { readonly logger: Logger };

const defaultExpiresSeconds = 3_600;
const expiresSecondsMax = 86_400;
/** A registrar that gives less than this would be asked without end. */
const expiresSecondsMin = 30;
/** The wait after the first failure; each further one doubles it, up to the limit (RFC 5626 section 4.5). */
const retryBaseMs = 10_000;
const retryMaxMs = 1_800_000;
/** How long a registrar may take to hear our last word. */
const farewellLimitMs = 2_000;

/**
 * Keeps us registered with a PBX, so that it sends us calls: refreshes between half and four fifths of the time given,
 * tries again with growing pauses, and takes its leave.
 *
 *   registering ─▶ registered ─▶ registering ...        (registering ─▶ failed ─▶ registering; all lead to closed)
 */
export class Registration {
  readonly #context: RegistrationContext;
  readonly #settings: RegistrationSettings;
  readonly #callId: string;
  readonly #fromTag: string;
  #state: RegistrationState = { state: 'registering' };
  #cseq = 0;
  #expiresSeconds: number;
  #failures = 0;
  /** Whether the registrar may know us. */
  #mayBeKnown = false;
  #timer: Timer | undefined;
  #closing: Promise<void> | undefined;

  /** Begins at once. */
  constructor(context: RegistrationContext, settings: RegistrationSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#callId = context.random.uuid();
    this.#fromTag = newTag(context.random);
    this.#expiresSeconds = settings.expiresSeconds ?? defaultExpiresSeconds;
    this.#register();
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /** Unregisters, and resolves when the registrar knows or has had time enough. Twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #close(): Promise<void> {
    this.#timer?.cancel();
    this.#state = { state: 'closed' };
    if (!this.#mayBeKnown) return Promise.resolve();
    return new Promise((resolve) => {
      const limit = this.#context.clock.setTimer(farewellLimitMs, resolve);
      this.#send(0, () => {
        limit.cancel();
        resolve();
      });
    });
  }

  #register(): void {
    this.#state = { state: 'registering' };
    this.#send(this.#expiresSeconds, (response) => {
      if (this.#state.state === 'closed') return;
      if (response === undefined) this.#fail(undefined);
      else if (response.status < 300) this.#succeed(response);
      else if (!this.#learnInterval(response)) this.#fail(response);
    });
  }

  #succeed(response: SipResponse): void {
    const { clock, random, stats, logger } = this.#context;
    const expiresSeconds = this.#grantedSeconds(response);
    if (this.#failures > 0) logger.info({ registrar: this.#settings.registrar }, 'registered again');
    this.#failures = 0;
    stats.registersAccepted += 1;
    this.#state = { state: 'registered', expiresSeconds };
    const refreshMs = expiresSeconds * 1_000 * (0.5 + 0.3 * random.fraction());
    this.#timer = clock.setTimer(refreshMs, () => this.#register());
  }

  #fail(response: SipResponse | undefined): void {
    const { clock, random, stats, logger } = this.#context;
    const askedSeconds =
      parseDecimal(response?.headers.first('Retry-After')?.split(/[;( ]/)[0] ?? '', 0xffff_ffff) ?? 0;
    const pauseMs = Math.min(retryBaseMs * 2 ** this.#failures, retryMaxMs) * (0.5 + 0.5 * random.fraction());
    const retryMs = Math.max(pauseMs, Math.min(askedSeconds * 1_000, retryMaxMs));
    const { registrar } = this.#settings;
    if (this.#failures === 0) logger.warn({ registrar, status: response?.status, retryMs }, 'cannot register');
    this.#failures += 1;
    stats.registersFailed += 1;
    this.#state = { state: 'failed', status: response?.status, retryMs };
    this.#timer = clock.setTimer(retryMs, () => this.#register());
  }

  /** 423: the registrar wants us to stay longer (RFC 3261 section 10.2.8). False when it does not say more than we asked. */
  #learnInterval({ status, headers }: SipResponse): boolean {
    const least = parseDecimal(headers.first('Min-Expires') ?? '', expiresSecondsMax);
    if (status !== 423 || least === undefined || least <= this.#expiresSeconds) return false;
    this.#expiresSeconds = least;
    this.#register();
    return true;
  }

  /** What the registrar says of our contact, which may be one of several (RFC 3261 section 10.2.4). */
  #grantedSeconds({ headers }: SipResponse): number {
    const own = listValues(headers, 'Contact')
      .map((value) => parseNameAddr(value))
      .find((contact) => contact !== undefined && userOf(contact.uri) === userOf(this.#settings.address));
    const said = own?.params.get('expires') ?? headers.first('Expires') ?? '';
    const seconds = parseDecimal(said, 0xffff_ffff) ?? this.#expiresSeconds;
    return Math.min(Math.max(seconds, expiresSecondsMin), expiresSecondsMax);
  }

  /** Asks for so many seconds; `done` gets the final answer, undefined when there is none. Once. */
  #send(expiresSeconds: number, done: (response: SipResponse | undefined) => void): void {
    const { locator, transactions } = this.#context;
    locator.locateAll(this.#settings.registrar, undefined, (found) => {
      const [first, ...others] = typeof found === 'string' || !transactions.admitsClient() ? [] : found;
      if (first === undefined) done(undefined);
      else this.#sendTo([first, ...others], expiresSeconds, done);
    });
  }

  #sendTo(
    [first, ...others]: readonly [Flow, ...Flow[]],
    expiresSeconds: number,
    done: (response: SipResponse | undefined) => void,
  ): void {
    const { clock, transactions } = this.#context;
    const attempts = new Attempts(this.#compose(first, expiresSeconds), {
      clock,
      alternatives: others.map((flow) => ({ uri: undefined, flow })),
      start: ({ request, branch, flow }, user) => transactions.startRequest(request, branch, flow, user),
      retarget: ({ flow }) => this.#compose(flow, expiresSeconds),
      answer: (outgoing, challenge) => this.#answer(outgoing, challenge, expiresSeconds),
      isWanted: () => true,
      passOver: (_outgoing, transaction) => {
        transaction.terminate();
        return undefined;
      },
    });
    this.#mayBeKnown = true;
    attempts.start({
      onResponse: ({ message }) => {
        if (message.status >= 200) done(message);
      },
      onFailure: () => done(undefined),
      onTerminated: () => undefined,
      onAttempt: () => undefined,
    });
  }

  #answer(
    { request, flow }: Outgoing,
    challenge: SipResponse,
    expiresSeconds: number,
  ): { outgoing: Outgoing; stale: boolean } | undefined {
    const { credentials } = this.#settings;
    const cnonce = this.#context.random.bytes(8).toString('hex');
    const answer = credentials && answerChallenge(request, challenge, credentials, cnonce);
    if (answer === undefined) return undefined;
    const outgoing = this.#compose(flow, expiresSeconds);
    outgoing.request.headers.add(answer.name, answer.value);
    return { outgoing, stale: answer.stale };
  }

  #compose(flow: Flow, expiresSeconds: number): Outgoing {
    const { registrar, address } = this.#settings;
    const local = this.#context.localSideOf(flow);
    const branch = this.#context.transactions.newBranch();
    this.#cseq += 1;
    const headers = new HeaderList()
      .add('Via', composeVia(local, branch))
      .add('Max-Forwards', '70')
      .add('From', `<${address}>;tag=${this.#fromTag}`)
      .add('To', `<${address}>`)
      .add('Call-ID', this.#callId)
      .add('CSeq', `${this.#cseq} REGISTER`)
      .add('Contact', withUser(contactOf(local, schemeOf(registrar)), userOf(address)))
      .add('Expires', String(expiresSeconds));
    const request: SipRequest = { kind: 'request', method: 'REGISTER', uri: registrar, headers, body: emptyBody };
    return { request, branch, flow };
  }
}

function userOf(uri: string): string | undefined {
  const parsed = parseSipUri(uri);
  return typeof parsed === 'string' ? undefined : parsed.user;
}

/** Our Contact as the registrar's user, so that its calls say for whom they are. */
function withUser(contact: string, user: string | undefined): string {
  const parsed = parseSipUri(contact.slice(1, -1));
  return typeof parsed === 'string' ? contact : `<${formatSipUri({ ...parsed, user })}>`;
}
