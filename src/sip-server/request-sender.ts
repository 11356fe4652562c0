import type { AgentContext } from './agent-context';
import { newTag } from './agent-context';
import type { Application, Refusal, Sent } from './application';
import { refusals } from './application';
import { lacksContentType } from './application-headers';
import type { Outgoing, Target } from './attempts';
import { composeCancel } from './compose-ack';
import { composeDialogRequest } from './compose-request';
import type { CdrStopReason } from './cdr-event';
import type { Dialog } from './dialog';
import { refusalOf } from './find-targets';
import type { LocateFault } from './locator';
import { HeaderList, capitalisedHeaderName } from './header-list';
import type { InviteClientTransaction } from './client-transaction';
import { OutgoingInvite } from './outgoing-invite';
import type { Plan } from './outgoing-plan';
import {
  attemptsOf,
  composeOutside,
  forwarding,
  isAuthorised,
  sentOf,
  sessionMethods,
  withCSeq,
} from './outgoing-plan';
import { OutgoingRequest, composeFailure } from './outgoing-request';
import { PassedOverInvite } from './passed-over-invite';
import { parseDecimal } from './scanner';
import { continueSession } from './session-expires';
import type { SipRequest, SipResponse } from './sip-message';
import { emptyBody, serializeMessage } from './sip-message';
import type { Flow } from './transport';
import type { Arrival } from './transport-layer';
import { hostOf } from './uri';

/** Told once: what was sent, or why nothing was. Comes at once unless a name had to be resolved or the dialog is busy. */
export type Done = (result: Sent | Refusal) => void;

/** Carries out what applications want to send. */
export class RequestSender {
  readonly #context: AgentContext;
  readonly #invitesById = new Map<string, OutgoingInvite>();
  /** The latest INVITE of each dialog id, while its transaction lives. */
  readonly #invitesByDialog = new Map<string, OutgoingInvite>();

  /** Requests other than INVITE that wait for their final response. */
  #unsettled = 0;
  /** Resolving a name may outlast the application that asked. */
  readonly #gone = new WeakSet<Application>();
  readonly #idleWaiters: (() => void)[] = [];

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /** Resolves when every request but INVITEs has its final response, or has given up. */
  whenIdle(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** A request outside dialogs, to `nextHop` when given, else to its Request-URI. */
  request(application: Application, template: SipRequest, nextHop: string | undefined, done: Done): void {
    const refused = this.#findRefusal(template);
    if (refused !== undefined) {
      done({ refused });
      return;
    }
    const wanted = nextHop ?? template.uri;
    this.#context.findTargets(wanted, (found) => {
      const [first, ...alternatives] = typeof found === 'string' ? [] : found;
      if (found === 'unregistered' || found === 'no-address') this.#failUnsent(application, template, found, done);
      else if (typeof found === 'string') done({ refused: refusalOf(found, template) });
      else if (first === undefined) this.#failUnsent(application, template, 'no-address', done);
      else if (this.#gone.has(application)) done({ refused: refusals.applicationGone });
      else done(this.#startOutside(application, template, { first, alternatives, host: hostOf(wanted) }));
    });
  }

  /** A request inside a dialog; waits while an INVITE there must settle first. */
  requestInDialog(application: Application, dialogId: string, template: SipRequest, done: Done): void {
    const dialog = this.#findDialog(application, dialogId, template);
    const refused = dialog === undefined ? refusals.unknownDialog : this.#findRefusal(template);
    if (dialog === undefined || refused !== undefined) {
      done({ refused: refused ?? refusals.unknownDialog });
    } else {
      this.requestOn(dialog, application, template, done);
    }
  }

  /** The same for a dialog that is at hand, and an application that need not be its own. */
  requestOn(dialog: Dialog, application: Application, template: SipRequest, done: Done): void {
    if (dialog.state === 'ended') {
      done({ refused: refusals.unknownDialog });
    } else if (dialog.mustWait(template)) {
      if (template.method === 'BYE') dialog.byeDeferred = true;
      const again = (): void => this.requestOn(dialog, application, template, done);
      if (!dialog.defer(again)) done({ refused: refusals.tooManyDeferred });
    } else {
      this.#sendInDialog(application, dialog, template, done);
    }
  }

  /** The ACK for a 2xx to an INVITE of the application's. */
  acknowledge(application: Application, dialogId: string, template: SipRequest, done: Done): void {
    const invite = this.#invitesByDialog.get(dialogId);
    if (invite?.application !== application) {
      done({ refused: refusals.unknownDialog });
    } else if (invite.state !== 'answered') {
      done({ refused: refusals.automaticAck });
    } else if (lacksContentType(template)) {
      done({ refused: refusals.noContentType });
    } else {
      const transactionId = this.#context.random.uuid();
      invite.acknowledge(template, (sent) => {
        const { bytes = Buffer.alloc(0), flow } = sent ?? {};
        done({ transactionId, method: 'ACK', dialogId, bytes, flow });
      });
    }
  }

  /** Cancels a pending INVITE. The CANCEL may wait for the first provisional response. */
  cancel(application: Application, transactionId: string, template: SipRequest, done: Done): void {
    const invite = this.#invitesById.get(transactionId);
    const extra = new HeaderList();
    for (const { name, value } of template.headers) {
      if (/^(reason|x-.*)$/i.test(name)) extra.add(capitalisedHeaderName(name), value);
    }
    if (invite?.application !== application || !invite.cancel(extra)) {
      done({ refused: `unable to cancel unknown transaction id: ${transactionId}` });
      return;
    }
    const bytes = serializeMessage(composeCancel(invite.request, extra));
    const { dialogId, flow } = invite;
    done({ transactionId: this.#context.random.uuid(), method: 'CANCEL', dialogId, bytes, flow });
  }

  /** A BYE of our own; `why` is its Reason header (RFC 3326). Calls back with what was sent. */
  sendBye(dialog: Dialog, { why, reason }: { why: string; reason: CdrStopReason }, done: (bye: Sent) => void): void {
    const headers = new HeaderList().add('Reason', why);
    const template: SipRequest = { kind: 'request', method: 'BYE', uri: '', headers, body: emptyBody };
    this.#sendInDialog(
      undefined,
      dialog,
      template,
      (result) => {
        if (!('refused' in result)) done(result);
      },
      reason,
    );
  }

  /** A request of our own whose answer tells nothing. */
  sendOwn(dialog: Dialog, template: SipRequest): void {
    this.#sendInDialog(undefined, dialog, template, () => undefined);
  }

  /** Whether an INVITE of ours has made, or may make, a dialog with that id. */
  hasInvite(dialogId: string): boolean {
    return this.#invitesByDialog.has(dialogId);
  }

  /** Whether the application is gone for good. */
  hasLost(application: Application): boolean {
    return this.#gone.has(application);
  }

  /** The application is gone: what it had begun is cancelled, what answers later is hung up. */
  orphan(application: Application, text: string): void {
    this.#gone.add(application);
    for (const invite of this.#invitesById.values()) {
      if (invite.application === application) invite.orphan(text);
    }
  }

  #startOutside(
    application: Application,
    template: SipRequest,
    { first, alternatives, host }: { first: Target; alternatives: readonly Target[]; host: string },
  ): Sent {
    const identity = { callId: this.#context.random.uuid(), fromTag: newTag(this.#context.random) };
    const compose = ({ uri = template.uri, flow }: Target): Outgoing => {
      return composeOutside(this.#context, { ...template, uri }, flow, { ...identity, to: template.uri });
    };
    const plan: Plan = {
      first: compose(first),
      alternatives,
      retarget: (target, cseq) => {
        const outgoing = compose(target);
        return { ...outgoing, request: withCSeq(outgoing.request, cseq) };
      },
      host,
      isAuthorised: isAuthorised(template),
      nextCSeq: (last) => last + 1,
    };
    if (template.method !== 'INVITE') return this.#startRequest(application, undefined, plan);
    this.#context.cdr.attempt('application', plan.first.request);
    return this.#startInvite(application, undefined, plan);
  }

  #sendInDialog(
    application: Application | undefined,
    dialog: Dialog,
    template: SipRequest,
    done: Done,
    stopReason: CdrStopReason = 'normal-release',
  ): void {
    const { transactions, cdr } = this.#context;
    const isOurs = application === undefined || template.method === 'BYE';
    this.#locateInDialog(dialog, isOurs, (found) => {
      const flow = typeof found === 'string' ? undefined : found;
      const branch = transactions.newBranch();
      const local = this.#context.localSideOf(flow ?? dialog.peerFlow);
      const request = composeDialogRequest(template, dialog, { local, branch, cseq: dialog.nextLocalCSeq() });
      if (request.method === 'BYE') cdr.stopDialog(dialog, 'application', stopReason, request);
      if (sessionMethods.has(request.method)) continueSession(request, dialog.session?.terms);
      if (flow === undefined) {
        this.#failInDialog(application, dialog, request, done);
        return;
      }
      const first = { request, branch, flow };
      const plan: Plan = {
        first,
        alternatives: [],
        retarget: () => first,
        host: hostOf(dialog.nextHop),
        isAuthorised: isAuthorised(template),
        nextCSeq: () => dialog.nextLocalCSeq(),
      };
      if (request.method === 'INVITE' && application !== undefined) done(this.#startInvite(application, dialog, plan));
      else done(this.#startRequest(application, dialog, plan));
    });
  }

  #locateInDialog(dialog: Dialog, isOurs: boolean, done: (found: Flow | LocateFault) => void): void {
    // A stranger who never acknowledged our answer does not choose which names we look up, nor whom we send to.
    if (isOurs && !dialog.isAcknowledged) done(dialog.peerFlow);
    else this.#context.locator.locate(dialog.nextHop, dialog.peerFlow, done);
  }

  #startRequest(application: Application | undefined, dialog: Dialog | undefined, plan: Plan): Sent {
    const context = this.#context;
    const transactionId = context.random.uuid();
    this.#unsettled += 1;
    const attempts = attemptsOf(context, plan, {
      start: ({ request, branch, flow }, user) => context.transactions.startRequest(request, branch, flow, user),
      isWanted: () => application === undefined || !this.#gone.has(application),
      passOver: (_outgoing, transaction) => {
        transaction.terminate();
        return undefined;
      },
    });
    const outgoing = new OutgoingRequest({
      context,
      transactionId,
      get request() {
        return attempts.current.request;
      },
      application,
      dialog,
      onTerminated: () => undefined,
      onSettled: () => this.#settle(),
    });
    const transaction = attempts.start(forwarding(outgoing, () => undefined));
    return sentOf(transaction, transactionId, dialog?.id);
  }

  #settle(): void {
    this.#unsettled -= 1;
    if (this.#unsettled > 0) return;
    for (const tell of this.#idleWaiters.splice(0)) tell();
  }

  #startInvite(application: Application, dialog: Dialog | undefined, plan: Plan): Sent {
    const context = this.#context;
    const transactionId = context.random.uuid();
    const attempts = attemptsOf(context, plan, {
      start: ({ request, branch, flow }, user) => context.transactions.startInvite(request, branch, flow, user),
      isWanted: () => invite.isWanted,
      passOver: (outgoing, transaction) => this.#passOver(application, outgoing, transaction),
    });
    const invite: OutgoingInvite = new OutgoingInvite({
      context,
      transactionId,
      get request() {
        return attempts.current.request;
      },
      get flow() {
        return attempts.current.flow;
      },
      application,
      dialog,
      onTerminated: () => this.#forget(transactionId, invite),
      sendCancel: (extra) => this.#sendCancel(attempts.current, extra),
      sendAck: (target, template, cseq, done) => {
        this.#sendAck(target, { template, cseq, invite: attempts.current.request }, done);
      },
    });
    this.#invitesById.set(transactionId, invite);
    this.#invitesByDialog.set(invite.dialogId, invite);
    const transaction = attempts.start(forwarding(invite, (again) => invite.attach(again)));
    invite.attach(transaction);
    return sentOf(transaction, transactionId, invite.dialogId);
  }

  #passOver(
    application: Application,
    outgoing: Outgoing,
    transaction: InviteClientTransaction,
  ): (arrival: Arrival<SipResponse>) => void {
    const passedOver = new PassedOverInvite({
      context: this.#context,
      application,
      request: outgoing.request,
      transaction,
      sendCancel: () => this.#sendCancel(outgoing, new HeaderList()),
      sendAck: (dialog, composing, done) => this.#sendAck(dialog, composing, done),
      sendBye: (dialog, why) => this.sendBye(dialog, why, () => undefined),
    });
    return (arrival) => passedOver.receive(arrival);
  }

  #sendCancel({ request, branch, flow }: Outgoing, extra: HeaderList): void {
    // Its answer tells nothing: the INVITE's own final response does.
    const ignore = { onResponse: () => undefined, onFailure: () => undefined, onTerminated: () => undefined };
    this.#context.transactions.startRequest(composeCancel(request, extra), branch, flow, ignore);
  }

  #sendAck(
    dialog: Dialog,
    { template, cseq, invite }: { template: SipRequest; cseq: number; invite: SipRequest },
    done: (sent: { message: SipRequest; bytes: Buffer; flow: Flow } | undefined) => void,
  ): void {
    const context = this.#context;
    context.locator.locate(dialog.nextHop, dialog.peerFlow, (found) => {
      if (typeof found === 'string') {
        done(undefined);
        return;
      }
      const hop = { local: context.localSideOf(found), branch: context.transactions.newBranch(), cseq };
      const message = composeDialogRequest({ ...template, method: 'ACK', uri: '' }, dialog, hop);
      // The ACK carries the credentials of its INVITE (RFC 3261 section 22.1).
      for (const name of ['Authorization', 'Proxy-Authorization']) {
        for (const value of invite.headers.all(name)) message.headers.add(name, value);
      }
      done({ message, bytes: context.sendOnce(message, found), flow: found });
    });
  }

  /** As drachtio-server has it: the request counts as sent, and a 503 follows. */
  #failUnsent(application: Application, template: SipRequest, fault: 'no-address' | 'unregistered', done: Done): void {
    const { random, locator } = this.#context;
    const identity = { callId: random.uuid(), fromTag: newTag(random), to: template.uri };
    const { request } = composeOutside(this.#context, template, locator.anyFlow(), identity);
    const transactionId = random.uuid();
    const response = composeFailure(request, fault);
    done({
      transactionId,
      method: request.method,
      dialogId: undefined,
      bytes: serializeMessage(request),
      flow: undefined,
    });
    application.onResponse({ transactionId, dialogId: undefined, response, from: undefined });
  }

  #failInDialog(application: Application | undefined, dialog: Dialog, request: SipRequest, done: Done): void {
    const dialogId = dialog.id;
    const transactionId = this.#context.random.uuid();
    if (request.method === 'BYE') this.#context.dialogs.remove(dialog);
    done({ transactionId, method: request.method, dialogId, bytes: serializeMessage(request), flow: undefined });
    const response = composeFailure(request, 'no-address');
    application?.onResponse({ transactionId, dialogId, response, from: undefined });
  }

  #findRefusal(template: SipRequest): string | undefined {
    if (!this.#context.transactions.admitsClient()) return refusals.tooManyTransactions;
    return lacksContentType(template) ? refusals.noContentType : undefined;
  }

  /** A PRACK belongs to the fork whose response it acknowledges. */
  #findDialog(application: Application, dialogId: string, template: SipRequest): Dialog | undefined {
    const invite = template.method === 'PRACK' ? this.#invitesByDialog.get(dialogId) : undefined;
    if (invite?.application !== application) return this.#context.dialogs.byId(dialogId, application);
    const rseq = parseDecimal((template.headers.first('RAck') ?? '').split(' ')[0] ?? '', 0xffff_ffff);
    return invite.dialogForPrack(rseq);
  }

  #forget(transactionId: string, invite: OutgoingInvite): void {
    this.#invitesById.delete(transactionId);
    if (this.#invitesByDialog.get(invite.dialogId) === invite) this.#invitesByDialog.delete(invite.dialogId);
  }
}
