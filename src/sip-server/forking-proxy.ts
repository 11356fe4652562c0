import type { AgentContext } from './agent-context';
import { newTag } from './agent-context';
import { chooseBestResponse } from './best-response';
import { composeForward, composeForwardedResponse, nextHopOf, recordRouteUris } from './compose-forward';
import { composeReply } from './compose-response';
import { HeaderList } from './header-list';
import { listValues, parseNameAddr } from './header-values';
import type { LocateFault } from './locator';
import type { BranchTimeouts, BranchUser } from './proxy-branch';
import { ProxyBranch } from './proxy-branch';
import type { ServerTransaction } from './server-transaction';
import type { SipRequest, SipResponse } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';
import { formatSipUri, parseSipUri } from './uri';

/** Targets of one request, redirections included: every further one would multiply what a stranger makes us send. */
export const proxyTargetsMax = 16;

export interface ProxyOptions {
  /** SIP URIs in the order in which they are tried. */
  readonly targets: readonly string[];
  /** All at once instead of one after another. */
  readonly simultaneous: boolean;
  /** Stay in the dialog (Record-Route). */
  readonly remainInDialog: boolean;
  /** Try the Contacts of a 3xx instead of passing it on. */
  readonly followRedirects: boolean;
  readonly timeouts: BranchTimeouts;
  /** Set in the request that goes on. */
  readonly extra: HeaderList;
}

/** A final response of a target; `from` is undefined when we made it because none came. */
export interface ProxyResult {
  readonly response: SipResponse;
  readonly from: { readonly flow: Flow; readonly bytes: number } | undefined;
}

export interface ProxyUser {
  onResult(result: ProxyResult): void;
  /** A response that makes or confirms a dialog passes through. */
  onDialog(arrival: Arrival<SipResponse>, recordRoutes: readonly string[]): void;
  /** The caller has a final response. Once. */
  onDone(): void;
}

interface ForkingProxyOptions extends ProxyOptions {
  readonly context: AgentContext;
  readonly transaction: ServerTransaction;
  /** As it goes on: the received one, or that without our own routes. */
  readonly request: SipRequest;
  /** How the peer was reached before, for requests in a dialog. */
  readonly near: Flow | undefined;
  readonly user: ProxyUser;
}

/** What is still expected of a target. */
interface Turn {
  /** It may still answer. */
  isOpen: boolean;
  /** The next target waits for it. */
  isCurrent: boolean;
}

/** One request that goes on to one or more targets, and its responses back (RFC 3261 section 16, the response context). */
export class ForkingProxy {
  readonly #options: ForkingProxyOptions;
  readonly #context: AgentContext;
  /** Those whose turn is still to come. */
  readonly #waiting: string[];
  readonly #tried = new Set<string>();
  readonly #branches: ProxyBranch[] = [];
  readonly #turns: Turn[] = [];
  /** What there is to choose from. */
  readonly #responses: SipResponse[] = [];
  #cancelReasons: HeaderList | undefined;
  #isDone = false;

  constructor(options: ForkingProxyOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#waiting = [...new Set(options.targets)].slice(0, proxyTargetsMax);
  }

  start(): void {
    this.#advance();
  }

  /** The caller's CANCEL (section 16.10); `reasons` are handed on to the targets. */
  cancel(reasons: HeaderList): void {
    if (this.#isDone || this.#cancelReasons !== undefined) return;
    this.#cancelReasons = reasons;
    this.#cancelAll(reasons);
  }

  /** Answers the caller in the targets' place and cancels them. */
  abandon(): void {
    this.cancel(new HeaderList());
    this.#finish(this.#composeOwn(503, 'Service Unavailable'));
  }

  /** Whoever has a turn now gets it; without any, the caller gets the best of what came. */
  #advance(): void {
    while (this.#waiting.length > 0 && (this.#options.simultaneous || !this.#turns.some((turn) => turn.isCurrent))) {
      const target = this.#waiting.shift();
      if (target !== undefined) this.#launch(target);
    }
    if (this.#turns.some((turn) => turn.isOpen)) return;
    this.#finish(chooseBestResponse(this.#responses) ?? this.#composeOwn(480, 'Temporarily Unavailable'));
  }

  #launch(target: string): void {
    const { request, near } = this.#options;
    const turn: Turn = { isOpen: true, isCurrent: true };
    this.#tried.add(target);
    this.#turns.push(turn);
    this.#context.locator.locate(nextHopOf({ ...request, uri: target }), near, (found) => {
      if (this.#isDone) return;
      if (this.#cancelReasons !== undefined) this.#settle(turn, this.#composeOwn(487, 'Request Terminated'), undefined);
      else if (typeof found === 'string') this.#settle(turn, this.#composeUnreachable(found), undefined);
      else this.#startBranch(turn, target, found);
    });
  }

  #startBranch(turn: Turn, target: string, flow: Flow): void {
    const { transaction, request, timeouts, extra, remainInDialog } = this.#options;
    const context = this.#context;
    const { transactions, cdr } = context;
    if (!transactions.admitsClient()) {
      this.#settle(turn, this.#composeUnreachable('no-transport'), undefined);
      return;
    }
    const branch = transactions.newBranch();
    const local = context.localSideOf(flow);
    const recordRoutes = remainInDialog ? recordRouteUris(local, context.localSideOf(transaction.flow)) : [];
    const forward = composeForward(request, { uri: target, local, branch, recordRoutes, extra });
    const user: BranchUser = {
      onProvisional: (arrival) => this.#onProvisional(arrival, recordRoutes),
      onSuccess: (arrival) => this.#onSuccess(turn, arrival, recordRoutes),
      onSettled: (response, arrival) => this.#settle(turn, response, arrival),
      onGivenUp: () => {
        turn.isCurrent = false;
        this.#advance();
      },
    };
    const started = new ProxyBranch({ context, request: forward, branch, flow, timeouts, user });
    this.#branches.push(started);
    if (this.#isCall) cdr.attempt('application', forward);
    started.start();
  }

  #onProvisional(arrival: Arrival<SipResponse>, recordRoutes: readonly string[]): void {
    const { transaction, user } = this.#options;
    if (this.#isDone) return;
    if (recordRoutes.length > 0) user.onDialog(arrival, recordRoutes);
    transaction.respond(composeForwardedResponse(transaction.arrival.message, arrival.message));
  }

  /** Every 2xx to an INVITE goes to the caller, whoever was first (section 16.7 step 5). */
  #onSuccess(turn: Turn, arrival: Arrival<SipResponse>, recordRoutes: readonly string[]): void {
    const { transaction, user } = this.#options;
    const { cdr } = this.#context;
    turn.isOpen = false;
    turn.isCurrent = false;
    if (recordRoutes.length > 0) user.onDialog(arrival, recordRoutes);
    const response = composeForwardedResponse(transaction.arrival.message, arrival.message);
    if (this.#isDone) {
      transaction.respond(response);
      return;
    }
    if (this.#isCall) cdr.start('network', 'proxy-uac', arrival.message);
    user.onResult({ response: arrival.message, from: arrival });
    this.#cancelAll(new HeaderList());
    this.#finish(response);
  }

  #settle(turn: Turn, response: SipResponse, arrival: Arrival<SipResponse> | undefined): void {
    const { user } = this.#options;
    turn.isOpen = false;
    turn.isCurrent = false;
    if (this.#isDone) return;
    if (this.#isCall) this.#context.cdr.stop('network', stopReasonOf(response), response);
    user.onResult({ response, from: arrival });
    const redirected = this.#redirect(response);
    if (!redirected) this.#responses.push(response);
    // A 6xx speaks for all targets (section 16.7 step 5).
    if (response.status >= 600) this.#cancelAll(new HeaderList());
    this.#advance();
  }

  /** Whether a 3xx has led to targets that were not tried yet. */
  #redirect(response: SipResponse): boolean {
    const isRedirection = response.status >= 300 && response.status < 400;
    if (!isRedirection || !this.#options.followRedirects || this.#cancelReasons !== undefined) return false;
    const room = proxyTargetsMax - this.#tried.size - this.#waiting.length;
    const known = new Set([...this.#tried, ...this.#waiting]);
    const targets = contactsOf(response).filter((target) => !known.has(target));
    this.#waiting.push(...targets.slice(0, Math.max(0, room)));
    return targets.length > 0 && room > 0;
  }

  /** Nothing happens to a branch that has its final response. */
  #cancelAll(reasons: HeaderList): void {
    this.#waiting.length = 0;
    for (const branch of this.#branches) branch.cancel(reasons);
  }

  #finish(response: SipResponse): void {
    const { transaction, user } = this.#options;
    if (this.#isDone) return;
    this.#isDone = true;
    const forwarded = composeForwardedResponse(transaction.arrival.message, response);
    transaction.respond(forwarded);
    user.onDone();
    if (!this.#isCall) return;
    if (response.status < 300) this.#context.cdr.start('application', 'proxy-uas', forwarded);
    else this.#context.cdr.stop('application', stopReasonOf(response), forwarded);
  }

  /** Requests in a dialog are no calls of their own. */
  get #isCall(): boolean {
    const { message, essentials } = this.#options.transaction.arrival;
    return message.method === 'INVITE' && essentials.toTag === undefined;
  }

  #composeUnreachable(fault: LocateFault): SipResponse {
    if (fault === 'ourselves') return this.#composeOwn(482, 'Loop Detected');
    if (fault === 'uri-malformed') return this.#composeOwn(416, 'Unsupported URI Scheme');
    return this.#composeOwn(503, fault === 'no-address' ? 'DNS Error' : 'Service Unavailable');
  }

  #composeOwn(status: number, reason: string): SipResponse {
    const { message } = this.#options.transaction.arrival;
    return composeReply(message, { status, reason, toTag: newTag(this.#context.random) });
  }
}

function stopReasonOf({ status }: SipResponse): 'call-canceled' | 'call-rejected' {
  return status === 487 ? 'call-canceled' : 'call-rejected';
}

/** Where a 3xx points, best first. Header fields in those URIs would be the target's to choose, so they are left out. */
function contactsOf({ headers }: SipResponse): string[] {
  const contacts = listValues(headers, 'Contact').flatMap((value) => {
    const contact = parseNameAddr(value);
    const uri = parseSipUri(contact?.uri ?? '');
    if (contact === undefined || typeof uri === 'string') return [];
    return [{ target: formatSipUri({ ...uri, headers: '' }), preference: Number(contact.params.get('q') ?? '1') || 0 }];
  });
  return contacts.sort((a, b) => b.preference - a.preference).map(({ target }) => target);
}
