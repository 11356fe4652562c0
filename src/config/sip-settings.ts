import { withDefault } from './setting';
import type { SettingDefinition } from './setting';
import { duration, oneOf, wholeNumber, word, wordList, yesOrNo } from './setting-formats';

// Every limit of the embedded SIP server. The defaults are such that a normal trunk, PBX or phone never meets them; each
// names the counter, an event of ringbridge_sip_total, that grows when one is met all the same. Where sip-server has a
// default of its own, a test holds the two together.

const accessSettings = {
  sipRealm: withDefault({
    env: 'RINGBRIDGE_SIP_REALM',
    doc: 'The realm that phones are asked for their password in.',
    default: 'ringbridge',
    format: word,
  }),
  sipAuthAlgorithms: withDefault({
    env: 'RINGBRIDGE_SIP_AUTH_ALGORITHMS',
    doc: 'Digests that phones may use, best first: `SHA-256,MD5` or one of the two.',
    default: 'SHA-256,MD5',
    format: oneOf(['SHA-256,MD5', 'MD5,SHA-256', 'SHA-256', 'MD5']),
  }),
  sipAuthFailures: counted('RINGBRIDGE_SIP_AUTH_FAILURES', {
    doc: 'Wrong passwords of one address within `RINGBRIDGE_SIP_AUTH_WINDOW`; then it gets 503 for the rest of it.',
    counter: 'addressesBlocked',
    default: '10',
    atMost: 1_000_000,
  }),
  sipAuthWindowMs: timed('RINGBRIDGE_SIP_AUTH_WINDOW', {
    doc: 'See `RINGBRIDGE_SIP_AUTH_FAILURES`.',
    default: '1m',
    atMost: '24h',
  }),
  sipNonceLifeMs: timed('RINGBRIDGE_SIP_NONCE_LIFE', {
    doc: 'How long the answer to one challenge may be used.',
    counter: 'credentialsStale',
    default: '5m',
    atMost: '24h',
  }),
  sipRegisterMinMs: timed('RINGBRIDGE_SIP_REGISTER_MIN', {
    doc: 'The shortest registration of a phone; one that asks for less gets 423.',
    counter: 'registrationsRefused',
    default: '1m',
    atMost: '24h',
  }),
  sipRegisterMaxMs: timed('RINGBRIDGE_SIP_REGISTER_MAX', {
    doc: 'The longest registration of a phone; one that asks for more gets this.',
    default: '2h',
    atMost: '24h',
  }),
  sipRegisterDefaultMs: timed('RINGBRIDGE_SIP_REGISTER_DEFAULT', {
    doc: 'The registration of a phone that does not say how long.',
    default: '1h',
    atMost: '24h',
  }),
  sipContactsPerUser: counted('RINGBRIDGE_SIP_MAX_CONTACTS', {
    doc: 'Phones of one user; a further one takes the place of the one that registered longest ago.',
    counter: 'registrationsReplaced',
    default: '5',
    atMost: 100,
  }),
};

const limitSettings = {
  sipServerTransactions: counted('RINGBRIDGE_SIP_MAX_SERVER_TRANSACTIONS', {
    doc: 'Requests of others in progress; a new one above it gets 503.',
    counter: 'refusedOverload',
    default: '20000',
    atMost: 1_000_000,
  }),
  sipClientTransactions: counted('RINGBRIDGE_SIP_MAX_CLIENT_TRANSACTIONS', {
    doc: 'Requests of ours in progress; a new one above it is not sent.',
    counter: 'requestsRefusedOverload',
    default: '20000',
    atMost: 1_000_000,
  }),
  sipDialogs: counted('RINGBRIDGE_SIP_MAX_DIALOGS', {
    doc: 'Calls, and INVITEs that may become one; a new one above it gets 503.',
    counter: 'refusedOverload',
    default: '5000',
    atMost: 1_000_000,
  }),
  sipSubscriptions: counted('RINGBRIDGE_SIP_MAX_SUBSCRIPTIONS', {
    doc: 'Subscriptions, and SUBSCRIBEs that may become one, which take no room of calls; a new one above it gets 503.',
    counter: 'refusedSubscriptions',
    default: '1000',
    atMost: 1_000_000,
  }),
  sipSubscriptionMaxMs: timed('RINGBRIDGE_SIP_SUBSCRIPTION_MAX', {
    doc: 'The longest subscription; one that asks for more gets this. One that nobody refreshes ends 32 s after its time.',
    counter: 'subscriptionsExpired',
    default: '1h',
    atMost: '24h',
  }),
  sipConnections: counted('RINGBRIDGE_SIP_MAX_CONNECTIONS', {
    doc: 'TCP and TLS connections of one listener.',
    counter: 'connectionsRefused',
    default: '1000',
    atMost: 60_000,
  }),
  sipConnectionsPerAddress: counted('RINGBRIDGE_SIP_MAX_CONNECTIONS_PER_ADDRESS', {
    doc: 'Of them, those of one remote address.',
    counter: 'connectionsRefused',
    default: '20',
    atMost: 60_000,
  }),
  sipSilentConnections: counted('RINGBRIDGE_SIP_MAX_SILENT_CONNECTIONS', {
    doc: 'Of them, those on which no whole message has come yet; the oldest makes room for a new one.',
    counter: 'connectionsSilent',
    default: '100',
    atMost: 60_000,
  }),
  sipMessageTimeMs: timed('RINGBRIDGE_SIP_MESSAGE_TIME', {
    doc: 'Who begins a message on a connection must finish it in this time, or is disconnected.',
    counter: 'connectionsStalled',
    default: '4500ms',
    atLeast: '100ms',
    atMost: '10m',
  }),
  sipApplications: counted('RINGBRIDGE_SIP_MAX_APPLICATIONS', {
    doc: 'Connections to the admin port, which listens on loopback only.',
    counter: 'adminLoginsRefused',
    default: '64',
    atMost: 1_000,
  }),
};

const guardSettings = {
  sipMessageRate: counted('RINGBRIDGE_SIP_MESSAGE_RATE', {
    doc: 'Messages of any kind a second from one source; what is above is dropped unread.',
    counter: 'messageFloodDropped',
    default: '10000',
    atMost: 1_000_000,
  }),
  sipMalformedRate: counted('RINGBRIDGE_SIP_MALFORMED_RATE', {
    doc: 'Messages a second that cannot be read; above it everything from that source is dropped unread.',
    counter: 'malformedFloodDropped',
    default: '1000',
    atMost: 1_000_000,
  }),
  sipRequestRate: counted('RINGBRIDGE_SIP_REQUEST_RATE', {
    doc: 'Requests a second outside dialogs; what is above gets 503 with Retry-After.',
    counter: 'refusedTooFast',
    default: '1000',
    atMost: 1_000_000,
  }),
  sipBanOffences: counted('RINGBRIDGE_SIP_BAN_OFFENCES', {
    doc: 'Offences within `RINGBRIDGE_SIP_BAN_WINDOW` that get a source banned: signs of a scanner, searches for users. `0`: nobody is ever banned.',
    counter: 'sourcesBanned',
    default: '5',
    atLeast: 0,
    atMost: 1_000_000,
  }),
  sipBanWindowMs: timed('RINGBRIDGE_SIP_BAN_WINDOW', {
    doc: 'See `RINGBRIDGE_SIP_BAN_OFFENCES`.',
    default: '10m',
    atMost: '24h',
  }),
  sipBanTimeMs: timed('RINGBRIDGE_SIP_BAN_TIME', {
    doc: 'How long everything from a banned source is dropped unread.',
    counter: 'bannedDropped, bannedConnections',
    default: '10m',
    atMost: '24h',
  }),
  sipBanUsers: counted('RINGBRIDGE_SIP_BAN_USERS', {
    doc: 'So many different users refused to one source within `RINGBRIDGE_SIP_BAN_USERS_WINDOW`, and none accepted, are one offence.',
    counter: 'enumerationsNoticed',
    default: '20',
    atMost: 1_000_000,
  }),
  sipBanUsersWindowMs: timed('RINGBRIDGE_SIP_BAN_USERS_WINDOW', {
    doc: 'See `RINGBRIDGE_SIP_BAN_USERS`.',
    default: '1m',
    atMost: '24h',
  }),
  sipSources: counted('RINGBRIDGE_SIP_MAX_SOURCES', {
    doc: 'Sources that are remembered; above it the oldest is forgotten.',
    counter: 'sourcesForgotten',
    default: '10000',
    atMost: 1_000_000,
  }),
  sipBans: counted('RINGBRIDGE_SIP_MAX_BANS', {
    doc: 'Bans at one time; above it the oldest ends.',
    counter: 'bansForgotten',
    default: '10000',
    atMost: 1_000_000,
  }),
  sipScannerAgents: withDefault({
    env: 'RINGBRIDGE_SIP_SCANNER_AGENTS',
    doc: 'Who has one of these in its User-Agent is dropped without an answer: a list, or `none`. Counter: `scannersDropped`.',
    default:
      'friendly-scanner,friendly-request,sipvicious,sipcli,pplsip,sip-scan,sipscan,sipptk,sundayddr,siparmyknife,vaxsipuseragent',
    format: wordList('none'),
  }),
  sipScannerCallers: withDefault({
    env: 'RINGBRIDGE_SIP_SCANNER_CALLERS',
    doc: 'Who calls by one of these display names likewise.',
    default: 'sipvicious',
    format: wordList('none'),
  }),
};

const ruleSettings = {
  sipRefuseUnrouted: withDefault({
    env: 'RINGBRIDGE_SIP_REFUSE_UNROUTED',
    doc: '`yes`: a method that nothing here handles gets 405; `no`: 503, as from drachtio-server. Counter: `refusedMethod`.',
    default: 'yes',
    format: yesOrNo,
  }),
  sipRefuseForeignRegister: withDefault({
    env: 'RINGBRIDGE_SIP_REFUSE_FOREIGN_REGISTER',
    doc: '`yes`: a REGISTER whose To is no SIP address gets 400. Counter: `refusedMalformed`.',
    default: 'yes',
    format: yesOrNo,
  }),
  sipExtensions: withDefault({
    env: 'RINGBRIDGE_SIP_EXTENSIONS',
    doc: 'What a request may require; anything else gets 420. `any`: everything. Counter: `refusedExtension`.',
    default: '100rel,replaces,timer',
    format: wordList('any'),
  }),
  sipInviteTypes: withDefault({
    env: 'RINGBRIDGE_SIP_INVITE_TYPES',
    doc: 'Media types that an INVITE may bring; another gets 415. `any`: every one. Counter: `refusedContent`.',
    default: 'application/sdp,multipart/*',
    format: wordList('any'),
  }),
  sipRefuseWithoutSdp: withDefault({
    env: 'RINGBRIDGE_SIP_REFUSE_WITHOUT_SDP',
    doc: '`yes`: an INVITE that accepts no SDP in the answer gets 406. Counter: `refusedUnacceptable`.',
    default: 'yes',
    format: yesOrNo,
  }),
  sipSessionMinMs: timed('RINGBRIDGE_SIP_SESSION_MIN', {
    doc: 'The shortest session timer (RFC 4028); a call that asks for less gets 422.',
    counter: 'refusedSessionInterval',
    default: '90s',
    atMost: '24h',
  }),
  sipSessionAnswer: withDefault({
    env: 'RINGBRIDGE_SIP_SESSION_ANSWER',
    doc: '`yes`: a session timer that a caller asks for is agreed to; `no`: only one that the application asks for, as with drachtio-server. Counter: `sessionsExpired`.',
    default: 'yes',
    format: yesOrNo,
  }),
};

export const sipSettings = { ...accessSettings, ...limitSettings, ...guardSettings, ...ruleSettings };

export type SettingRow = Pick<SettingDefinition<unknown>, 'env' | 'doc' | 'default'>;

/** A table of the reference page. */
export interface SettingGroup {
  readonly title: string;
  /** What stands above the table; Markdown. */
  readonly about: string;
  readonly settings: Readonly<Record<string, SettingRow>>;
}

export const sipSettingGroups = [
  {
    title: 'SIP server: phones and trunks',
    about: 'Who may call stands in the dialplan, in `users` and `trunks`.',
    settings: accessSettings,
  },
  {
    title: 'SIP server: limits',
    about:
      'What bounds memory. A normal trunk, PBX or phone never meets these defaults; meeting one is counted, as an event of `ringbridge_sip_total` at `/metrics`.',
    settings: limitSettings,
  },
  {
    title: 'SIP server: floods and scanners',
    about: 'A source is an IPv4 address or an IPv6 /64. Addresses of trunks are never slowed nor banned.',
    settings: guardSettings,
  },
  {
    title: 'SIP server: rules and session timers',
    about: 'Where the server does more for us than drachtio-server does; `no` and `any` undo it.',
    settings: ruleSettings,
  },
];

interface Limit {
  readonly doc: string;
  /** Of `ringbridge_sip_total`. */
  readonly counter?: string;
  readonly default: string;
}

function counted(
  env: string,
  { atLeast = 1, atMost, ...limit }: Limit & { atLeast?: number; atMost: number },
): SettingDefinition<number> {
  return withDefault({ env, doc: docOf(limit), default: limit.default, format: wholeNumber({ atLeast, atMost }) });
}

function timed(
  env: string,
  { atLeast = '1s', atMost, ...limit }: Limit & { atLeast?: string; atMost: string },
): SettingDefinition<number> {
  return withDefault({ env, doc: docOf(limit), default: limit.default, format: duration({ atLeast, atMost }) });
}

function docOf({ doc, counter }: Limit): string {
  if (counter === undefined) return doc;
  const names = counter.split(', ').map((name) => `\`${name}\``);
  return `${doc} Counter: ${names.join(', ')}.`;
}
