import type { Random } from '../../src/runtime/random';
import type { VirtualClock } from '../../src/runtime/virtual-clock';
import type { Application, IncomingEvent, Refusal, ResponseEvent, Sent } from '../../src/sip-server/application';
import type { Dialog } from '../../src/sip-server/dialog';
import type { SipRequest } from '../../src/sip-server/sip-message';
import type { UserAgent } from '../../src/sip-server/user-agent';
import { answer, command } from '../sip-server/test-peer';
import { below, pick } from './mutate';

const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const inDialog = ['INVITE', 'INFO', 'UPDATE', 'REFER', 'NOTIFY', 'OPTIONS', 'MESSAGE', 'BYE'];
const outside = ['INVITE', 'INVITE', 'INVITE', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'REFER'];
const inviteAnswers = [200, 200, 200, 200, 302, 486, 603];
const otherAnswers = [200, 200, 200, 202, 404, 488, 500];
/** An application that takes this long has gone to sleep: the server answers in its place. */
const slowMaxMs = 70_000;
const refusedBecauseBusy = /waiting in this dialog/;

interface FuzzApplicationOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  /** Whom it calls. */
  readonly target: string;
  agent(): UserAgent;
}

/** Does what an application may do, at random, and keeps books of it as an honest application would. */
export class FuzzApplication implements Application {
  readonly #options: FuzzApplicationOptions;
  /** Requests of ours that have no final answer yet. */
  readonly #open = new Map<string, string>();
  readonly #answered = new Set<string>();
  /** Calls and subscriptions that are up as far as we were told. */
  readonly #up = new Set<string>();
  readonly #over = new Set<string>();
  /** Calls that the server said to know nothing of; word that they are over may still be under way. */
  readonly #refusedIn = new Set<string>();
  readonly #problems: string[] = [];

  constructor(options: FuzzApplicationOptions) {
    this.#options = options;
  }

  /** One step: a request in a dialog or outside, or a CANCEL. */
  act(): void {
    const { random } = this.#options;
    const dialogId = this.#up.size > 0 ? pick([...this.#up], random) : undefined;
    const invite = [...this.#open].find(([, method]) => method === 'INVITE')?.[0];
    if (invite !== undefined && below(4, random) === 0) this.#cancel(invite);
    else if (dialogId !== undefined && below(3, random) > 0) this.#sendInDialog(dialogId, pick(inDialog, random));
    else this.#sendOutside(pick(outside, random));
  }

  hangUpAll(): void {
    for (const dialogId of this.#up) this.#sendInDialog(dialogId, 'BYE');
  }

  /** What is wrong now that everything has come to rest. */
  problems(dialogs: readonly Dialog[]): string[] {
    const problems = [...this.#problems];
    for (const [id, method] of this.#open) problems.push(`${method} ${id} was never answered`);
    for (const id of this.#refusedIn)
      if (this.#up.has(id)) problems.push(`a request in ${id} was refused, and it is up`);
    const known = new Set(dialogs.map(({ id }) => id));
    for (const { id, state } of dialogs)
      if (!this.#up.has(id)) problems.push(`${state} dialog ${id} belongs to nobody`);
    for (const id of this.#up) if (!known.has(id)) problems.push(`nobody was told that ${id} is over`);
    return problems;
  }

  onRequest(event: IncomingEvent): void {
    const { method } = event.arrival.message;
    if (method === 'BYE') this.#end(event.dialogId ?? '');
    const { clock, random } = this.#options;
    const first = below(20, random) === 0 ? below(slowMaxMs, random) : below(300, random);
    if (method === 'INVITE') this.#ring(event, first);
    else clock.setTimer(first, () => this.#respond(event, method === 'BYE' ? 200 : pick(otherAnswers, random)));
  }

  onAck(event: IncomingEvent): void {
    if (event.dialogId === undefined || this.#over.has(event.dialogId)) this.#problems.push('an ACK for nothing');
  }

  onCancel(): void {}

  onResponse({ transactionId, dialogId, response }: ResponseEvent): void {
    const method = this.#open.get(transactionId);
    const { status } = response;
    if (method === undefined) {
      this.#problems.push(
        `${status} for ${transactionId}, which is ${this.#answered.has(transactionId) ? 'answered' : 'unknown'}`,
      );
      return;
    }
    if (status < 200) {
      if (response.headers.has('RSeq') && dialogId !== undefined) this.#prack(dialogId, response.headers);
      return;
    }
    this.#open.delete(transactionId);
    this.#answered.add(transactionId);
    if (method === 'BYE') this.#end(dialogId ?? '', 'quietly');
    if (status >= 300 || dialogId === undefined) return;
    if (method === 'INVITE') this.#acknowledge(dialogId);
    if ((method === 'INVITE' || method === 'SUBSCRIBE') && !this.#over.has(dialogId)) this.#up.add(dialogId);
  }

  onDialogEnded({ dialogId }: { dialogId: string }): void {
    this.#end(dialogId);
  }

  onCdr(): void {}

  #ring(event: IncomingEvent, delayMs: number): void {
    const { clock, random } = this.#options;
    const isReliable = event.arrival.message.headers.has('Supported') && below(2, random) === 0;
    if (below(2, random) === 0) {
      const body = below(2, random) === 0 ? sdp : '';
      const headers: [string, string][] = isReliable ? [['Require', '100rel']] : [];
      clock.setTimer(delayMs / 2, () => {
        this.#options.agent().respond(this, event.transactionId, answer(183, headers, body));
      });
    }
    clock.setTimer(delayMs, () => this.#respond(event, pick(inviteAnswers, random)));
  }

  #respond(event: IncomingEvent, status: number): void {
    const { method } = event.arrival.message;
    const isSession = method === 'INVITE' || method === 'UPDATE';
    const body = isSession && status < 300 ? sdp : '';
    const result = this.#options.agent().respond(this, event.transactionId, answer(status, [], body));
    if ('refused' in result || result.dialogId === undefined || status >= 300) return;
    if ((method === 'INVITE' || method === 'SUBSCRIBE') && !this.#over.has(result.dialogId))
      this.#up.add(result.dialogId);
  }

  #sendOutside(method: string): void {
    const headers: [string, string][] =
      method === 'INVITE' && below(2, this.#options.random) === 0 ? [['Supported', '100rel']] : [];
    if (method === 'REFER') headers.push(['Refer-To', this.#options.target]);
    this.#options
      .agent()
      .sender.request(this, this.#compose(method, this.#options.target, headers), undefined, (result) =>
        this.#note(method, result),
      );
  }

  #sendInDialog(dialogId: string, method: string): void {
    const headers: [string, string][] = method === 'REFER' ? [['Refer-To', this.#options.target]] : [];
    const template = this.#compose(method, 'sip:placeholder', headers);
    this.#options.agent().sender.requestInDialog(this, dialogId, template, (result) => {
      if ('refused' in result && !refusedBecauseBusy.test(result.refused)) this.#refusedIn.add(dialogId);
      this.#note(method, result);
    });
  }

  #compose(method: string, uri: string, headers: [string, string][]): SipRequest {
    const withBody = method === 'INVITE' || (method === 'UPDATE' && below(2, this.#options.random) === 0);
    return { ...command(method, uri, headers), body: Buffer.from(withBody ? sdp : '') };
  }

  #note(method: string, result: Sent | Refusal): void {
    if ('refused' in result) return;
    if (this.#open.has(result.transactionId)) this.#problems.push('two requests of one name');
    this.#open.set(result.transactionId, method);
  }

  #cancel(transactionId: string): void {
    this.#options.agent().sender.cancel(this, transactionId, command('CANCEL'), () => undefined);
  }

  #acknowledge(dialogId: string): void {
    // Now and then an application forgets.
    if (below(15, this.#options.random) === 0) return;
    this.#options.agent().sender.acknowledge(this, dialogId, command('ACK'), () => undefined);
  }

  #prack(dialogId: string, headers: { first(name: string): string | undefined }): void {
    const rack = `${headers.first('RSeq') ?? ''} ${headers.first('CSeq') ?? ''}`;
    const template = command('PRACK', 'sip:placeholder', [['RAck', rack]]);
    this.#options.agent().sender.requestInDialog(this, dialogId, template, (result) => this.#note('PRACK', result));
  }

  #end(dialogId: string, how: 'told' | 'quietly' = 'told'): void {
    if (how === 'told' && this.#over.has(dialogId) && !this.#up.has(dialogId))
      this.#problems.push(`${dialogId} is over twice`);
    this.#up.delete(dialogId);
    this.#over.add(dialogId);
  }
}
