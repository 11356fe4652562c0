import type { Timer } from '../runtime/clock';
import type { AgentContext } from './agent-context';
import { parseDecimal } from './scanner';
import { Retransmitter, transactionLimitMs } from './retransmitter';
import type { SipRequest, SipResponse } from './sip-message';
import { serializeMessage } from './sip-message';

/** Reliable provisional responses that may wait for the one before them. */
const queueMax = 4;
/** RFC 3262 section 3: the first RSeq is below 2^31. */
const firstRSeqMax = 0x7fff_ffff;

interface ReliableUser {
  send(response: SipResponse): Buffer | undefined;
  /** No PRACK came in time. */
  onTimeout(): void;
}

/** Our reliable provisional responses to one INVITE, one at a time (RFC 3262 section 3). */
export class ReliableProvisionals {
  readonly #context: AgentContext;
  readonly #user: ReliableUser;
  readonly #queue: SipResponse[] = [];
  readonly #repeat: Retransmitter;
  #rseq: number;
  #current: SipResponse | undefined;
  #timer: Timer | undefined;

  constructor(context: AgentContext, user: ReliableUser) {
    this.#context = context;
    this.#user = user;
    this.#rseq = Math.floor(context.random.fraction() * (firstRSeqMax / 2));
    this.#repeat = new Retransmitter(context.clock, { capMs: Infinity, resend: () => this.#resend() });
  }

  /** Sends, or queues behind the one that waits for its PRACK. The octets it is or will be; undefined when too many wait. */
  send(response: SipResponse): Buffer | undefined {
    if (this.#queue.length >= queueMax) return undefined;
    this.#rseq += 1;
    response.headers.add('RSeq', String(this.#rseq));
    if (this.#current === undefined) return this.#start(response);
    this.#queue.push(response);
    return serializeMessage(response);
  }

  /** RAck holds RSeq, CSeq number and method (section 7.2). */
  receivePrack(prack: SipRequest, inviteCSeq: number): boolean {
    const [rseq = '', cseq = '', method] = (prack.headers.first('RAck') ?? '').split(/[ \t]+/);
    const wanted = this.#current?.headers.first('RSeq');
    const matches = wanted === rseq && parseDecimal(cseq, 0xffff_ffff) === inviteCSeq && method === 'INVITE';
    if (!matches) return false;
    this.#halt();
    const next = this.#queue.shift();
    if (next !== undefined) this.#start(next);
    return true;
  }

  /** A final response makes all of them pointless. */
  stop(): void {
    this.#halt();
    this.#queue.length = 0;
  }

  #start(response: SipResponse): Buffer | undefined {
    this.#current = response;
    this.#repeat.start();
    this.#timer = this.#context.clock.setTimer(transactionLimitMs, () => this.#onTimeout());
    return this.#user.send(response);
  }

  #halt(): void {
    this.#current = undefined;
    this.#repeat.stop();
    this.#timer?.cancel();
  }

  #resend(): void {
    if (this.#current === undefined) return;
    this.#context.stats.retransmissionsSent += 1;
    this.#user.send(this.#current);
  }

  #onTimeout(): void {
    this.#context.stats.prackTimeouts += 1;
    this.stop();
    this.#user.onTimeout();
  }
}
