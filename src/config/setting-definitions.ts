import {
  adminListener,
  adminServers,
  codecList,
  duration,
  filePath,
  ipAddress,
  listenAddress,
  oneOf,
  portRange,
  realtimeUrl,
  secretToken,
  simulatorBehaviour,
  sipListeners,
  tagList,
  weightedHostPorts,
  wholeNumber,
  word,
} from './setting-formats';
import { withDefault, withoutDefault, withoutSecretDefault } from './setting';
import type { SettingDefinition } from './setting';
import { sipSettingGroups, sipSettings } from './sip-settings';
import type { SettingGroup } from './sip-settings';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const generalSettings = {
  sipListen: withDefault({
    env: 'RINGBRIDGE_SIP_LISTEN',
    doc: 'Where the embedded SIP server listens: a list of `udp:`, `tcp:` or `tls:` followed by `IP:PORT`.',
    default: 'udp:127.0.0.1:5060,tcp:127.0.0.1:5060',
    format: sipListeners,
  }),
  publicAddress: withoutDefault({
    env: 'RINGBRIDGE_PUBLIC_ADDRESS',
    doc: 'The IP address that the outside sees, for Via, Contact and SDP behind a cloud NAT. Unset: the local address.',
    format: ipAddress,
  }),
  sipTlsCert: withoutDefault({
    env: 'RINGBRIDGE_SIP_TLS_CERT',
    doc: 'File with the certificate chain, PEM, needed when `RINGBRIDGE_SIP_LISTEN` names a `tls:` address.',
    format: filePath,
  }),
  sipTlsKey: withoutDefault({
    env: 'RINGBRIDGE_SIP_TLS_KEY',
    doc: 'File with the private key of `RINGBRIDGE_SIP_TLS_CERT`, PEM, without a passphrase.',
    format: filePath,
  }),
  sipTlsVerify: withDefault({
    env: 'RINGBRIDGE_SIP_TLS_VERIFY',
    doc: 'Whether SIP servers that we connect to over TLS must prove their name: `yes` or `no`. For a private authority set `NODE_EXTRA_CA_CERTS` instead.',
    default: 'yes',
    format: oneOf(['yes', 'no']),
  }),
  rtpAddress: withoutDefault({
    env: 'RINGBRIDGE_RTP_ADDRESS',
    doc: 'Local IP address of RTP. Unset: that of the SIP listener.',
    format: ipAddress,
  }),
  rtpPorts: withDefault({
    env: 'RINGBRIDGE_RTP_PORTS',
    doc: 'Ports of RTP and RTCP, both ends included. A call takes two; with `--workers` each worker has a part to itself.',
    default: '10000-19999',
    format: portRange,
  }),
  codecs: withoutDefault({
    env: 'RINGBRIDGE_CODECS',
    doc: 'List of the codecs that our RTP may speak: `opus`, `pcmu`, `pcma`; which of them a call has, the order of the other side decides. Unset: all of them, Opus where it is built (docs/opus.md). Not with `RINGBRIDGE_FREESWITCH`, which negotiates by itself.',
    format: codecList,
  }),
  drachtio: withoutDefault({
    env: 'RINGBRIDGE_DRACHTIO',
    doc: 'List of `HOST:PORT`, or `tls:HOST:PORT`, of drachtio-servers to connect to; calls of all are taken, and one that is up is enough. Unset: the embedded SIP server.',
    format: adminServers,
  }),
  drachtioSecret: withoutSecretDefault({
    env: 'RINGBRIDGE_DRACHTIO_SECRET',
    doc: 'Secret of the drachtio-servers. Needed with `RINGBRIDGE_DRACHTIO` and `RINGBRIDGE_DRACHTIO_LISTEN`; their default `cymru` is refused outside of loopback.',
  }),
  drachtioListen: withoutDefault({
    env: 'RINGBRIDGE_DRACHTIO_LISTEN',
    doc: "`IP:PORT`, or `tls:IP:PORT`, for drachtio-server's outbound connections to us, from private addresses only. TLS uses `RINGBRIDGE_SIP_TLS_CERT` and `_KEY`.",
    format: adminListener,
  }),
  drachtioTags: withoutDefault({
    env: 'RINGBRIDGE_DRACHTIO_TAGS',
    doc: 'List of tags by which the HTTP routing of a drachtio-server may choose this Ringbridge.',
    format: tagList,
  }),
  freeswitch: withoutDefault({
    env: 'RINGBRIDGE_FREESWITCH',
    doc: 'List of `HOST:PORT` of FreeSWITCH event sockets, each with `;weight=N` if it should get more calls than others. Unset: our own RTP faces the caller.',
    format: weightedHostPorts,
  }),
  freeswitchSecret: withoutSecretDefault({
    env: 'RINGBRIDGE_FREESWITCH_SECRET',
    doc: 'Password of the event sockets. Needed with `RINGBRIDGE_FREESWITCH`; the passwords that FreeSWITCH and its images come with are refused outside of loopback.',
  }),
  freeswitchListen: withoutDefault({
    env: 'RINGBRIDGE_FREESWITCH_LISTEN',
    doc: '`IP:PORT` where FreeSWITCH calls us back; each further FreeSWITCH takes the next port, port 0 means any. Unset: `127.0.0.1:0`, for FreeSWITCH on this machine.',
    format: listenAddress,
  }),
  freeswitchAdvertise: withoutDefault({
    env: 'RINGBRIDGE_FREESWITCH_ADVERTISE',
    doc: 'The IP address that FreeSWITCH is told for calling us back, when it is not that of `RINGBRIDGE_FREESWITCH_LISTEN` (containers).',
    format: ipAddress,
  }),
  openaiApiKey: withoutSecretDefault({
    env: 'OPENAI_API_KEY',
    doc: 'Key of the Realtime API. Without it the simulator answers, and only where every SIP listener is loopback.',
  }),
  realtimeUrl: withDefault({
    env: 'RINGBRIDGE_REALTIME_URL',
    doc: 'The Realtime endpoint, or `simulator` for the built-in one.',
    default: 'wss://api.openai.com/v1/realtime',
    format: realtimeUrl,
  }),
  realtimeModel: withDefault({
    env: 'RINGBRIDGE_REALTIME_MODEL',
    doc: 'The model of agents that name none; `simulator` is the built-in one.',
    default: 'gpt-realtime-2',
    format: word,
  }),
  simulator: withDefault({
    env: 'RINGBRIDGE_SIMULATOR',
    doc: 'How the built-in simulator behaves: `receptionist`, `echo`, `tone:600` or `scenario:FILE`.',
    default: 'receptionist',
    format: simulatorBehaviour,
  }),
  dialplans: withDefault({
    env: 'RINGBRIDGE_DIALPLANS',
    doc: 'Folder of the dialplans.',
    default: 'dialplans',
    format: filePath,
  }),
  dialplanWatch: withDefault({
    env: 'RINGBRIDGE_DIALPLAN_WATCH',
    doc: 'Whether dialplans are loaded by themselves when their files change: `yes` or `no`. SIGHUP and `ringbridge reload` work either way.',
    default: 'yes',
    format: oneOf(['yes', 'no']),
  }),
  keptPlans: withDefault({
    env: 'RINGBRIDGE_KEPT_PLANS',
    doc: 'How many plans that were in force are kept in `plans` in the data folder, to be put back with `ringbridge restore`. `0` keeps none.',
    default: '20',
    format: wholeNumber({ atLeast: 0, atMost: 1_000 }),
  }),
  prices: withoutDefault({
    env: 'RINGBRIDGE_PRICES',
    doc: 'JSON file with the prices of models, by which the cost of calls is told and limited. Unset: `prices.json`, which is shipped.',
    format: filePath,
  }),
  data: withDefault({
    env: 'RINGBRIDGE_DATA',
    doc: 'Folder of the call records. One process per folder.',
    default: 'data',
    format: filePath,
  }),
  httpListen: withDefault({
    env: 'RINGBRIDGE_HTTP_LISTEN',
    doc: '`IP:PORT` of `/health`, `/ready`, `/metrics` and the dialplan API. Beyond loopback the API wants `RINGBRIDGE_HTTP_TOKEN`.',
    default: '127.0.0.1:8080',
    format: listenAddress,
  }),
  httpToken: {
    env: 'RINGBRIDGE_HTTP_TOKEN',
    doc: 'What `ringbridge reload`, `plans` and `restore` and other users of the API show (`Authorization: Bearer`), 16 characters at least. Unset: the API answers this machine only.',
    default: undefined,
    format: secretToken,
    sensitive: true,
  } satisfies SettingDefinition<string | undefined>,
  logLevel: withDefault({
    env: 'RINGBRIDGE_LOG_LEVEL',
    doc: `Least severe lines that are logged: ${logLevels.map((level) => `\`${level}\``).join(', ')}.`,
    default: 'info',
    format: oneOf(logLevels),
  }),
  maxCalls: withDefault({
    env: 'RINGBRIDGE_MAX_CALLS',
    doc: 'Calls at one time; further ones are answered 503.',
    default: '200',
    format: wholeNumber({ atLeast: 1, atMost: 32_000 }),
  }),
  maxSupervisions: withDefault({
    env: 'RINGBRIDGE_MAX_SUPERVISIONS',
    doc: 'Calls that may have a supervisor at one time, in each process; more are refused.',
    default: '20',
    format: wholeNumber({ atLeast: 0, atMost: 32_000 }),
  }),
  firstMediaTimeoutMs: withDefault({
    env: 'RINGBRIDGE_FIRST_MEDIA_TIMEOUT',
    doc: "A call ends when this long after the answer nothing of the caller's audio has come.",
    default: '30s',
    format: duration({ atLeast: '1s', atMost: '10m' }),
  }),
  mediaTimeoutMs: withDefault({
    env: 'RINGBRIDGE_MEDIA_TIMEOUT',
    doc: 'A call ends when the caller has sent neither RTP nor RTCP for this long and is not on hold.',
    default: '15s',
    format: duration({ atLeast: '1s', atMost: '10m' }),
  }),
  drainTimeMs: withDefault({
    env: 'RINGBRIDGE_DRAIN_TIME',
    doc: 'After SIGTERM, calls in progress may go on for this long.',
    default: '5m',
    format: duration({ atLeast: '0s', atMost: '2h' }),
  }),
  sessionWarningMs: withDefault({
    env: 'RINGBRIDGE_SESSION_WARNING',
    doc: 'How long before the goodbye of a time limit the caller is warned.',
    default: '60s',
    format: duration({ atLeast: '10s', atMost: '10m' }),
  }),
};

/** Names and defaults are a contract with those who install Ringbridge. */
export const settingDefinitions = { ...generalSettings, ...sipSettings };

/** As the reference page has them. */
export const settingGroups: readonly SettingGroup[] = [
  { title: 'General', about: '', settings: generalSettings },
  ...sipSettingGroups,
];
