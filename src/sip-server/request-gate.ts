import type { ReplyOptions } from './compose-response';
import { composeReply } from './compose-response';
import { parseNameAddr } from './header-values';
import type { RequestRules } from './request-rules';
import { findRequestFault } from './request-rules';
import { isSignedByScanner } from './scanner-signs';
import type { SipMessage, SipRequest, SipResponse } from './sip-message';
import type { GuardSettings, SourceGuard } from './source-guard';
import type { StatelessTags } from './stateless-tags';
import type { SipServerStats } from './stats';
import type { Flow } from './transport';
import type { Arrival, TransportUser } from './transport-layer';
import { responseFlow } from './transport-layer';

interface RequestGateOptions {
  readonly tags: StatelessTags;
  readonly stats: SipServerStats;
  readonly guard: SourceGuard;
  readonly scanners: Pick<GuardSettings, 'scannerAgents' | 'scannerCallers'>;
  readonly rules: RequestRules;
  /** The methods that applications want, in upper case; `any` where that is not for us to know. */
  routedMethods(): readonly string[] | 'any';
  /** Whether it repeats a request that was let in before. */
  isRepetition(arrival: Arrival<SipRequest>): boolean;
  send(message: SipMessage, flow: Flow): void;
}

/** By these answers a stranger learns which users exist. An INVITE for a number that is not in service is no such thing. */
const tellingStatuses = new Set([401, 403, 404, 405, 407]);
const challengeStatuses = new Set([401, 403, 407]);
const tooFastRetryAfterSeconds = 10;

/**
 * Between well-formed messages and transactions. What is refused here costs no transaction and no application, and is
 * answered once for each time it comes (RFC 3261 section 8.2.7): a forged source gets nothing repeated.
 */
export class RequestGate implements TransportUser {
  readonly #options: RequestGateOptions;
  readonly #next: TransportUser;

  constructor(options: RequestGateOptions, next: TransportUser) {
    this.#options = options;
    this.#next = next;
  }

  onRequest(arrival: Arrival<SipRequest>): void {
    const { guard, stats, rules, scanners } = this.#options;
    const { message, essentials, flow } = arrival;
    if (isSignedByScanner(message, scanners)) {
      stats.scannersDropped += 1;
      guard.noteOffence(flow.remoteAddress);
      return;
    }
    const fault = findRequestFault(message, essentials, { rules, routed: this.#options.routedMethods() });
    if (fault !== undefined) {
      stats[fault.counter] += 1;
      this.#refuse(arrival, fault);
    } else if (isNew(arrival) && !guard.admitsRequest(flow.remoteAddress) && !this.#options.isRepetition(arrival)) {
      stats.refusedTooFast += 1;
      const headers = [['Retry-After', String(tooFastRetryAfterSeconds)]] as const;
      this.#refuse(arrival, { status: 503, reason: 'Service Unavailable', headers });
    } else {
      this.#next.onRequest(arrival);
    }
  }

  onResponse(arrival: Arrival<SipResponse>): void {
    this.#next.onResponse(arrival);
  }

  /** Learns from an answer of ours whether its receiver is looking for users. */
  noteAnswer({ status, headers }: SipResponse, { remoteAddress }: Flow): void {
    if (status < 200) return;
    const { guard } = this.#options;
    const method = headers.first('CSeq')?.split(/\s+/, 2)[1] ?? '';
    const isInvite = method === 'INVITE';
    if (status < 300) {
      if (isInvite || method === 'REGISTER') guard.noteAccepted(remoteAddress);
    } else if ((isInvite ? challengeStatuses : tellingStatuses).has(status)) {
      guard.noteRefusedUser(remoteAddress, parseNameAddr(headers.first('To') ?? '')?.uri ?? '');
    }
  }

  #refuse({ message, essentials, flow }: Arrival<SipRequest>, reply: ReplyOptions): void {
    const response = composeReply(message, { toTag: this.#options.tags.of(message), ...reply });
    const to = responseFlow(essentials, flow);
    this.noteAnswer(response, to);
    this.#options.send(response, to);
  }
}

/** Opens something; a CANCEL or ACK only ends what was let in before. */
function isNew({ message, essentials }: Arrival<SipRequest>): boolean {
  return essentials.toTag === undefined && message.method !== 'ACK' && message.method !== 'CANCEL';
}
