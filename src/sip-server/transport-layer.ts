import type { Clock } from '../runtime/clock';
import type { Logger } from '../runtime/logger';
import { composeReply } from './compose-response';
import type { Essentials } from './essentials';
import { readEssentials } from './essentials';
import type { HeaderList } from './header-list';
import { formatVia, listValues, parseNameAddr, withParam } from './header-values';
import type { GarbageReason } from './parse-message';
import { parseMessage } from './parse-message';
import { splitList } from './scanner';
import type { SipMessage, SipRequest, SipResponse } from './sip-message';
import { serializeMessage } from './sip-message';
import type { SourceGuard } from './source-guard';
import type { StatelessTags } from './stateless-tags';
import type { SipServerStats } from './stats';
import type { Flow, TransportListener } from './transport';
import { defaultPortOf } from './transport';

/** A well-formed message with where it came from. */
export interface Arrival<Message extends SipMessage> {
  readonly message: Message;
  readonly essentials: Essentials;
  readonly flow: Flow;
  /** As received, octets. */
  readonly bytes: number;
}

export interface TransportUser {
  /** The top Via has its `received` and `rport`. */
  onRequest(arrival: Arrival<SipRequest>): void;
  onResponse(arrival: Arrival<SipResponse>): void;
}

interface TransportLayerOptions {
  readonly clock: Clock;
  readonly tags: StatelessTags;
  readonly logger: Logger;
  readonly stats: SipServerStats;
  readonly guard: SourceGuard;
}

/** A flood must not flood the log: one line about rubbish in this time. */
const garbageLogIntervalMs = 60_000;

/** Between sockets and transactions: octets in, well-formed messages out, and back. RFC 3261 section 18. */
export class TransportLayer implements TransportListener {
  readonly #options: TransportLayerOptions;
  readonly #user: TransportUser;
  #nextGarbageLogMs = -Infinity;

  constructor(options: TransportLayerOptions, user: TransportUser) {
    this.#options = options;
    this.#user = user;
  }

  onConnection(remoteAddress: string): 'keep' | 'close' {
    return this.#options.guard.admitsConnection(remoteAddress) ? 'keep' : 'close';
  }

  onMessage(bytes: Buffer, flow: Flow): 'keep' | 'close' {
    if (!this.#options.guard.admits(flow.remoteAddress)) return 'close';
    if (isKeepAlive(bytes)) {
      this.#options.stats.keepAlives += 1;
      return 'keep';
    }
    const parsed = parseMessage(bytes);
    switch (parsed.kind) {
      case 'garbage':
        this.#countGarbage(parsed.reason, flow);
        return 'close';
      case 'broken-request':
        this.#refuse(parsed.request, flow, parsed.status, parsed.reason);
        return 'close';
      case 'request':
        this.#receiveRequest(parsed, flow, bytes.length);
        return 'keep';
      case 'response':
        this.#receiveResponse(parsed, flow, bytes.length);
        return 'keep';
    }
  }

  onUnframed(bytes: Buffer, flow: Flow): void {
    const parsed = parseMessage(bytes);
    if (parsed.kind === 'broken-request') this.#refuse(parsed.request, flow, parsed.status, parsed.reason);
    else if (parsed.kind === 'request') this.#refuse(parsed, flow, 400, 'Bad Content-Length');
    else this.#countGarbage(parsed.kind === 'garbage' ? parsed.reason : 'bad-response', flow);
  }

  /** Serializes and sends. Returns the octets as sent. `onFailure` comes later, at most once. */
  send(message: SipMessage, flow: Flow, onFailure: (cause: string) => void): Buffer {
    const bytes = serializeMessage(message);
    this.#options.stats[message.kind === 'request' ? 'requestsSent' : 'responsesSent'] += 1;
    flow.transport.send(bytes, flow, (cause) => {
      this.#options.stats.sendFailures += 1;
      onFailure(cause);
    });
    return bytes;
  }

  #receiveRequest(request: SipRequest, flow: Flow, bytes: number): void {
    this.#options.stats.requestsReceived += 1;
    const essentials = readEssentials(request);
    if (typeof essentials === 'string') {
      this.#refuse(request, flow, 400, essentials);
      return;
    }
    const via = { ...essentials.via, params: stampedParams(essentials, flow) };
    const [, ...others] = splitList(request.headers.first('Via') ?? '');
    request.headers.replaceFirst('Via', [formatVia(via), ...others].join(', '));
    this.#user.onRequest({ message: request, essentials: { ...essentials, via }, flow, bytes });
  }

  #receiveResponse(response: SipResponse, flow: Flow, bytes: number): void {
    this.#options.stats.responsesReceived += 1;
    const essentials = readEssentials(response);
    if (typeof essentials === 'string') this.#countGarbage('bad-response', flow);
    else {
      if (!areContactsReadable(response.headers)) response.headers.remove('Contact');
      this.#user.onResponse({ message: response, essentials, flow, bytes });
    }
  }

  /** Answers without a transaction: whoever repeats a broken request gets the same answer again. */
  #refuse(request: SipRequest, flow: Flow, status: number, reason: string): void {
    this.#options.stats[status === 505 ? 'refusedVersion' : 'refusedMalformed'] += 1;
    this.#options.guard.noteMalformed(flow.remoteAddress);
    if (request.method === 'ACK') return;
    const essentials = readEssentials(request);
    const toTag = this.#options.tags.of(request);
    const to = typeof essentials === 'string' ? flow : responseFlow(essentials, flow);
    this.send(composeReply(request, { status, reason, toTag }), to, () => undefined);
  }

  #countGarbage(reason: GarbageReason, flow: Flow): void {
    const { stats, clock, logger, guard } = this.#options;
    guard.noteMalformed(flow.remoteAddress);
    if (reason === 'too-large') stats.oversizeDropped += 1;
    else if (reason === 'bad-response') stats.badResponsesDropped += 1;
    else stats.garbageDropped += 1;
    if (clock.now() < this.#nextGarbageLogMs) return;
    this.#nextGarbageLogMs = clock.now() + garbageLogIntervalMs;
    logger.info(
      { reason, transport: flow.transport.name, sourceAddress: flow.remoteAddress },
      'dropped a non-SIP message',
    );
  }
}

/** Where the answer to a request goes (RFC 3261 section 18.2.2, RFC 3581 section 4). Never to a name or a foreign address. */
export function responseFlow({ via }: Essentials, flow: Flow): Flow {
  if (flow.transport.name === 'udp' && via.params.has('rport')) return flow;
  return { ...flow, remotePort: via.port ?? defaultPortOf(flow.transport.name) };
}

/** RFC 3261 section 18.2.1 and RFC 3581 section 4; what the sender claims in `received` is not believed. */
function stampedParams({ via }: Essentials, flow: Flow): Essentials['via']['params'] {
  const params = new Map(via.params);
  params.delete('received');
  if (!params.has('rport')) {
    return via.host === flow.remoteAddress ? params : withParam(params, 'received', flow.remoteAddress);
  }
  return params.set('rport', String(flow.remotePort)).set('received', flow.remoteAddress);
}

/** A Contact that cannot be read is none: whoever trusts it further up would fall over it. */
function areContactsReadable(headers: HeaderList): boolean {
  return listValues(headers, 'Contact').every((value) => value === '*' || parseNameAddr(value) !== undefined);
}

/** Empty datagrams and bare line ends keep a NAT binding open. */
function isKeepAlive(bytes: Buffer): boolean {
  return bytes.length <= 4 && bytes.every((octet) => octet === 0x0d || octet === 0x0a || octet === 0x00);
}
