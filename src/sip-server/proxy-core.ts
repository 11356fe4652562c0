import type { AgentContext } from './agent-context';
import { newTag } from './agent-context';
import { composeForward, maxForwardsOf, nextHopOf, withoutOwnRoutes } from './compose-forward';
import { composeReply } from './compose-response';
import type { Essentials } from './essentials';
import { ForkingProxy } from './forking-proxy';
import type { ProxyOptions, ProxyUser } from './forking-proxy';
import { HeaderList } from './header-list';
import type { Limits } from './limits';
import type { ProxiedDialog } from './proxied-dialogs';
import { ProxiedDialogs } from './proxied-dialogs';
import type { ServerTransaction } from './server-transaction';
import type { SipRequest } from './sip-message';
import type { Arrival } from './transport-layer';
import type { Flow } from './transport';

/** Whoever can be cancelled by a CANCEL of the peer's. */
export interface Cancellable {
  readonly localTag: string | undefined;
  cancel(arrival: Arrival<SipRequest>): void;
}

const noExtra = new HeaderList();
/** Of a request within a dialog: to where its route leads. */
const plainForwarding: Omit<ProxyOptions, 'targets'> = {
  simultaneous: false,
  remainInDialog: false,
  followRedirects: false,
  timeouts: { provisionalMs: undefined, finalMs: undefined },
  extra: noExtra,
};
/** What the application is told of a proxied request. */
export type ProxyTeller = Pick<ProxyUser, 'onResult' | 'onDone'>;

/** Sends requests on to where the application says, and stays in the dialogs that come of it when it is asked to. */
export class ProxyCore {
  readonly #context: AgentContext;
  readonly #limits: Limits;
  readonly #dialogs: ProxiedDialogs;
  readonly #active = new Set<ForkingProxy>();

  constructor(context: AgentContext, limits: Limits) {
    this.#context = context;
    this.#limits = limits;
    this.#dialogs = new ProxiedDialogs(context.clock);
  }

  /** Dialogs that pass through, and requests that may make one. */
  get load(): number {
    return this.#dialogs.size + this.#active.size;
  }

  /** Proxies a request outside dialogs; refused and answered when it may go no further or there are too many. */
  proxy(transaction: ServerTransaction, options: ProxyOptions, tell: ProxyTeller): Cancellable | { refused: string } {
    const { message } = transaction.arrival;
    const proxyRequire = message.headers.first('Proxy-Require');
    if (proxyRequire !== undefined) {
      return this.#refuse(transaction, 420, 'Bad Extension', [['Unsupported', proxyRequire]]);
    }
    if ((maxForwardsOf(message) ?? 0) === 0) return this.#refuse(transaction, 483, 'Too Many Hops');
    if (this.load >= this.#limits.dialogs) {
      this.#context.stats.refusedOverload += 1;
      return this.#refuse(transaction, 503, 'Service Unavailable');
    }
    const makesDialog = message.method === 'INVITE' || message.method === 'SUBSCRIBE';
    const proxied = { ...options, remainInDialog: options.remainInDialog && makesDialog };
    return this.#start(transaction, message, proxied, undefined, tell);
  }

  /** Sends a request on when it belongs to a dialog that we stay in; undefined when it does not. */
  forward(transaction: ServerTransaction): Cancellable | { refused: string } | undefined {
    const { message, essentials, flow } = transaction.arrival;
    const dialog = this.#dialogs.find(essentials);
    if (dialog === undefined) return undefined;
    if ((maxForwardsOf(message) ?? 0) === 0) return this.#refuse(transaction, 483, 'Too Many Hops');
    const request = withoutOwnRoutes(message, dialog.recordRoutes);
    const options: ProxyOptions = { ...plainForwarding, targets: [request.uri] };
    const near = otherSide(dialog, essentials, flow);
    return this.#start(transaction, request, options, near, {
      onResult: ({ response: { status } }) => {
        if (status === 401 || status === 407 || !endsDialog(dialog, message)) return;
        this.#dialogs.remove(essentials);
        if (dialog.usage !== 'INVITE') return;
        this.#context.cdr.stop('network', 'normal-release', message);
        this.#context.cdr.stop('application', 'normal-release', request);
      },
      onDone: () => undefined,
    });
  }

  /** Sends the ACK of a 2xx on; false when it belongs to no dialog that we stay in. */
  forwardAck({ message, essentials, flow }: Arrival<SipRequest>): boolean {
    const dialog = this.#dialogs.find(essentials);
    if (dialog === undefined) return false;
    const context = this.#context;
    if ((maxForwardsOf(message) ?? 0) === 0) return true;
    const request = withoutOwnRoutes(message, dialog.recordRoutes);
    context.locator.locate(nextHopOf(request), otherSide(dialog, essentials, flow), (found) => {
      if (typeof found === 'string') return;
      const hop = { uri: request.uri, local: context.localSideOf(found), branch: context.transactions.newBranch() };
      context.sendOnce(composeForward(request, { ...hop, recordRoutes: [], extra: noExtra }), found);
    });
    return true;
  }

  close(): void {
    for (const proxy of [...this.#active]) proxy.abandon();
    this.#dialogs.close();
  }

  #start(
    transaction: ServerTransaction,
    request: SipRequest,
    options: ProxyOptions,
    near: Flow | undefined,
    tell: ProxyTeller,
  ): Cancellable {
    const { arrival } = transaction;
    const early: Essentials[] = [];
    const proxy: ForkingProxy = new ForkingProxy({
      ...options,
      context: this.#context,
      transaction,
      request,
      near,
      user: {
        onResult: (result) => tell.onResult(result),
        onDialog: (response, recordRoutes) => {
          this.#dialogs.add({ request: arrival, response, recordRoutes });
          if (response.message.status < 200) early.push(response.essentials);
        },
        onDone: () => {
          this.#active.delete(proxy);
          for (const essentials of early) this.#dialogs.removeUnconfirmed(essentials);
          tell.onDone();
        },
      },
    });
    this.#active.add(proxy);
    proxy.start();
    return { localTag: undefined, cancel: (cancel) => this.#cancel(proxy, cancel) };
  }

  #cancel(proxy: ForkingProxy, { message }: Arrival<SipRequest>): void {
    const reasons = new HeaderList();
    for (const reason of message.headers.all('Reason')) reasons.add('Reason', reason);
    this.#context.cdr.stop('network', 'call-canceled', message);
    proxy.cancel(reasons);
  }

  #refuse(
    transaction: ServerTransaction,
    status: number,
    reason: string,
    headers: readonly (readonly [string, string])[] = [],
  ): { refused: string } {
    const toTag = newTag(this.#context.random);
    transaction.respond(composeReply(transaction.arrival.message, { status, reason, toTag, headers }));
    return { refused: `request was answered with ${status} ${reason}` };
  }
}

/** How the side that a request goes to was last heard of; where it came from is remembered. */
function otherSide(dialog: ProxiedDialog, { fromTag }: Essentials, flow: Flow): Flow {
  if (fromTag === dialog.callerTag) {
    dialog.callerFlow = flow;
    return dialog.targetFlow;
  }
  dialog.targetFlow = flow;
  return dialog.callerFlow;
}

function endsDialog({ usage }: ProxiedDialog, { method, headers }: SipRequest): boolean {
  if (usage === 'INVITE') return method === 'BYE';
  return method === 'NOTIFY' && /^terminated/i.test(headers.first('Subscription-State') ?? '');
}
