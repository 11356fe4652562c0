import type { AgentContext } from './agent-context';
import { answerChallenge } from './answer-challenge';
import type { Sent } from './application';
import type { AttemptsOptions, Outgoing, Target } from './attempts';
import { Attempts } from './attempts';
import type { ClientTransaction, ClientTransactionUser } from './client-transaction';
import { composeOutsideRequest, composeVia } from './compose-request';
import { parseCSeq } from './header-values';
import { continueSession } from './session-expires';
import type { SipRequest, SipResponse } from './sip-message';
import type { Flow } from './transport';

/** CSeq of a request outside dialogs: any start below 2^31 (RFC 3261 section 8.1.1.5); grows with time across restarts. */
const cseqStartMask = 0x3fff_ffff;
/** They refresh a session (RFC 4028). */
export const sessionMethods: ReadonlySet<string> = new Set(['INVITE', 'UPDATE']);

/** A request that is about to be sent, and what happens to it when that does not do. */
export interface Plan {
  readonly first: Outgoing;
  readonly alternatives: readonly Target[];
  retarget(target: Target, cseq: number): Outgoing;
  /** By what name its receiver is called. */
  readonly host: string;
  /** Whether the application has credentials of its own. */
  readonly isAuthorised: boolean;
  /** For when it is sent again. */
  nextCSeq(last: number): number;
}

/** A new request outside dialogs, as it goes to `flow`. */
export function composeOutside(
  context: AgentContext,
  template: SipRequest,
  flow: Flow,
  identity: { callId: string; fromTag: string; to: string },
): Outgoing {
  const branch = context.transactions.newBranch();
  const local = context.localSideOf(flow);
  const cseq = Math.floor(context.clock.wallTimeMs() / 1_000) & cseqStartMask;
  const request = composeOutsideRequest(template, { ...identity, local, branch, cseq });
  if (sessionMethods.has(request.method)) continueSession(request, undefined);
  return { request, branch, flow };
}

/** Carries out a plan, and answers the challenges of trunks with the credentials that we have for them. */
export function attemptsOf<Transaction extends ClientTransaction>(
  context: AgentContext,
  plan: Plan,
  own: Pick<AttemptsOptions<Transaction>, 'start' | 'isWanted' | 'passOver'>,
): Attempts<Transaction> {
  const attempts: Attempts<Transaction> = new Attempts(plan.first, {
    clock: context.clock,
    alternatives: plan.alternatives,
    ...own,
    retarget: (target) => plan.retarget(target, plan.nextCSeq(cseqOf(attempts.current.request))),
    answer: (outgoing, challenge) =>
      plan.isAuthorised ? undefined : answerAsTrunk(context, plan, outgoing, challenge),
  });
  return attempts;
}

/** Passes on to `user` what is told of the attempts together. */
export function forwarding<Transaction extends ClientTransaction>(
  user: ClientTransactionUser,
  onAttempt: (transaction: Transaction) => void,
): ClientTransactionUser & { onAttempt(transaction: Transaction): void } {
  return {
    onResponse: (arrival) => user.onResponse(arrival),
    onFailure: (failure) => user.onFailure(failure),
    onTerminated: () => user.onTerminated(),
    onAttempt,
  };
}

/** What the application is told of its request. */
export function sentOf(
  { request, flow, sentBytes }: ClientTransaction,
  transactionId: string,
  dialogId: string | undefined,
): Sent {
  return { transactionId, method: request.method, dialogId, bytes: sentBytes, flow };
}

/** The same request with another number. */
export function withCSeq(request: SipRequest, cseq: number): SipRequest {
  return { ...request, headers: request.headers.clone().set('CSeq', `${cseq} ${request.method}`) };
}

export function isAuthorised({ headers }: SipRequest): boolean {
  return headers.has('Authorization') || headers.has('Proxy-Authorization');
}

/** The request with credentials of ours, when the challenge is that of the trunk that it was sent to. */
function answerAsTrunk(
  context: AgentContext,
  plan: Plan,
  { request, flow }: Outgoing,
  challenge: SipResponse,
): { outgoing: Outgoing; stale: boolean } | undefined {
  const { random, stats, transactions } = context;
  const credentials = context.credentialsFor({ host: plan.host, address: flow.remoteAddress });
  const answer = credentials && answerChallenge(request, challenge, credentials, random.bytes(8).toString('hex'));
  if (answer === undefined) {
    stats.challengesUnanswered += 1;
    return undefined;
  }
  stats.challengesAnswered += 1;
  const branch = transactions.newBranch();
  const again = withCSeq(request, plan.nextCSeq(cseqOf(request)));
  again.headers.replaceFirst('Via', composeVia(context.localSideOf(flow), branch));
  again.headers.remove(answer.name).add(answer.name, answer.value);
  return { outgoing: { request: again, branch, flow }, stale: answer.stale };
}

function cseqOf({ headers }: SipRequest): number {
  return parseCSeq(headers.first('CSeq') ?? '')?.number ?? 0;
}
