import type { IncomingEvent, Refusal, ResponseEvent, Sent } from '../../src/sip-server/application';
import { readEssentials } from '../../src/sip-server/essentials';
import type { SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import type { Bench } from '../sip-server/test-peer';
import { RecordingApplication, answer, command, peerAddress, requestText, responseText } from '../sip-server/test-peer';
import { benchHeardBy, playOrder } from './order';

const sdp = 'v=0\r\n';

const calleeSteps = [
  ...(['100', '180 A', '180 B', '183 A', '199 A', '200 A', '200 B', '302', '486', '487', '503'] as const),
  ...(['BYE A', 'BYE B', 'UPDATE A', 'UPDATE B', 'INVITE A', '200 of another call', '200 with two Vias'] as const),
] as const;
const ownSteps = ['app CANCEL', 'app ACK', 'app BYE', 'app gone'] as const;
type OwnStep = (typeof ownSteps)[number];

/** What callee and application may do after our INVITE; A and B are two phones behind a forking proxy. */
export const outgoingSteps = [...calleeSteps, ...ownSteps];
export type OutgoingStep = (typeof outgoingSteps)[number];

const settleMs = 600_000;

/** One call of ours, played in one order. */
export class OutgoingOrder {
  readonly #bench: Bench;
  readonly #app: CallingApplication;
  /** The phones that have answered, and what became of it. */
  readonly #answered = new Map<string, { acks: number }>();
  /** Forks with whom somebody has hung up, answered or not. */
  readonly #over = new Set<string>();
  readonly #answers = new Map<string, Set<number>>();
  #invite: SipRequest | undefined;
  #final = false;
  /** What comes after a refusal is nobody's (RFC 3261 section 17.1.1.2). */
  #refused = false;
  #cseq = 0;
  #rseq = 0;

  constructor() {
    this.#bench = benchHeardBy({
      onRequest: (request) => this.#onRequest(request),
      onResponse: (response) => this.#onResponse(response),
    });
    this.#app = new CallingApplication(this.#bench);
    this.#bench.setApplication(this.#app);
  }

  play(steps: readonly OutgoingStep[], gapMs: number): string[] {
    playOrder(this.#bench, {
      steps,
      gapMs,
      settleMs,
      begin: () => this.#app.call(),
      take: (step) => this.#take(step),
      hangUp: () => this.#app.hangUp(),
    });
    return this.#problems();
  }

  #take(step: OutgoingStep): void {
    const [what = '', fork = 'A'] = step.split(' ');
    if (isOwn(step)) this.#app.take(step);
    else if (step === '200 of another call')
      this.#respond(200, 'A', (text) => text.replace(/Call-ID: .*/, 'Call-ID: other'));
    else if (step === '200 with two Vias') {
      this.#respond(200, 'A', (text) => text.replace('From:', 'Via: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bK-x\r\nFrom:'));
    } else if (/^\d/.test(what)) this.#respond(Number(what), fork);
    else {
      this.#cseq += 1;
      const branch = `z9hG4bK-${what}-${this.#cseq}`;
      this.#answers.set(`${branch} ${what}`, new Set());
      this.#sendInDialog(what, fork, { branch, cseq: this.#cseq });
      if (what === 'BYE') this.#over.add(fork);
    }
  }

  #respond(status: number, fork: string, change = (text: string): string => text): void {
    if (this.#invite === undefined) return;
    this.#final ||= status >= 200;
    const isDescribed = status === 183 || status === 200;
    const headers = status === 183 ? ['Require: 100rel', `RSeq: ${(this.#rseq += 1)}`] : [];
    const toTag = status === 100 || status >= 300 ? '' : fork;
    const text = responseText(this.#invite, status, { toTag, headers, body: isDescribed ? sdp : '' });
    const changed = change(text);
    const isHeard = status === 200 && changed === text && !this.#refused;
    if (isHeard && !this.#answered.has(fork)) this.#answered.set(fork, { acks: 0 });
    this.#refused ||= status >= 300;
    this.#bench.peer.send(changed);
  }

  #sendInDialog(method: string, fork: string, { branch, cseq }: { branch: string; cseq: number }): void {
    const headers = this.#invite?.headers;
    const toTag = /;tag=([^;]+)/.exec(headers?.first('From') ?? '')?.[1] ?? '';
    const body = method === 'UPDATE' || method === 'INVITE' ? sdp : '';
    const callId = headers?.first('Call-ID') ?? '';
    this.#bench.peer.send(requestText(method, { fromTag: fork, toTag, callId, branch, cseq, body }));
  }

  #onRequest(request: SipRequest): void {
    const toTag = /;tag=([^;]+)/.exec(request.headers.first('To') ?? '')?.[1] ?? '';
    const party = this.#answered.get(toTag);
    switch (request.method) {
      case 'INVITE':
        if (toTag === '') this.#invite ??= request;
        else this.#bench.peer.send(responseText(request, 200, { body: sdp }));
        return;
      case 'ACK':
        if (party !== undefined) party.acks += 1;
        return;
      case 'BYE':
        this.#over.add(toTag);
        this.#bench.peer.send(responseText(request, 200));
        return;
      case 'CANCEL':
        this.#bench.peer.send(responseText(request, 200, { toTag: '' }));
        if (!this.#final && this.#invite !== undefined) this.#respond(487, '');
        return;
      default:
        this.#bench.peer.send(responseText(request, 200));
    }
  }

  #onResponse(response: SipResponse): void {
    const essentials = readEssentials(response);
    if (typeof essentials === 'string') throw new Error(`nobody can read an answer: ${essentials}`);
    const { via, cseq, fromTag = '' } = essentials;
    const branch = via.params.get('branch') ?? '';
    if (response.status < 200) return;
    this.#answers.get(`${branch} ${cseq.method}`)?.add(response.status);
    if (cseq.method !== 'INVITE') return;
    this.#sendInDialog('ACK', fromTag, { branch: response.status < 300 ? 'z9hG4bK-ack' : branch, cseq: cseq.number });
  }

  #problems(): string[] {
    const { stack, clock } = this.#bench;
    const problems = [...this.#app.problems()];
    for (const [request, answers] of this.#answers) {
      if (answers.size !== 1) problems.push(`${request} was answered with ${[...answers].join(' and ') || 'nothing'}`);
    }
    for (const [fork, { acks }] of this.#answered) {
      if (!this.#over.has(fork)) problems.push(`nobody hangs up with ${fork}, ${acks} ACKs`);
    }
    const left = [stack.dialogs.size, stack.transactions.serverCount, stack.transactions.clientCount];
    if ([...left, clock.pendingTimers].some((count) => count > 0)) {
      problems.push(`left: ${left.join(', ')}, timers ${clock.pendingTimers}`);
    }
    return problems;
  }
}

/** Calls, and keeps books. */
class CallingApplication extends RecordingApplication {
  readonly #bench: Bench;
  readonly #open = new Map<string, string>();
  #inviteId: string | undefined;
  #dialogId: string | undefined;
  #finals = 0;
  #isUp = false;
  #isGone = false;
  /** How it was told that its call is over; its own BYE may cross such a word. */
  readonly #ends = new Set<string>();
  #hungUp = false;
  readonly #faults: string[] = [];

  constructor(bench: Bench) {
    super();
    this.#bench = bench;
  }

  call(): void {
    const template: SipRequest = {
      ...command('INVITE', `sip:alice@${peerAddress}`, [['Supported', '100rel']]),
      body: Buffer.from(sdp),
    };
    this.#bench.stack.agent.sender.request(this, template, undefined, (result) => {
      this.#note('INVITE', result);
      if (!('refused' in result)) [this.#inviteId, this.#dialogId] = [result.transactionId, result.dialogId];
    });
  }

  take(step: OwnStep): void {
    if (this.#isGone) return;
    const { sender } = this.#bench.stack.agent;
    switch (step) {
      case 'app CANCEL':
        sender.cancel(this, this.#inviteId ?? '', command('CANCEL'), () => undefined);
        return;
      case 'app ACK':
        sender.acknowledge(this, this.#dialogId ?? '', command('ACK'), () => undefined);
        return;
      case 'app BYE':
        this.#order('BYE', []);
        return;
      case 'app gone':
        this.#isGone = true;
        this.#bench.setApplication(undefined);
        this.#bench.stack.agent.dropApplication(this);
    }
  }

  hangUp(): void {
    if (!this.#isGone && this.#isUp && !this.#isOver) this.#order('BYE', []);
  }

  problems(): string[] {
    const problems = [...this.#faults];
    if (this.#isGone) return problems;
    for (const [id, method] of this.#open) problems.push(`${method} ${id} of the application was never answered`);
    if (this.#finals !== 1) problems.push(`the application has ${this.#finals} final answers`);
    if (this.#isUp && !this.#isOver) problems.push('nobody told it that its call is over');
    if (this.#ends.size > 1) problems.push('it was told twice that its call is over');
    return problems;
  }

  get #isOver(): boolean {
    return this.#hungUp || this.#ends.size > 0;
  }

  override onRequest(event: IncomingEvent): void {
    if (this.#isGone) this.#faults.push('a request for an application that is gone');
    const { method } = event.arrival.message;
    if (method === 'BYE') this.#ends.add('BYE');
    else if (this.#isUp && this.#isOver) this.#faults.push(`${method} after the end`);
    this.#bench.clock.setTimer(1, () => {
      const body = method === 'INVITE' || method === 'UPDATE' ? sdp : '';
      if (!this.#isGone) this.#bench.stack.agent.respond(this, event.transactionId, answer(200, [], body));
    });
  }

  override onDialogEnded(): void {
    this.#ends.add('ended');
  }

  override onResponse({ transactionId, response }: ResponseEvent): void {
    if (this.#isGone) return;
    const method = this.#open.get(transactionId);
    const { status } = response;
    if (method === undefined) this.#faults.push(`${status} for nothing`);
    if (status < 200) {
      const rseq = response.headers.first('RSeq');
      if (rseq !== undefined) this.#order('PRACK', [['RAck', `${rseq} ${response.headers.first('CSeq')}`]]);
      return;
    }
    this.#open.delete(transactionId);
    if (method === 'BYE') this.#hungUp = true;
    if (method !== 'INVITE') return;
    this.#finals += 1;
    if (status >= 300) return;
    this.#isUp = true;
    // What ended before was a branch that only rang.
    this.#ends.clear();
    this.#hungUp = false;
  }

  #order(method: string, headers: [string, string][]): void {
    if (this.#dialogId === undefined) return;
    const template = command(method, 'sip:placeholder', headers);
    this.#bench.stack.agent.sender.requestInDialog(this, this.#dialogId, template, (result) =>
      this.#note(method, result),
    );
  }

  #note(method: string, result: Sent | Refusal): void {
    if (!('refused' in result)) this.#open.set(result.transactionId, method);
  }
}

function isOwn(step: OutgoingStep): step is OwnStep {
  return step.startsWith('app ');
}
