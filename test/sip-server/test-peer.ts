import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { Application, IncomingEvent, Refusal, ResponseEvent, Sent } from '../../src/sip-server/application';
import type { CdrEvent } from '../../src/sip-server/cdr-event';
import { defaultAccessLimits } from '../../src/sip-server/access-policy';
import { HeaderList } from '../../src/sip-server/header-list';
import { defaultLimits } from '../../src/sip-server/limits';
import type { Limits } from '../../src/sip-server/limits';
import { defaultRequestRules } from '../../src/sip-server/request-rules';
import type { SessionSettings } from '../../src/sip-server/session-expires';
import { defaultGuardSettings } from '../../src/sip-server/source-guard';
import { parseMessage } from '../../src/sip-server/parse-message';
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import { emptyBody } from '../../src/sip-server/sip-message';
import type { SipStack, StackOptions } from '../../src/sip-server/stack';
import { buildStack } from '../../src/sip-server/stack';
import type { SipServerStats } from '../../src/sip-server/stats';
import { createStats } from '../../src/sip-server/stats';
import type { TransportName } from '../../src/sip-server/transport';
import { MemoryNetwork } from './memory-network';
import type { MemoryTransport } from './memory-network';

/** Writes down what the stack tells it. */
export class RecordingApplication implements Application {
  readonly requests: IncomingEvent[] = [];
  readonly acks: IncomingEvent[] = [];
  readonly cancels: IncomingEvent[] = [];
  readonly responses: ResponseEvent[] = [];
  readonly ended: { dialogId: string; bye: Sent }[] = [];
  readonly cdrs: CdrEvent[] = [];

  onRequest(event: IncomingEvent): void {
    this.requests.push(event);
  }

  onAck(event: IncomingEvent): void {
    this.acks.push(event);
  }

  onCancel(event: IncomingEvent): void {
    this.cancels.push(event);
  }

  onResponse(event: ResponseEvent): void {
    this.responses.push(event);
  }

  onDialogEnded(event: { dialogId: string; bye: Sent }): void {
    this.ended.push(event);
  }

  onCdr(event: CdrEvent): void {
    this.cdrs.push(event);
  }

  get statuses(): number[] {
    return this.responses.map(({ response }) => response.status);
  }
}

/** The far end: sends what a test writes and keeps what comes. */
export class TestPeer {
  readonly transport: MemoryTransport;
  readonly received: SipMessage[] = [];
  readonly #clock: VirtualClock;
  readonly #atMs: number[] = [];
  readonly #target: MemoryTransport;

  constructor(clock: VirtualClock, transport: MemoryTransport, target: MemoryTransport) {
    this.transport = transport;
    this.#clock = clock;
    this.#target = target;
    transport.listener = {
      onMessage: (bytes) => {
        const parsed = parseMessage(bytes);
        if (parsed.kind === 'request' || parsed.kind === 'response') {
          this.received.push(parsed);
          this.#atMs.push(clock.now());
        }
        return 'keep';
      },
    };
  }

  /** As if nothing had come yet. */
  forget(): void {
    this.received.length = 0;
    this.#atMs.length = 0;
  }

  send(text: string): void {
    const { address, port } = this.#target;
    const flow = { transport: this.transport, remoteAddress: address, remotePort: port };
    this.transport.send(Buffer.from(text, 'latin1'), flow, () => undefined);
  }

  /** Methods and statuses in order of arrival. */
  get seen(): (string | number)[] {
    return this.received.map((message) => (message.kind === 'request' ? message.method : message.status));
  }

  /** When each message of that method or status came, from the first of them. */
  intervalsMs(what: string | number): number[] {
    const times = this.#atMs.filter((_time, index) => this.seen[index] === what);
    return times.slice(1).map((time, index) => time - times[index]!);
  }

  last<Kind extends SipMessage['kind']>(kind: Kind): Extract<SipMessage, { kind: Kind }> {
    const found = this.received.filter((message) => message.kind === kind).at(-1);
    if (found === undefined) throw new Error(`the peer got no ${kind}; now ${this.#clock.now()} ms`);
    return found as Extract<SipMessage, { kind: Kind }>;
  }

  request(method: string): SipRequest {
    const found = this.received.find((message) => message.kind === 'request' && message.method === method);
    if (found === undefined) throw new Error(`the peer got no ${method}`);
    return found as SipRequest;
  }
}

export interface Bench {
  clock: VirtualClock;
  network: MemoryNetwork;
  stats: SipServerStats;
  stack: SipStack;
  app: RecordingApplication;
  peer: TestPeer;
  /** Another peer, on port 5060 of its address. */
  addPeer(address: string): TestPeer;
  /** Undefined: no application wants anything. */
  setApplication(application: Application | undefined): void;
}

/** What a stack needs and most tests do not care about. */
export const stackDefaults = {
  logger: silentLogger,
  limits: defaultLimits,
  accessLimits: defaultAccessLimits,
  guard: defaultGuardSettings,
  rules: defaultRequestRules,
  resolve: () => Promise.resolve([]),
  publicAddress: undefined,
} satisfies Partial<StackOptions>;

export const stackAddress = '127.0.0.1';
export const peerAddress = '127.0.0.2';

/** A whole stack with one application and one scripted peer, on a virtual clock. One way takes 10 ms. */
export function createBench({
  transport = 'udp',
  limits = {},
  seed = 1,
  hosts = {},
  sessions,
  routed = 'any',
}: {
  hosts?: Record<string, string[]>;
  transport?: TransportName;
  limits?: Partial<Limits>;
  seed?: number;
  sessions?: Partial<SessionSettings>;
  /** The methods that the application wants. */
  routed?: readonly string[] | 'any';
} = {}): Bench {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, { delayMs: 10 });
  const stats = createStats();
  const app = new RecordingApplication();
  const own = network.open(transport, stackAddress, 5060);
  let application: Application | undefined = app;
  const stack = buildStack({
    clock,
    random: seededRandom(seed),
    ...stackDefaults,
    stats,
    limits: { ...defaultLimits, ...limits },
    sessions,
    resolve: (host) => Promise.resolve(hosts[host] ?? []),
    transports: [own],
    selectApplication: () => application,
    routedMethods: () => (application === undefined ? [] : routed),
  });
  own.listener = stack.listener;
  const addPeer = (address: string): TestPeer => new TestPeer(clock, network.open(transport, address, 5060), own);
  const peer = addPeer(peerAddress);
  return { clock, network, stats, stack, app, peer, addPeer, setApplication: (other) => (application = other) };
}

interface RequestParts {
  branch?: string;
  callId?: string;
  fromTag?: string;
  toTag?: string;
  cseq?: number;
  uri?: string;
  transport?: TransportName;
  headers?: string[];
  body?: string;
}

/** A request of the peer's as text. Contact is the peer's own address. */
export function requestText(method: string, parts: RequestParts = {}): string {
  const {
    branch = `z9hG4bK-${method}-1`,
    callId = 'call-1',
    fromTag = 'peer-tag',
    toTag,
    cseq = 1,
    headers = [],
  } = parts;
  const { uri = `sip:bob@${stackAddress}`, transport = 'udp', body = '' } = parts;
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} ${peerAddress}:5060;branch=${branch}`,
    'Max-Forwards: 70',
    `From: <sip:alice@${peerAddress}>;tag=${fromTag}`,
    `To: <sip:bob@${stackAddress}>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(headers.some((header) => header.startsWith('Contact')) ? [] : [`Contact: <sip:alice@${peerAddress}:5060>`]),
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** The peer's response to a request it got. */
export function responseText(
  request: SipRequest,
  status: number,
  { toTag = 'peer-tag', headers = [], body = '' }: { toTag?: string; headers?: string[]; body?: string } = {},
): string {
  const to = request.headers.first('To') ?? '';
  return [
    `SIP/2.0 ${status} Whatever`,
    ...request.headers.all('Via').map((via) => `Via: ${via}`),
    `From: ${request.headers.first('From') ?? ''}`,
    `To: ${to}${to.includes('tag=') || toTag === '' ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${request.headers.first('Call-ID') ?? ''}`,
    `CSeq: ${request.headers.first('CSeq') ?? ''}`,
    ...(headers.some((header) => header.startsWith('Contact')) ? [] : [`Contact: <sip:alice@${peerAddress}:5060>`]),
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** A response as an application gives it. */
export function answer(status: number, headers: [string, string][] = [], body = ''): SipResponse {
  const list = new HeaderList(headers.map(([name, value]) => ({ name, value })));
  return { kind: 'response', status, reason: 'Whatever', headers: list, body: Buffer.from(body) };
}

/** A request as an application gives it. */
export function command(method: string, uri = 'sip:placeholder', headers: [string, string][] = []): SipRequest {
  const list = new HeaderList(headers.map(([name, value]) => ({ name, value })));
  return { kind: 'request', method, uri, headers: list, body: emptyBody };
}

/** The value of an outcome that must not be a refusal. */
export function sent(result: Sent | Refusal | undefined): Sent {
  if (result === undefined || 'refused' in result) throw new Error(`refused: ${result?.refused ?? 'no answer yet'}`);
  return result;
}
