import type { IncomingEvent, Refusal, ResponseEvent, Sent } from '../../src/sip-server/application';
import { readEssentials } from '../../src/sip-server/essentials';
import type { SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import type { Bench } from '../sip-server/test-peer';
import { RecordingApplication, answer, command, requestText, responseText } from '../sip-server/test-peer';
import { benchHeardBy, playOrder } from './order';

const sdp = 'v=0\r\n';
const reliable: [string, string][] = [['Require', '100rel']];

const callerSteps = [
  ...(['CANCEL', 'ACK', 'BYE', 'PRACK', 'bad PRACK', 'UPDATE', 're-INVITE', 'INVITE again', 'merged'] as const),
] as const;
const ownSteps = ['app 180', 'app 183', 'app 200', 'app 486', 'app BYE', 'app INVITE', 'app gone'] as const;
type CallerStep = (typeof callerSteps)[number];
type OwnStep = (typeof ownSteps)[number];

/** What caller and application may do after the INVITE; whatever else must happen, happens by itself. */
export const incomingSteps = [...callerSteps, ...ownSteps];
export type IncomingStep = CallerStep | OwnStep;

const settleMs = 300_000;

/** One call to us, played in one order. */
export class IncomingOrder {
  readonly #bench: Bench;
  readonly #app: ScriptedApplication;
  /** The final answers to each request of the caller's, by branch and method. */
  readonly #answers = new Map<string, Set<string>>();
  #cseq = 1;
  #ourTag = 'unknown';
  #rseq = '1';
  #sawAnswer = false;
  #ended = false;

  constructor() {
    this.#bench = benchHeardBy({
      onRequest: (request) => this.#onRequest(request),
      onResponse: (response) => this.#onResponse(response),
    });
    this.#app = new ScriptedApplication(this.#bench);
    this.#bench.setApplication(this.#app);
  }

  /** Plays the steps with so long between them, lets everything end, and tells what is against the rules. */
  play(steps: readonly IncomingStep[], gapMs: number): string[] {
    playOrder(this.#bench, {
      steps,
      gapMs,
      settleMs,
      begin: () => this.#send('INVITE', { branch: 'z9hG4bK-first', headers: ['Supported: 100rel, timer'], body: sdp }),
      take: (step) => this.#take(step),
      hangUp: () => this.#app.hangUp(),
    });
    return this.#problems();
  }

  #take(step: IncomingStep): void {
    if (isOwn(step)) {
      this.#app.take(step);
      return;
    }
    if (step === 'BYE') this.#ended = true;
    this.#send(...this.#requestOf(step));
  }

  #requestOf(step: CallerStep): [method: string, parts: Parameters<typeof requestText>[1]] {
    const next = (): { cseq: number; toTag: string; branch: string } => {
      this.#cseq += 1;
      return { cseq: this.#cseq, toTag: this.#ourTag, branch: `z9hG4bK-${this.#cseq}` };
    };
    switch (step) {
      case 'CANCEL':
        return ['CANCEL', { branch: 'z9hG4bK-first' }];
      case 'ACK':
        return ['ACK', { branch: 'z9hG4bK-ack', toTag: this.#ourTag }];
      case 'BYE':
        return ['BYE', next()];
      case 'PRACK':
        return ['PRACK', { ...next(), headers: [`RAck: ${this.#rseq} 1 INVITE`] }];
      case 'bad PRACK':
        return ['PRACK', { ...next(), headers: [`RAck: ${this.#rseq} 2 INVITE`] }];
      case 'UPDATE':
        return ['UPDATE', { ...next(), body: sdp }];
      case 're-INVITE':
        return ['INVITE', { ...next(), body: sdp }];
      case 'INVITE again':
        return ['INVITE', { branch: 'z9hG4bK-first', headers: ['Supported: 100rel, timer'], body: sdp }];
      case 'merged':
        return ['INVITE', { branch: 'z9hG4bK-other', body: sdp }];
    }
  }

  #send(method: string, parts: Parameters<typeof requestText>[1]): void {
    if (method !== 'ACK') {
      const key = `${parts?.branch} ${method}`;
      if (!this.#answers.has(key)) this.#answers.set(key, new Set());
    }
    this.#bench.peer.send(requestText(method, parts));
  }

  #onRequest(request: SipRequest): void {
    if (request.method === 'BYE') this.#ended = true;
    if (request.method === 'ACK') return;
    const body = request.method === 'INVITE' ? sdp : '';
    this.#bench.peer.send(responseText(request, 200, { body }));
  }

  #onResponse(response: SipResponse): void {
    const essentials = readEssentials(response);
    if (typeof essentials === 'string') throw new Error(`nobody can read an answer: ${essentials}`);
    const { via, cseq, toTag } = essentials;
    const branch = via.params.get('branch') ?? '';
    if (branch === 'z9hG4bK-first' && cseq.method === 'INVITE' && toTag !== undefined) this.#ourTag = toTag;
    this.#rseq = response.headers.first('RSeq') ?? this.#rseq;
    if (response.status < 200) return;
    this.#answers.get(`${branch} ${cseq.method}`)?.add(`${response.status} ${toTag ?? ''}`);
    if (cseq.method !== 'INVITE') return;
    const tagged = toTag === undefined ? {} : { toTag };
    if (response.status >= 300) this.#bench.peer.send(requestText('ACK', { branch, cseq: cseq.number, ...tagged }));
    else if (branch === 'z9hG4bK-first') this.#sawAnswer = true;
    else this.#bench.peer.send(requestText('ACK', { branch: `${branch}-ack`, cseq: cseq.number, ...tagged }));
  }

  #problems(): string[] {
    const { stack, clock } = this.#bench;
    const problems = [...this.#app.problems()];
    for (const [request, answers] of this.#answers) {
      if (answers.size !== 1) problems.push(`${request} was answered with ${[...answers].join(' and ') || 'nothing'}`);
    }
    if (this.#sawAnswer && !this.#ended) problems.push('the caller has a call that nobody hangs up');
    const left = [stack.dialogs.size, stack.transactions.serverCount, stack.transactions.clientCount];
    if ([...left, clock.pendingTimers].some((count) => count > 0)) {
      problems.push(`left: ${left.join(', ')}, timers ${clock.pendingTimers}`);
    }
    return problems;
  }
}

/** Answers what it gets, and keeps books. */
class ScriptedApplication extends RecordingApplication {
  readonly #bench: Bench;
  readonly #open = new Map<string, string>();
  #invite: IncomingEvent | undefined;
  #dialogId: string | undefined;
  #isGone = false;
  #answered = false;
  /** How it was told that its call is over; its own BYE may cross such a word. */
  readonly #ends = new Set<string>();
  #hungUp = false;
  readonly #faults: string[] = [];

  constructor(bench: Bench) {
    super();
    this.#bench = bench;
  }

  take(step: OwnStep): void {
    if (this.#isGone) return;
    switch (step) {
      case 'app 180':
        this.#respond(this.#invite, answer(180));
        return;
      case 'app 183':
        this.#respond(this.#invite, answer(183, reliable, sdp));
        return;
      case 'app 200':
        this.#respond(this.#invite, answer(200, [], sdp));
        return;
      case 'app 486':
        this.#respond(this.#invite, answer(486));
        return;
      case 'app BYE':
        this.#order('BYE');
        return;
      case 'app INVITE':
        this.#order('INVITE');
        return;
      case 'app gone':
        this.#isGone = true;
        this.#bench.setApplication(undefined);
        this.#bench.stack.agent.dropApplication(this);
    }
  }

  hangUp(): void {
    if (!this.#isGone && this.#answered && !this.#isOver) this.#order('BYE');
  }

  problems(): string[] {
    const problems = [...this.#faults];
    if (this.#isGone) return problems;
    for (const [id, method] of this.#open) problems.push(`${method} ${id} of the application was never answered`);
    if (this.#answered && !this.#isOver) problems.push('nobody told the application that its call is over');
    if (this.#ends.size > 1) problems.push('the application was told twice that its call is over');
    return problems;
  }

  get #isOver(): boolean {
    return this.#hungUp || this.#ends.size > 0;
  }

  override onRequest(event: IncomingEvent): void {
    if (this.#isGone) this.#faults.push('a request for an application that is gone');
    const { method } = event.arrival.message;
    if (method === 'INVITE' && event.dialogId === undefined) {
      this.#invite ??= event;
      if (this.#invite !== event) this.#respond(event, answer(486));
      return;
    }
    if (method === 'BYE') this.#ends.add('BYE');
    else if (this.#isOver) this.#faults.push(`${method} after the end`);
    this.#bench.clock.setTimer(1, () => {
      this.#respond(event, answer(200, [], method === 'INVITE' || method === 'UPDATE' ? sdp : ''));
    });
  }

  override onAck(): void {
    if (!this.#answered && !this.#isGone) this.#faults.push('an ACK for nothing');
  }

  override onDialogEnded(): void {
    this.#ends.add('ended');
  }

  override onResponse({ transactionId, dialogId, response }: ResponseEvent): void {
    const method = this.#open.get(transactionId);
    if (method === undefined) this.#faults.push(`${response.status} for nothing`);
    if (response.status < 200 || method === undefined) return;
    this.#open.delete(transactionId);
    if (method === 'BYE') this.#hungUp = true;
    if (method !== 'INVITE' || response.status >= 300 || dialogId === undefined) return;
    this.#bench.stack.agent.sender.acknowledge(this, dialogId, command('ACK'), () => undefined);
  }

  #respond(event: IncomingEvent | undefined, response: SipResponse): void {
    if (event === undefined || this.#isGone) return;
    const result = this.#bench.stack.agent.respond(this, event.transactionId, response);
    if (event !== this.#invite || 'refused' in result) return;
    this.#dialogId = result.dialogId ?? this.#dialogId;
    if (response.status === 200) this.#answered = true;
  }

  #order(method: string): void {
    if (this.#dialogId === undefined) return;
    const template = { ...command(method), body: Buffer.from(method === 'INVITE' ? sdp : '') };
    this.#bench.stack.agent.sender.requestInDialog(this, this.#dialogId, template, (result: Sent | Refusal) => {
      if (!('refused' in result)) this.#open.set(result.transactionId, method);
    });
  }
}

function isOwn(step: IncomingStep): step is OwnStep {
  return step.startsWith('app ');
}
